"""Measures stacks against a plain loop on one GPU; ``benchmarks/gpu/run.sh`` calls it.

Needs torch, numpy and pyarrow. Every row is written as soon as it is measured, so that a cut leaves what there is.
"""

import argparse
import gc
import json
import time
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu import table
from benchmarks.gpu.cases import NOT_MEASURED, Case, cases
from benchmarks.gpu.measure import measure, rates
from benchmarks.speed import machine
from benchmarks.speed.timing import QUICK, Effort
from trainables.files import written_whole

EFFORT = Effort(repetitions=7, seconds=0.25, warm_up=5)
RESULTS, PROFILES, TABLE = "results.json", "profiles.txt", "table.md"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure all cases and return 1 if one failed otherwise than for want of memory or time."""
    given = _parser().parse_args(arguments)
    if given.show:
        print(table.markdown(json.loads(given.show.read_text("utf-8"))))
        return 0
    if not given.dry and not torch.cuda.is_available():
        _parser().error("a CUDA device is needed, got none: --dry shows on a CPU that everything runs")
    torch.set_num_threads(max(1, given.threads))
    device = torch.device("cpu" if given.dry else "cuda")
    results: dict[str, Any] = {"machine": machine.description(), "dry": given.dry, "not_measured": NOT_MEASURED}
    results |= {"rows": [], "reached": rates(device, dry=given.dry)}
    chosen = [case for case in cases(dry=given.dry) if case.name.startswith(given.only)]
    _measure(chosen, results, given.out, device, time.monotonic() + given.seconds)
    print(f"\n{table.markdown(results)}")
    return int(any("failed" in row for row in results["rows"]))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("runs/gpu"), help="folder of the results")
    parser.add_argument("--seconds", type=float, default=300, help="no case is begun after so long")
    parser.add_argument("--threads", type=int, default=1, help="threads of the CPU, for every program alike")
    parser.add_argument("--only", default="", metavar="WORD", help="cases whose names begin with this")
    parser.add_argument("--dry", action="store_true", help="tiny sizes on the CPU: shows that it runs, and no speed")
    parser.add_argument("--show", type=Path, metavar="FILE", help="print the table of stored results and do nothing")
    return parser


def _measure(chosen: Sequence[Case], results: dict[str, Any], out: Path, device: torch.device, end: float) -> None:
    waiting = list(chosen)
    while waiting:
        case = waiting.pop(0)
        print(case.name, flush=True)
        in_time = time.monotonic() < end
        row = _tried(case, device, results) if in_time else {"name": case.name, "skipped": "no time was left"}
        results["rows"].append(row)
        if "out_of_memory" in row and (smaller := _smaller(case, chosen)) is not None:
            waiting.insert(0, smaller)
        _write(results, out)


def _tried(case: Case, device: torch.device, results: dict[str, Any]) -> dict[str, Any]:
    """Measure a case; say so if it did not fit the memory, or keep the traceback of what it failed by."""
    row: dict[str, Any] = {"name": case.name, "family": case.family, "replicas": case.replicas, "mode": case.mode}
    try:
        measure(row, case, QUICK if results["dry"] else EFFORT, device, results["reached"])
    except torch.OutOfMemoryError as error:
        row["out_of_memory"] = f"out of memory: {str(error).splitlines()[0]}"
    except Exception:  # the other rows are measured all the same; the exit code tells
        row["failed"] = traceback.format_exc()
        print(row["failed"], flush=True)
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
    return row


def _smaller(case: Case, chosen: Sequence[Case]) -> Case | None:
    """Return the case with half of the stack, unless the next smaller one that is measured anyway is as large."""
    half = case.replicas // 2
    planned = [own.replicas for own in chosen if own.family == case.family and own.mode == case.mode]
    if half > max((own for own in planned if own < case.replicas), default=0):
        return replace(case, replicas=half)
    return None


def _write(results: dict[str, Any], out: Path) -> None:
    texts = {RESULTS: json.dumps(results, indent=1), TABLE: table.markdown(results) + "\n"}
    texts[PROFILES] = "".join(
        f"{row['name']}\n" + "\n".join(row["profile"]) + "\n\n" for row in results["rows"] if "profile" in row
    )
    for name, text in texts.items():
        with written_whole(out / name) as file:
            file.write_text(text, "utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
