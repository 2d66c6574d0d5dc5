"""Does another order of rounding change what becomes of replicas? Compares two launches of the same cells and seeds.

    python -m benchmarks.agreement --seeds 13 --out runs/agreement --to agreement.json
    python -m benchmarks.agreement ONE OTHER --to agreement.json

The first trains the ring study with the fused kernels and without. The second takes two launches that there are, such
as those of two machines: each a folder, or an archive of docs/results/launches.

Sums are rounded in another order, and training amplifies that: a seed may end otherwise. Rates over seeds may not.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
from scipy.stats import binomtest

import study
from benchmarks.results import archive
from benchmarks.speed.machine import description
from study import Launch
from study.evidence.inference.proportions import wilson
from study.outcomes.outcome import Outcome

UNDECIDED = Outcome.UNDECIDED.value
OURS = Path(__file__).parent.parent / "ring_study" / "ours.py"
WAYS = {"fused": "", "layer by layer": "torch"}
"""What ``STUDY_KERNELS`` is for each."""


def trained(way: str, seeds: int, steps: int, out: Path) -> Launch:
    """Train the ring study one way, in a process of its own."""
    folder = out / way.replace(" ", "-")
    command = [sys.executable, str(OURS), "--seeds", str(seeds), "--steps", str(steps), "--out", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "STUDY_KERNELS": WAYS[way]})
    (launch,) = folder.glob("ring-benchmark/*")
    return study.load(launch)


def loaded(path: Path, folder: Path) -> Launch:
    """Return the launch of a folder or of an archive, which is unpacked below ``folder``."""
    return study.load(archive.unpack(path, folder).root if path.name.endswith(archive.SUFFIX) else path)


def compared(one: Launch, other: Launch) -> dict[str, Any]:
    """Compare the outcomes of the same cells and seeds of two launches.

    ``other_outcome`` is how many ended otherwise, ``other_outcome_by_chance`` how many would on average if a seed said
    nothing about the other launch: if each cell's outcomes of one were dealt to its seeds at random.

    Raises:
        ValueError: if they have no replica in common.
    """
    keys = ["digest", "cell_name", "seed"]
    both = one.records.merge(other.records, on=keys, suffixes=("_a", "_b"), validate="one_to_one")
    both = both.loc[(both.outcome_a != UNDECIDED) & (both.outcome_b != UNDECIDED)]
    if both.empty:
        raise ValueError(f"launches must have replicas in common, got none of {_named(one)} and {_named(other)}")
    won, lost = ((both[f"outcome_{end}"] == "converged") for end in "ab")
    only_a, only_b = int((won & ~lost).sum()), int((~won & lost).sum())
    changed = both.loc[both.outcome_a != both.outcome_b]
    return {
        "replicas": len(both),
        "converged": [int(won.sum()), int(lost.sum())],
        "intervals": [
            [wilson(int(own.sum()), len(both)).low, wilson(int(own.sum()), len(both)).high] for own in (won, lost)
        ],
        "other_outcome": len(changed),
        "other_outcome_by_chance": round(sum(_by_chance(own) for _, own in both.groupby("cell_name")), 1),
        "converged_one_way_alone": [only_a, only_b],
        "exact_sign_test_p": float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0,
        "changes": dict(Counter(f"{a} -> {b}" for a, b in zip(changed.outcome_a, changed.outcome_b, strict=True))),
        "cells": {
            name: [int((own.outcome_a == "converged").sum()), int((own.outcome_b == "converged").sum()), len(own)]
            for name, own in both.groupby("cell_name")
        },
        "devices": [sorted(set(both[name])) for name in ("device_a", "device_b")],
    }


def _by_chance(cell: pd.DataFrame) -> float:
    shares = [cell[name].value_counts(normalize=True) for name in ("outcome_a", "outcome_b")]
    return len(cell) * (1.0 - float((shares[0] * shares[1]).sum()))


def _named(launch: Launch) -> str:
    return f"{launch.plan.study} {launch.plan.launch}"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("launches", nargs="*", type=Path, help="two launches to compare, instead of training any")
    parser.add_argument("--seeds", type=int, default=13, help="replicas of each of the 16 cells")
    parser.add_argument("--steps", type=int, default=1_000)
    parser.add_argument("--out", type=Path, default=Path("runs/agreement"), help="folder of the launches")
    parser.add_argument("--to", type=Path, help="file of the result, JSON")
    given = parser.parse_args()
    if len(given.launches) not in (0, 2):
        parser.error(f"takes two launches or none, got {len(given.launches)}")
    with TemporaryDirectory() as folder:
        if given.launches:
            launches = [loaded(path, Path(folder) / str(number)) for number, path in enumerate(given.launches)]
            result: dict[str, Any] = {"launches": [_named(launch) for launch in launches]}
        else:
            launches = [trained(way, given.seeds, given.steps, given.out) for way in WAYS]
            result = {"ways": list(WAYS), "steps": given.steps, "machine": description()}
        result |= compared(*launches)
    text = json.dumps(result, indent=1)
    print(text)
    if given.to is not None:
        given.to.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
