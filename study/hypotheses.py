"""Hypotheses, declared before the run and judged after it.

A hypothesis compares success between two sets of cells (one above the other, or both about equal), or bounds the share
of some outcomes in one set. A set is named by factor levels: ``{"bn": "no_bn_g", "optimizer": "adam"}`` are all cells
with these levels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Literal, Protocol

from study.outcome import Outcome
from study.statistics.proportions import Rate, boschloo, clopper_pearson, newcombe, wilson

Where = Mapping[str, str]
"""Factor name to level label; factors not named are free."""


class Verdict(Enum):
    """What the data say of a claim. Stored by name: append, never rename."""

    SUPPORTED = "supported"
    CONTRADICTED = "contradicted"
    UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreSuccess:
    """Cells in ``better`` converge more often than cells in ``worse``."""

    name: str
    claim: str
    source: str
    better: Where
    worse: Where
    alpha: float = 0.05
    kind: Literal["more_success"] = "more_success"

    def __post_init__(self) -> None:
        _check_alpha(self.alpha)
        if self.better == self.worse:
            raise ValueError(f"better and worse must differ, got {_words(self.better)} twice")


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The share of replicas in ``where`` with one of ``outcomes`` is above (or below) ``threshold``."""

    name: str
    claim: str
    source: str
    where: Where
    outcomes: tuple[Outcome, ...]
    side: Literal["above", "below"]
    threshold: float
    alpha: float = 0.05
    kind: Literal["share"] = "share"

    def __post_init__(self) -> None:
        _check_alpha(self.alpha)
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold must be in [0, 1], got {self.threshold}")
        if not self.outcomes or Outcome.UNDECIDED in self.outcomes:
            names = ", ".join(outcome.value for outcome in self.outcomes) or "none"
            raise ValueError(f"outcomes must be at least one and not undecided, got {names}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SameSuccess:
    """Cells in ``a`` and cells in ``b`` converge about equally often: the rates differ by less than ``margin``.

    That no difference was found is no evidence that there is none: this is an equivalence test, two one-sided ones at
    ``alpha``, by the interval of the difference at ``1 - 2 alpha``. Schuirmann 1987.
    """

    name: str
    claim: str
    source: str
    a: Where
    b: Where
    margin: float = 0.25
    alpha: float = 0.05
    kind: Literal["same_success"] = "same_success"

    def __post_init__(self) -> None:
        _check_alpha(self.alpha)
        if self.a == self.b:
            raise ValueError(f"a and b must differ, got {_words(self.a)} twice")
        if not 0 < self.margin < 1:
            raise ValueError(f"margin must be in (0, 1), got {self.margin}")
        if self.alpha >= 0.5:
            raise ValueError(f"alpha must be in (0, 0.5) for an equivalence, got {self.alpha}")


Hypothesis = MoreSuccess | Share | SameSuccess


def sides(hypothesis: Hypothesis) -> tuple[Where, ...]:
    """The sets of cells that a hypothesis speaks of."""
    match hypothesis:
        case MoreSuccess():
            return (hypothesis.better, hypothesis.worse)
        case SameSuccess():
            return (hypothesis.a, hypothesis.b)
        case Share():
            return (hypothesis.where,)


class Tally(Protocol):
    """What a verdict needs of a cell: its levels, and how many *decided* replicas had which outcome."""

    @property
    def levels(self) -> Where: ...
    @property
    def outcomes(self) -> Mapping[Outcome, int]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What the data say of one hypothesis.

    Attributes:
        sentence: k of n, interval and p in plain words.
        p: the test's p-value; absent where nothing was tested (``Share`` and ``SameSuccess`` are judged by intervals).
        rates: of ``better`` and ``worse``, or ``a`` and ``b`` (95 % Wilson), or of the share (Clopper-Pearson at
            ``1 - alpha``); empty if the launch has no such cell.
    """

    hypothesis: Hypothesis
    verdict: Verdict
    sentence: str
    p: float | None
    rates: tuple[Rate, ...]


def judge(hypothesis: Hypothesis, summaries: Sequence[Tally]) -> Judgement:
    """The verdict on a hypothesis; total: whatever the launch holds, there is one.

    Replicas of all cells that match are pooled; undecided ones (crashed, pending) do not count.

    ===========  ===============================================  ===============================================
    hypothesis   supported                                        contradicted
    ===========  ===============================================  ===============================================
    MoreSuccess  Boschloo's p < alpha and better converged more   p < alpha and better converged less
    Share        the whole interval on the claimed side           the whole interval on the other side
    SameSuccess  the whole interval within the margin             the whole interval beyond it, on one side
    ===========  ===============================================  ===============================================

    All else is undecided. Each hypothesis keeps its own alpha: verdicts are not corrected for their number.
    """
    for where in sides(hypothesis):
        if not _matching(where, summaries):
            return _nothing(hypothesis, f"This profile has no cell with {_words(where)}.", ())
    if isinstance(hypothesis, MoreSuccess):
        return _judge_more_success(hypothesis, summaries)
    if isinstance(hypothesis, SameSuccess):
        return _judge_same_success(hypothesis, summaries)
    return _judge_share(hypothesis, summaries)


def _judge_more_success(hypothesis: MoreSuccess, summaries: Sequence[Tally]) -> Judgement:
    better, worse = (wilson(*_pooled((Outcome.CONVERGED,), where, summaries)) for where in sides(hypothesis))
    named = ((better, hypothesis.better), (worse, hypothesis.worse))
    for rate, where in named:
        if rate.n == 0:
            return _nothing(hypothesis, f"No replica with {_words(where)} has an outcome yet.", (better, worse))
    p = boschloo(better.successes, better.n, worse.successes, worse.n)
    verdict = Verdict.UNDECIDED
    if p < hypothesis.alpha:
        verdict = Verdict.SUPPORTED if better.rate > worse.rate else Verdict.CONTRADICTED
    texts = (f"{_counted(rate, 0.95)} converged with {_words(where)}" for rate, where in named)
    p_text = "p < 0.001" if p < 0.001 else f"p = {p:.3g}"
    sentence = f"{', '.join(texts)}; exact test of equal rates: {p_text}, {_against(p, hypothesis.alpha)}."
    return Judgement(hypothesis=hypothesis, verdict=verdict, sentence=sentence, p=p, rates=(better, worse))


def _judge_same_success(hypothesis: SameSuccess, summaries: Sequence[Tally]) -> Judgement:
    counts = [_pooled((Outcome.CONVERGED,), where, summaries) for where in sides(hypothesis)]
    a, b = (wilson(*count) for count in counts)
    named = ((a, hypothesis.a), (b, hypothesis.b))
    for rate, where in named:
        if rate.n == 0:
            return _nothing(hypothesis, f"No replica with {_words(where)} has an outcome yet.", (a, b))
    confidence, margin = 1 - 2 * hypothesis.alpha, hypothesis.margin
    low, high = newcombe(*(wilson(*count, confidence) for count in counts))
    verdict = Verdict.UNDECIDED
    if -margin < low and high < margin:
        verdict = Verdict.SUPPORTED
    elif low > margin or high < -margin:
        verdict = Verdict.CONTRADICTED
    place = {Verdict.SUPPORTED: "wholly within", Verdict.CONTRADICTED: "wholly beyond"}.get(verdict, "not within")
    texts = (f"{_counted(rate, 0.95)} converged with {_words(where)}" for rate, where in named)
    sentence = (
        f"{', '.join(texts)}; the {_percent(confidence)} interval of the difference, {100 * low:.3g} to "
        f"{100 * high:.3g} points, lies {place} {100 * margin:.3g} points."
    )
    return Judgement(hypothesis=hypothesis, verdict=verdict, sentence=sentence, p=None, rates=(a, b))


def _judge_share(hypothesis: Share, summaries: Sequence[Tally]) -> Judgement:
    confidence = 1 - hypothesis.alpha
    rate = clopper_pearson(*_pooled(hypothesis.outcomes, hypothesis.where, summaries), confidence)
    if rate.n == 0:
        return _nothing(hypothesis, f"No replica with {_words(hypothesis.where)} has an outcome yet.", (rate,))
    above, below = rate.low > hypothesis.threshold, rate.high < hypothesis.threshold
    claimed, other = (above, below) if hypothesis.side == "above" else (below, above)
    verdict = Verdict.SUPPORTED if claimed else Verdict.CONTRADICTED if other else Verdict.UNDECIDED
    place = "wholly above" if above else "wholly below" if below else "on no one side of"
    names = " or ".join(outcome.value.replace("_", " ") for outcome in hypothesis.outcomes)
    sentence = (
        f"{_counted(rate, confidence)} ended {names} with {_words(hypothesis.where)}; "
        f"the interval lies {place} {_percent(hypothesis.threshold)}."
    )
    return Judgement(hypothesis=hypothesis, verdict=verdict, sentence=sentence, p=None, rates=(rate,))


def _matching(where: Where, summaries: Sequence[Tally]) -> list[Tally]:
    return [cell for cell in summaries if all(cell.levels.get(name) == label for name, label in where.items())]


def _pooled(outcomes: tuple[Outcome, ...], where: Where, summaries: Sequence[Tally]) -> tuple[int, int]:
    counts = [
        (outcome, count)
        for cell in _matching(where, summaries)
        for outcome, count in cell.outcomes.items()
        if outcome is not Outcome.UNDECIDED
    ]
    return sum(count for outcome, count in counts if outcome in outcomes), sum(count for _, count in counts)


def _nothing(hypothesis: Hypothesis, sentence: str, rates: tuple[Rate, ...]) -> Judgement:
    return Judgement(hypothesis=hypothesis, verdict=Verdict.UNDECIDED, sentence=sentence, p=None, rates=rates)


def _words(where: Where) -> str:
    return ", ".join(f"{name} {label}" for name, label in where.items()) or "any levels"


def _counted(rate: Rate, confidence: float) -> str:
    return (
        f"{rate.successes} of {rate.n} ({_percent(rate.rate)}, {_percent(confidence)} interval "
        f"{_percent(rate.low)} to {_percent(rate.high)})"
    )


def _percent(share: float) -> str:
    return f"{100 * share:.3g} %"


def _against(p: float, alpha: float) -> str:
    return f"below {alpha:g}" if p < alpha else f"not below {alpha:g}"


def _check_alpha(alpha: float) -> None:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be in (0, 1), got {alpha}")
