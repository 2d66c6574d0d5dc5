from pathlib import Path
from typing import Any

import pytest

from study.outcomes.outcome import Outcome
from study.outcomes.rule import IMAGE_RULE, MIXTURE_RULE
from study.report import build
from study.report.rule_validation import trust
from study.validation import confusion
from study.validation.confusion import Case, Measurement

C, M, L, O, N, D, U = tuple(Outcome)[:7]  # noqa: E741


def case(expected: Outcome, decided: Outcome, rule: str, seed: int) -> Case:
    return Case(
        injection="x", severity="y", seed=seed, truth="construction", expected=expected, decided=decided, states=(),
        confirmed=True, rule=rule,
    )  # fmt: skip


@pytest.fixture
def shipped(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """20 of 20 converged told right, 9 of 10 divergences, the tenth told as not learned; on points alone."""
    told = [(C, C)] * 20 + [(D, D)] * 9 + [(D, N)]
    cases = tuple(case(a, b, MIXTURE_RULE.label(), confusion.FRESH + i) for i, (a, b) in enumerate(told))
    confusion.write(Measurement(kind="ring", device="cpu", versions={}, seconds=1.0, cases=cases), tmp_path)
    monkeypatch.setattr(confusion, "SHIPPED", tmp_path)
    return tmp_path


def test_the_worst_class_is_told(make: Any, shipped: Path) -> None:
    found = trust(MIXTURE_RULE, make(images=False).plan().cells)
    assert found is not None
    assert [score.outcome for score in found.scores] == [C, D]
    assert "On 30 replicas with injected failures of known kind (ring data, seeds that no threshold" in found.sentence
    assert "this rule has a recall of at least 0.90 [0.55, 1.00] (diverged)" in found.sentence


def test_another_rule_is_said_to_be_another(make: Any, shipped: Path) -> None:
    found = trust(IMAGE_RULE, make(images=False).plan().cells)
    assert found is not None
    assert f"the rule {MIXTURE_RULE.label()}, not this one, has" in found.sentence


def test_without_a_measurement_on_such_data_nothing_is_claimed(make: Any, shipped: Path) -> None:
    assert trust(IMAGE_RULE, make().plan().cells) is None


@pytest.mark.usefixtures("undrawn")
def test_the_page_and_its_methods_say_it(make: Any, shipped: Path) -> None:
    source = build(make([[C, D]], images=False)).read_text(encoding="utf-8")
    assert source.count("a recall of at least 0.90 [0.55, 1.00] (diverged)") == 2
    assert "9 of 10" in source.partition("How often it is right")[2].partition("</section>")[0]
