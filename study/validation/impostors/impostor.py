"""A generator that cheats, as a value: how it makes samples at a dose, and what a person would call them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from study.outcomes.outcome import Outcome
from trainables.data.source import Source
from trainables.streams import generator

Array = npt.NDArray[np.float64]
Kind = Literal["mixture", "images"]
GOOD_ROWS = 15
"""Rows after step 0 that a course which ends worse is good for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draw:
    """What one row of an impostor is made from; equal draws make equal samples.

    Attributes:
        source: the data.
        name: name of the impostor, which names its random streams.
        row: number of the row of the trace; the untrained generator is row 0.
        count: number of samples.
        dose: the dose.
    """

    source: Source
    name: str
    seed: int
    row: int
    count: int
    dose: float

    def rng(self, part: str = "samples") -> np.random.Generator:
        """Return random numbers of this row alone."""
        return generator(self.seed, f"impostor/{self.name}/{part}", self.row)

    def fixed(self, part: str = "choice") -> np.random.Generator:
        """Return random numbers that are the same at every row."""
        return generator(self.seed, f"impostor/{self.name}/{part}")


Make = Callable[[Draw], Array]
"""Makes samples ``[count, *shape]``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Impostor:
    """One way to cheat.

    Attributes:
        kind: the data that it imitates.
        does: what its samples are, for tables.
        dose: what the dose is, with its unit.
        doses: ascending.
        make: makes the samples of a row.
        labels: outcomes that are true of it at the doses in ``plain``.
        plain: doses at which a person sees it at first glance, in the samples of all rows beside real ones.
        sound: doses at which its samples are as good as the data, so that ``converged`` alone is right. At all others
            both ``converged`` and ``labels`` are right.
        rows: rows after the untrained generator's.

    Raises:
        ValueError: if the doses are not ascending, or a plain or sound one is none of them.
    """

    name: str
    kind: Kind
    does: str
    dose: str
    doses: tuple[float, ...]
    make: Make
    labels: tuple[Outcome, ...]
    plain: tuple[float, ...] = ()
    sound: tuple[float, ...] = ()
    rows: int = 12

    def __post_init__(self) -> None:
        if list(self.doses) != sorted(set(self.doses)):
            raise ValueError(f"doses of {self.name} must be ascending, got {self.doses}")
        if unknown := set(self.plain + self.sound) - set(self.doses):
            raise ValueError(f"plain and sound doses of {self.name} must be doses, got {min(unknown)}")
        if both := set(self.plain) & set(self.sound):
            raise ValueError(f"a dose of {self.name} must not be both plain and sound, got {min(both)}")

    def samples(self, source: Source, seed: int, row: int, count: int, dose: float) -> Array:
        """Return the samples ``[count, *shape]`` of a row: a pure function of its arguments."""
        return self.make(Draw(source=source, name=self.name, seed=seed, row=row, count=count, dose=dose))

    def right(self, dose: float, outcome: Outcome, *, borderline: bool = False) -> bool:
        """Return whether an outcome tells the truth about this impostor at a dose.

        Between sound and plain doses, whatever is marked borderline does.
        """
        if borderline and dose not in (*self.plain, *self.sound):
            return True
        if outcome is Outcome.CONVERGED:
            return dose not in self.plain
        return dose not in self.sound and outcome in self.labels


def from_row(good: Make, bad: Make) -> Make:
    """Return a course that is good for ``GOOD_ROWS`` rows and then the other one."""
    return lambda draw: (good if draw.row <= GOOD_ROWS else bad)(draw)


def every(good: Make, bad: Make) -> Make:
    """Return a course of which one row in ``dose`` is bad."""
    return lambda draw: (bad if draw.row % round(draw.dose) == 0 else good)(draw)
