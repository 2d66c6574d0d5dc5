"""What a kind of hypothesis has to say: how it is tested, worded and planned for. ``study.evidence.kinds`` has all."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import ClassVar, Generic, TypeVar

from study.design.hypothesis import Hypothesis
from study.evidence.inference.paired import Pairs
from study.evidence.inference.power_fixed import Chances, Joint, joint
from study.evidence.inference.power_sequential import Paths
from study.evidence.inference.proportions import Rate
from study.evidence.pairing import Design, Unit

H = TypeVar("H", bound=Hypothesis)
F = TypeVar("F")
Rates = tuple[float, ...]
"""True rates, one per set of cells that a hypothesis speaks of."""
TOO_EARLY = "No seed counts yet: the first ones lack outcomes."


@dataclass(frozen=True, slots=True, kw_only=True)
class Tested(Generic[F]):
    """A test and what it was made on.

    Attributes:
        found: what was estimated, from which the test, its intervals and its words follow.
        p: of the test; two-sided unless the kind says otherwise.
        leaning: whether p, if it is small, speaks for the hypothesis (1) or against it (-1); 0 if it is not small.
        seeds: independent observations.
        left_out: replicas whose partner has no outcome; ``later``: those after the end of the sequence.
    """

    found: F
    p: float
    leaning: int
    seeds: int
    pairs: Pairs | None = None
    left_out: int = 0
    later: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What a table or a figure shows of a test.

    Attributes:
        test: its name in words.
        rates: one per set of cells, with intervals, over the replicas that were compared.
        difference: of two rates, with its 95 % interval; absent where there are no two.
        correlation: of the two outcomes of a pair (phi); absent without pairs, or where one side never varied.
    """

    test: str
    rates: tuple[Rate, ...]
    difference: tuple[float, float, float] | None = None
    correlation: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What is assumed to be true, and what is seen of it.

    Attributes:
        rates: true rates, one per set of cells.
        correlation: of the two outcomes of a pair.
        observations: how many there are, or are at most, where they are looked at one by one.
        size: pairs, or replicas, in an observation.
        levels: the levels of significance that chances are asked for.
    """

    rates: Rates
    correlation: float
    observations: int
    size: int
    levels: Sequence[float]

    @property
    def pair(self) -> Joint:
        """Chances of the four outcomes of a pair.

        Raises:
            ValueError: if no pair has these rates and this correlation.
        """
        return joint(self.rates[0], self.rates[1], self.correlation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much a plan sees of one hypothesis.

    Attributes:
        observations: independent ones, at most.
        size: pairs, or replicas of the one set of cells, in an observation.
        replicas: of each set of cells.
        matched: whether the replicas of two sets pair.
        anytime: whether the number of seeds is chosen by looking at the data.
    """

    observations: int
    size: int
    replicas: tuple[int, ...]
    matched: bool
    anytime: bool


class Kind(ABC, Generic[H, F]):
    """The evidence for hypotheses of one kind.

    Attributes:
        of: the dataclass that declares them.
        unit: what an observation consists of: ``pair`` or ``replica``.
        one_way: whether only the verdict as claimed can be wrong at the border of the claim; otherwise either can.
    """

    of: ClassVar[type[Hypothesis]]
    unit: ClassVar[str]
    one_way: ClassVar[bool] = False

    # What the records say

    @abstractmethod
    def test(self, hypothesis: H, design: Design, anytime: bool) -> Tested[F] | str:
        """Test the hypothesis on cells that all have outcomes; or say in one sentence why that cannot be done.

        Args:
            anytime: whether the number of seeds was chosen by looking at the data.
        """

    @abstractmethod
    def shown(self, hypothesis: H, tested: Tested[F]) -> Shown:
        """Return the rates and the test of a hypothesis."""

    @abstractmethod
    def words(self, hypothesis: H, tested: Tested[F], rates: Sequence[Rate]) -> list[str]:
        """Say what was counted, with intervals, and on how many observations; parts of one sentence."""

    # Before a run

    @abstractmethod
    def assumed(
        self, hypothesis: H, rates: tuple[float, float] | None, rate: float | None, correlation: float
    ) -> Sequence[Rates]:
        """Return the true rates to assume: those that the user gives, or usual ones.

        Args:
            rates: of two sets of cells; ``rate``: of one, or of two that are claimed to be equal.
            correlation: of the two outcomes of a pair.

        Raises:
            ValueError: if what the user gives cannot be.
        """

    @abstractmethod
    def borders(self, hypothesis: H) -> Sequence[Rates]:
        """Return rates at which the claim is not true, by a hair."""

    @abstractmethod
    def extremes(self, hypothesis: H, extent: Extent) -> Iterator[tuple[float, int]]:
        """Yield p and its leaning, as in ``Tested``, of the outcomes that speak most clearly either way."""

    def possible(self, rates: Rates, correlation: float) -> bool:
        """Whether outcomes with these rates can have this correlation."""
        return True

    @abstractmethod
    def fixed(self, hypothesis: H, scenario: Scenario) -> tuple[Chances, ...]:
        """Return the chances of a decision, per level, with a number of observations that was fixed before."""

    @abstractmethod
    def paths(self, hypothesis: H, scenario: Scenario) -> tuple[Paths, ...]:
        """Return the courses of tests, per level, that look after every observation."""


def in_sequence(units: Sequence[Unit]) -> list[Unit]:
    """Return the observations before the first one that is still open."""
    return list(takewhile(lambda unit: not unit.open, units))
