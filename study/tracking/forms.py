"""What differs between a grid and a search in MLflow: chosen once, by ``form_of``."""

from collections.abc import Mapping, Sequence

from study.design.plan import Cell, Plan
from study.design.search import SearchSpec
from study.search import importance
from study.search.importance import Importance
from study.search.scoring import candidates
from study.storage import search_log
from study.storage.records import Record
from study.storage.store import Store
from study.tracking.values import param_name, point_params, search_params
from trainables.config import to_dict


class Grid:
    """A launch whose cells are all planned: levels are its axes."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan

    def params(self) -> Mapping[str, str]:
        """Return the parameters of the launch's run."""
        return {"cells": str(len(self._plan.cells))}

    def columns(self) -> tuple[Sequence[str], Sequence[str]]:
        """Return the parameters and the further metrics that the tables of cells and replicas show."""
        return [param_name(factor.name) for factor in self._plan.factors], []

    def tags(self, cell: Cell) -> Mapping[str, str]:
        """Return further tags of a cell's run."""
        return {}

    def params_of(self, cell: Cell) -> Mapping[str, str]:
        """Return the parameters that tell a cell from the others."""
        return {param_name(factor): label for factor, label in cell.levels.items()}

    def scores(self, records: Sequence[Record]) -> Mapping[int, float]:
        """Return the score of each cell, which the sampler of a search gets."""
        return {}

    def importances(self, store: Store) -> Sequence[Importance]:
        """Return which axes decide the outcomes."""
        return ()


class Search(Grid):
    """A launch whose cells are proposed: they are not known before it ends, and have points with exact values."""

    def __init__(self, plan: Plan, search: SearchSpec) -> None:
        super().__init__(plan)
        self._search = search

    def params(self) -> Mapping[str, str]:
        return search_params(self._plan, self._search)

    def columns(self) -> tuple[Sequence[str], Sequence[str]]:
        return [param_name(f"param.{axis.name}") for axis in self._search.space.axes], ["score", "stopped"]

    def tags(self, cell: Cell) -> Mapping[str, str]:
        return {"candidate": f"#{cell.index}"}

    def params_of(self, cell: Cell) -> Mapping[str, str]:
        """Return the exact point, of which the levels are rounded copies."""
        point = self._search.space.point_of(to_dict(cell.config))
        return super().params_of(cell) if point is None else point_params(point)

    def scores(self, records: Sequence[Record]) -> Mapping[int, float]:
        known = candidates([cell.levels for cell in self._plan.cells], records)
        return {own.cell: own.score for own in known}

    def importances(self, store: Store) -> Sequence[Importance]:
        """Return which axes decide the outcomes; none before the search has records."""
        if not store.records_path.exists():
            return ()
        found = candidates(search_log.read(store.search_path).points, store.records())
        return importance.importances(found, self._search.space)


def form_of(plan: Plan) -> Grid:
    """Return how a launch is shown."""
    return Grid(plan) if plan.search is None else Search(plan, plan.search)
