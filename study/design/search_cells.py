"""Cells of a search: points of its space set in its base configuration."""

from study.design.parsing import assign_config
from study.design.plan import Cell
from study.design.search import Point, SearchSpec
from study.design.values import rounded
from trainables.config import digest


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
