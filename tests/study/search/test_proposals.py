"""Samplers: no point twice, the same after a restart, finite numbers in, points of the space out."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import optuna
import pytest

from search_spaces import SEARCHES, Float, Int, Options, Range, Space
from study.design.search import SearchSpec
from study.outcomes.outcome import Outcome
from study.search import samplers
from study.search.candidates import Candidate
from study.search.proposals import Proposer, key
from study.storage.search_log import Proposal
from tests.study.made_searches import BASE, SPACE, told_of, truth

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


@pytest.mark.parametrize("sampler", samplers.samplers())
def test_proposals_are_new_points_of_the_space_from_its_default_on(sampler: str) -> None:
    made = run(sampler, 16)
    assert made[0].point == SPACES[sampler].default()
    for proposal in made:
        SPACES[sampler].check(proposal.point)
    assert len({key(proposal.point) for proposal in made}) == len(made)


@pytest.mark.parametrize("sampler", samplers.samplers())
def test_a_restarted_sampler_goes_on_as_the_same_one(sampler: str) -> None:
    whole = run(sampler, 16)
    assert [p.point for p in run(sampler, 16, before=whole[:9])] == [p.point for p in whole]


def test_generations_go_on_after_a_restart_too() -> None:
    """A generation's parents are chosen once; by an attempt that was dropped as a repetition, perhaps."""
    whole = run("nsga2", 130)
    assert len({p.number for p in whole}) < whole[-1].number, "nothing was dropped"
    for kept in (101, 120):
        assert [p.point for p in run("nsga2", 130, before=whole[:kept])] == [p.point for p in whole]


@pytest.mark.parametrize("name", ["lsgan-raw", "penalty", "wgan-clip"])
def test_a_grid_that_is_too_large_to_be_listed_has_all_values_too(name: str) -> None:
    space = SEARCHES[name]
    proposer = proposer_of(space, sampler="grid")
    seen: dict[str, set[object]] = {axis.name: set() for axis in space.axes}
    for _ in range(1_000):
        proposal = proposer.propose([])
        assert proposal is not None
        for axis, value in proposal.point.items():
            seen[axis].add(value)
    for axis in space.axes:
        assert set(axis.values(5)) <= seen[axis.name]


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


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "random"])
def test_two_goals_at_once(sampler: str) -> None:
    assert len(run(sampler, 14, goal="both")) == 14


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


def test_a_space_that_is_used_up_has_no_further_proposal() -> None:
    tiny = Space(name="one", title="One", axes=(SPACE.axes[0],), source="test")
    for sampler in ("tpe", "random", "grid"):
        proposer = proposer_of(tiny, sampler=sampler)
        assert {str((proposer.propose([]) or Proposal(point={})).point["optimizer"]) for _ in range(2)} == {
            "adam",
            "sgd",
        }
        assert proposer.propose([]) is None


@pytest.mark.parametrize(
    ("sampler", "goal", "space", "sentence"),
    [
        ("lucky", "success", SPACE, "--sampler must be one of cmaes, gp, .*, got 'lucky'"),
        (
            "gp",
            "success",
            SPACE,
            "must be one of grid, nsga2, .* for the space tiny, got 'gp': the axes beta1 are conditional",
        ),
        ("cmaes", "success", NAMED, "must not be cmaes for the space named: .* optimizer is an axis of named options"),
        ("cmaes", "both", FLAT, "must not be cmaes with --objective both: it knows success alone"),
        ("cmaes", "success", LINE, "must not be cmaes for the space line: it needs at least 2 axes, and there is 1"),
    ],
)
def test_a_sampler_that_cannot_is_refused(sampler: str, goal: Any, space: Space, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        proposer_of(space, sampler=sampler, goal=goal)


def test_ranges_and_options_come_back_as_they_are() -> None:
    for proposal in run("qmc", 12):
        assert isinstance(proposal.point["batch"], int)
        assert isinstance(NAMED.axes[0], Options)
        assert proposal.point["optimizer"] in NAMED.axes[0].labels


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
