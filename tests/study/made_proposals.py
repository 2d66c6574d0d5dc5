"""Spaces for every sampler, and proposals that are told how they did."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

from search_spaces import Float, Int, Range, Space
from study.design.search import SearchSpec
from study.outcomes.outcome import Outcome
from study.search import samplers
from study.search.candidates import Candidate
from study.search.proposals import Proposer
from study.storage.search_log import Proposal
from tests.study.made_searches import BASE, SPACE, truth

FLAT = Space(
    name="flat",
    title="Two numbers",
    axes=(
        Range(name="lr", domain=Float(low=1e-5, high=1e-1, log=True), paths=("g_optimizer.lr", "d_optimizer.lr"),
              default=1e-3, source="test"),
        Range(name="beta1", domain=Float(low=0.0, high=0.9), paths=("g_optimizer.beta1", "d_optimizer.beta1"),
              default=0.5, source="test"),
    ),
    source="test",
)  # fmt: skip


NAMED = Space(
    name="named",
    title="Options and whole numbers, no conditions",
    axes=(
        SPACE.axes[0],
        Range(name="batch", domain=Int(low=16, high=256, log=True), paths=("batch_size",), default=64, source="test"),
    ),
    source="test",
)


LINE = Space(name="line", title="One number", axes=FLAT.axes[:1], source="test")


SPACES = {"tpe": SPACE, "random": SPACE, "grid": SPACE, "nsga2": SPACE, "gp": FLAT, "cmaes": FLAT, "qmc": NAMED}


def told(cell: int, proposal: Proposal, n: int = 4) -> Candidate:
    rate = truth({"optimizer": "adam", **proposal.point}) if "lr" in proposal.point else 0.5
    good = round(rate * n)
    outcomes = Counter({Outcome.CONVERGED: good, Outcome.DIVERGED: n - good})
    return Candidate(cell=cell, name=str(cell), point=proposal.point, outcomes=outcomes, quality=0.9 if good else None)


def proposer_of(space: Space = SPACE, **fields: Any) -> Proposer:
    """The proposer of a search; TPE for the rate of success by default."""
    return samplers.proposer(SearchSpec(space=space, base=BASE, blocks=1, **fields))


def run(sampler: str, count: int, *, before: Sequence[Proposal] = (), goal: Any = "success") -> list[Proposal]:
    """Proposals after those of an earlier process; every one is told before the next."""
    proposer = proposer_of(SPACES[sampler], sampler=sampler, goal=goal, seed=3)
    made = list(before)
    for proposal in before:
        proposer.restore(proposal)
    while len(made) < count:
        found = proposer.propose([told(cell, proposal) for cell, proposal in enumerate(made)])
        assert found is not None
        made.append(found)
    return made
