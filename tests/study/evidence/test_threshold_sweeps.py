"""Paired sweeps: the four counts at every threshold, and who is a pair."""

from dataclasses import replace

import pytest
from scipy.stats import binomtest

from study.design.study import Sweep
from study.evidence.threshold_sweeps import table
from study.outcomes.outcome import Outcome
from study.storage.records import Record, Status

SWEEP = Sweep(factor="method", a="gan", b="gp", paired_by=("net",), evidence="quality", thresholds=(0.2, 0.5, 0.8))


def record(method: str, net: str, seed: int, quality: float | None, outcome: Outcome = Outcome.NOT_LEARNED) -> Record:
    return Record(
        launch="l", study="s", profile="p", cell=0, cell_name="c", levels={"method": method, "net": net}, digest="d",
        config={}, block="b", replica=0, seed=seed, status=Status.FINISHED, outcome=outcome, outcome_step=None,
        ever_good=False, evidence={} if quality is None else {"quality": quality}, rule="r", steps=1, planned_steps=1,
        seconds=1.0, mode="", device="", versions={},
    )  # fmt: skip


RECORDS = [
    record("gan", "1", 0, 0.9), record("gp", "1", 0, 0.9),
    record("gan", "2", 0, 0.1), record("gp", "2", 0, 0.6),
    record("gan", "2", 1, 0.6), record("gp", "2", 1, 0.5),
    record("gan", "3", 0, None), record("gp", "3", 0, 0.1),
]  # fmt: skip


def counts(records: list[Record]) -> list[tuple[int, int, int, int]]:
    return [(cut.only_a, cut.only_b, cut.both, cut.neither) for cut in table(SWEEP, records).cuts]


def test_every_pair_is_in_one_of_four_counts() -> None:
    assert counts(RECORDS) == [(0, 1, 2, 1), (1, 1, 1, 1), (0, 0, 1, 3)]
    assert table(SWEEP, RECORDS).pairs == 4


def test_the_order_of_records_does_not_matter() -> None:
    assert counts(RECORDS[::-1]) == counts(RECORDS)


def test_a_pair_shares_what_it_is_paired_by_and_its_seed() -> None:
    assert table(SWEEP, [record("gan", "1", 0, 0.9), record("gp", "2", 0, 0.9)]).pairs == 0
    assert table(SWEEP, [record("gan", "1", 0, 0.9), record("gp", "1", 1, 0.9)]).pairs == 0


def test_a_diverged_replica_is_below_every_threshold() -> None:
    diverged = [record("gan", "1", 0, 0.9, Outcome.DIVERGED), record("gp", "1", 0, 0.9)]
    assert counts(diverged) == [(0, 1, 0, 0)] * 3


def test_a_pair_without_an_outcome_is_missing_not_failed() -> None:
    waiting = replace(RECORDS[0], outcome=Outcome.UNDECIDED)
    found = table(SWEEP, [waiting, *RECORDS[1:]])
    assert (found.pairs, found.missing) == (3, 1)


def test_p_is_mcnemars_exact_one() -> None:
    many = [
        r for i in range(9) for r in (record("gan", str(i), 0, 0.1), record("gp", str(i), 0, 0.9 if i < 8 else 0.1))
    ]
    assert table(SWEEP, many).cuts[1].p == pytest.approx(binomtest(0, 8).pvalue, abs=1e-12)
    assert table(SWEEP, []).cuts[0].p == 1.0


def test_the_correlation_of_the_passes_is_shown_where_both_sides_vary() -> None:
    """At 0.5 both vary: of four pairs one passes twice, two pass once, one never."""
    low, middle, high = table(SWEEP, RECORDS).cuts
    assert middle.correlation == pytest.approx(0.0, abs=1e-12)
    assert low.correlation == pytest.approx(1 / 3**0.5, abs=1e-12)
    assert high.correlation == pytest.approx(1.0, abs=1e-12)
    assert table(SWEEP, []).cuts[0].correlation is None
