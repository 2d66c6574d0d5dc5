"""Populations against separate runs at equal compute, where the learning rate is 30 times too large.

    uv run python benchmarks/population/demonstrate.py

A least-squares GAN on the ring, about five minutes on one core. Prints the table and the schedules of
docs/explanation/population.md. Every arm of populations trains the same number of networks for the same number of
steps. Last, the schedule of the fittest population of the last arm is played to single networks with fresh seeds.
"""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch

from study.evidence.inference.proportions import wilson
from study.outcomes.decision import Decision, decide
from study.outcomes.outcome import Outcome
from study.outcomes.rule import MIXTURE_RULE
from trainables.config import Evaluation, GanConfig, Latent
from trainables.data import Ring
from trainables.loop import Loop
from trainables.networks import Mlp
from trainables.objectives import LeastSquares
from trainables.optim import Adam
from trainables.population import Population, schedule
from trainables.probes import probes_for
from trainables.reporting import report_steps
from trainables.trace import ReplicaTrace

CPU = torch.device("cpu")
GOOD, TIMES = 1e-3, 30
SINGLE, POPULATIONS, FRESH = range(100, 120), range(10), range(200, 220)
NET = Mlp(hidden=(64, 64))
BASE = GanConfig(
    data=Ring(),
    generator=NET,
    discriminator=NET,
    objective=LeastSquares(),
    latent=Latent(dim=2, distribution="normal"),
    g_optimizer=Adam(lr=GOOD * TIMES),
    d_optimizer=Adam(lr=GOOD * TIMES),
    batch_size=64,
    steps=1_500,
    evaluation=Evaluation(every=100, samples=256),
)
SELECTED = Population(members=8, every=50)
APART = replace(SELECTED, every=BASE.steps)
ARMS = (
    ("one network, lr 30 times too large", None, SINGLE),
    ("best of 8 networks, no selection", APART, POPULATIONS),
    ("population of 8", SELECTED, POPULATIONS),
    ("best of 8, lr drawn within a factor of 10", replace(APART, spread=10.0), POPULATIONS),
    ("population of 8, first lr drawn within a factor of 10", replace(SELECTED, spread=10.0), POPULATIONS),
)


def trained(config: GanConfig, seeds: Sequence[int], factors: Sequence[float] = ()) -> list[ReplicaTrace]:
    """Traces of the seeds.

    Args:
        factors: on both learning rates, one for each report; each holds for the steps that lead up to it.
    """
    source = config.data.load(device=CPU, dtype=torch.float32)
    probes = probes_for(config, source, None, device=CPU)
    loop = Loop(config, seeds, source, probes, device=CPU)
    due, rows = report_steps(config.steps, config.evaluation.every), [loop.report()]
    now = 1.0
    for _ in range(config.steps):
        if factors and loop.step in due:
            wanted = factors[due.index(loop.step) + 1]
            for phase in ("d", "g"):
                loop.scale_rate(phase, wanted / now)
            now = wanted
        loop.advance()
        if loop.step in due:
            rows.append(loop.report())
    reference = {name: value.numpy() for probe in probes for name, value in probe.reference.items()}
    return [
        ReplicaTrace(seed, {name: np.array([row[i][name] for row in rows]) for name in rows[0][i]}, reference)
        for i, seed in enumerate(seeds)
    ]


def line(name: str, decisions: Sequence[Decision], seconds: float) -> str:
    good = sum(decision.outcome is Outcome.CONVERGED for decision in decisions)
    interval = wilson(good, len(decisions))
    others = Counter(decision.outcome.value for decision in decisions if decision.outcome is not Outcome.CONVERGED)
    failed = ", ".join(f"{count} {outcome}" for outcome, count in others.most_common()) or "-"
    rate = f"{good} of {len(decisions)} ({interval.low:.2f} to {interval.high:.2f})"
    return f"| {name} | {rate} | {failed} | {seconds:.0f} s |"


def main() -> None:
    torch.set_num_threads(1)
    good = Adam(lr=GOOD)
    told(f"one network, lr {GOOD:g}", replace(BASE, g_optimizer=good, d_optimizer=good), SINGLE)
    for name, population, seeds in ARMS:
        traces = told(name, replace(BASE, population=population), seeds)
        if population is not None and population.every < BASE.steps:
            for trace in traces:
                print(f"  seed {trace.seed}:", *(f"{GOOD * TIMES * own:.2g}" for own in rates(trace)[::3]))
    fittest = max(traces, key=lambda trace: trace.columns["population_fitness"][-1])
    told(f"one network, schedule of seed {fittest.seed} above", BASE, FRESH, rates(fittest))


def told(name: str, config: GanConfig, seeds: Sequence[int], factors: Sequence[float] = ()) -> list[ReplicaTrace]:
    began = time.process_time()
    traces = trained(config, seeds, factors)
    print(line(name, [decide(own, MIXTURE_RULE) for own in traces], time.process_time() - began), flush=True)
    return traces


def rates(trace: ReplicaTrace) -> list[float]:
    """The factor on the learning rate at every report, along the line of the last best member's ancestors."""
    return schedule(trace.columns)["lr_scale"].tolist()


if __name__ == "__main__":
    main()
