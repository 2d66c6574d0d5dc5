"""Before a run: how likely each hypothesis is to be decided with the planned seeds, and what a decision costs.

What is true is assumed, so each hypothesis is asked about several truths. Chances come for two levels: the hypothesis's
own alpha, as if it were alone, and alpha divided by the size of the family, which is Holm's threshold for a claim as
long as no other one of the family is decided. The truth lies between the two.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from study.design.hypotheses import Hypothesis, MoreSuccess, SameSuccess, Share, sides
from study.design.plan import Plan
from study.evidence.inference import power_fixed, power_sequential
from study.evidence.inference.power_fixed import Chances, correlations, joint
from study.evidence.inference.power_sequential import Paths
from study.evidence.pairing import Cells, match

TARGETS = (0.8, 0.9)
"""Powers that the smallest numbers of seeds are looked for."""


MOST_SEEDS = 1_000


_LOOKED_AT = 400  # replicas of each side of a sequence in which the number of seeds is looked for


_RATES = ((0.9, 0.7), (0.9, 0.5), (0.9, 0.3), (1.0, 0.0))


_EQUAL = (0.9, 0.7, 0.5)


_NEVER = 1e-6  # a smaller chance has no price


_ODDS = (7 / 3, 9.0)  # 0.7 and 0.9 where the threshold is one half


Rates = tuple[float, ...]
"""Of ``better`` and ``worse``, or of ``a`` and ``b``; or of the share, one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """One hypothesis if certain rates are the truth; of each pair the first is alone, the second in the family.

    Attributes:
        chances: of being decided as claimed (``up``), and the other way round.
        enough: for each of ``TARGETS`` the smallest number of seeds; None where too many would be needed.
    """

    rates: Rates
    chances: tuple[Chances, Chances]
    enough: tuple[tuple[int | None, int | None], ...]

    def price(self, seconds: float) -> float | None:
        """Seconds of computing per decision as claimed in the family, launches without one included; None if there is
        none. ``seconds``: of one seed of all the cells.
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
        each: observations that a seed gives: more than one where levels were drawn at random.
        size: pairs (or replicas, of a share) in an observation.
    """

    cells: tuple[int, ...]
    each: int
    size: int


def power_analysis(
    plan: Plan,
    *,
    rates: tuple[float, float] | None = None,
    rate: float | None = None,
    correlation: float = 0.0,
) -> tuple[PowerAnalysis, ...]:
    """All hypotheses of a plan, in its order.

    Args:
        rates: to assume of ``better`` and ``worse`` instead of some of our own.
        rate: to assume of shares, and of both sides of what is claimed to be equal.
        correlation: of the two outcomes of a pair. Rates of our own that no such pair can have are left out.

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
            _assumed(hypothesis, rates, rate, correlation),
        )
        if isinstance(own, Layout)
        else PowerAnalysis(hypothesis=hypothesis, basis=own)
        for hypothesis, own in zip(plan.hypotheses, layouts, strict=True)
    )


def layout(hypothesis: Hypothesis, plan: Plan) -> Layout | str:
    """What it meets; a sentence where it cannot be told."""
    found = [_cells(plan, where) for where in sides(hypothesis)]
    if not all(found):
        return "this profile has no cells for it"
    names = {name for where in sides(hypothesis) for name in where}
    if len(found) == 2 and not match(found[0], found[1], names).complete:
        return "its cells cannot be paired, and chances are computed for pairs alone"
    drawn = Counter(tuple(levels.get(name) for name in hypothesis.drawn) for levels in found[0].values())
    # Where observations differ in size, all count as the smallest.
    return Layout(cells=tuple(index for side in found for index in side), each=len(drawn), size=min(drawn.values()))


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

    def possible(self, rates: Rates) -> bool:
        if len(rates) == 1:
            return True
        low, high = correlations(*rates)
        return low <= self.correlation <= high

    def fixed(self, rates: Rates, seeds: int, levels: Sequence[float]) -> tuple[Chances, ...]:
        """With a number of seeds that was fixed before."""
        observations, size, own = seeds * self.layout.each, self.layout.size, self.hypothesis
        if isinstance(own, Share):
            found = power_fixed.share(observations, size, rates[0], own.threshold, levels)
            return found if own.side == "above" else tuple(replace(one, up=one.down, down=one.up) for one in found)
        what = joint(rates[0], rates[1], self.correlation)
        if isinstance(own, SameSuccess):
            return power_fixed.same(observations, size, what, own.margin, levels)
        return power_fixed.paired(observations, size, what, levels)

    def paths(self, rates: Rates, observations: int) -> tuple[Paths, ...]:
        """With as many seeds as are needed, looked at after every one."""
        size, own = self.layout.size, self.hypothesis
        if isinstance(own, Share):
            found = power_sequential.share_paths(observations, size, rates[0], own.threshold, self.levels)
            return found if own.side == "above" else tuple(replace(one, side=-one.side) for one in found)
        what = joint(rates[0], rates[1], self.correlation)
        if isinstance(own, SameSuccess):
            return power_sequential.same_paths(observations, size, what, own.margin, self.levels)
        return power_sequential.paired_paths(observations, size, what, self.levels)

    def chances(self, rates: Rates) -> tuple[Chances, Chances]:
        """Of the plan; expected numbers are of seeds."""
        seeds, each = len(self.plan.seeds), self.layout.each
        if self.plan.until_decided:
            alone, together = self.paths(rates, seeds * each)
            block, least = self.plan.block, self.plan.least
            return alone.chances(seeds, block, least, each), together.chances(seeds, block, least, each)
        one, other = (replace(found, seeds=float(seeds)) for found in self.fixed(rates, seeds, self.levels))
        return one, other

    def enough(self, rates: Rates) -> tuple[tuple[int | None, int | None], ...]:
        if self.plan.until_decided:
            found = self.paths(rates, max(_LOOKED_AT // self.layout.size, self.layout.each * len(self.plan.seeds)))
            return tuple(
                (found[0].enough(target, self.layout.each), found[1].enough(target, self.layout.each))
                for target in TARGETS
            )

        def smallest(target: float, level: float) -> int | None:
            return power_fixed.smallest(lambda seeds: self.fixed(rates, seeds, [level])[0].up, target, MOST_SEEDS)

        alone, together = self.levels
        return tuple((smallest(target, alone), smallest(target, together)) for target in TARGETS)

    def wrong(self) -> tuple[float, float]:
        found = [self.chances(rates) for rates in self._borders() if self.possible(rates)]
        either = not isinstance(self.hypothesis, SameSuccess)
        alone, together = ([one.up + one.down * either for one in level] for level in zip(*found, strict=True))
        return max(alone), max(together)

    def _borders(self) -> list[Rates]:
        """Rates at which the claim is not true, by a hair."""
        match self.hypothesis:
            case MoreSuccess():
                return [(one, one) for one in _EQUAL]
            case SameSuccess(margin=margin):
                return [((1 + margin) / 2, (1 - margin) / 2), (1.0, 1 - margin), (margin, 0.0)]
            case Share(threshold=threshold):
                return [(threshold,)]

    def basis(self) -> str:
        seeds, each, size = len(self.plan.seeds), self.layout.each, self.layout.size
        kind = "replica" if isinstance(self.hypothesis, Share) else "pair"
        many = f"{seeds * each} observations" if each > 1 else f"{seeds} seeds" if seeds > 1 else "1 seed"
        return f"{many}, each {size} {kind}{'s' if size > 1 else ''}"


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


def _cells(plan: Plan, where: Mapping[str, str]) -> Cells:
    return {cell.index: cell.levels for cell in plan.cells if where.items() <= cell.levels.items()}


def _assumed(
    hypothesis: Hypothesis, rates: tuple[float, float] | None, rate: float | None, correlation: float
) -> Sequence[Rates]:
    """What the user assumes, or some of our own."""
    match hypothesis:
        case MoreSuccess():
            given = rates
            own: Sequence[Rates] = _RATES
        case SameSuccess():
            given, own = None if rate is None else (rate, rate), [(one, one) for one in _EQUAL]
        case Share():
            if rate is not None and not 0 <= rate <= 1:
                raise ValueError(f"rates must be in [0, 1], got {rate:g}")
            return [(one,) for one in (_beyond(hypothesis) if rate is None else [rate])]
    if given is None:
        return own
    joint(*given, correlation)
    return [given]


def _beyond(hypothesis: Share) -> list[float]:
    """Rates on the claimed side: their odds are those of the threshold times (or by) 7/3, 9, and without end."""
    threshold, above = hypothesis.threshold, hypothesis.side == "above"
    if above:
        return [*(round(threshold * odds / (1 - threshold + threshold * odds), 3) for odds in _ODDS), 1.0]
    return [*(round(threshold / (threshold + (1 - threshold) * odds), 3) for odds in _ODDS), 0.0]
