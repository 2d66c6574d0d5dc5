"""Before a run: how likely each hypothesis is to be decided with the planned seeds, and what a decision costs.

What is true is assumed, so each hypothesis is asked about several truths. Chances come for two levels: the hypothesis's
own alpha, as if it were alone, and alpha divided by the size of the family, which is Holm's threshold for a claim as
long as no other one of the family is decided. The truth lies between the two.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from study.design.hypothesis import Hypothesis
from study.design.plan import Plan
from study.evidence import kinds
from study.evidence.inference import power_fixed
from study.evidence.inference.power_fixed import Chances
from study.evidence.inference.power_sequential import Paths
from study.evidence.kind import Kind, Rates, Scenario
from study.evidence.pairing import match
from study.evidence.reach import MOST_SEEDS, cells_with
from study.formatting import plural

TARGETS = (0.8, 0.9)
"""Powers that the smallest numbers of seeds are looked for."""


_LOOKED_AT = 400  # replicas of each side of a sequence in which the number of seeds is looked for


_NEVER = 1e-6  # a smaller chance has no price


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """One hypothesis if certain rates are the truth; of each pair the first is alone, the second in the family.

    Attributes:
        chances: of being decided as claimed (``up``), and the other way round.
        enough: for each of ``TARGETS`` the smallest number of seeds, or of draws where the claim is about levels that
            were drawn; None where too many would be needed.
    """

    rates: Rates
    chances: tuple[Chances, Chances]
    enough: tuple[tuple[int | None, int | None], ...]

    def price(self, seconds: float) -> float | None:
        """Return seconds of computing per decision as claimed in the family, launches without one included.

        None if there is no such decision.

        Args:
            seconds: of one seed of all the cells.
        """
        own = self.chances[1]
        return own.seeds * seconds / own.up if own.up > _NEVER else None


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerAnalysis:
    """One hypothesis.

    Attributes:
        basis: what is tested, in words; why nothing is, where ``prospects`` is empty.
        cells: indices of all cells that it speaks of.
        wrong: the largest chance, over some rates, of a verdict that is not true: of any where nothing differs, of
            "equal" where the rates differ by the margin. Alone and in the family.
    """

    hypothesis: Hypothesis
    basis: str
    cells: tuple[int, ...] = ()
    prospects: tuple[Prospect, ...] = ()
    wrong: tuple[float, float] = (0.0, 0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """What a hypothesis meets in a launch.

    Attributes:
        cells: all it speaks of.
        draws: levels drawn at random, each of which is an observation; None where each seed is one.
        size: pairs (or replicas, of a share) in an observation. The seeds of a draw are taken to agree, and count once.
    """

    cells: tuple[int, ...]
    draws: int | None
    size: int

    def observations(self, seeds: int) -> int:
        """Return the independent observations that so many seeds per cell give."""
        return seeds if self.draws is None else self.draws


def power_analysis(
    plan: Plan,
    *,
    rates: tuple[float, float] | None = None,
    rate: float | None = None,
    correlation: float = 0.0,
) -> tuple[PowerAnalysis, ...]:
    """All hypotheses of a plan, in its order.

    Args:
        rates: to assume of ``better`` and ``worse`` instead of usual rates.
        rate: to assume of shares, and of both sides of what is claimed to be equal.
        correlation: of the two outcomes of a pair. Usual rates that no such pair can have are left out.

    Raises:
        ValueError: if there is no hypothesis, or the rates, or they and the correlation, cannot be.
    """
    if not plan.hypotheses:
        raise ValueError(f"study must have a hypothesis to decide, got {plan.study} without any")
    if not -1 <= correlation <= 1:
        raise ValueError(f"correlation must be in [-1, 1], got {correlation:g}")
    layouts = [layout(hypothesis, plan) for hypothesis in plan.hypotheses]
    family = sum(isinstance(own, Layout) for own in layouts)
    return tuple(
        _outlook(
            _Question(hypothesis, own, plan, family, correlation),
            kinds.of(hypothesis).assumed(hypothesis, rates, rate, correlation),
        )
        if isinstance(own, Layout)
        else PowerAnalysis(hypothesis=hypothesis, basis=own)
        for hypothesis, own in zip(plan.hypotheses, layouts, strict=True)
    )


def unassumed(plan: Plan, *, rates: tuple[float, float] | None, rate: float | None) -> tuple[str, ...]:
    """Return the names of the hypotheses that given rates say nothing of: a pair of a share, or a rate of a pair."""
    if rates is None and rate is None:
        return ()
    return tuple(
        own.name
        for own in plan.hypotheses
        if kinds.of(own).assumed(own, rates, rate, 0.0) == kinds.of(own).assumed(own, None, None, 0.0)
    )


def layout(hypothesis: Hypothesis, plan: Plan) -> Layout | str:
    """Return what the hypothesis meets, or in one sentence why that cannot be said."""
    found = [cells_with(plan, where) for where in hypothesis.sides]
    if not all(found):
        return "this profile has no cells for it"
    names = {name for where in hypothesis.sides for name in where}
    if len(found) == 2 and not match(found[0], found[1], names).complete:
        return "its cells cannot be paired, and chances are computed for pairs alone"
    drawn = Counter(tuple(levels.get(name) for name in hypothesis.drawn) for levels in found[0].values())
    # Where observations differ in size, all count as the smallest.
    return Layout(
        cells=tuple(index for side in found for index in side),
        draws=len(drawn) if hypothesis.drawn else None,
        size=min(drawn.values()),
    )


@dataclass(frozen=True, slots=True)
class _Question:
    hypothesis: Hypothesis
    layout: Layout
    plan: Plan
    family: int
    correlation: float

    @property
    def levels(self) -> tuple[float, float]:
        return self.hypothesis.alpha, self.hypothesis.alpha / self.family

    @property
    def kind(self) -> Kind[Any, Any]:
        return kinds.of(self.hypothesis)

    def possible(self, rates: Rates) -> bool:
        return self.kind.possible(rates, self.correlation)

    def fixed(self, rates: Rates, observations: int, levels: Sequence[float]) -> tuple[Chances, ...]:
        """With a number of seeds, or draws, that was fixed before."""
        return self.kind.fixed(self.hypothesis, self._scenario(rates, observations, levels))

    def paths(self, rates: Rates, observations: int) -> tuple[Paths, ...]:
        """With as many seeds, or draws, as are needed, looked at after every one."""
        return self.kind.paths(self.hypothesis, self._scenario(rates, observations, self.levels))

    def _scenario(self, rates: Rates, observations: int, levels: Sequence[float]) -> Scenario:
        return Scenario(
            rates=rates,
            correlation=self.correlation,
            observations=observations,
            size=self.layout.size,
            levels=levels,
        )

    def chances(self, rates: Rates) -> tuple[Chances, Chances]:
        """Of the plan; expected numbers are of seeds."""
        seeds = len(self.plan.seeds)
        observations = self.layout.observations(seeds)
        if not self.plan.until_decided:
            found = self.fixed(rates, observations, self.levels)
        elif self.layout.draws is None:
            found = tuple(own.chances(seeds, self.plan.block, self.plan.least) for own in self.paths(rates, seeds))
            return found[0], found[1]
        else:
            found = tuple(own.chances(observations) for own in self.paths(rates, observations))
        one, other = (replace(own, seeds=float(seeds)) for own in found)
        return one, other

    def enough(self, rates: Rates) -> tuple[tuple[int | None, int | None], ...]:
        if self.plan.until_decided:
            most = max(_LOOKED_AT // self.layout.size, self.layout.observations(len(self.plan.seeds)))
            found = self.paths(rates, most)
            return tuple((found[0].enough(target), found[1].enough(target)) for target in TARGETS)

        def smallest(target: float, level: float) -> int | None:
            return power_fixed.smallest(lambda many: self.fixed(rates, many, [level])[0].up, target, MOST_SEEDS)

        alone, together = self.levels
        return tuple((smallest(target, alone), smallest(target, together)) for target in TARGETS)

    def wrong(self) -> tuple[float, float]:
        borders = self.kind.borders(self.hypothesis)
        found = [self.chances(rates) for rates in borders if self.possible(rates)]
        either = not self.kind.one_way
        alone, together = ([one.up + one.down * either for one in level] for level in zip(*found, strict=True))
        return max(alone), max(together)

    def basis(self) -> str:
        seeds, draws = len(self.plan.seeds), self.layout.draws
        many = plural(seeds, "seed") if draws is None else plural(draws, "draw")
        agree = " of seeds that are taken to agree" if draws is not None and seeds > 1 else ""
        return f"{many}, each {plural(self.layout.size, self.kind.unit)}{agree}"


def _outlook(question: _Question, assumed: Sequence[Rates]) -> PowerAnalysis:
    prospects = tuple(
        Prospect(rates=rates, chances=question.chances(rates), enough=question.enough(rates))
        for rates in assumed
        if question.possible(rates)
    )
    return PowerAnalysis(
        hypothesis=question.hypothesis,
        basis=question.basis(),
        cells=question.layout.cells,
        prospects=prospects,
        wrong=question.wrong(),
    )
