"""How far the rule can be trusted: its errors on injected failures of known kind, where they have been measured."""

from collections.abc import Sequence
from dataclasses import dataclass

from study import formatting
from study.design.plan import Cell
from study.outcomes.rule import OutcomeRule
from study.report import phrases
from study.validation import confusion
from study.validation.confusion import Measurement, Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What is known of the errors of a rule.

    Attributes:
        measurement: the shipped one on data of the same kind; ``scores`` are its, of classes that were injected.
        same: whether it is of this very rule.
    """

    measurement: Measurement
    scores: tuple[Score, ...]
    same: bool

    @property
    def sentence(self) -> str:
        """What was measured, and the class with the lowest recall and that with the lowest precision."""
        cases = len(self.measurement.cases)
        seeds = "seeds that no threshold was fixed on" if self.measurement.fresh else "seeds used to fix thresholds too"
        rule = "this rule" if self.same else f"the rule {formatting.joined(self.measurement.rules)}, not this one,"
        recall = min(self.scores, key=lambda score: score.recall.rate)
        told = [score for score in self.scores if score.precision.n] or self.scores
        precision = min(told, key=lambda score: score.precision.rate)
        return (
            f"On {formatting.whole(cases)} replicas with injected failures of known kind ({self.measurement.kind} data,"
            f" {seeds}) {rule} has a recall of at least {_told(recall, precision=False)} and a precision of at least"
            f" {_told(precision, precision=True)} in every class (exact 95 % intervals)."
        )


def trust(rule: OutcomeRule, cells: Sequence[Cell]) -> Trust | None:
    """Return the shipped measurement on data of the same kind, points or images; None if there is none."""
    kind = "digits" if cells and all(len(cell.config.data.shape) == 3 for cell in cells) else "ring"
    if rule.classification_error_max is not None or not (confusion.SHIPPED / f"{kind}.json").is_file():
        return None
    found = confusion.read(confusion.SHIPPED, kind)
    scores = tuple(own for own in confusion.scores(confusion.confusion(found.cases)) if own.recall.n)
    return Trust(measurement=found, scores=scores, same=rule.label() in found.rules) if scores else None


def _told(score: Score, *, precision: bool) -> str:
    rate = score.precision if precision else score.recall
    return f"{phrases.share(rate)} ({phrases.LABELS[score.outcome]})"
