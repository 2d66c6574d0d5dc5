"""More success: exact tests of equal rates; contradicted if the other side converges more often.

With a number of seeds that was fixed before: McNemar on pairs of one seed, sign flips over seeds with several pairs,
Boschloo where no cells pair.
"""

from collections.abc import Sequence

from study.design.hypotheses.more_success import MoreSuccess
from study.evidence.inference import power_fixed, power_sequential
from study.evidence.inference.differences import Betting, Difference, remark
from study.evidence.inference.power_fixed import Chances
from study.evidence.inference.power_sequential import Paths
from study.evidence.kind import Rates, Scenario
from study.evidence.two_rates import USUAL, TwoRates, checked
from study.formatting import percent, points

_RATES: Sequence[Rates] = ((0.9, 0.7), (0.9, 0.5), (0.9, 0.3), (1.0, 0.0))


class _MoreSuccess(TwoRates[MoreSuccess]):
    of = MoreSuccess

    def against(self, hypothesis: MoreSuccess, found: Difference) -> tuple[float, int]:
        return found.against(0.0, hypothesis.alpha)

    def interval(self, hypothesis: MoreSuccess, found: Difference) -> str:
        kind = " anytime" if isinstance(found, Betting) else ""
        confidence = 1 - hypothesis.alpha
        low, high = found.interval(confidence)
        limits = f"{percent(confidence)}{kind} interval {points(low)} to {points(high)}"
        said = remark(found, confidence)
        return f"a difference of {points(found.estimate)} points ({limits}{'; ' if said else ''}{said})"

    def assumed(
        self, hypothesis: MoreSuccess, rates: tuple[float, float] | None, rate: float | None, correlation: float
    ) -> Sequence[Rates]:
        return _RATES if rates is None else checked(rates, correlation)

    def clearest(self, observations: int) -> Sequence[tuple[int, int]]:
        return [(observations, 0), (0, observations)]

    def borders(self, hypothesis: MoreSuccess) -> Sequence[Rates]:
        return [(one, one) for one in USUAL]

    def fixed(self, hypothesis: MoreSuccess, scenario: Scenario) -> tuple[Chances, ...]:
        return power_fixed.paired(scenario.observations, scenario.size, scenario.pair, scenario.levels)

    def paths(self, hypothesis: MoreSuccess, scenario: Scenario) -> tuple[Paths, ...]:
        return power_sequential.paired_paths(scenario.observations, scenario.size, scenario.pair, scenario.levels)


KIND = _MoreSuccess()
