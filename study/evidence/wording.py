"""Sentences about hypotheses: what was counted, how sure one can be, and by which test. Short, and never NaN."""

from collections.abc import Sequence
from typing import Any

from study.design.hypothesis import Hypothesis
from study.evidence.inference.proportions import Rate
from study.evidence.kind import Tested
from study.formatting import count_of, p_equals, percent, plural


def sentence(
    hypothesis: Hypothesis, tested: Tested[Any], parts: Sequence[str], test: str, p: float, family: int
) -> str:
    """Return counts with intervals, the difference or the threshold, what the observations were, the test and its p.

    Args:
        parts: what the kind of the hypothesis says of the counts.
        test: the name of the test.
        p: adjusted for ``family`` claims.
    """
    holm = f", adjusted by Holm for {family} claims {p_equals(p)}" if family > 1 else ""
    small = "below" if p < hypothesis.alpha else "not below"
    alone = "; the interval is for this claim alone" if tested.p < hypothesis.alpha <= p else ""
    end = f"{test}: {p_equals(tested.p)}{holm}, {small} {hypothesis.alpha:g}{alone}."
    return "; ".join([", ".join(parts), *_uncounted(hypothesis, tested), end])


def counted(rate: Rate, confidence: float, anytime: bool) -> str:
    """``3 of 5 (60 %, 95 % interval 23.1 % to 88.2 %)``."""
    kind = " anytime" if anytime else ""
    return (
        f"{count_of(rate.successes, rate.n)} ({percent(rate.rate)}, {percent(confidence)}{kind} interval"
        f" {percent(rate.low)} to {percent(rate.high)})"
    )


def observation(hypothesis: Hypothesis) -> str:
    """Name what counts as one independent observation."""
    return "draw" if hypothesis.drawn else "seed"


def _uncounted(hypothesis: Hypothesis, tested: Tested[Any]) -> list[str]:
    reasons = (
        (tested.left_out, "whose partner has no outcome"),
        (tested.later, f"after a {observation(hypothesis)} that lacks outcomes"),
    )
    return [f"not counted: {plural(count, 'replica')} {reason}" for count, reason in reasons if count]


def observed(sentence: str) -> str:
    """Return the counts that a sentence of :func:`sentence` begins with, without the test."""
    return sentence.partition("; ")[0].removesuffix(".")
