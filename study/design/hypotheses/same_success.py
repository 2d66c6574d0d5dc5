"""Two sets of cells converge about equally often. ``study.evidence.kinds.same_success`` tests it."""

from dataclasses import dataclass
from typing import Literal

from study.design.hypothesis import Hypothesis, Where, in_words


@dataclass(frozen=True, slots=True, kw_only=True)
class SameSuccess(Hypothesis):
    """Cells in ``a`` and cells in ``b`` converge about equally often: the rates differ by less than ``margin``.

    That no difference was found is no evidence that there is none: this asks for an equivalence test, which is two
    one-sided ones (Schuirmann 1987, J. Pharmacokinet. Biopharm. 15).
    """

    a: Where
    b: Where
    margin: float = 0.25
    kind: Literal["same_success"] = "same_success"

    def __post_init__(self) -> None:
        Hypothesis.__post_init__(self)
        if self.a == self.b:
            raise ValueError(f"a and b must differ, got {in_words(self.a)} twice")
        if not 0 < self.margin < 1:
            raise ValueError(f"margin must be in (0, 1), got {self.margin}")
        if self.alpha >= 0.5:
            raise ValueError(f"alpha must be in (0, 0.5) for an equivalence, got {self.alpha}")

    @property
    def sides(self) -> tuple[Where, ...]:
        return (self.a, self.b)


KIND = SameSuccess
