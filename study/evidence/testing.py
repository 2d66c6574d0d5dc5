"""Test one hypothesis on the records of a launch, as its kind says."""

from typing import Any

from study.design.hypothesis import Hypothesis, in_words
from study.evidence import kinds
from study.evidence.kind import Tested
from study.evidence.pairing import Design


def examine(hypothesis: Hypothesis, design: Design, anytime: bool) -> Tested[Any] | str:
    """Return the test, or in one sentence why there can be none."""
    for where in hypothesis.sides:
        cells = design.cells(where)
        if not cells:
            return f"This profile has no cell with {in_words(where)}."
        if not design.successes(cells)[1]:
            return f"No replica with {in_words(where)} has an outcome yet."
    return kinds.of(hypothesis).test(hypothesis, design, anytime)
