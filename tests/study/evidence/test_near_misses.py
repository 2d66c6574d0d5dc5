"""Replicas near a threshold, with the values and the thresholds that they come near to."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from study.evidence.near_misses import near_misses
from study.outcomes.outcome import Outcome
from study.outcomes.rule import IMAGE_RULE
from study.storage.records import Record
from tests.study.ended_launches import C, Make, N, U

FAR = {"quality": 0.2, "support": 0.1, "coverage": 0.1}


@pytest.fixture(name="record")
def record_fixture(make: Make) -> Record:
    return make([[N]], grids=False, traces=False).records()[0]


def found(record: Record, evidence: Mapping[str, float], outcome: Outcome = N, borderline: bool = False) -> list[str]:
    """Names of the quantities that are named for the replica."""
    own = replace(record, evidence=dict(evidence), outcome=outcome, borderline=borderline)
    return [each.measure for near in near_misses([own], IMAGE_RULE) for each, _, _ in near.close]


def test_a_failure_that_misses_by_a_little_is_near(record: Record) -> None:
    passed = {"quality": 0.95, "coverage": 1.0, "residue": 1.0}
    assert IMAGE_RULE.support_min == 0.25
    assert found(record, passed | {"support": 0.24}) == ["support", "quality"]
    assert found(record, passed | {"support": 0.2}) == []
    assert found(record, passed | {"support": 0.24, "residue": 9.0}) == [], "another threshold is missed by far"
    assert found(record, passed | {"support": 0.3}) == [], "nothing is missed: it failed earlier"


def test_values_and_thresholds_are_told(record: Record) -> None:
    (near,) = near_misses([replace(record, evidence={"support": 0.24}, borderline=None)], IMAGE_RULE)
    ((criterion, value, threshold),) = near.close
    assert (criterion.measure, value, threshold, near.borderline) == ("support", 0.24, 0.25, False)


def test_a_success_is_near_only_if_it_is_borderline(record: Record) -> None:
    assert found(record, {"support": 0.26}, C) == []
    assert found(record, {"support": 0.26}, C, borderline=True) == ["support"]


def test_a_borderline_replica_far_from_all_thresholds_has_the_closest_one(record: Record) -> None:
    assert found(record, FAR, borderline=True) == ["support"]


def test_replicas_without_an_outcome_and_older_rules_have_none(record: Record) -> None:
    assert found(record, {"support": 0.24}, U) == []
    assert near_misses([replace(record, evidence={"support": 0.24})], replace(IMAGE_RULE, edition=1)) == ()
