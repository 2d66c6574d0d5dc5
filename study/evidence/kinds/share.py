"""Share: a binomial test with a seed as one observation; contradicted if the share is on the threshold's other side."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from study.design.hypotheses.share import Share
from study.design.hypothesis import in_words
from study.evidence.inference import power_fixed, power_sequential
from study.evidence.inference.power_fixed import Chances
from study.evidence.inference.power_sequential import Paths
from study.evidence.inference.proportions import Rate
from study.evidence.inference.shares import BettingShare, FixedShare
from study.evidence.kind import TOO_EARLY, Extent, Kind, Rates, Scenario, Shown, Tested, in_sequence
from study.evidence.pairing import Design
from study.evidence.wording import counted, observation
from study.formatting import joined, percent, plural
from study.outcomes.outcome import Outcome

_ODDS = (7 / 3, 9.0)  # 0.7 and 0.9 where the threshold is one half


class _Share(Kind[Share, FixedShare | BettingShare]):
    of = Share
    unit = "replica"

    def test(self, hypothesis: Share, design: Design, anytime: bool) -> Tested[FixedShare | BettingShare] | str:
        cells = design.cells(hypothesis.where)
        units = design.apart(cells, {}, lambda record: record.outcome in hypothesis.outcomes, hypothesis.drawn)
        used = in_sequence(units) if anytime else units
        counts = [(sum(unit.a), len(unit.a)) for unit in used if unit.a]
        if not counts:
            return TOO_EARLY
        found = BettingShare(counts) if anytime else FixedShare(counts)
        p, side = found.against(hypothesis.threshold, hypothesis.alpha)
        return Tested(
            found=found,
            p=p,
            leaning=side if hypothesis.side == "above" else -side,
            seeds=len(counts),
            later=sum(len(unit.a) for unit in units[len(used) :]),
        )

    def shown(self, hypothesis: Share, tested: Tested[FixedShare | BettingShare]) -> Shown:
        """Return the rate with its interval at ``1 - alpha``, so that interval and verdict agree."""
        return Shown(test=tested.found.test, rates=(tested.found.rate(1 - hypothesis.alpha),))

    def words(self, hypothesis: Share, tested: Tested[FixedShare | BettingShare], rates: Sequence[Rate]) -> list[str]:
        (rate,), anytime = rates, isinstance(tested.found, BettingShare)
        names = joined([outcome.value.replace("_", " ") for outcome in hypothesis.outcomes], "or")
        ended = names if hypothesis.outcomes == (Outcome.CONVERGED,) else f"ended {names}"
        ended = f"{counted(rate, 1 - hypothesis.alpha, anytime)} {ended} with {in_words(hypothesis.where)}"
        parts = [ended, f"against {percent(hypothesis.threshold)}"]
        seeds = plural(tested.seeds, observation(hypothesis))
        if anytime:
            return [*parts, f"after {seeds}"]
        whole = f"{seeds} counting as one observation{' each' if tested.seeds > 1 else ''}"
        return [*parts, whole] if rate.n > tested.seeds else parts

    def assumed(
        self, hypothesis: Share, rates: tuple[float, float] | None, rate: float | None, correlation: float
    ) -> Sequence[Rates]:
        if rate is not None and not 0 <= rate <= 1:
            raise ValueError(f"rates must be in [0, 1], got {rate:g}")
        return [(one,) for one in (_beyond(hypothesis) if rate is None else [rate])]

    def extremes(self, hypothesis: Share, extent: Extent) -> Iterator[tuple[float, int]]:
        for successes in (0, extent.size):
            counts = [(successes, extent.size)] * extent.observations
            found = BettingShare(counts) if extent.anytime else FixedShare(counts)
            p, side = found.against(hypothesis.threshold, hypothesis.alpha)
            yield p, side if hypothesis.side == "above" else -side

    def borders(self, hypothesis: Share) -> Sequence[Rates]:
        return [(hypothesis.threshold,)]

    def fixed(self, hypothesis: Share, scenario: Scenario) -> tuple[Chances, ...]:
        seen, rate = (scenario.observations, scenario.size), scenario.rates[0]
        found = power_fixed.share(*seen, rate, hypothesis.threshold, scenario.levels)
        return found if hypothesis.side == "above" else tuple(replace(one, up=one.down, down=one.up) for one in found)

    def paths(self, hypothesis: Share, scenario: Scenario) -> tuple[Paths, ...]:
        seen, rate = (scenario.observations, scenario.size), scenario.rates[0]
        found = power_sequential.share_paths(*seen, rate, hypothesis.threshold, scenario.levels)
        return found if hypothesis.side == "above" else tuple(replace(one, side=-one.side) for one in found)


def _beyond(hypothesis: Share) -> list[float]:
    """Rates on the claimed side: their odds are those of the threshold times (or by) 7/3, 9, and without end."""
    threshold, above = hypothesis.threshold, hypothesis.side == "above"
    if above:
        return [*(round(threshold * odds / (1 - threshold + threshold * odds), 3) for odds in _ODDS), 1.0]
    return [*(round(threshold / (threshold + (1 - threshold) * odds), 3) for odds in _ODDS), 0.0]


KIND = _Share()
