"""The share of some outcomes in one set of cells is bounded. ``study.evidence.kinds.share`` tests it."""

from dataclasses import dataclass
from typing import Literal

from study.design.hypothesis import Hypothesis, Where
from study.outcomes.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Share(Hypothesis):
    """The share of replicas in ``where`` with one of ``outcomes`` is above (or below) ``threshold``."""

    where: Where
    outcomes: tuple[Outcome, ...]
    side: Literal["above", "below"]
    threshold: float
    kind: Literal["share"] = "share"

    def __post_init__(self) -> None:
        Hypothesis.__post_init__(self)
        if not 0 <= self.threshold <= 1:
            raise ValueError(f"threshold must be in [0, 1], got {self.threshold}")
        if not self.outcomes or Outcome.UNDECIDED in self.outcomes:
            names = ", ".join(outcome.value for outcome in self.outcomes) or "none"
            raise ValueError(f"outcomes must be at least one and not undecided, got {names}")

    @property
    def sides(self) -> tuple[Where, ...]:
        return (self.where,)


KIND = Share
