"""Same success: an equivalence test by the interval of the difference, twice one-sided; contradicted beyond the margin.

p is that of the equivalence.
"""

from collections.abc import Sequence

from study.design.hypotheses.same_success import SameSuccess
from study.evidence.inference import power_fixed, power_sequential
from study.evidence.inference.differences import Betting, Difference
from study.evidence.inference.power_fixed import Chances
from study.evidence.inference.power_sequential import Paths
from study.evidence.kind import Rates, Scenario
from study.evidence.two_rates import USUAL, TwoRates, checked
from study.formatting import percent, points


class _SameSuccess(TwoRates[SameSuccess]):
    of = SameSuccess
    one_way = True

    def against(self, hypothesis: SameSuccess, found: Difference) -> tuple[float, int]:
        """Equal rates need both ends of the margin refuted, unequal ones the end that they are beyond."""
        upper, above = found.against(hypothesis.margin, hypothesis.alpha)
        lower, below = found.against(-hypothesis.margin, hypothesis.alpha)
        if above > 0:
            return upper / found.tails, -1
        if below < 0:
            return lower / found.tails, -1
        return max(upper, lower) / found.tails, 1

    def limits(self, found: Difference, confidence: float) -> tuple[float, float]:
        return found.margin_interval(confidence)

    def name(self, found: Difference) -> str:
        return found.equivalence

    def interval(self, hypothesis: SameSuccess, found: Difference) -> str:
        kind = " anytime" if isinstance(found, Betting) else ""
        level, margin = 1 - found.tails * hypothesis.alpha, hypothesis.margin
        low, high = self.limits(found, level)
        within, beyond = -margin < low and high < margin, low > margin or high < -margin
        place = "wholly within" if within else "wholly beyond" if beyond else "not within"
        return (
            f"the {percent(level)}{kind} interval of the difference, {points(low)} to {points(high)} points,"
            f" lies {place} {points(margin)} points"
        )

    def assumed(
        self, hypothesis: SameSuccess, rates: tuple[float, float] | None, rate: float | None, correlation: float
    ) -> Sequence[Rates]:
        return [(one, one) for one in USUAL] if rate is None else checked((rate, rate), correlation)

    def clearest(self, observations: int) -> Sequence[tuple[int, int]]:
        """Without any difference, at rates of 0 and of one half; and with the largest one."""
        half = observations // 2
        return [(0, 0), (half, half), (observations, 0)]

    def borders(self, hypothesis: SameSuccess) -> Sequence[Rates]:
        margin = hypothesis.margin
        return [((1 + margin) / 2, (1 - margin) / 2), (1.0, 1 - margin), (margin, 0.0)]

    def fixed(self, hypothesis: SameSuccess, scenario: Scenario) -> tuple[Chances, ...]:
        return power_fixed.same(scenario.observations, scenario.size, scenario.pair, hypothesis.margin, scenario.levels)

    def paths(self, hypothesis: SameSuccess, scenario: Scenario) -> tuple[Paths, ...]:
        return power_sequential.same_paths(
            scenario.observations, scenario.size, scenario.pair, hypothesis.margin, scenario.levels
        )


KIND = _SameSuccess()
