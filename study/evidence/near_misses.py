"""Replicas near a threshold: the error of measuring may change their outcome, or they miss it by little."""

from collections.abc import Sequence
from dataclasses import dataclass

from study.outcomes.measures import Criterion, criteria_of
from study.outcomes.outcome import Outcome
from study.outcomes.rule import OutcomeRule
from study.storage.records import Record

NEAR = 0.1
"""A miss is near if the value lies within this share of the threshold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NearMiss:
    """A replica near a threshold.

    Attributes:
        borderline: whether its outcome would be another one if every quantity were a standard error better, or worse.
        close: the criteria within ``NEAR`` of their thresholds on either side, each with value and threshold; or the
            closest one of a borderline replica.
    """

    record: Record
    borderline: bool
    close: tuple[tuple[Criterion, float, float], ...]


def near_misses(records: Sequence[Record], rule: OutcomeRule) -> tuple[NearMiss, ...]:
    """Return the borderline replicas, and those that failed by missing only thresholds that they came near to.

    Values are means over the last window, as in the records. A rule of an older edition, which is not applied, and
    that of a plugin, which knows no thresholds, give none.
    """
    if not rule.applied or rule.own_rule is not None:
        return ()
    found = (_near(record, rule) for record in records if record.decided)
    return tuple(near for near in found if near is not None)


def _near(record: Record, rule: OutcomeRule) -> NearMiss | None:
    asked = sorted(_distances(record, rule), key=lambda own: own[0])
    missed = [distance for distance, (each, value, threshold) in asked if _misses(each, value, threshold)]
    barely = record.outcome is not Outcome.CONVERGED and bool(missed) and max(missed) <= NEAR
    if not record.borderline and not barely:
        return None
    close = [own for distance, own in asked if distance <= NEAR] or [own for _, own in asked[:1]]
    return NearMiss(record=record, borderline=bool(record.borderline), close=tuple(close))


def _distances(record: Record, rule: OutcomeRule) -> list[tuple[float, tuple[Criterion, float, float]]]:
    """Return each criterion of the rule that was measured, by its distance from the threshold as a share of it."""
    return [
        (abs(value - threshold) / abs(threshold) if threshold else abs(value), (each, value, threshold))
        for each in criteria_of(rule)
        for value, threshold in [(record.evidence.get(each.measure), each.threshold(rule))]
        if value is not None
    ]


def _misses(criterion: Criterion, value: float, threshold: float) -> bool:
    return value > threshold if criterion.at_most else not value >= threshold
