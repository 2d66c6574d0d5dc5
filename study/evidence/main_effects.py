"""How much success moves along each factor of a design, over all levels of the others.

What a claim asks of two places of a design, a main effect asks of its whole: the most and the least successful level of
a factor, on the same seeds and at the same levels of everything else. Nobody declared it before the run and the two
levels were chosen by their rates, so it is a description with an interval, and no test.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from study.design.hypotheses import MoreSuccess
from study.design.plan import Plan
from study.evidence import kinds
from study.evidence.inference.proportions import Rate
from study.evidence.pairing import Design
from study.storage.records import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class MainEffect:
    """The most and the least successful level of one factor.

    Attributes:
        rates: of both, over the replicas that have a partner at the other level.
        difference: of the two rates, with its 95 % interval, from pairs of one seed.
    """

    factor: str
    most: str
    least: str
    rates: tuple[Rate, Rate]
    difference: tuple[float, float, float]


def main_effects(plan: Plan, records: Sequence[Record]) -> tuple[MainEffect, ...]:
    """Return the effect of each factor whose cells have outcomes at two levels or more, the largest first."""
    design = Design(records)
    found = [_effect(factor.name, [level.label for level in factor.levels], design, plan) for factor in plan.factors]
    return tuple(sorted((own for own in found if own is not None), key=lambda own: -own.difference[0]))


def _effect(factor: str, labels: Sequence[str], design: Design, plan: Plan) -> MainEffect | None:
    counts = {label: design.successes(design.cells({factor: label})) for label in labels}
    rates = {label: successes / n for label, (successes, n) in counts.items() if n}
    if len(rates) < 2:
        return None
    order = sorted(rates, key=lambda label: -rates[label])
    most, least = order[0], order[-1]
    compared = MoreSuccess(name=factor, claim=factor, source=factor, better={factor: most}, worse={factor: least})
    kind = kinds.of(compared)
    tested = kind.test(compared, design, plan.until_decided)
    if isinstance(tested, str):
        return None
    shown = kind.shown(compared, tested)
    if shown.difference is None or len(shown.rates) != 2:
        return None
    return MainEffect(
        factor=factor, most=most, least=least, rates=(shown.rates[0], shown.rates[1]), difference=shown.difference
    )
