"""Hypotheses, declared before the run; ``judging`` says what became of them.

A hypothesis compares success between two sets of cells (one above the other, or both about equal), or bounds the share
of some outcomes in one set. A set is named by factor levels: ``{"bn": "no_bn_g", "optimizer": "adam"}`` are all cells
with these levels.

A hypothesis may name levels that were themselves ``drawn`` at random (architectures, settings): each of these with each
seed is then an observation of its own. Otherwise a seed is one, whatever the number of its cells, for they share its
random streams.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from study.outcomes.outcome import Outcome

Where = Mapping[str, str]
"""Factor name to level label; factors not named are free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreSuccess:
    """Cells in ``better`` converge more often than cells in ``worse``."""

    name: str
    claim: str
    source: str
    better: Where
    worse: Where
    drawn: tuple[str, ...] = ()
    alpha: float = 0.05
    kind: Literal["more_success"] = "more_success"

    def __post_init__(self) -> None:
        _check_alpha(self.alpha)
        if self.better == self.worse:
            raise ValueError(f"better and worse must differ, got {in_words(self.better)} twice")


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
    drawn: tuple[str, ...] = ()
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

    That no difference was found is no evidence that there is none: this asks for an equivalence test, which is two
    one-sided ones (Schuirmann 1987, J. Pharmacokinet. Biopharm. 15).
    """

    name: str
    claim: str
    source: str
    a: Where
    b: Where
    margin: float = 0.25
    drawn: tuple[str, ...] = ()
    alpha: float = 0.05
    kind: Literal["same_success"] = "same_success"

    def __post_init__(self) -> None:
        _check_alpha(self.alpha)
        if self.a == self.b:
            raise ValueError(f"a and b must differ, got {in_words(self.a)} twice")
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


def in_words(where: Where) -> str:
    """``bn no_bn_g, optimizer adam``."""
    return ", ".join(f"{name} {label}" for name, label in where.items()) or "any levels"


def _check_alpha(alpha: float) -> None:
    if not 0 < alpha < 1:
        raise ValueError(f"alpha must be in (0, 1), got {alpha}")
