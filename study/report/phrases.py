"""Outcomes, counts and evidence in the words of the report and the terminal."""

from collections.abc import Mapping
from itertools import groupby
from math import isfinite
from typing import TYPE_CHECKING

from study.design.hypotheses import Hypothesis
from study.evidence.inference.proportions import Rate
from study.evidence.summaries import CellSummary
from study.formatting import MINUS, NOTHING, count_of, interval, joined, number, plural, whole
from study.outcomes.measures import missed as criteria_missed
from study.outcomes.outcome import Outcome
from study.outcomes.rule import OutcomeRule, Value
from study.report.palette import ORDER

if TYPE_CHECKING:
    from study.design.plan import Plan
    from study.evidence.known_metrics import CellMetrics, KnownMetrics
    from study.evidence.near_misses import NearMiss
    from study.evidence.sensitivity import HypothesisVerdicts, Sensitivity, WorstPair
    from trainables.data import DataConfig

_APART = ("crashed", "pending", "skipped", "stopped")


_DIGITS = 12
"""Digits of a digest that are shown."""


_BRIEF = ("quality", "coverage", "diversity", "best_quality", "alternations")


LABELS: Mapping[Outcome, str] = {outcome: outcome.value.replace("_", " ") for outcome in Outcome}


def count(rate: Rate) -> str:
    """Return ``3 of 5``."""
    return count_of(rate.successes, rate.n)


def share(rate: Rate) -> str:
    """Return ``0.60 [0.23, 0.88]``, or a dash without any observation."""
    return f"{number(rate.rate)} {interval(rate.low, rate.high)}" if rate.n else NOTHING


def borderline(summary: CellSummary) -> str:
    """Return ``2 of 5``, the replicas whose outcome the error of measuring may change; a dash if it is not known."""
    known = summary.borderline is not None and summary.rate.n
    return count_of(summary.borderline or 0, summary.rate.n) if known else NOTHING


def counted(hypothesis: Hypothesis) -> str:
    """Return what the rates of a claim count: ``converged``, or the outcomes that it names."""
    outcomes: tuple[Outcome, ...] = getattr(hypothesis, "outcomes", (Outcome.CONVERGED,))
    return joined([LABELS[outcome] for outcome in outcomes], "or")


def counts(outcomes: Mapping[Outcome, int]) -> str:
    """Return ``3 converged, 2 mode collapsed``, in the fixed order of outcomes and without those that did not occur."""
    parts = [f"{outcomes[outcome]}\N{NO-BREAK SPACE}{LABELS[outcome]}" for outcome in ORDER if outcomes.get(outcome)]
    return ", ".join(parts) or NOTHING


def apart(*summaries: CellSummary) -> str:
    """Count replicas without an outcome: ``1 crashed, 2 pending, 10 skipped, 5 stopped``; "" if there are none."""
    counted = {word: sum(getattr(s, word) for s in summaries) for word in _APART}
    return ", ".join(f"{n} {word}" for word, n in counted.items() if n)


def evidence(values: Mapping[str, float]) -> str:
    """Return ``covered modes 3, hq share 0.41``; a value that could not be measured is "not finite"."""
    return ", ".join(f"{name.replace('_', ' ')} {_measured(value)}" for name, value in values.items())


def brief(values: Mapping[str, float]) -> str:
    """Return the part of the evidence that a caption has room for."""
    return evidence({name: values[name] for name in _BRIEF if name in values})


def missed(values: Mapping[str, float], rule: OutcomeRule) -> str:
    """Return ``support 0.206 (at least 0.25)``, the criteria that the evidence misses; "" if none."""
    found = [
        f"{each.measure.replace('_', ' ')} {_measured(values[each.measure])}"
        f" (at {'most' if each.at_most else 'least'} {each.threshold(rule):g})"
        for each in criteria_missed(values, rule)
    ]
    return joined(found) if found else ""


def close(found: "NearMiss") -> str:
    """Return ``support 0.24, threshold at least 0.25; recall 0.51, threshold at least 0.5``."""
    return "; ".join(
        f"{each.measure.replace('_', ' ')} {_measured(value)}, threshold at {'most' if each.at_most else 'least'}"
        f" {threshold:g}"
        for each, value, threshold in found.close
    )


def levels(chosen: Mapping[str, str]) -> str:
    """Return ``bn no_bn_g, optimizer adam``."""
    return ", ".join(f"{factor} {label}" for factor, label in chosen.items())


def by_threshold(found: "Sensitivity", own: "HypothesisVerdicts") -> str:
    """Return ``undecided from 0.05, supported from 0.4``; of words ``undecided at r3, supported at r10``."""
    pairs = zip(found.thresholds, own.verdicts, strict=True)
    return ", ".join(_from(verdict.value, next(group)[0]) for verdict, group in groupby(pairs, lambda p: p[1]))


def _from(verdict: str, value: Value) -> str:
    return f"{verdict} at {value}" if isinstance(value, str) else f"{verdict} from {value:g}"


def worst_pair(found: "WorstPair | None") -> str:
    """Say which two thresholds change most together."""
    if found is None:
        return "No two thresholds at the ends of their ranges change a verdict or a rate."
    pair = joined(f"{name} {value}" for name, value in found.values.items())
    rates = f"success rates change by {number(found.moved)} on average over the cells"
    if not found.flipped:
        return f"No two thresholds at the ends of their ranges change a verdict. The worst is {pair}: {rates}."
    verdicts = joined(f"{name} is {verdict.value}" for name, verdict in found.flipped.items())
    changed = f"{plural(len(found.flipped), 'verdict')} would be another one ({verdicts})"
    if len(found.values) == 1:
        return f"No two thresholds at the ends of their ranges are worse than {pair} alone: {changed}, and {rates}."
    return (
        f"The worst pair is {pair}: {changed}, where one threshold at an end of its range changes at most"
        f" {found.alone}; {rates}."
    )


def other_data(plan: "Plan") -> str:
    """Say on which data a launch was trained whose user replaced those of the study; "" if nobody did."""
    if not any(path.partition(".")[0] == "data" for path in plan.changes):
        return ""
    used = joined(dict.fromkeys(data_of(config.data) for config in plan.configs()))
    return (
        f"This launch has other data than its study: {used}. The study's title, question, claims and notes were written"
        " for its own data, and what they say of data does not hold here."
    )


def data_of(data: "DataConfig") -> str:
    """Return ``image folder (3 x 64 x 64) in photos``: the kind of the data, their shape, and where they lie."""
    root = getattr(data, "root", "")
    shape = " x ".join(map(str, data.shape))
    return f"{data.kind.replace('_', ' ')} ({shape})" + (f" in {root}" if root else "")


def cloud(rule: OutcomeRule) -> str:
    """Say what dots and discs are in the pictures of points."""
    near = "within which the rule counts a point as near a mode"
    if rule.radius != "eighth":
        near = f"while the rule counts a point as near a mode within {rule.radius[1:]} standard deviations"
    return (
        "Of points, blue dots are generated ones; real ones are not drawn. Pale discs are the modes of the data, drawn"
        f" to an eighth of the distance between the closest two, {near}."
    )


def measured_by(found: "KnownMetrics") -> str:
    """Return ``inception, weights 6726825d2a3b, last networks, n = 10 000``: all that numbers must share to compare."""
    given = (("weights", found.weights_digest), ("plugin", found.plugin_digest))
    by = "".join(f", {name} {digest[:_DIGITS]}" for name, digest in given if digest)
    return f"{found.features}{by}, {found.which} networks, n = {whole(found.n)}"


def measured(cell: "CellMetrics") -> str:
    """Return ``2 of 10``, the replicas that were measured; with ``1 not finite`` where samples were not."""
    broken = f", {cell.broken} not finite" if cell.broken else ""
    return f"{count_of(cell.replicas, cell.planned)}{broken}"


def metric(cell: "CellMetrics", name: str) -> str:
    """Return ``12.300 (9.800 to 14.100)``, the median and the range over replicas; of one replica the number alone."""
    found, median = cell.spreads.get(name), median_of(cell, name)
    if found is None or cell.replicas - cell.broken == 1:
        return median
    return f"{median} ({number(found.low, 3)} to {number(found.high, 3)})"


def median_of(cell: "CellMetrics", name: str) -> str:
    """Return ``12.300``, the median of a metric over replicas; a dash if all samples are broken."""
    found = cell.spreads.get(name)
    return NOTHING if found is None else number(found.median, 3)


def _measured(value: float) -> str:
    if not isfinite(value):
        return "not finite"
    if float(value).is_integer() and abs(value) < 1e6:
        return str(int(value)).replace("-", MINUS)
    return number(value, 3)


_PICTURES = {
    "reconstruction": "Held-out images, each row above what is decoded from their codes.",
    "latent": "Codes of held-out images by class over draws of the prior (grey): the first two coordinates; codes"
    " outside lie on the border.",
    "manifold": "What codes over the prior decode to; where the decoder reads labels, a style per row and a class per"
    " column.",
}


def picture(name: str) -> str:
    """Say what a picture beside the samples shows."""
    return _PICTURES.get(name, name.replace("_", " ").capitalize() + ".")
