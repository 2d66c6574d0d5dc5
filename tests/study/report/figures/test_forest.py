from typing import Any

from study.evidence.estimates import compare
from study.evidence.judging import judge
from study.outcomes.outcome import Outcome
from study.report.drawing import svg
from study.report.figures.forest import picture

C, M, L, O, N, D, U = tuple(Outcome)[:7]  # noqa: E741
MINUS = "\N{MINUS SIGN}"


def shown(store: Any) -> Any:
    plan, records = store.plan(), store.records()
    return picture(judge(plan.hypotheses, records), compare(plan.contrasts, records))


def test_hypotheses_and_contrasts_stand_on_one_scale(make: Any) -> None:
    found = shown(make())
    assert found.label == (
        f"Differences of success rates. hypotheses; ls 0.33 [{MINUS}0.22, 0.69]; objective: ls(0,1,1) against ns;"
        f" bn full 0.40 [{MINUS}0.28, 0.85]; bn no_bn_g 0.25 [{MINUS}0.46, 0.81]"
    )


def test_the_drawn_point_and_interval_are_the_estimate(make: Any) -> None:
    store = make([[C, C, C, C, C], [D, D, D, D, D]])
    (row,) = compare(store.plan().contrasts, store.records())
    with svg.drawing():
        ax = shown(store).draw().axes[0]
    spans = [list(line.get_xdata()) for line in ax.get_lines() if len(line.get_xdata()) == 2]
    assert [row.low, row.high] in spans
    assert any(list(line.get_xdata()) == [1.0] for line in ax.get_lines())


def test_a_contrast_without_replicas_has_an_open_row(make: Any) -> None:
    assert shown(make([[C, C], [U, U]])).label.endswith("bn full \N{EN DASH}")


def test_shares_have_no_difference(make: Any) -> None:
    assert shown(make([[C, C]])) is None
