from dataclasses import replace
from io import StringIO
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from study.design.study import Sweep
from study.evidence import threshold_sweeps
from study.evidence.estimates import compare, summarize
from study.evidence.judging import Flip, Fragility, Verdict, judge
from study.evidence.reach import reach
from study.outcomes.outcome import Outcome
from study.terminal.tables import STYLES, contrast_table, summary_table, sweep_table, verdict_table
from study.terminal.width import WIDE

MINUS = "\N{MINUS SIGN}"
C, M, L, O, N, D, U = tuple(Outcome)[:7]  # noqa: E741


def shown(table: Table, width: int = 100) -> str:
    out = StringIO()
    Console(file=out, width=width, markup=False).print(table)
    return out.getvalue()


@pytest.fixture
def launch(make: Any) -> Any:
    return make(crashed=[(2, 4)])


def test_summary_is_sorted_by_rate_with_counts_and_interval(launch: Any) -> None:
    lines = shown(summary_table(summarize(launch.records()))).splitlines()
    cells = [line for line in lines if " / " in line]
    assert [line.split("  ")[0] for line in cells] == [
        "full / ls(0,1,1)", "full / ns", "no_bn_g / ls(0,1,1)", "no_bn_g / ns"
    ]  # fmt: skip
    assert "4 of 5  0.80 [0.38, 0.96]           \N{EN DASH}  4 converged, 1 oscillating" in cells[0]


def test_every_rate_shows_how_many_outcomes_are_borderline(launch: Any) -> None:
    rows = [replace(row, borderline=row.seed == launch.plan().seeds[0]) for row in launch.records()]
    text = " ".join(shown(summary_table(summarize(rows))).split())
    assert "borderline outcomes" in text
    assert "4 of 5 0.80 [0.38, 0.96] 1 of 5 4 converged" in text


def test_crashed_replicas_are_named_apart(launch: Any) -> None:
    text = " ".join(shown(summary_table(summarize(launch.records()))).split())
    assert "1 of 4 0.25 [0.05, 0.70]" in text
    assert "1 crashed" in text


def test_cell_without_outcome_has_no_share(make: Any) -> None:
    text = shown(summary_table(summarize(make([[U, U]]).records())))
    assert "0 of 0" in text
    assert "\N{EN DASH}" in text
    assert "2 pending" in text


def test_contrasts_show_difference_interval_and_p(launch: Any) -> None:
    comparisons = compare(launch.plan().contrasts, launch.records())
    text = shown(contrast_table(comparisons))
    assert f"4 of 5 {MINUS} 2 of 5  0.40 [{MINUS}0.28, 0.85]     1.000" in text
    assert "p (Holm)" in text


def test_contrasts_say_whether_replicas_of_one_seed_are_compared(launch: Any) -> None:
    first, *others = compare(launch.plan().contrasts, launch.records())
    assert "Contrasts (same seeds," in shown(contrast_table([first, *others]))
    apart = replace(first, pairs=0)  # as in a recorded launch whose cells have no seed in common
    assert "Contrasts (no common seeds," in shown(contrast_table([apart]))
    assert "Contrasts (same seeds in 1 of 2 rows," in shown(contrast_table([first, apart]))


def test_verdicts_show_word_counts_and_p(make: Any) -> None:
    launch = make([[C] * 12, [M] * 12, [C] * 4 + [M] * 8, [C] * 4 + [M] * 8])
    first, second = judge(launch.plan().hypotheses, launch.records())
    lines = shown(verdict_table([first, second])).splitlines()
    assert "supported  16 of 24 against 4 of 24   < 0.001" in lines[2]
    assert f"undecided  8 of 24                      {second.p_adjusted:.3f}" in " ".join(lines[3:])


def test_a_claim_that_cannot_be_tested_says_so(make: Any) -> None:
    launch = make([[C, M], [C, M], [U, U], [U, U]])
    _, share = judge(launch.plan().hypotheses, launch.records())
    assert "undecided  no outcome yet" in shown(verdict_table([share]))


def test_a_claim_that_the_profile_does_not_test_is_no_open_question(make: Any) -> None:
    launch = make([[C, M], [C, M]])
    _, judged = judge(launch.plan().hypotheses, launch.records())
    assert "not tested  not in this profile" in shown(verdict_table([judged]))
    assert ": not tested. This profile has no cell with" in str(judged)


def test_a_fragile_verdict_says_what_would_change_it(make: Any) -> None:
    launch = make([[C] * 12, [M] * 12, [C] * 4 + [M] * 8, [C] * 4 + [M] * 8])
    first, _ = judge(launch.plan().hypotheses, launch.records())
    flips = [
        Flip(threshold=name, verdict=Verdict.UNDECIDED, values=(0.6, 0.7), steps=2, side="above") for name in "abcde"
    ]
    text = " ".join(shown(verdict_table([replace(first, fragility=Fragility(flips=tuple(flips)))])).split())
    assert "supported, fragile 16 of 24 against 4 of 24" in text
    assert "fragile: undecided if a >= 0.6 or b" in text
    assert "and 2 other changes" in text
    text = " ".join(shown(verdict_table([replace(first, fragility=Fragility(unknown="no traces"))])).split())
    assert "supported 16 of 24" in text
    assert "sensitivity unknown: no traces" in text


@pytest.mark.parametrize("width", [80, 100])
def test_tables_fit_and_lose_nothing(launch: Any, width: int) -> None:
    long = " / ".join(["no_bn_gd", "rmsprop_tf1", "least squares (-1,1,0)", "[bold]clip 0.01"])
    records = [replace(record, cell_name=long) for record in launch.records()]
    summaries = summarize(records)
    judgments = judge(launch.plan().hypotheses, records)
    comparisons = compare(launch.plan().contrasts, records)
    narrow = width < WIDE
    for table in (
        summary_table(summaries, narrow=narrow),
        contrast_table(comparisons, narrow=narrow),
        verdict_table(judgments, narrow=narrow),
    ):
        text = shown(table, width)
        assert max(map(len, text.splitlines())) <= width
        assert "…" not in text
    assert "".join("[bold]clip 0.01".split()) in "".join(shown(summary_table(summaries), 200).split())


def test_sweeps_show_counts_correlation_and_p(launch: Any) -> None:
    sweep = Sweep(
        factor="objective", a="ns", b="ls(0,1,1)", paired_by=("bn",), evidence="quality", thresholds=(0.4, 0.9)
    )
    lines = shown(sweep_table(threshold_sweeps.table(sweep, launch.records()))).splitlines()
    assert lines[1].split() == ["above", "only", "ns", "only", "ls(0,1,1)", "both", "neither", "correlation", "p"]
    assert lines[3].split() == ["0.9", "0", "0", "0", "9", "\N{EN DASH}", "1.000"]
    assert max(map(len, lines)) <= 100


def test_every_outcome_has_a_terminal_style() -> None:
    assert set(STYLES) == set(Outcome)


def test_narrow_tables_put_what_has_no_room_on_a_second_line(launch: Any) -> None:
    records = launch.records()
    lines = shown(summary_table(summarize(records), narrow=True), 80).splitlines()
    assert lines[2:4] == [
        "full / ls(0,1,1)                           4 of 5  0.80 [0.38, 0.96]           \N{EN DASH}",
        "  4 converged, 1 oscillating".ljust(80),
    ]
    contrasts = shown(contrast_table(compare(launch.plan().contrasts, records), narrow=True), 80).splitlines()
    assert [line.strip() for line in contrasts if "bn" in line] == ["bn full", "bn no_bn_g"]
    verdicts = shown(verdict_table(judge(launch.plan().hypotheses, records), narrow=True), 80).splitlines()
    assert "  undecided, 5 of 9 against 2 of 9, p (Holm) 0.426" in [line.rstrip() for line in verdicts]


def test_an_undecided_claim_says_why(make: Any) -> None:
    few = make([[C] * 3, [D] * 3])
    plan = few.plan()
    judgments = judge(plan.hypotheses, few.records())
    wide = shown(verdict_table(judgments, reach(plan))).splitlines()
    assert wide[2].rstrip().endswith("undecided     3 of 3 against 0 of 3     0.250")
    assert wide[3].split()[-1] == "underpowered"
    narrow = shown(verdict_table(judgments, reach(plan), narrow=True), 80)
    assert "  undecided, underpowered, 3 of 3 against 0 of 3, p (Holm) 0.250" in narrow
