"""Whom the next block is for: a new candidate, or the race."""

from collections.abc import Sequence

from study.outcomes.outcome import Outcome
from study.search.candidates import Candidate
from study.search.engine import Engine
from study.storage.search_log import Proposal

C, D = Outcome.CONVERGED, Outcome.DIVERGED


class Endless:
    """Proposes so many points, and keeps what it was told."""

    def __init__(self, count: int = 1_000) -> None:
        self.left = count
        self.restored: list[Proposal] = []
        self.known: Sequence[Candidate] = ()

    def propose(self, known: Sequence[Candidate]) -> Proposal | None:
        self.known = known
        self.left -= 1
        return Proposal(point={"lr": float(self.left)}) if self.left >= 0 else None

    def restore(self, proposal: Proposal) -> None:
        self.restored.append(proposal)


def runner(cell: int, results: str) -> Candidate:
    own = tuple(result == "1" for result in results)
    outcomes = {C: sum(own), D: len(own) - sum(own)}
    return Candidate(cell=cell, name=str(cell), point={}, outcomes=outcomes, results=own)


GOOD = [runner(0, "1111111101"), runner(1, "11")]


def test_new_candidates_get_every_second_block_at_least() -> None:
    engine = Engine(Endless(), most=20)
    decisions = [engine.next(GOOD, {}) for _ in range(10)]
    assert sum(isinstance(each, Proposal) for each in decisions) == 5
    assert (engine.proposed, engine.raced) == (5, 5)
    assert {each for each in decisions if not isinstance(each, Proposal)} == {1}


def test_without_a_rival_all_blocks_are_for_new_candidates() -> None:
    engine = Engine(Endless(), most=20)
    assert all(isinstance(engine.next([runner(0, "00")], {}), Proposal) for _ in range(6))


def test_a_sampler_that_is_used_up_leaves_all_to_the_race() -> None:
    engine = Engine(Endless(1), most=20)
    first, *others = (engine.next(GOOD, {}) for _ in range(5))
    assert isinstance(first, Proposal)
    assert others == [1, 1, 1, 1]
    assert engine.exhausted


def test_used_up_and_without_a_rival_nothing_is_left() -> None:
    engine = Engine(Endless(0), most=2)
    assert engine.next([runner(0, "11")], {}) is None


def test_the_sampler_is_told_of_all_candidates() -> None:
    proposer = Endless()
    Engine(proposer, most=20).next(GOOD, {})
    assert proposer.known == GOOD


def test_what_an_earlier_process_gave_counts_for_the_share() -> None:
    proposer = Endless()
    engine = Engine(proposer, most=20)
    for event in (Proposal(point={"lr": 1.0}), None, Proposal(point={"lr": 2.0}), None):
        engine.restore(event)
    assert (engine.proposed, engine.raced) == (2, 2)
    assert [each.point for each in proposer.restored] == [{"lr": 1.0}, {"lr": 2.0}]
    assert isinstance(engine.next(GOOD, {}), Proposal)
