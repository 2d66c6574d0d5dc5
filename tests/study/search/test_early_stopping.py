"""Which running blocks are given up, and which of these run on. Blocks report rows made of letters, see ``courses``."""

from dataclasses import replace
from math import nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.design.plan import Block, Cell
from study.design.search import Policy
from study.outcomes.decision import decide
from study.outcomes.futility import FutilityMonitor
from study.outcomes.outcome import Outcome
from study.outcomes.rule import MIXTURE_RULE
from study.search.early_stopping import EarlyStopping, block_value
from study.search.pruning_rules import Asha, Median
from study.storage.search_log import Stop
from tests.study.made_traces import EVERY, REFERENCE, from_rows, rows_of
from trainables.config import Evaluation, GanConfig, Latent, digest
from trainables.data import Ring
from trainables.networks import Mlp
from trainables.objectives import LeastSquares
from trainables.optim import Adam
from trainables.reporting import report_steps

RULE = replace(MIXTURE_RULE, window=2, tolerated_alternations=1)
PLANNED = 10
CONFIG = GanConfig(
    data=Ring(), generator=Mlp(), discriminator=Mlp(), latent=Latent(dim=2), objective=LeastSquares(),
    g_optimizer=Adam(lr=1e-3), d_optimizer=Adam(lr=1e-3), steps=PLANNED * EVERY, evaluation=Evaluation(every=EVERY),
)  # fmt: skip


def block(number: int = 0, seeds: int = 2, planned: int = PLANNED) -> Block:
    config = replace(CONFIG, steps=planned * EVERY)
    cell = Cell(index=number, name=str(number), levels={}, config=config, digest=digest(config))
    return Block(name=f"c{number:03d}-b000", cell=cell, seeds=tuple(range(seeds)), first=0)


def stopping(policy: Policy, audit: float = 0.0, seed: int = 0, **options: Any) -> EarlyStopping:
    return EarlyStopping(RULE, policy, audit, seed, reference=lambda block: REFERENCE["mixture"], **options)


def reports(*letters: str) -> list[list[dict[str, Any]]]:
    """The rows of every report, step 0 first; one text of letters per replica, D for a number that is not finite."""
    whole = [rows_of(text.replace("D", "G"), "mixture") for text in letters]
    for seed, (rows, text) in enumerate(zip(whole, letters, strict=True)):
        for i, row in enumerate(rows):
            row |= {"seed": seed, "replica": seed, "finite": "D" not in text[:i]}
    return [list(rows) for rows in zip(*whole, strict=True)]


def run(early: EarlyStopping, own: Block, *letters: str) -> Stop | None:
    """The first stop of a block, which reports on after it."""
    stops = [stop for rows in reports(*letters) if (stop := early.observe(own, rows)) is not None]
    assert len(stops) <= 1
    return stops[0] if stops else None


def test_a_block_stops_once_all_its_replicas_are_lost() -> None:
    stop = run(stopping("lost"), block(), "GDGGGG", "GGCCGG")
    assert stop == Stop(block="c000-b000", rule="lost", step=4 * EVERY, audited=False)


@pytest.mark.parametrize("letters", [("DDDDDDDDDD", "GGGGGGGGGG"), ("PPPPPPPP", "CCCCCCCC"), ("GGGGGGGGGG",) * 2])
def test_a_block_with_a_replica_that_may_converge_is_not_lost(letters: tuple[str, str]) -> None:
    assert run(stopping("lost"), block(), *letters) is None


def test_near_the_end_one_bad_snapshot_of_each_replica_is_enough() -> None:
    stop = run(stopping("lost"), block(), "GGGGGGGGPG", "GGGGGGGGCG")
    assert stop is not None
    assert stop.step == 9 * EVERY


@pytest.mark.parametrize("policy", ["none", "lost", "asha", "median"])
def test_a_block_that_ends_by_itself_is_not_stopped(policy: Policy) -> None:
    early = stopping(policy)
    assert run(early, block(0), "DD", "GD") is None  # no replica is finite
    assert run(early, block(1), "GGGGGGGGGP", "GGGGGGGGGP") is None  # its last report


def test_without_a_policy_nothing_is_stopped() -> None:
    assert run(stopping("none"), block(), "GDGGGG", "GGCCGG") is None


@settings(max_examples=30)
@given(courses=st.lists(st.text("GCP", min_size=PLANNED, max_size=PLANNED), min_size=2, max_size=2))
def test_lost_never_stops_a_replica_that_converges(courses: list[str]) -> None:
    stop = run(stopping("lost"), block(), *courses)
    ends = [decide(from_rows(rows_of(text, "mixture"), "mixture"), RULE).outcome for text in courses]
    assert stop is None or Outcome.CONVERGED not in ends


@pytest.mark.parametrize("policy", ["asha", "median"])
def test_a_block_that_does_worse_than_others_is_given_up_and_a_diverged_replica_counts_as_worst(policy: Policy) -> None:
    early = stopping(policy)
    for number in range(6):
        assert run(early, block(number), "GGGG", "GGGG") is None
    stop = run(early, block(6), "GGGG", "DDDD")  # half of it trains on well
    assert stop is not None
    assert (stop.rule, stop.step) == (policy, EVERY)


@pytest.mark.parametrize("policy", ["asha", "median"])
def test_a_collapsed_block_of_high_quality_is_worse_than_a_mediocre_one(policy: Policy) -> None:
    early = stopping(policy)
    for number in range(6):
        run(early, block(number), "P", "P")
    stop = run(early, block(6), "C", "C")
    assert stop is not None
    assert stop.rule == policy


def test_a_block_of_which_nothing_can_be_measured_is_given_up() -> None:
    early = stopping("asha", ranking=Asha(EVERY))
    for number in range(3):
        run(early, block(number), "G", "G")
    rows = reports("GG", "GG")
    for row in rows[1]:
        row["mode_share_eighth"] = np.full(8, nan)
    assert [early.observe(block(9), own) is not None for own in rows] == [False, True, False]


def test_asha_and_median_stop_lost_blocks_for_that_reason() -> None:
    for ranking in (Asha(EVERY), Median(0, 1)):
        stop = run(stopping("asha", ranking=ranking), block(), "GDG", "GGCC"[:3])
        assert stop is None
        found = run(stopping("median", ranking=ranking), block(1), "GDGG", "GGCC")
        assert found is not None
        assert found.rule == "lost"


def test_the_coin_lets_its_share_of_blocks_run_on() -> None:
    early = stopping("lost", audit=0.2)
    coins = [run(early, block(i, 1, planned=2), "P") for i in range(250)]
    assert all(stop is not None for stop in coins)
    assert np.mean([stop is not None and stop.audited for stop in coins]) == pytest.approx(0.2, abs=0.08)


@pytest.mark.parametrize("audit", [0.0, 1.0])
def test_all_or_none_may_be_audited(audit: float) -> None:
    stops = [run(stopping("lost", audit=audit), block(i, 1), "GGCC") for i in range(20)]
    assert {stop is not None and stop.audited for stop in stops} == {audit == 1.0}


def test_the_coin_falls_the_same_way_after_a_resume_and_for_every_rule() -> None:
    def coins(policy: Policy, seed: int, letters: str = "PP") -> list[bool]:
        early = stopping(policy, audit=0.5, seed=seed)
        for number in range(100, 124):
            run(early, block(number, 1, planned=3), "G")
        stops = [run(early, block(i, 1, planned=3), letters) for i in range(12)]
        assert {stop is not None and stop.rule for stop in stops} == {policy}
        return [stop is not None and stop.audited for stop in stops]

    assert coins("lost", 3) == coins("lost", 3) == coins("asha", 3, "P")
    assert coins("lost", 3) != coins("lost", 4)


def test_an_audited_block_is_reported_once() -> None:
    early = stopping("lost", audit=1.0)
    assert run(early, block(), "GGCCGGCC", "GGCCGGCC") is not None
    assert run(early, block(), "GGCCGGCC", "GGCCGGCC") is None


def test_a_stop_of_an_earlier_process_is_not_reported_again() -> None:
    known = Stop(block="c000-b000", rule="asha", step=EVERY, audited=True)
    early = stopping("lost", stops=[known])
    assert run(early, block(), "GGCC", "GGCC") is None
    assert run(early, block(1), "GGCC", "GGCC") is not None


def test_a_driver_that_comes_late_to_a_block_sees_what_is_certain_from_then_on() -> None:
    early = stopping("lost")
    later = [early.observe(block(), rows) for rows in reports("GGGGGGGCCG", "GGGGGGGGPG")[7:]]
    assert [stop is not None for stop in later] == [False, False, True, False]


def test_the_reports_of_older_versions_stood_at_multiples_and_count_like_those_of_today() -> None:
    cell = block().cell
    long = replace(cell.config, steps=PLANNED * 100, evaluation=Evaluation(every=100))
    own = replace(block(), cell=replace(cell, config=long, digest=digest(long)))
    for steps in (report_steps(PLANNED * 100, 100), range(0, PLANNED * 100 + 1, 100)):
        early, stop = stopping("lost"), None
        for step, rows in zip(steps, reports("GGGGGGGGGP", "GGGGGGGGCC"), strict=True):
            stop = stop or early.observe(own, [row | {"step": step} for row in rows])
        assert stop is None, "the last report stops no block"
        early = stopping("lost")
        for step, rows in zip(steps, reports("GGCCG", "GGGGD"), strict=False):
            stop = stop or early.observe(own, [row | {"step": step} for row in rows])
        assert stop == Stop(block="c000-b000", rule="lost", step=steps[5], audited=False)


@pytest.mark.parametrize("policy", ["asha", "median"])
def test_replayed_blocks_count_as_if_they_had_been_watched(policy: Policy) -> None:
    texts = [("GGGG", "PGPG"), ("PPGG", "GGPP"), ("GGGG", "GGGG"), ("PPPP", "GGGG"), ("GGPP", "GGPP")] * 2
    watched, stops = stopping(policy), []
    for number, letters in enumerate(texts):
        stop = run(watched, block(number), *letters)
        watched.forget(block(number))
        stops += [] if stop is None else [stop]
    resumed = stopping(policy, stops=stops)
    for number, letters in enumerate(texts):
        resumed.replay(block(number), [row for rows in reports(*letters) for row in rows])
    for number, letters in enumerate([("PPPP", "PPPP"), ("GGGG", "PGGG"), ("CCCG", "GPGP")], 50):
        assert run(watched, block(number), *letters) == run(resumed, block(number), *letters)


def test_what_a_stopped_block_reports_later_says_nothing_about_others() -> None:
    early = stopping("asha", audit=1.0, ranking=Asha(EVERY, 2))
    run(early, block(0), "G", "G")
    assert run(early, block(1), "PGGG", "PGGG") is not None  # audited, runs on and reaches the next rung
    assert run(early, block(2), "GP", "GP") is None  # is the first there


@pytest.mark.parametrize("policy", ["lost", "asha", "median"])
def test_a_block_without_rows_changes_nothing(policy: Policy) -> None:
    early = stopping(policy)
    assert early.observe(block(), []) is None
    early.replay(block(), [])
    early.forget(block())
    early.forget(block(7))


def test_the_value_of_a_block_counts_its_dead_replicas() -> None:
    outlooks = [FutilityMonitor(RULE, PLANNED * EVERY, EVERY, REFERENCE["mixture"]) for _ in range(3)]
    for outlook, rows in zip(outlooks, zip(*reports("G", "D", "P"), strict=True), strict=True):
        outlook.add(rows)
    assert block_value(outlooks) == pytest.approx((0.9 + 0 + 0.3) / 3)
    assert block_value([]) == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"policy": "hyperband"}, "policy must be one of none, lost, asha, median, got hyperband"),
        ({"audit": -0.1}, r"audit must be in \[0, 1\], got -0.1"),
        ({"audit": nan}, r"audit must be in \[0, 1\], got nan"),
    ],
)
def test_arguments_out_of_range_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        stopping(**{"policy": "lost", **changes})


def test_a_stop_has_a_rule() -> None:
    with pytest.raises(ValueError, match=r"^rule must be lost, asha or median, got none$"):
        Stop(block="c000-b000", rule="none", step=1, audited=False)
