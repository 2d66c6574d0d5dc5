"""Do the fused kernels change what becomes of replicas? Trains the ring study with them and without, and compares.

    python -m benchmarks.agreement --seeds 13 --out runs/agreement --to agreement.json

Sums are rounded in another order, and training amplifies that: a seed may end otherwise. Rates over seeds may not.
"""

import argparse
import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from scipy.stats import binomtest

import study
from benchmarks.speed.machine import description
from study import Launch
from study.evidence.inference.proportions import wilson

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


def compared(one: Launch, other: Launch) -> dict[str, Any]:
    """Compare the outcomes of the same cells and seeds of two launches."""
    keys = ["cell_name", "seed"]
    both = one.records.merge(other.records, on=keys, suffixes=("_a", "_b"), validate="one_to_one")
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
        "converged_one_way_alone": [only_a, only_b],
        "exact_sign_test_p": float(binomtest(only_a, only_a + only_b).pvalue) if only_a + only_b else 1.0,
        "changes": dict(Counter(f"{a} -> {b}" for a, b in zip(changed.outcome_a, changed.outcome_b, strict=True))),
        "cells": {
            name: [int((own.outcome_a == "converged").sum()), int((own.outcome_b == "converged").sum()), len(own)]
            for name, own in both.groupby("cell_name")
        },
        "devices": [sorted(set(launch.records.device)) for launch in (one, other)],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=13, help="replicas of each of the 16 cells")
    parser.add_argument("--steps", type=int, default=1_000)
    parser.add_argument("--out", type=Path, required=True, help="folder of the launches")
    parser.add_argument("--to", type=Path, help="file of the result, JSON")
    given = parser.parse_args()
    launches = [trained(way, given.seeds, given.steps, given.out) for way in WAYS]
    result = {"ways": list(WAYS), "steps": given.steps, "machine": description(), **compared(*launches)}
    text = json.dumps(result, indent=1)
    print(text)
    if given.to is not None:
        given.to.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
