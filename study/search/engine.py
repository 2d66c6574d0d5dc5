"""The search itself, block by block: pure of files, clocks and clusters, so that a benchmark runs the same one.

Every second block at least is a new candidate's first; the others are the race's. A sampler that has nothing new to
propose leaves all to the race.
"""

from collections.abc import Container, Sequence
from dataclasses import dataclass

from study.design.search import Goal
from study.search import race
from study.search.candidates import Candidate
from study.search.proposals import Proposer
from study.storage.search_log import Proposal


@dataclass(slots=True)
class Engine:
    """Decides what the next block is for.

    Attributes:
        most: seeds that no candidate exceeds.
        goal, floor: what is asked for; see :class:`SearchSpec`.
        proposed, raced: blocks given so far to new candidates, and to others.
        exhausted: whether the sampler has said that it has no further proposal.
    """

    proposer: Proposer
    most: int
    goal: Goal = "success"
    floor: float = 0.0
    proposed: int = 0
    raced: int = 0
    exhausted: bool = False

    def next(self, known: Sequence[Candidate], busy: Container[int]) -> int | Proposal | None:
        """Return a cell that gets a further block, a proposal for a new cell, or None while blocks run (or for ever).

        Args:
            known: candidates with at least one replica that has ended.
            busy: cells that get no further block now.
        """
        rival = race.challenger(known, most=self.most, busy=busy, goal=self.goal, floor=self.floor)
        if rival is not None and (self.raced < self.proposed or self.exhausted):
            self.raced += 1
            return rival.cell
        if not self.exhausted:
            proposal = self.proposer.propose(known)
            if proposal is not None:
                self.proposed += 1
                return proposal
            self.exhausted = True
            return self.next(known, busy)
        return None

    def restore(self, proposal: Proposal | None) -> None:
        """Take in a block of an earlier process: a proposal's first, or one of the race."""
        if proposal is None:
            self.raced += 1
        else:
            self.proposer.restore(proposal)
            self.proposed += 1
