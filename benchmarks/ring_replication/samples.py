"""What the replicas of the ring's table generate, as a picture, and what the rule of today calls them.

    uv run python benchmarks/ring_replication/samples.py docs/results/ring_samples.png

Trains the profile ``paper`` of ``mixture-modes`` on the official ring for 15,000 steps: three losses, seeds 0 to 9, one
stack per loss. Prints a table in Markdown: outcome, measures at the end, and the share of samples whose angle is within
a quarter of the spacing of a mode's angle (0.5 on a bare circle), at 5,000, 10,000 and 15,000 steps.
"""

import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from matplotlib.figure import Figure

import study
from study.outcomes.decision import Decision, decide
from trainables import probes
from trainables.config import GanConfig
from trainables.loop import Loop
from trainables.reporting import report_steps
from trainables.trace import Trace

LOSSES = ("ls(0,1,1)", "ls(-1,1,0)", "ns")
SEEDS = range(10)
STEPS = 15_000
LOOKS = (5_000, 10_000, STEPS)
SAMPLES = 2_500
CPU = torch.device("cpu")
Points = npt.NDArray[np.float32]


def main(picture: Path) -> None:
    torch.set_num_threads(1)
    plan = study.plan("mixture-modes", "paper", set={"steps": STEPS})
    print(
        "| loss | seed | outcome | quality | modes covered | balance | beside a mode's angle at 5 / 10 / 15 thousand |"
    )
    print("|---|---|---|---|---|---|---|")
    shown = {}
    for loss in LOSSES:
        levels = {"objective": loss, "ring": "official"}
        (config,) = (cell.config for cell in plan.cells if levels.items() <= cell.levels.items())
        assert isinstance(config, GanConfig)
        trace, seen = train(config)
        shown[loss] = [(decide(trace.replica(seed), plan.rule), seen[STEPS][seed]) for seed in SEEDS]
        for seed, (decision, _) in enumerate(shown[loss]):
            print(row(loss, seed, decision, [at_angles(seen[step][seed]) for step in LOOKS]), flush=True)
    draw(shown, picture)


def train(config: GanConfig) -> tuple[Trace, dict[int, Points]]:
    """Return the trace of all seeds, and samples ``[seeds, SAMPLES, 2]`` at each look."""
    source = config.data.load(device=CPU, dtype=torch.float32)
    measured = probes.probes_for(config, source, None, device=CPU)
    loop = Loop(config, list(SEEDS), source, measured, device=CPU)
    due = frozenset(report_steps(config.steps, config.evaluation.every))
    rows, seen = list(loop.report()), {}
    while loop.step < config.steps:
        loop.advance()
        if loop.step in due:
            rows += loop.report()
        if loop.step in LOOKS:
            seen[loop.step] = loop.sample(SAMPLES).numpy()
    return Trace(meta={"reference": probes.constants(measured)}, rows=rows), seen


def at_angles(points: Points) -> float:
    """Return the share whose angle is within 1/32 of a turn of one of eight modes' angles."""
    turns = np.arctan2(points[:, 1], points[:, 0]) / (2 * np.pi) * 8
    return float((np.abs(turns - np.round(turns)) < 0.25).mean())


def row(loss: str, seed: int, decision: Decision, angles: list[float]) -> str:
    ends = " | ".join(f"{decision.evidence.get(name, np.nan):.2f}" for name in ("quality", "coverage", "balance"))
    borderline = ", borderline" if decision.borderline else ""
    outcome = decision.outcome.value.replace("_", " ") + borderline
    return f"| {loss} | {seed} | {outcome} | {ends} | {' / '.join(f'{share:.2f}' for share in angles)} |"


def draw(shown: dict[str, list[tuple[Decision, Points]]], picture: Path) -> None:
    turns = np.arange(8) / 8 * 2 * np.pi
    modes = np.stack([np.cos(turns), np.sin(turns)])
    figure = Figure(figsize=(15, 5.2), layout="constrained")
    for axes_row, (loss, replicas) in zip(figure.subplots(len(shown), len(SEEDS)), shown.items(), strict=True):
        for seed, (axes, (decision, points)) in enumerate(zip(axes_row, replicas, strict=True)):
            axes.scatter(*points.T, s=0.3, color="#1f4e79", linewidths=0)
            axes.scatter(*modes, s=60, facecolors="none", edgecolors="#c0392b", linewidths=0.5)
            axes.set(xlim=(-1.5, 1.5), ylim=(-1.5, 1.5), xticks=[], yticks=[], aspect="equal")
            axes.set_title(f"{loss}, {seed}\n{decision.outcome.value.replace('_', ' ')}", fontsize=8)
    figure.savefig(picture, dpi=110)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
