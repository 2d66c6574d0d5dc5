"""Optuna's samplers as proposers: scores that change, warm starts, floors and restarts."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import optuna
import pytest

from search_spaces import Int, Range, Space
from study.outcomes.outcome import Outcome
from study.search.candidates import Candidate
from study.storage.search_log import Proposal
from tests.study.made_proposals import FLAT, proposer_of, run, told
from tests.study.made_searches import SPACE, told_of, truth


def test_generations_go_on_after_a_restart_too() -> None:
    """A generation's parents are chosen once; by an attempt that was dropped as a repetition, perhaps."""
    whole = run("nsga2", 130)
    assert len({p.number for p in whole}) < whole[-1].number, "nothing was dropped"
    for kept in (101, 120):
        assert [p.point for p in run("nsga2", 130, before=whole[:kept])] == [p.point for p in whole]


def test_optunas_samplers_are_told_of_conditions_and_of_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ``group`` TPE draws conditional axes one by one; a GP without noise would trust every score."""
    made: dict[str, Mapping[str, Any]] = {}

    def watched(kind: str, sampler: Any) -> Any:
        def make(**how: Any) -> Any:
            if "seed" in how:  # Optuna makes one without for every study
                made[kind] = how
            return sampler(**how)

        return make

    for kind, name in (("tpe", "TPESampler"), ("gp", "GPSampler")):
        monkeypatch.setattr(optuna.samplers, name, watched(kind, getattr(optuna.samplers, name)))
        run(kind, 3)
    assert made["tpe"]["multivariate"]
    assert made["tpe"]["group"]
    assert not made["gp"]["deterministic_objective"]


def test_quality_with_success_as_constraint() -> None:
    assert len(run("tpe", 14, goal="quality")) == 14


def test_the_sampler_finds_the_region_that_trains() -> None:
    made = run("tpe", 45)
    assert sum(truth(proposal.point) > 0.9 for proposal in made[-15:]) >= 9


def test_a_score_that_changes_changes_what_is_proposed() -> None:
    proposer, same, other = (proposer_of() for _ in range(3))
    made = [proposer.propose([])]
    for _ in range(19):
        made.append(proposer.propose([told(cell, p) for cell, p in enumerate(made) if p is not None]))
    known = [told(cell, p) for cell, p in enumerate(made) if p is not None]
    for proposal in made:
        assert proposal is not None
        same.restore(proposal)
        other.restore(proposal)
    worst = Counter({Outcome.DIVERGED: 40})
    fallen = [replace(each, outcomes=worst, quality=None) if truth(each.point) > 0.9 else each for each in known]
    assert point_of(same.propose(known)) == point_of(proposer.propose(known)) != point_of(other.propose(fallen))


def point_of(proposal: Proposal | None) -> object:
    return None if proposal is None else proposal.point


def test_what_another_launch_found_is_known_and_may_be_proposed_again() -> None:
    known = [told(i, p) for i, p in enumerate(run("tpe", 30))]
    proposer = proposer_of(seed=1, warm=told_of(known))
    made: list[Proposal] = []
    while len(made) < 10:
        found = proposer.propose([told(cell, proposal) for cell, proposal in enumerate(made)])
        assert found is not None
        made.append(found)
    assert made[0].point == SPACE.default() == known[0].point
    assert sum(truth(proposal.point) > 0.9 for proposal in made[1:]) >= 5


def test_a_constraint_keeps_the_sampler_where_enough_succeed() -> None:
    """With a floor, high quality where hardly anything succeeds draws nobody; without one it does."""

    def near(floor: float) -> int:
        proposer = proposer_of(FLAT, goal="quality", seed=5, floor=floor)
        made: list[Proposal] = []
        while len(made) < 50:
            found = proposer.propose([lucky(cell, each) for cell, each in enumerate(made)])
            assert found is not None
            made.append(found)
        return sum(float(each.point["lr"]) > 3e-3 for each in made[-20:])

    assert near(0.8) < near(0.0)


def lucky(cell: int, proposal: Proposal) -> Candidate:
    """Above a rate of 3e-3 one of ten succeeds, and is perfect; below all do, and are fair."""
    good, quality = (1, 1.0) if float(proposal.point["lr"]) > 3e-3 else (10, 0.6)
    outcomes = Counter({Outcome.CONVERGED: good, Outcome.DIVERGED: 10 - good})
    return Candidate(cell=cell, name=str(cell), point=proposal.point, outcomes=outcomes, quality=quality)


def test_a_restart_keeps_the_samplers_own_numbers_and_notes() -> None:
    """Suggestions that repeated a point had numbers, too; a sequence's place is a note of the whole search."""
    tiny = Space(name="few", title="Few", axes=(SPACE.axes[0], whole("batch", 1, 3)), source="test")

    def some(sampler: str, before: Sequence[Proposal], count: int) -> list[Proposal]:
        proposer = proposer_of(tiny, sampler=sampler)
        for each in before:
            proposer.restore(each)
        made = list(before)
        while len(made) < count and (found := proposer.propose([])) is not None:
            made.append(found)
        return made

    for sampler in ("tpe", "qmc"):
        made = some(sampler, [], 6)
        assert [each.number for each in made] != list(range(6)), "nothing was repeated"
        assert some(sampler, made[:4], 6) == made


def whole(name: str, low: int, high: int) -> Range:
    return Range(name=name, domain=Int(low=low, high=high), paths=("batch_size",), default=low, source="test")
