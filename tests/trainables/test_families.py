"""The classes of a field: who may join, and who may not."""

from dataclasses import dataclass
from typing import Any, Literal

import pytest

from trainables import families, objectives
from trainables.families import Family
from trainables.objectives import Minimax


class Losses:
    def d_loss(self, real: Any, fake: Any) -> Any: ...

    def g_loss(self, fake: Any) -> Any: ...


@dataclass(frozen=True)
class Own(Losses):
    """One of mine. With more to say."""

    kind: Literal["own"] = "own"


@dataclass(frozen=True)
class Lacking:
    kind: Literal["lacking"] = "lacking"

    def d_loss(self, real: Any, fake: Any) -> Any: ...


@dataclass(frozen=True)
class Taken(Losses):
    kind: Literal["minimax"] = "minimax"


@dataclass(frozen=True)
class Shouting(Losses):
    kind: str = "SHOUTING/.."


@dataclass(frozen=True)
class Kindless(Losses):
    weight: float = 1.0


@dataclass
class Thawed(Losses):
    kind: Literal["thawed"] = "thawed"


def family() -> Family:
    usual = objectives.FAMILY.usual
    return Family(name="objective", built_in=(Minimax,), methods=("d_loss", "g_loss"), usual=usual)


def test_a_member_has_what_is_usual_where_it_says_nothing() -> None:
    own, before = family(), families.generation()
    own.add(Own)
    assert own.kinds == ("minimax", "own")
    assert families.generation() > before
    made: Any = Own()
    assert made.formulas() == ("One of mine. With more to say.",)
    assert made.equilibrium() == (None, None)
    assert (made.label, made.source) == ("own", "-")


def test_a_class_that_is_defined_again_replaces_itself() -> None:
    own = family()
    own.add(Own)
    own.add(Own)
    assert own.members == (Minimax, Own)


@pytest.mark.parametrize(
    ("member", "sentence"),
    [
        (Losses, "the objective Losses must be a frozen dataclass: put @dataclass"),
        (Thawed, "the objective Thawed must be a frozen dataclass"),
        (Lacking, "the objective Lacking must define g_loss"),
        (
            Taken,
            "the objective Taken must have a kind of its own, got minimax, which trainables.objectives.Minimax has",
        ),
        (Shouting, "the objective Shouting must have a field kind: .* in lower case, got 'SHOUTING/..'"),
        (Kindless, "the objective Kindless must have a field kind: .*, got None"),
    ],
)
def test_who_may_not_join_is_told_why(member: type, sentence: str) -> None:
    own = family()
    with pytest.raises(ValueError, match=f"^{sentence}"):
        own.add(member)
    assert own.members == (Minimax,)
