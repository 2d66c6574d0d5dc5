"""Sentences about hypotheses: what was counted, how sure one can be, and by which test. Short, and never NaN."""

from collections.abc import Sequence

from study.design.hypotheses import Hypothesis, MoreSuccess, SameSuccess, Share, in_words, sides
from study.evidence.inference.differences import Betting, Difference, ManyPairs, OnePair
from study.evidence.inference.proportions import Rate
from study.evidence.inference.shares import BettingShare, FixedShare
from study.evidence.testing import Tested


def sentence(hypothesis: Hypothesis, tested: Tested, rates: Sequence[Rate], p: float, family: int) -> str:
    """Counts with intervals, the difference or the threshold, what the observations were, the test and its p.

    Args:
        rates: as shown with the hypothesis.
        p: adjusted for ``family`` claims.
    """
    if isinstance(hypothesis, Share):
        parts = _of_share(hypothesis, tested, rates[0])
    else:
        assert not isinstance(tested.found, FixedShare | BettingShare)
        parts = _of_difference(hypothesis, tested, tested.found, rates)
    holm = f", adjusted by Holm for {family} claims {_p(p)}" if family > 1 else ""
    small = "below" if p < hypothesis.alpha else "not below"
    end = f"{test_name(hypothesis, tested.found)}: {_p(tested.p)}{holm}, {small} {hypothesis.alpha:g}."
    return "; ".join([", ".join(parts), *_uncounted(tested), end])


def test_name(hypothesis: Hypothesis, found: Difference | FixedShare | BettingShare) -> str:
    """The name of the test that was made, in words."""
    if isinstance(hypothesis, SameSuccess) and not isinstance(found, FixedShare | BettingShare):
        return found.equivalence
    return found.test


def _of_share(hypothesis: Share, tested: Tested, rate: Rate) -> list[str]:
    anytime = isinstance(tested.found, BettingShare)
    names = " or ".join(outcome.value.replace("_", " ") for outcome in hypothesis.outcomes)
    counted = _counted(rate, 1 - hypothesis.alpha, anytime)
    parts = [f"{counted} ended {names} with {in_words(hypothesis.where)}", f"against {_percent(hypothesis.threshold)}"]
    seeds = _number(tested.seeds, _noun(hypothesis))
    if anytime:
        return [*parts, f"after {seeds}"]
    return [*parts, f"{seeds} counting as one observation each"] if rate.n > tested.seeds else parts


def _of_difference(
    hypothesis: MoreSuccess | SameSuccess, tested: Tested, found: Difference, rates: Sequence[Rate]
) -> list[str]:
    counts = [
        f"{_counted(rate, 0.95, isinstance(found, Betting))} {verb}with {in_words(where)}"
        for rate, where, verb in zip(rates, sides(hypothesis), ("converged ", ""), strict=True)
    ]
    parts = [*counts, _interval(hypothesis, found), _basis(hypothesis, found, tested.seeds)]
    return parts if found.correlation is None else [*parts, f"correlation {found.correlation:.2g}"]


def _interval(hypothesis: MoreSuccess | SameSuccess, found: Difference) -> str:
    kind = " anytime" if isinstance(found, Betting) else ""
    if isinstance(hypothesis, MoreSuccess):
        low, high = found.interval(0.95)
        return (
            f"a difference of {_points(found.estimate)} points (95 %{kind} interval {_points(low)} to {_points(high)})"
        )
    level, margin = 1 - found.tails * hypothesis.alpha, hypothesis.margin
    low, high = found.interval(level)
    within, beyond = -margin < low and high < margin, low > margin or high < -margin
    place = "wholly within" if within else "wholly beyond" if beyond else "not within"
    return (
        f"the {_percent(level)}{kind} interval of the difference, {_points(low)} to {_points(high)} points,"
        f" lies {place} {_points(margin)} points"
    )


def _basis(hypothesis: MoreSuccess | SameSuccess, found: Difference, seeds: int) -> str:
    noun = _noun(hypothesis)
    if isinstance(found, OnePair):
        return f"over {_number(found.pairs.n, 'pair')} on the same {noun}s"
    if isinstance(found, ManyPairs):
        pairs = _number(found.pairs.n, "pair")
        return f"over {pairs} on {_number(seeds, noun)} that count as one observation each"
    return f"after {_number(seeds, noun)}" if isinstance(found, Betting) else "seeds counting as independent"


def _noun(hypothesis: Hypothesis) -> str:
    return "draw" if hypothesis.drawn else "seed"


def _uncounted(tested: Tested) -> list[str]:
    reasons = (
        (tested.left_out, "whose partner has no outcome"),
        (tested.later, "after a seed that lacks outcomes"),
    )
    return [f"not counted: {_number(count, 'replica')} {reason}" for count, reason in reasons if count]


def _counted(rate: Rate, confidence: float, anytime: bool) -> str:
    return (
        f"{rate.successes} of {rate.n} ({_percent(rate.rate)}, {_percent(confidence)}{' anytime' if anytime else ''}"
        f" interval {_percent(rate.low)} to {_percent(rate.high)})"
    )


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _points(difference: float) -> str:
    return f"{round(100 * difference, 6) + 0.0:.3g}"


def _p(p: float) -> str:
    return "p < 0.001" if p < 0.001 else f"p = {p:.3g}"
