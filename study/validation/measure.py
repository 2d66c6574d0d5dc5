"""Train the injections and decide their traces; one row per replica."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import torch
from torch import Tensor

from study.outcomes.decision import decide
from study.validation import ground_truth
from study.validation.confusion import Case, Measurement
from study.validation.fault import Fault
from study.validation.ground_truth import State
from study.validation.interventions import InjectedGame, Training
from trainables import features, games, probes
from trainables.config import digest
from trainables.data import ImageTruth, Source
from trainables.loop import Loop
from trainables.reporting import report_steps
from trainables.trace import Row, Trace
from trainables.versions import device_name, versions

STACK = 64
Judge = Callable[[Tensor, Tensor | None], State]


@dataclass(frozen=True, slots=True)
class Assignment:
    """An injection and the seed of one replica with it."""

    injection: Fault
    seed: int


def allot(injections: Sequence[Fault], seeds: int, first: int) -> tuple[Assignment, ...]:
    """Give every failure ``seeds`` seeds, from ``first`` on and no seed twice, divided among its severities in turn.

    Args:
        injections: all injections; those of one name are consecutive.
        seeds: number of seeds per name.
        first: the first seed of all.

    Raises:
        ValueError: if a severity would get none.
    """
    result = []
    for place, (name, group) in enumerate(groupby(injections, key=lambda injection: injection.name)):
        severities = list(group)
        if seeds < len(severities):
            raise ValueError(f"seeds must be >= {len(severities)}, the severities of {name}, got {seeds}")
        for i in range(seeds):
            result.append(Assignment(severities[i % len(severities)], first + place * seeds + i))
    return tuple(result)


def stacks(assignments: Sequence[Assignment]) -> tuple[tuple[Assignment, ...], ...]:
    """Group replicas of one configuration and one intervention in the updates into stacks of at most ``STACK``."""
    together: dict[tuple[str, Training | None], list[Assignment]] = {}
    for each in assignments:
        together.setdefault((digest(each.injection.config), each.injection.training), []).append(each)
    return tuple(tuple(group[i : i + STACK]) for group in together.values() for i in range(0, len(group), STACK))


def measure(
    kind: str,
    injections: Sequence[Fault],
    seeds: int,
    first: int,
    *,
    cache: Path,
    progress: Callable[[str], None],
) -> Measurement:
    """Run all injections, on the GPU if there is one.

    Args:
        kind: kind of the data, for the measurement.
        injections: all injections; those of one name are consecutive.
        seeds: number of seeds per name.
        first: the first seed of all.
        cache: folder of trained feature nets.
        progress: receives a line before each stack.
    """
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    began = time.perf_counter()
    cases: list[Case] = []
    assignments = allot(injections, seeds, first)
    for stack in stacks(assignments):
        names = ", ".join(dict.fromkeys(each.injection.name for each in stack))
        progress(f"{len(cases)} of {len(assignments)} done; {len(stack)} replicas of {names}")
        cases += run(stack, cache=cache, device=device)
    return Measurement(
        kind=kind,
        device=device_name(device),
        versions=versions(),
        seconds=time.perf_counter() - began,
        cases=tuple(sorted(cases, key=lambda case: case.seed)),
    )


def run(stack: Sequence[Assignment], *, cache: Path, device: torch.device) -> list[Case]:
    """Train one stack, like a block of a study, and decide it by the rules of its injections.

    Args:
        stack: replicas of one configuration and one intervention in the updates.
        cache: folder of trained feature nets.
        device: where to train.
    """
    config = stack[0].injection.config
    source = config.data.load(device=device, dtype=getattr(torch, config.dtype))
    truth = source.truth
    feature = features.obtain(truth, source.digest, cache) if isinstance(truth, ImageTruth) else None
    measured = probes.probes_for(config, source, feature, device=device)
    game = InjectedGame(
        games.build(config),
        training=stack[0].injection.training,
        samplings=[each.injection.sampling for each in stack],
    )
    loop = Loop(config, [each.seed for each in stack], source, measured, device=device, game=game)
    rows, seen = _train(loop, [each.injection for each in stack], judge_for(source))
    trace = Trace(meta={"reference": probes.constants(measured)}, rows=rows)
    return [_case(each.injection, trace, each.seed, states) for each, states in zip(stack, seen, strict=True)]


def _train(loop: Loop, injections: Sequence[Fault], judge: Judge) -> tuple[list[Row], list[list[State]]]:
    """Train; return the trace's rows, and the states of each replica at its looks and at the end."""
    steps, training = loop.config.steps, injections[0].training
    due = frozenset(report_steps(steps, loop.config.evaluation.every))
    rows, seen = list(loop.report()), [list[State]() for _ in injections]
    while loop.step < steps and bool(loop.finite.any()):
        _look(loop, judge, {i: seen[i] for i, each in enumerate(injections) if loop.step in each.looks})
        if training is not None:
            training.before(loop)
        loop.advance()
        if loop.step in due:
            rows += loop.report()
    if rows[-1]["step"] != loop.step:
        rows += loop.report()
    _look(loop, judge, dict(enumerate(seen)))
    return rows, seen


def _look(loop: Loop, judge: Judge, seen: Mapping[int, list[State]]) -> None:
    """Append the states of some replicas, from latents that no report uses: they follow the reports' latents."""
    if not seen:
        return
    used = loop.config.evaluation.samples
    samples, labels = loop.draw(used + ground_truth.SAMPLES)
    for i, states in seen.items():
        states.append(judge(samples[i, used:], None if labels is None else labels[i, used:]))


def judge_for(source: Source) -> Judge:
    """Return the judge of samples of this data, by ``ground_truth.mixture_state`` or ``ground_truth.image_state``."""
    truth = source.truth
    if not isinstance(truth, ImageTruth):
        real = _points(source.reference(ground_truth.SAMPLES))
        return lambda samples, _: ground_truth.mixture_state(_points(samples), real)
    assert truth.labels is not None
    images = _points(truth.images.to(torch.float64) / 127.5 - 1)
    labels, typical = truth.labels.numpy(), ground_truth.nearest_other(images)

    def judge(samples: Tensor, asked: Tensor | None) -> State:
        classes = None if asked is None else asked.cpu().numpy()
        return ground_truth.image_state(_points(samples), classes, images, labels, typical)

    return judge


def _points(samples: Tensor) -> ground_truth.Points:
    flat: ground_truth.Points = samples.flatten(1).to(device="cpu", dtype=torch.float64).numpy()
    return flat


def _case(injection: Fault, trace: Trace, seed: int, seen: Sequence[State]) -> Case:
    known = injection.expected if not injection.premise or seen[0] is State.GOOD else None
    expected = ground_truth.expected_from(seen) if known is None else known
    return Case(
        injection=injection.name,
        severity=injection.severity,
        seed=seed,
        truth="measured" if known is None else "construction",
        expected=expected,
        decided=decide(trace.replica(seed), injection.rule).outcome,
        states=tuple(state.value for state in seen),
        confirmed=ground_truth.confirms(expected, seen),
        rule=injection.rule.label(),
    )
