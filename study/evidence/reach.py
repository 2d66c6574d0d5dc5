"""Before a run: which hypotheses a plan cannot decide whatever comes out, from counts alone.

Every hypothesis is tested on the outcomes that would speak most clearly for it, and against it; all p-values at their
smallest are adjusted by Holm. A claim whose adjusted p is not below its alpha even then stays undecided for certain.
With seeds that are added until the verdict, the tests are those that hold at any time, at the largest number of seeds.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial

from study.design.hypothesis import Hypothesis
from study.design.plan import Plan
from study.evidence import kinds
from study.evidence.inference.multiple import holm
from study.evidence.inference.power_fixed import smallest
from study.evidence.kind import Extent
from study.evidence.pairing import Cells, match
from study.formatting import plural, whole

MOST_SEEDS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """What a number of seeds per cell can decide at best.

    Attributes:
        seeds: per cell; at most, if they are added until the verdict.
        family: hypotheses that the plan has cells for.
        undecidable: those of them that stay undecided, whatever comes out.
        unsupportable: those that can be contradicted, but not supported.
        enough: fewest seeds with which each of ``undecidable`` could be decided; None beyond ``MOST_SEEDS``.
        enough_to_support: fewest with which all of the family could be supported at once, if the outcomes spoke for
            each of them as clearly as can be; None beyond ``MOST_SEEDS``.
    """

    seeds: int
    family: tuple[Hypothesis, ...]
    undecidable: tuple[Hypothesis, ...]
    unsupportable: tuple[Hypothesis, ...]
    enough: int | None
    enough_to_support: int | None


def reach(plan: Plan) -> Reach:
    """Return what the planned seeds can decide at best."""
    family = tuple(own for own in plan.hypotheses if all(cells_with(plan, where) for where in own.sides))
    seeds = len(plan.seeds)
    at = cache(partial(_out_of_reach, plan, family))
    undecidable, unsupportable = at(seeds)

    def fewest(enough: Callable[[int], bool]) -> int | None:
        return smallest(lambda n: float(n > 0 and enough(n)), 1.0, MOST_SEEDS)

    return Reach(
        seeds=seeds,
        family=family,
        undecidable=undecidable,
        unsupportable=tuple(own for own in unsupportable if own not in undecidable),
        enough=fewest(lambda n: not at(n)[0]) if undecidable else seeds,
        enough_to_support=fewest(lambda n: _supports_all(plan, family, n)) if unsupportable else seeds,
    )


def sentence(plan: Plan) -> str:
    """Say what the planned seeds cannot decide, whatever comes out; empty if they can support every claim."""
    way = "recorded in each cell" if plan.recording is not None else "--seeds {}"
    return " ".join(_sentences(reach(plan), "At most " if plan.until_decided else "", way))


def cells_with(plan: Plan, where: Mapping[str, str]) -> Cells:
    """Return the plan's cells with all these levels, by index."""
    return {cell.index: cell.levels for cell in plan.cells if where.items() <= cell.levels.items()}


def _sentences(found: Reach, most: str, way: str) -> Iterator[str]:
    seeds, holm_ = plural(found.seeds, "seed"), " under Holm" if len(found.family) > 1 else ""
    if found.undecidable:
        yield (
            f"{most}{seeds} cannot decide {_which(found.undecidable, found.family)}{holm_}, whatever comes out:"
            f" {_needed(found.enough, found.undecidable, 'are needed', way)}."
        )
    if found.unsupportable:
        yield (
            f"{most}{seeds} can contradict but not support {_which(found.unsupportable, found.family)}{holm_}:"
            f" {_needed(found.enough_to_support, found.unsupportable, 'are needed to support every claim', way)}."
        )


def _which(some: Sequence[Hypothesis], family: Sequence[Hypothesis]) -> str:
    if len(family) == 1:
        return "the claim"
    names = "" if len(some) == len(family) else f" ({', '.join(own.name for own in some)})"
    return f"{len(some)} of the {len(family)} claims{names}"


def _needed(seeds: int | None, some: Sequence[Hypothesis], are_needed: str, way: str) -> str:
    if seeds is None and any(own.drawn for own in some):
        return f"more draws {are_needed}, of which further seeds of the same ones say nothing"
    if seeds is None:
        return f"more than {whole(MOST_SEEDS)} seeds {are_needed}"
    return f"at least {plural(seeds, 'seed')} {are_needed} ({way.format(seeds)})"


def _out_of_reach(
    plan: Plan, family: Sequence[Hypothesis], seeds: int
) -> tuple[tuple[Hypothesis, ...], tuple[Hypothesis, ...]]:
    """Return the hypotheses that can never be decided, and those that can never be supported."""
    extremes = _extremes(plan, family, seeds)
    leasts = [min((p for p, leaning in own if leaning), default=1.0) for own in extremes]
    supports = _best(extremes)
    decided = holm(leasts)
    supported = [holm([*leasts[:place], p, *leasts[place + 1 :]])[place] for place, p in enumerate(supports)]
    return (
        tuple(own for own, p in zip(family, decided, strict=True) if p >= own.alpha),
        tuple(own for own, p in zip(family, supported, strict=True) if p >= own.alpha),
    )


def _supports_all(plan: Plan, family: Sequence[Hypothesis], seeds: int) -> bool:
    """Whether every claim is supported if the outcomes speak for all of them as clearly as can be."""
    best = holm(_best(_extremes(plan, family, seeds)))
    return all(p < own.alpha for own, p in zip(family, best, strict=True))


def _extremes(plan: Plan, family: Sequence[Hypothesis], seeds: int) -> list[list[tuple[float, int]]]:
    """Return of each claim the p-values of the outcomes that speak most clearly, and which way they lean."""
    return [list(kinds.of(own).extremes(own, _extent(own, plan, seeds))) for own in family]


def _best(extremes: Sequence[Sequence[tuple[float, int]]]) -> list[float]:
    """Return the least p-value of each claim that leans its way."""
    return [min((p for p, leaning in own if leaning > 0), default=1.0) for own in extremes]


def _extent(hypothesis: Hypothesis, plan: Plan, seeds: int) -> Extent:
    sides = [cells_with(plan, where) for where in hypothesis.sides]
    names = {name for where in hypothesis.sides for name in where}
    draws = len({tuple(levels.get(name) for name in hypothesis.drawn) for levels in sides[0].values()})
    observations = draws if hypothesis.drawn else seeds
    return Extent(
        observations=observations,
        size=max(1, seeds * len(sides[0]) // observations),
        replicas=tuple(seeds * len(side) for side in sides),
        matched=len(sides) == 1 or match(sides[0], sides[1], names).complete,
        anytime=plan.until_decided,
    )
