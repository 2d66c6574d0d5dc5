"""The LSGAN authors' ring of eight Gaussians, replica by replica, as a table in Markdown.

    uv run study run mixture-modes --profile paper
    uv run python benchmarks/ring_replication/table.py runs/mixture-modes/<launch>

Per loss and seed of the official ring: modes that own at least one of the 2,500 samples (the literature's count) and
the share of samples within the radius, at 3, 10 and 30 standard deviations; the same count at 10 along the training,
step 0 first; and the outcome, which asks a share floor and a window. Then per loss how many replicas have all modes,
and how many converged, with 95 % Wilson intervals.
"""

import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from study.evidence.inference.proportions import wilson
from study.storage.records import Record
from study.storage.store import Store
from trainables.trace import ReplicaTrace

RADII = (3, 10, 30)


def main(root: Path) -> None:
    store = Store(root)
    plan = store.plan()
    traces = {
        (block.cell.index, seed): trace.replica(seed)
        for block in plan.blocks()
        if (trace := store.trace(block)) is not None
        for seed in block.seeds
    }
    official = [r for r in store.records() if r.levels.get("ring", "official") == "official"]
    done = [(r, traces[r.cell, r.seed]) for r in official if (r.cell, r.seed) in traces]
    print("| loss | seed | " + " | ".join(f"modes / HQ at {radius} sd" for radius in RADII), end=" | ")
    print("modes at 10 sd along the training | outcome |")
    print("|---|---|" + "---|" * len(RADII) + "---|---|")
    for record, trace in done:
        print(row(record, trace))
    print()
    summary(done)


def row(record: Record, trace: ReplicaTrace) -> str:
    cells = [f"{modes(trace, r)[-1]} / {trace.columns[f'hq_share_r{r}'][-1]:.3f}" for r in RADII]
    every = max(1, (len(trace) - 1) // 8)
    course = " ".join(str(count) for count in modes(trace, 10)[::every])
    values = (record.levels["objective"], record.seed, *cells, course, record.outcome.value.replace("_", " "))
    return f"| {' | '.join(map(str, values))} |"


def modes(trace: ReplicaTrace, radius: int) -> np.ndarray:
    """``[T]``: modes with at least one sample within the radius."""
    counts: np.ndarray = (trace.columns[f"mode_share_r{radius}"] > 0).sum(axis=1)
    return counts


def summary(done: list[tuple[Record, ReplicaTrace]]) -> None:
    groups: dict[str, list[tuple[Record, ReplicaTrace]]] = defaultdict(list)
    for record, trace in done:
        groups[record.levels["objective"]].append((record, trace))
    print("| loss | replicas | all 8 modes at 10 sd | converged | median HQ at 3 / 10 / 30 sd |")
    print("|---|---|---|---|---|")
    for objective, own in groups.items():
        covered = wilson(sum(modes(trace, 10)[-1] == 8 for _, trace in own), len(own))
        converged = wilson(sum(record.outcome.value == "converged" for record, _ in own), len(own))
        medians = [f"{np.median([t.columns[f'hq_share_r{r}'][-1] for _, t in own]):.3f}" for r in RADII]
        shares = [f"{r.successes} of {r.n} [{r.low:.2f}, {r.high:.2f}]" for r in (covered, converged)]
        print(f"| {objective} | {len(own)} | {' | '.join(shares)} | {' / '.join(medians)} |")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
