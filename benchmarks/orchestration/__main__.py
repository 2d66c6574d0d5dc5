"""Measures what a launch costs besides its training: ``uv run python -m benchmarks.orchestration --out costs.json``.

Each launch is one process of its own, which drives it, with the processes of Ray below it. The file is written anew
after each launch.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.orchestration import table
from benchmarks.orchestration.measure import AFTERWARDS, afterwards, measured
from benchmarks.orchestration.shapes import SHAPES
from benchmarks.speed import machine
from trainables.files import written_whole

TRACKERS = ("none", "mlflow")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.orchestration", description=__doc__)
    parser.add_argument("--out", type=Path, help="file of the results, JSON")
    parser.add_argument("--shape", choices=[*SHAPES], nargs="+", default=["tiny"], help="what is launched")
    parser.add_argument("--blocks", type=int, nargs="+", default=[100, 1_000], help="number of blocks of each launch")
    parser.add_argument("--tracker", choices=TRACKERS, nargs="+", default=[*TRACKERS], help="what shows each launch")
    parser.add_argument("--steps", type=int, help="generator updates per replica; by default those of the shape")
    parser.add_argument("--profile", type=Path, metavar="FOLDER", help="put a profile of each driver there (cProfile)")
    parser.add_argument(
        "--afterwards",
        action="store_true",
        help=f"time {', '.join(AFTERWARDS)} with each launch, too, when it has ended",
    )
    given = parser.parse_args(arguments)
    if min(given.blocks) < 1:
        parser.error(f"--blocks must be > 0, got {min(given.blocks)}")
    results: dict[str, Any] = {"machine": machine.description(), "launches": []}
    before = machine.load()
    for shape, blocks, tracker in [(s, b, t) for s in given.shape for b in given.blocks for t in given.tracker]:
        print(f"{shape}, {blocks} blocks, {tracker}", flush=True)
        profile = None if given.profile is None else given.profile / f"{shape}-{blocks}-{tracker}.pstats"
        with TemporaryDirectory() as folder:
            found = measured(shape, blocks, tracker, given.steps, Path(folder), profile)
            if given.afterwards:
                (launch,) = (path.parent for path in Path(folder).glob("*/*/spec.json"))
                found["afterwards"] = afterwards(launch, Path(folder))
            results["launches"].append(found)
        results["load"] = {"before": before, "after": machine.load()}
        if given.out:
            with written_whole(given.out) as file:
                file.write_text(json.dumps(results, indent=1), "utf-8")
    print(f"\n{table.markdown(results)}")


if __name__ == "__main__":
    main()
