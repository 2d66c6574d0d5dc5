"""Times what a suggestion costs with many candidates known, and writes ``overhead.json``.

python benchmarks/search/overhead.py

Candidates are random points of the benchmark's space with outcomes drawn from a surface, two seeds each. What is timed
is the engine's whole decision for a new cell in a search that has just taken in one more result: the race and the
sampler. Processor time of one core, the median of a few suggestions.
"""

import json
import time
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

from ours import BLOCK, candidate
from space import SPACE
from surface import REPORTS, World, surfaces

from search_spaces import Space
from study.design.search import SearchSpec
from study.search import race, samplers
from study.search.candidates import Candidate
from study.storage.search_log import Proposal
from study.studies.wgan_clip import STUDY

COUNTS = (10, 1_000, 10_000)
SUGGESTIONS = 3
PLAN = {
    "tpe": COUNTS,
    "random": COUNTS,
    "grid": COUNTS,
    "nsga2": COUNTS,
    "qmc": COUNTS,
    "cmaes": COUNTS,
    "gp": COUNTS[:2],
}
"""Sampler to the numbers of candidates to time it with."""
PLAIN = ("qmc", "cmaes", "gp")
"""Samplers that cannot do conditional spaces; cmaes knows numbers alone."""
OUT = Path(__file__).parent / "overhead.json"


def plain() -> Space:
    """The knobs that always exist, numbers alone."""
    axes = tuple(axis for axis in SPACE.axes if not axis.when and axis.name != "optimizer")
    return replace(SPACE, name="ring-clip-plain", axes=axes)


def main() -> None:
    rows: list[dict[str, Any]] = []
    for sampler, counts in PLAN.items():
        space = plain() if sampler in PLAIN else SPACE
        row: dict[str, Any] = {"sampler": sampler, "space": "plain" if sampler in PLAIN else "conditional"}
        for count in COUNTS:
            row[str(count)] = seconds(sampler, space, count) if count in counts else None
            print(sampler, count, row[str(count)], flush=True)
        rows.append(row)
        OUT.write_text(json.dumps(rows, indent=1) + "\n")


def seconds(sampler: str, space: Space, count: int) -> float:
    """Median processor time of a suggestion with ``count`` candidates known."""
    base = STUDY.profiles["quick"].base
    own = samplers.proposer(SearchSpec(space=space, base=base, sampler=sampler))
    known = candidates(space, count + SUGGESTIONS)
    for place, each in enumerate(known):
        own.restore(Proposal(point=each.point, number=place))
    own.propose(known[:count])
    taken = []
    for number in range(1, SUGGESTIONS + 1):
        began = time.process_time()
        race.challenger(known[: count + number], most=20, busy=())
        own.propose(known[: count + number])
        taken.append(time.process_time() - began)
    return round(sorted(taken)[SUGGESTIONS // 2], 5)


def candidates(space: Space, count: int) -> list[Candidate]:
    world, rng = World(surfaces()["dev-narrow"], 0), Random(0)
    found = []
    for cell in range(count):
        point = space.sample(rng)
        whole = point if "optimizer" in point else {**SPACE.default(), **point}
        ended = [(world.train(whole, seed), REPORTS) for seed in range(BLOCK)]
        found.append(replace(candidate(cell, whole, ended), point=point, name=space.name_of(point)))
    return found


if __name__ == "__main__":
    main()
