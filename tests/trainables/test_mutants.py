"""Every well-known slip, made on purpose in a copy, is seen by a check that the real code passes.

``python -m pytest tests/trainables/test_mutants.py -s -k table`` prints which check sees which.
"""

import pytest

from tests.trainables.mutants.checks_losses import Check
from tests.trainables.mutants.table import CHECKS, MUTANTS, NOTHING, killers, markdown, verdict, verdicts


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_code_passes(check: Check) -> None:
    check()


@pytest.mark.parametrize("place", range(len(MUTANTS)), ids=lambda place: MUTANTS[place].name)
def test_a_check_kills(place: int) -> None:
    assert verdict(place)


def test_an_unchanged_copy_survives() -> None:
    assert killers(NOTHING) == ()


def test_no_check_fails_without_a_mutant_after_all_of_them() -> None:
    """A patch that stayed would be seen here."""
    verdicts()
    assert killers(NOTHING) == ()


def test_every_check_kills_some_mutant() -> None:
    """A check that sees nothing at all is no check."""
    killed = {name for found in verdicts().values() for name in found}
    assert {check.__name__ for check in CHECKS} <= killed


def test_names_are_unique() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS)


def test_the_table_names_no_survivor() -> None:
    table = markdown()
    print(f"\n{table}")
    assert "SURVIVES" not in table
