"""Send impostors through the probes and the rule of a study, and say which label each gets at each dose."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import torch

from study.outcomes.decision import decide
from study.outcomes.rule import IMAGE_RULE, MIXTURE_RULE, OutcomeRule
from study.validation import digits, ring
from study.validation.bench import CPU, Bench, Sampled, as_samples
from study.validation.impostors.images import IMAGES
from study.validation.impostors.impostor import Impostor, Kind
from study.validation.impostors.points import POINTS
from study.validation.impostors.results import Panel, Trial
from trainables.conditioning import Unconditional
from trainables.config import Evaluation, GanConfig
from trainables.data import Digits
from trainables.data.source import ImageSource, ImageTruth, Source
from trainables.loop import Loop
from trainables.networks import Mlp
from trainables.versions import versions

IMPOSTORS: dict[Kind, tuple[Impostor, ...]] = {"mixture": POINTS, "images": IMAGES}
RULES: dict[Kind, OutcomeRule] = {"mixture": MIXTURE_RULE, "images": IMAGE_RULE}
SEEDS = 3
HELD_OUT = 0.4
"""Share of the digits that is held out here: enough for a row of new images without doubles."""


def base(kind: Kind) -> GanConfig:
    """Return the configuration whose data, samples per row and untrained generator the impostors have."""
    if kind == "mixture":
        return ring.BASE
    net = digits.BASE.generator
    assert isinstance(net, Mlp)
    return replace(
        digits.BASE,
        data=Digits(side=16),
        conditioning=Unconditional(),
        generator=replace(net, norm="none"),
        evaluation=Evaluation(every=digits.BASE.evaluation.every, samples=512),
    )


def data(kind: Kind) -> Source:
    """Return the data of the impostors of a kind; digits with a larger held-out part."""
    source = base(kind).data.load(device=CPU, dtype=torch.float32)
    if isinstance(source.truth, ImageTruth):
        return ImageSource(source.truth, device=CPU, dtype=torch.float32, held_out=HELD_OUT)
    return source


def bench(kind: Kind, cache: Path | None) -> Bench:
    """Return the bench of one kind of data."""
    return Bench(base(kind), cache=cache, source=data(kind))


def measure(
    kind: Kind, seeds: Sequence[int], *, cache: Path | None, progress: Callable[[str], None] = lambda line: None
) -> Panel:
    """Measure all impostors of a kind at all doses, one trial per seed.

    Args:
        kind: kind of the data.
        seeds: the seeds of the impostors' random numbers.
        cache: folder of trained feature nets.
        progress: receives a line before each impostor.
    """
    began, where, trials = time.perf_counter(), bench(kind, cache), list[Trial]()
    for number, impostor in enumerate(IMPOSTORS[kind]):
        progress(f"{number} of {len(IMPOSTORS[kind])} impostors done; {impostor.name}")
        for dose in impostor.doses:
            trials += judged(where, impostor, dose, seeds, RULES[kind])
    return Panel(
        kind=kind,
        rule=RULES[kind].label(),
        versions=versions(),
        seconds=time.perf_counter() - began,
        trials=tuple(trials),
    )


def judged(where: Bench, impostor: Impostor, dose: float, seeds: Sequence[int], rule: OutcomeRule) -> list[Trial]:
    """Return the trial of every seed of an impostor at one dose."""
    trace = where.trace(_rows(where, impostor, dose, seeds), seeds)
    found = [(seed, decide(trace.replica(seed), rule)) for seed in seeds]
    return [
        Trial(
            impostor=impostor.name,
            dose=dose,
            seed=seed,
            decided=decision.outcome,
            borderline=decision.borderline,
            evidence={name: round(value, 3) for name, value in decision.evidence.items() if name in _KEPT},
        )
        for seed, decision in found
    ]


_KEPT = (
    "quality", "coverage", "balance", "diversity", "spacing", "support", "precision", "recall", "distinctness",
    "memorization", "residue",
)  # fmt: skip


def _rows(where: Bench, impostor: Impostor, dose: float, seeds: Sequence[int]) -> Iterator[Sampled]:
    untrained = Loop(where.config, list(seeds), where.source, [], device=CPU)
    yield Sampled(untrained.sample(where.count).cpu())
    for row in range(1, impostor.rows + 1):
        yield Sampled(as_samples([impostor.samples(where.source, seed, row, where.count, dose) for seed in seeds]))
