"""What every hypothesis has, whatever its kind. The kinds are the files of ``study.design.hypotheses``."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Where = Mapping[str, str]
"""Factor name to level label; factors not named are free."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hypothesis(ABC):
    """A claim about success, declared before the run.

    A set of cells is named by factor levels: ``{"bn": "no_bn_g", "optimizer": "adam"}`` are all cells that have both.

    Attributes:
        drawn: levels that were themselves drawn at random (architectures, settings), of which the claim speaks: each of
            these, with all its seeds, is then one observation, since more seeds of it say nothing of others. Otherwise
            a seed is one, whatever the number of its cells, for they share its random streams.
        alpha: the level at which it is decided.
        kind: the name of its kind in stored plans; never renamed.
    """

    name: str
    claim: str
    source: str
    drawn: tuple[str, ...] = ()
    alpha: float = 0.05
    kind: str

    @property
    @abstractmethod
    def sides(self) -> tuple[Where, ...]:
        """The sets of cells that it speaks of."""

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha must be in (0, 1), got {self.alpha}")

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> Any:
        """Read any hypothesis by its ``kind``, and one of a known kind as the dataclass that it is."""
        if source is not Hypothesis:
            return handler(source)
        from pydantic_core import core_schema

        from study.design.hypotheses import kinds

        schemas = {name: handler.generate_schema(kind) for name, kind in kinds().items()}
        return core_schema.tagged_union_schema(schemas, discriminator="kind")


def in_words(where: Where) -> str:
    """``bn no_bn_g, optimizer adam``."""
    return ", ".join(f"{name} {label}" for name, label in where.items()) or "any levels"
