"""Measurements of the outcome rules that were never run: a few made-up cases."""

from dataclasses import replace
from typing import Any

from study.outcomes.outcome import Outcome
from study.validation.confusion import Case, Measurement


def case(expected: Outcome, decided: Outcome, **changes: Any) -> Case:
    base = Case(
        injection="late collapse",
        severity="3 of 8 from 1150",
        seed=11_000,
        truth="construction",
        expected=expected,
        decided=decided,
        states=("good",),
        confirmed=expected is decided,
        rule="mixture@0123abcd",
    )
    return replace(base, **changes)


L, N = Outcome.LATE_COLLAPSE, Outcome.NOT_LEARNED
SMALL = Measurement(
    kind="ring",
    device="cpu (abc)",
    versions={"torch": "9.9", "code": "cafe"},
    seconds=61.4,
    cases=(case(L, L), case(L, N), case(N, N, seed=11_001, truth="measured", injection="label swap")),
)
