"""Measures training speed on one core: ``uv run python -m benchmarks.speed --out results.json``.

Every row has its programs timed side by side in one run: a stacked step, the same training as a plain eager loop of one
replica, and the matrix products alone. The file is written anew after each row.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.speed import machine, table
from benchmarks.speed.rows import rows
from benchmarks.speed.timing import FULL, QUICK
from trainables.files import written_whole


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument("--out", type=Path, help="file of the results, JSON")
    parser.add_argument("--quick", action="store_true", help="a few steps per row: shows that it runs, and no speed")
    parser.add_argument("--only", default="", metavar="WORD", help="rows whose names begin with this")
    given = parser.parse_args(arguments)
    chosen = [(name, measure) for name, measure in rows() if name.startswith(given.only)]
    if not chosen:
        parser.error(f"--only must begin a row's name, got {given.only}: {'; '.join(name for name, _ in rows())}")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        results: dict[str, Any] = {"machine": machine.description(), "quick": given.quick, "rows": []}
        before = machine.load()
        for name, measure in chosen:
            print(name, flush=True)
            results["rows"].append(measure(QUICK if given.quick else FULL).as_json())
            results["load"] = {"before": before, "after": machine.load()}
            if given.out:
                with written_whole(given.out) as file:
                    file.write_text(json.dumps(results, indent=1), "utf-8")
    finally:
        torch.set_num_threads(threads)
    print(f"\n{table.markdown(results)}")


if __name__ == "__main__":
    main()
