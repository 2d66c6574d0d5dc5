"""Cells of a search: points of its space set in its base configuration."""

from collections.abc import Iterator
from itertools import chain
from random import Random

from study.design.parsing import assign_config
from study.design.plan import Cell
from study.design.search import Point, SearchSpec
from study.design.values import rounded
from trainables.config import digest

_DRAWN = 25


def cell_of(search: SearchSpec, index: int, point: Point) -> Cell:
    """Return the cell of a point.

    Raises:
        ValueError: if the configuration refuses the point; names the space and the point.
    """
    try:
        config = assign_config(search.base, search.space.assignment(point))
    except ValueError as error:
        shown = ", ".join(f"{name} {rounded(value)}" for name, value in point.items())
        raise ValueError(f"{error} (space {search.space.name}, point {shown})") from None
    levels = {name: rounded(value) for name, value in point.items()}
    name = f"#{index} " + " / ".join(f"{axis}={value}" for axis, value in levels.items())
    return Cell(index=index, name=name, levels=levels, config=config, digest=digest(config))


def tried(search: SearchSpec) -> Iterator[Cell]:
    """Yield cells that a search may propose, to be checked before it starts: 25 random ones, and its space's ends.

    Raises:
        ValueError: as :func:`cell_of`, once the cell is reached.
    """
    rng, space = Random(search.seed), search.space
    points = chain([space.default()], (space.sample(rng) for _ in range(_DRAWN)), space.ends())
    return (cell_of(search, number, point) for number, point in enumerate(points))
