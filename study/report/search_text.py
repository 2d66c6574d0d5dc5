"""What a search was and what it found, in words: the facts of the page, and the methods of a paper."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from search_spaces import Axis, Options
from study import formatting
from study.design.search import SearchSpec
from study.design.values import rounded
from study.formatting import plural
from study.outcomes.outcome import Outcome
from study.report import phrases
from study.search import race, samplers
from study.search.candidates import Candidate
from study.search.importance import Target

if TYPE_CHECKING:
    from study.report.views.search import SearchView

_RULES = {
    "lost": "if none of its replicas could converge any more, whatever followed",
    "asha": "if none of its replicas could converge any more, or by asynchronous successive halving (Li et al. 2020)",
    "median": "if none of its replicas could converge any more, or by the median rule (Golovin et al. 2017)",
}


def facts(found: "SearchView") -> Iterator[tuple[str, str]]:
    """Yield name and value of each fact: what was searched, how, and at which cost."""
    plan, search, spent = found.launch.plan, found.search, found.spent
    yield "Space", f"{search.space.name}: {search.space.title}; {len(search.space.axes)} axes"
    yield "Sampler", f"{search.sampler}, seed {search.seed}{_warm(search)}"
    yield "Objective", objective(search)
    yield "Budget", f"{budget(found)} in blocks of {plan.block} seeds, at most {len(plan.seeds)} seeds per candidate"
    took = formatting.duration(found.history.seconds)
    ended = found.history.ended
    yield "Ended", f"{ended}, after {took}" if ended else f"not yet; {took} so far"
    yield (
        "Spent",
        f"{plural(spent.blocks, 'block')}, {plural(spent.replicas, 'replica')},"
        f" {plural(spent.candidates, 'candidate')}; {spent.raced} raced on: {formatting.percent(spent.share)}"
        " of the replicas are from blocks after a candidate’s first",
    )
    yield "Early stopping", _stopping(found)


def budget(found: "SearchView") -> str:
    """Return ``80 blocks``, ``2 h 00 min``, or both."""
    blocks, seconds = found.search.blocks, found.launch.plan.budget
    parts = [plural(blocks, "block")] if blocks is not None else []
    return " or ".join([*parts, formatting.duration(seconds)] if seconds is not None else parts)


def objective(search: SearchSpec) -> str:
    """Return the goal in words."""
    if search.goal == "success":
        return "the success rate, with the quality of successes as tie-break"
    if search.goal == "quality":
        return f"the quality of successes, where the success rate is at least {search.floor:g}"
    return "the success rate and the quality of successes, both at once (Pareto)"


def leader(found: "SearchView") -> str:
    """Say what the best candidate has shown, and how to read it."""
    best = found.incumbent
    if best is None:
        return "No replica has ended yet."
    low, high = race.interval(best)
    own = ", the default of the space, than which nothing better was found," if best.cell == 0 else ""
    return (
        f"{best.name}{own} converged in {best.successes} of {best.n} replicas, anytime interval"
        f" {formatting.interval(low, high)}. This is optimistic: it leads {plural(len(found.candidates), 'candidate')}"
        " because its replicas went well, luck included. Only replicas on fresh seeds show how often it trains."
    )


def untold(found: "SearchView") -> str:
    """Name the targets that no axis explains beyond chance; "" if there are none."""
    if not found.importances:
        return "There are too few candidates to say what decides success." if found.candidates else ""
    told = {own.target for own in found.importances if own.share}
    names = [spoken(target) for target in found.targets if target not in told]
    if not names:
        return ""
    return f"For {' and '.join(names)} no axis explains more than chance does, in {len(found.candidates)} candidates."


def spoken(target: Target) -> str:
    """Return ``success`` or ``mode collapsed``."""
    return phrases.LABELS[target] if isinstance(target, Outcome) else target


def values(found: "SearchView", candidate: Candidate) -> list[str]:
    """Return the candidate's value on each axis, in the order of the space; a dash where an axis does not exist."""
    point = candidate.point
    return [rounded(point[axis.name]) if axis.name in point else formatting.NOTHING for axis in found.space.axes]


def ends(axis: Axis) -> str:
    """Return ``0.001 to 1, log scale`` or ``rmsprop, adam``."""
    if isinstance(axis, Options):
        return ", ".join(axis.labels)
    own = axis.domain
    whole, log = ", whole numbers" * (own.kind == "int"), ", log scale" * own.log
    return f"{own.low:g} to {own.high:g}{whole}{log}"


def condition(axis: Axis) -> str:
    """Return ``optimizer adam``; "" for an axis that always exists."""
    return " and ".join(f"{name} {formatting.joined(labels, 'or')}" for name, labels in axis.when.items())


def design(found: "SearchView") -> Iterator[str]:
    """Yield sentences of a methods section on what was trained."""
    plan, search, spent = found.launch.plan, found.search, found.spent
    yield (
        f"We searched the space {search.space.name} ({formatting.joined([axis.name for axis in search.space.axes])})"
        f" for {objective(search)}. Configurations (candidates) were proposed by"
        f" {samplers.find(search.sampler).words}, the first one being the space's default{_warm(search)}."
    )
    yield (
        f"A candidate was trained with a block of {plan.block} seeds, the same first ones for all, and got further"
        f" blocks, up to {len(plan.seeds)} seeds, only while the 95 % interval of its success rate overlapped that of"
        " the leading candidate (Maron & Moore 1994) and it was not unlikely to be better; at least every second block"
        " went to a new candidate."
    )
    yield (
        f"{plural(spent.blocks, 'block')} were trained, {plural(spent.replicas, 'replica')} of"
        f" {plural(spent.candidates, 'candidate')}, of which {spent.raced} got more than one block"
        + (f"; the search ended because {found.history.ended}." if found.history.ended else "; it is not over.")
    )
    if search.stop != "none":
        yield (
            f"A block ended early {_RULES[search.stop]}; a random {formatting.percent(search.audit)} of the blocks"
            " to be stopped ran to their end, to count how many of their replicas converged after all."
        )


def statistics(found: "SearchView") -> Iterator[str]:
    """Yield sentences of a methods section on what was computed."""
    search = found.search
    yield (
        "Rates inside a search are optimistic: the leading candidate was selected for its rate, and seeds were added"
        " where it was high. Intervals of candidates are anytime-valid (betting, Waudby-Smith & Ramdas 2024): each"
        " holds whenever its seeds stop, for a candidate by itself, not for the selected one."
    )
    yield (
        "The sampler counts every failure as a failure, including replicas that were stopped early; no"
        " replica is left out, and no value is missing or infinite."
    )
    if search.stop in ("asha", "median"):
        yield (
            f"Replicas that {search.stop} stopped have no outcome and are in no rate of outcomes; among the candidates"
            " they count as failures, which is an assumption that the audit checks."
        )
    elif search.stop == "lost":
        yield "Stopped replicas whose class of failure was open have no outcome; they are failures of no class."
    yield (
        "Time to failure is estimated by Kaplan and Meier; stopping censors it informatively, so that the band reaches"
        " from all stopped replicas failing right then to none of them ever, or, where some of a candidate's were"
        " audited, each of those stands for all that were to be stopped."
        if any(row.stopped_replicas for row in found.audit)
        else "Time to failure is estimated by Kaplan and Meier."
    )
    if found.importances:
        yield (
            "Importance is the share of the variance of rates between candidates that an axis explains (PED-ANOVA,"
            " Watanabe et al. 2023, on partial residuals), with 95 % bootstrap intervals over candidates, less what"
            " chance explains, which is found by permutation."
        )
    if found.dependences:
        yield (
            "Partial dependence is averaged over forests of extremely randomised trees on bootstrap resamples of the"
            " candidates."
        )
    if found.confirmations:
        yield "The selected candidate was trained again by a launch of its own, on seeds that the search did not use."


def _stopping(found: "SearchView") -> str:
    policy = found.search.stop
    if policy == "none":
        return "none"
    saved = sum(row.saved for row in found.audit)
    stopped = sum(row.stopped_blocks for row in found.audit)
    return (
        f"{policy}; {plural(stopped, 'block')} ended early, which saved {formatting.percent(saved)} of the steps of the"
        " blocks that were run"
    )


def _warm(search: SearchSpec) -> str:
    if search.warm is None:
        return ""
    return f", warm-started from {plural(len(search.warm.points), 'candidate')} of the launch {search.warm.launch}"
