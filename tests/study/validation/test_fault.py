"""Injections: their fields, and what all of the catalog have in common."""

from dataclasses import replace

import pytest

from study.outcomes.outcome import Outcome
from study.validation.catalog import CATALOG
from study.validation.fault import Fault
from study.validation.ring import BASE, INJECTIONS


@pytest.mark.parametrize("step", [0, BASE.steps, BASE.steps + 1])
def test_a_look_lies_inside_the_training(step: int) -> None:
    with pytest.raises(ValueError, match=rf"^looks must be in 1\.\.{BASE.steps - 1}, got {step}$"):
        replace(INJECTIONS[0], looks=(1, step))


@pytest.mark.parametrize("kind", CATALOG)
def test_every_outcome_is_injected_by_construction(kind: str) -> None:
    expected = {fault.expected for fault in CATALOG[kind].injections}
    elsewhere = {Outcome.UNDECIDED} | ({Outcome.MEMORIZED} if kind == "ring" else set())  # points are drawn anew
    assert expected == {*Outcome, None} - elsewhere


@pytest.mark.parametrize("kind", CATALOG)
def test_every_failure_gets_a_seed_per_severity(kind: str) -> None:
    faults: tuple[Fault, ...] = CATALOG[kind].injections
    names = [fault.name for fault in faults]
    assert max(map(names.count, names)) <= CATALOG[kind].seeds
