"""One set of cells converges more often than another. ``study.evidence.kinds.more_success`` tests it."""

from dataclasses import dataclass
from typing import Literal

from study.design.hypothesis import Hypothesis, Where, in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class MoreSuccess(Hypothesis):
    """Cells in ``better`` converge more often than cells in ``worse``."""

    better: Where
    worse: Where
    kind: Literal["more_success"] = "more_success"

    def __post_init__(self) -> None:
        Hypothesis.__post_init__(self)
        if self.better == self.worse:
            raise ValueError(f"better and worse must differ, got {in_words(self.better)} twice")

    @property
    def sides(self) -> tuple[Where, ...]:
        return (self.better, self.worse)


KIND = MoreSuccess
