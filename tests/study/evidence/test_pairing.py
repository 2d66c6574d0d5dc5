"""Who is compared with whom: cells at one place of the design, replicas of one seed."""

from collections.abc import Mapping
from operator import attrgetter

import pytest

from study.evidence.pairing import Design, Match, match
from study.outcomes.outcome import Outcome
from study.storage.records import Record, Status

C, M, U = Outcome.CONVERGED, Outcome.MODE_COLLAPSED, Outcome.UNDECIDED
converged = attrgetter("converged")


def record(
    cell: int, seed: int, outcome: Outcome, status: Status = Status.FINISHED, levels: Mapping[str, str] | None = None
) -> Record:
    return Record(
        launch="l", study="s", profile="p", cell=cell, cell_name="c", levels=levels or {}, digest="d", config={},
        block="b", replica=0, seed=seed, status=status, outcome=outcome, outcome_step=None, ever_good=False,
        evidence={}, rule="r", steps=1, planned_steps=1, seconds=1.0, mode="", device="", versions={},
    )  # fmt: skip


def test_cells_match_on_the_levels_that_nobody_names() -> None:
    a = {0: {"loss": "ls", "bn": "full"}, 1: {"loss": "ls", "bn": "none"}}
    b = {2: {"loss": "ns", "bn": "none"}, 3: {"loss": "ns", "bn": "full"}}
    assert match(a, b, {"loss"}) == Match(names=("bn",), cells={0: 3, 1: 2}, complete=True)


def test_a_level_that_follows_from_the_compared_one_does_not_prevent_a_match() -> None:
    """Tags of a level that is compared, and the factor when a tag is compared."""
    a = {0: {"run": "1 gp", "method": "gp", "net": "1"}, 1: {"run": "2 gp", "method": "gp", "net": "2"}}
    b = {2: {"run": "1 gan", "method": "gan", "net": "1"}, 3: {"run": "2 gan", "method": "gan", "net": "2"}}
    assert match(a, b, {"method"}).cells == {0: 2, 1: 3}
    one, other = {0: {"triplet": "(0,1,1)", "gamma": "1"}}, {1: {"triplet": "(-1,1,0)", "gamma": "1/2"}}
    assert match(one, other, {"triplet"}) == Match(names=(), cells={0: 1}, complete=True)


def test_a_tag_that_only_partly_agrees_is_no_place() -> None:
    """WGAN-GP never has batch norm in D, WGAN may: their settings of one place are compared all the same."""
    a = {0: {"method": "gp", "place": "1", "norm": "none"}, 1: {"method": "gp", "place": "2", "norm": "none"}}
    b = {2: {"method": "wgan", "place": "1", "norm": "batch"}, 3: {"method": "wgan", "place": "2", "norm": "none"}}
    assert match(a, b, {"method"}) == Match(names=("place",), cells={0: 2, 1: 3}, complete=True)


@pytest.mark.parametrize(
    "b",
    [
        {2: {"loss": "ns"}},
        {2: {"loss": "ns", "bn": "full"}},
        {2: {"loss": "ns", "bn": "full"}, 3: {"loss": "ns", "bn": "full"}},
    ],
)
def test_sets_without_a_partner_for_every_cell_do_not_match(b: Mapping[int, Mapping[str, str]]) -> None:
    assert not match({0: {"loss": "ls", "bn": "full"}, 1: {"loss": "ls", "bn": "none"}}, b, {"loss"}).complete


def test_a_set_with_one_more_cell_does_not_match() -> None:
    a = {0: {"loss": "ls", "bn": "1", "net": "1"}, 1: {"loss": "ls", "bn": "2", "net": "2"}}
    b = {2: {"loss": "ns", "bn": "1", "net": "1"}, 3: {"loss": "ns", "bn": "2", "net": "2"}}
    assert match(a, b, {"loss"}).complete
    more = {**b, 4: {"loss": "ns", "bn": "1", "net": "2"}}
    for one, other in ((a, more), (more, a)):
        found = match(one, other, {"loss"})
        assert (len(found.cells), found.complete) == (2, False)


def test_pairs_come_by_seed_with_what_they_lack() -> None:
    records = [
        record(0, 7, C), record(1, 7, M),
        record(0, 3, C), record(1, 3, U, Status.CRASHED),
        record(0, 5, U, Status.PLANNED), record(1, 5, C),
        record(0, 9, C),
    ]  # fmt: skip
    units = Design(records).pairs(Match(names=(), cells={0: 1}, complete=True))
    assert [(u.a, u.b, u.left_out, u.open) for u in units] == [
        ((), (), 1, False),
        ((), (), 1, True),
        ((True,), (False,), 0, False),
    ]


@pytest.mark.parametrize("status", [Status.PLANNED, Status.STOPPED, Status.SKIPPED, Status.FINISHED])
def test_only_a_crash_says_that_no_outcome_will_come(status: Status) -> None:
    (unit,) = Design([record(0, 1, U, status)]).apart({0: {}}, {}, converged)
    assert unit.open
    (unit,) = Design([record(0, 1, U, Status.CRASHED)]).apart({0: {}}, {}, converged)
    assert not unit.open


def test_cells_of_one_seed_are_one_observation_and_seeds_of_one_draw_are() -> None:
    ends = {0: C, 1: M}
    records = [record(cell, seed, ends[cell], levels={"net": str(cell)}) for seed in (1, 2, 3) for cell in (0, 1)]
    design = Design(records)
    assert [unit.a for unit in design.apart(design.levels, {}, converged)] == [(True, False)] * 3
    assert [unit.a for unit in design.apart(design.levels, {}, converged, ("net",))] == [(True,) * 3, (False,) * 3]
    pairs = design.pairs(Match(names=("net",), cells={0: 0, 1: 1}, complete=True), ("net",))
    assert [unit.b for unit in pairs] == [(True,) * 3, (False,) * 3]
