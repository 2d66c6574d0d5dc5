"""The answer of a launch in a few sentences, the same on the page and on the terminal.

A claim is undecided for one of four reasons, which a reader must not confuse: too few seeds to decide it whatever comes
out (*underpowered*), too few to support it, seeds enough but no difference shown, or no replicas to test.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum

from study.design.plan import Plan
from study.evidence import commands
from study.evidence.estimates import CellSummary, by_rate, summarize
from study.evidence.inference.proportions import Rate
from study.evidence.judging import Judgment, Verdict
from study.evidence.main_effects import MainEffect, main_effects
from study.evidence.outlook import CHANCE, MOST, Outlook, outlook
from study.evidence.reach import Reach, reach
from study.evidence.variance_components import components_if_held, said
from study.evidence.wording import observed
from study.formatting import count_of, duration, interval, joined, number, p_equals, percent, plural, points, whole
from study.storage.records import Record


class Reason(Enum):
    """Why a claim is undecided."""

    UNDERPOWERED = "too few seeds to decide it"
    UNSUPPORTABLE = "too few seeds to support it"
    NOT_SHOWN = "no difference shown"
    UNTESTED = "nothing to test"


_REASONS = ("underpowered", "with no difference shown", "with neither side shown", "with nothing to test")
"""What follows the number of undecided claims, one for each :func:`short` and for claims without replicas."""


def reason(judgment: Judgment, able: Reach) -> Reason | None:
    """Return why a claim is undecided; None if it is decided.

    Args:
        able: what the planned seeds can decide at best.
    """
    if judgment.verdict is not Verdict.UNDECIDED:
        return None
    if judgment.p is None:
        return Reason.UNTESTED
    if judgment.hypothesis in able.undecidable:
        return Reason.UNDERPOWERED
    return Reason.UNSUPPORTABLE if judgment.hypothesis in able.unsupportable else Reason.NOT_SHOWN


def short(judgment: Judgment, able: Reach) -> str:
    """Return ``underpowered`` or ``no difference shown`` of an undecided claim that was tested; "" of any other."""
    match reason(judgment, able):
        case Reason.UNDERPOWERED | Reason.UNSUPPORTABLE:
            return "underpowered"
        case Reason.NOT_SHOWN:
            return "no difference shown" if len(judgment.rates) > 1 else "neither side shown"
    return ""


def explained(judgment: Judgment, able: Reach) -> str:
    """Say in one sentence why a claim is undecided; "" if it is decided, or if its own sentence says why."""
    seeds = f"{plural(able.seeds, 'seed')} per cell"
    match reason(judgment, able):
        case Reason.UNDERPOWERED:
            return f"Underpowered: {seeds} cannot decide this claim, whatever comes out."
        case Reason.UNSUPPORTABLE:
            return f"Underpowered: {seeds} can contradict this claim, but cannot support it."
        case Reason.NOT_SHOWN if some := _at_an_end(judgment.rates):
            return f"{some} converged, so that they cannot be told apart; {seeds} could decide it if they differed."
        case Reason.NOT_SHOWN:
            shown = "no difference" if len(judgment.rates) > 1 else "neither side of the threshold"
            return f"{seeds} can decide this claim, but what came out shows {shown}."
    return ""


def _at_an_end(rates: Sequence[Rate]) -> str:
    """Return whose replicas are all alike, ``No replica of either side``, if two sides are at floor or ceiling."""
    successes, n = sum(rate.successes for rate in rates), sum(rate.n for rate in rates)
    if len(rates) < 2 or 0 < successes < n:
        return ""
    return "Every replica of both sides" if successes else "No replica of either side"


def answer(plan: Plan, records: Sequence[Record], judgments: Sequence[Judgment]) -> tuple[str, ...]:
    """Return the answer of a launch with fixed cells, finished or not, in sentences.

    What became of the claims comes first, then what moves success most, and what would decide the claims that are open.
    The command for that, a :class:`~study.evidence.commands.Command`, is the last.

    Args:
        records: of its replicas.
        judgments: on its hypotheses, in the order of the study.
    """
    summaries = summarize(records)
    left = tuple(_without_outcome(summaries))
    if not any(summary.rate.n for summary in summaries):
        return left if any(summary.crashed for summary in summaries) else ("No replica has an outcome yet.",)
    finished = not any(summary.pending for summary in summaries)
    apart = nothing_apart([summary.rate for summary in summaries]) if finished else ""
    ahead = outlook(plan, summaries, judgments)
    if judgments:
        found = _claims(judgments, reach(plan), ahead)
    elif (divided := components_if_held(plan, records)) and (sentence := said(divided)):
        found = iter([sentence])
    else:
        found = _cells(summaries)
    sentences = (
        *left,
        apart,
        *found,
        *(() if apart else _moved(main_effects(plan, records))),
        *(_open(plan, ahead, next((row.device for row in records if row.device), "")) if finished else ()),
    )
    return tuple(filter(None, sentences))


def nothing_apart(rates: Sequence[Rate]) -> str:
    """Say that no replica of any cell, or every one, converged, so that cells cannot be told apart; "" otherwise.

    It is "", too, where a cell has no replica with an outcome: nothing is known of it.
    """
    effect = end_effect(rates)
    if not effect:
        return ""
    some = "No replica of any cell" if effect == "floor" else "Every replica of every cell"
    counted = count_of(sum(rate.successes for rate in rates), sum(rate.n for rate in rates))
    return f"{some} converged ({counted}), so success tells no two cells apart here: a {effect} effect."


def end_effect(rates: Sequence[Rate]) -> str:
    """Return ``floor`` if no replica of several cells converged, ``ceiling`` if every one did; "" otherwise."""
    successes, n = sum(rate.successes for rate in rates), sum(rate.n for rate in rates)
    if len(rates) < 2 or not all(rate.n for rate in rates) or 0 < successes < n:
        return ""
    return "ceiling" if successes else "floor"


def _without_outcome(summaries: Sequence[CellSummary]) -> Iterator[str]:
    """Say how many replicas have no outcome: they are not trained yet, or crashed."""
    missing = sum(summary.pending for summary in summaries)
    crashed = sum(summary.crashed for summary in summaries)
    planned = missing + crashed + sum(summary.rate.n + summary.stopped for summary in summaries)
    if missing:
        yield f"Not finished: {count_of(missing, planned)} replicas {'has' if missing == 1 else 'have'} no outcome yet."
    if crashed:
        yield f"{count_of(crashed, planned)} replicas crashed and {'counts' if crashed == 1 else 'count'} for nothing."


def _claims(judgments: Sequence[Judgment], able: Reach, ahead: Outlook) -> Iterator[str]:
    """Yield how many claims have which verdict, and one of them: the first comparison that is decided.

    If there is none, it is the first share that is decided, or else the first claim.
    """
    if len(judgments) > 1:
        yield _counted(judgments, able)
    tested = [judgment for judgment in judgments if judgment.rates]
    decided = [judgment for judgment in tested if judgment.verdict is not Verdict.UNDECIDED]
    compared = [judgment for judgment in decided if len(judgment.rates) > 1]
    for judgment in [*compared, *decided, *tested][:1]:
        claim = judgment.hypothesis.claim.removesuffix(".")
        p = "" if judgment.p_adjusted is None else f"; {p_equals(judgment.p_adjusted)}"
        yield f"“{claim}” is {judgment.verdict.value}: {observed(judgment.sentence)}{p}."
        if judgment.hypothesis.name not in ahead.deciding:
            yield explained(judgment, able)


def _counted(judgments: Sequence[Judgment], able: Reach) -> str:
    planned = [judgment for judgment in judgments if judgment.planned]
    verdicts = Counter(judgment.verdict for judgment in planned)
    reasons = Counter(_why(judgment, able) for judgment in planned)
    counts = joined(f"{n} {'is' if n == 1 else 'are'} {own.value}" for own in Verdict if (n := verdicts[own]))
    alike = len(verdicts) == 1
    why = [words if alike and n == len(planned) else f"{n} {words}" for words in _REASONS if (n := reasons[words])]
    left = len(judgments) - len(planned)
    others = f"; {left} more {'is' if left == 1 else 'are'} not in this profile" if left else ""
    if not planned:
        return f"The {plural(left, 'claim')} of the study {'is' if left == 1 else 'are'} not in this profile."
    said = f"{_all(len(planned))} {planned[0].verdict.value}" if alike else f"Of {len(planned)} claims, {counts}"
    return f"{said}{f' ({joined(why)})' if why else ''}{others}."


def _why(judgment: Judgment, able: Reach) -> str:
    """Return one of ``_REASONS``; "" of a decided claim."""
    if reason(judgment, able) is Reason.UNTESTED:
        return "with nothing to test"
    words = short(judgment, able)
    return words if words in ("", "underpowered") else f"with {words}"


def _all(count: int) -> str:
    return {1: "The claim is", 2: "Both claims are"}.get(count, f"All {count} claims are")


def _moved(effects: Sequence[MainEffect]) -> Iterator[str]:
    """Yield which factor success hangs on most, where there are two or more to compare."""
    if len(effects) < 2:
        return
    first, *others = effects
    (high, low), (difference, *limits) = first.rates, first.difference
    rest = joined([f"{own.factor} by {_points(own.difference)}" for own in others])
    yield (
        f"Over the whole design {first.factor} moves success most: {percent(high.rate)} with {first.most} against"
        f" {percent(low.rate)} with {first.least}, {points(difference)} points (95 % interval {points(limits[0])} to"
        f" {points(limits[1])}); {rest}."
    )


def _points(difference: tuple[float, float, float]) -> str:
    value, low, high = difference
    return f"{points(value)} ({points(low)} to {points(high)})"


def _open(plan: Plan, found: Outlook, device: str) -> Iterator[str]:
    """Yield what would decide the claims that are open."""
    had, of_seeds, all_of_them = len(found.deciding), len(found.needed), len(found.needed) + len(found.draws)
    if had:
        which = f"{had} of the {all_of_them} open claims" if had < all_of_them else _claims_of(had, "the")
        unit = "CPU core" if device.startswith("cpu") else "GPU"
        yield (
            f"If the rates are as observed, {found.seeds} seeds per cell would decide {which} with a chance of"
            f" {number(CHANCE)}, in at most {duration(found.seconds)} of one {unit}."
        )
    if found.beyond:
        which = _others(len(found.beyond)) if had else _claims_of(of_seeds, "The")
        yield f"{which} would take more than {MOST} seeds per cell at the observed rates."
    if found.draws:
        which = _others(len(found.draws)) if of_seeds else _claims_of(all_of_them, "The")
        yield f"{which} {_by_draws(found.draws)}"
    if had:
        yield commands.run_until_decided(plan, found.seeds, found.seconds)


def _by_draws(draws: Mapping[str, int | None]) -> str:
    """Say that draws decide what seeds do not, and how many."""
    known = [count for count in draws.values() if count is not None]
    speaks = "speaks of levels that were" if len(draws) == 1 else "speak of levels that were"
    if not known:
        return f"{speaks} drawn at random: many more draws would be needed, not more seeds."
    most = f"; {whole(max(known))} draws would do with a chance of {number(CHANCE)} if the rates are as observed"
    which = "" if len(known) == len(draws) else f" for {len(known)} of them"
    return f"{speaks} drawn at random: more draws would decide, not more seeds{most}{which}."


def _others(count: int) -> str:
    return "The other one" if count == 1 else f"The other {count}"


def _claims_of(count: int, article: str) -> str:
    return f"{article} open claim" if count == 1 else f"{article} {count} open claims"


def _cells(summaries: Sequence[CellSummary]) -> Iterator[str]:
    """Yield the best and the worst cells of a launch without hypotheses; cells of one rate are no order."""
    ranked = by_rate([summary for summary in summaries if summary.rate.n])
    best, worst = ranked[0], ranked[-1]
    if best.rate.rate == worst.rate.rate:
        which = best.name if len(ranked) == 1 else f"Each of {len(ranked)} cells"
        yield f"{which}: {_shown(best)} converged."
        return
    overlap = "overlap" if best.rate.low <= worst.rate.high else "do not overlap"
    yield (
        f"Of {len(ranked)} cells, {_like(best, ranked)} converged most often, {_shown(best)}, and"
        f" {_like(worst, ranked)} least often, {_shown(worst)}; the two intervals {overlap}."
    )


def _like(one: CellSummary, ranked: Sequence[CellSummary]) -> str:
    """Name a cell, or count the cells that have its rate."""
    count = sum(own.rate.rate == one.rate.rate for own in ranked)
    return one.name if count == 1 else f"{count} ({one.name} among them)"


def _shown(summary: CellSummary) -> str:
    own = summary.rate
    return f"{count_of(own.successes, own.n)} ({number(own.rate)}, 95 % Wilson interval {interval(own.low, own.high)})"
