from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pydantic
import pytest

from study.design.hypotheses import Hypothesis, MoreSuccess, SameSuccess, Share
from study.outcomes.outcome import Outcome

MORE = MoreSuccess(name="m", claim="c", source="s", better={"loss": "ls"}, worse={"loss": "ns"})
SAME = SameSuccess(name="e", claim="c", source="s", a={"loss": "ls"}, b={"loss": "ns"})
SHARE = Share(
    name="h", claim="c", source="s", where={"loss": "ls"}, outcomes=(Outcome.CONVERGED,), side="above", threshold=0.5
)


@pytest.mark.parametrize(
    ("hypothesis", "changes", "message"),
    [
        (MORE, {"alpha": 0.0}, r"alpha must be in \(0, 1\), got 0.0"),
        (SHARE, {"alpha": 1.0}, r"alpha must be in \(0, 1\), got 1.0"),
        (MORE, {"worse": {"loss": "ls"}}, "better and worse must differ, got loss ls twice"),
        (SHARE, {"threshold": 1.5}, r"threshold must be in \[0, 1\], got 1.5"),
        (SHARE, {"outcomes": ()}, "outcomes must be at least one and not undecided, got none"),
        (SHARE, {"outcomes": (Outcome.UNDECIDED,)}, "outcomes must be at least one and not undecided, got undecided"),
        (SAME, {"margin": 0.0}, r"margin must be in \(0, 1\), got 0.0"),
        (SAME, {"margin": 1.0}, r"margin must be in \(0, 1\), got 1.0"),
        (SAME, {"b": {"loss": "ls"}}, "a and b must differ, got loss ls twice"),
        (SAME, {"alpha": 0.5}, r"alpha must be in \(0, 0.5\) for an equivalence, got 0.5"),
    ],
)
def test_an_impossible_hypothesis_is_refused(hypothesis: Any, changes: Mapping[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        replace(hypothesis, **changes)


@pytest.mark.parametrize("hypothesis", [MORE, SHARE, SAME, replace(MORE, drawn=("net",))])
def test_a_hypothesis_survives_json(hypothesis: Hypothesis) -> None:
    adapter: pydantic.TypeAdapter[Hypothesis] = pydantic.TypeAdapter(Hypothesis)
    assert adapter.validate_json(adapter.dump_json(hypothesis)) == hypothesis


def test_sides_are_the_sets_that_a_hypothesis_names() -> None:
    assert MORE.sides == (MORE.better, MORE.worse)
    assert SAME.sides == (SAME.a, SAME.b)
    assert SHARE.sides == (SHARE.where,)
