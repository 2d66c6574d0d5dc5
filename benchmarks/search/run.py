"""Runs the contest and writes ``results.json``.

    python benchmarks/search/run.py --jobs 2

Repetitions that the file has already are not run again, unless ``--again`` is given. SMAC3 needs
other versions of its libraries than this project: run it in an environment of its own (numpy, scipy, smac), with the
repository on the path, ``PYTHONPATH=. python benchmarks/search/run.py --contestants smac``.
"""

import argparse
import importlib
import json
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from contest import Maker, Run, play
from surface import surfaces

RESULTS = Path(__file__).parent / "results.json"
CONTESTANTS = {
    "ours": "ours.Ours",
    "random": "uniform.Single",
    "random x5": "uniform.Replicated",
    "stock": "stock.Asha",
    "stock repeater": "stock.Repeated",
    "smac": "smac_facade.Smac",
}
"""Name to where it is; imported only where it runs, as no environment has the libraries of all."""
FIRST = {"dev": 10_000, "report": 0}
"""First repetition on the surfaces of each kind: what is tuned on one kind has never seen the luck of the other."""


def maker(name: str) -> Maker:
    module, attribute = CONTESTANTS[name].split(".")
    found: Maker = getattr(importlib.import_module(module), attribute)
    return found


def repetition(name: str, surface: str, budget: float, number: int) -> Run:
    own = surfaces()[surface]
    return play(name, maker(name), own, first(surface) + number, budget)


def first(surface: str) -> int:
    return FIRST[surface.split("-")[0]]


def main(arguments: Sequence[str] | None = None) -> None:
    options = parser().parse_args(arguments)
    results: list[dict[str, Any]] = json.loads(options.out.read_text()) if options.out.exists() else []
    with ProcessPoolExecutor(options.jobs) as pool:
        for surface in options.surfaces:
            for name in options.contestants:
                if options.again:
                    results = [own for own in results if (own["surface"], own["contestant"]) != (surface, name)]
                known = [run for run in results if (run["surface"], run["contestant"]) == (surface, name)]
                missing = sorted(
                    set(range(options.repetitions)) - {run["repetition"] - first(surface) for run in known}
                )
                began = time.monotonic()
                for run in pool.map(partial(repetition, name, surface, options.budget), missing):
                    results.append(asdict(run))
                    known.append(asdict(run))
                    write(results, options.out)
                found = sum(bool(run["truth"]) and run["truth"][-1] >= run["good"] for run in known)
                print(f"{surface}, {name}: {found} of {len(known)}, {time.monotonic() - began:.0f} s", flush=True)


def parser() -> argparse.ArgumentParser:
    found = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    found.add_argument("--contestants", nargs="+", choices=CONTESTANTS, default=[*CONTESTANTS][:-1])
    found.add_argument("--surfaces", nargs="+", choices=surfaces(), default=[s for s in surfaces() if "report" in s])
    found.add_argument("--repetitions", type=int, default=50)
    found.add_argument("--budget", type=float, default=400.0, help="in replicas")
    found.add_argument("--jobs", type=int, default=2)
    found.add_argument("--again", action="store_true", help="run also what the file has")
    found.add_argument("--out", type=Path, default=RESULTS)
    return found


def write(results: Sequence[dict[str, Any]], path: Path) -> None:
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_text("[\n" + ",\n".join(json.dumps(own) for own in results) + "\n]\n")
    unfinished.replace(path)


if __name__ == "__main__":
    main()
