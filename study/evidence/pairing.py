"""Which replicas can be compared: cells at the same place of the design, on the same seed.

A seed names random streams (initial weights, order of the data, noise), and all cells that run it draw from the same.
Replicas of one seed are therefore *one* observation, however many cells they come from. A hypothesis about levels that
were themselves ``drawn`` at random speaks of draws: then each of these is one observation, with all its seeds. To count
its seeds apart would be to count the same architecture (setting) several times.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from study.design.hypotheses import Where
from study.evidence.inference.paired import Pairs
from study.storage.records import Record, Status

Cells = Mapping[int, Where]
"""Index of a cell to its levels."""
_Unit = tuple[int | str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Cells of one set, each with the only cell of another set at the same place.

    Attributes:
        names: the levels that make the place.
        cells: cell of the first set to cell of the second.
        complete: whether no cell of either set is left over.
    """

    names: tuple[str, ...]
    cells: Mapping[int, int]
    complete: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """What one independent observation saw: whether each replica of both sets succeeded.

    Attributes:
        a, b: the replicas with an outcome; pair by pair if the sets are matched.
        left_out: replicas with an outcome whose partner has none.
        open: whether some replica has neither an outcome nor crashed; it may still get one.
    """

    a: tuple[bool, ...]
    b: tuple[bool, ...]
    left_out: int
    open: bool


class Design:
    """Records by cell and seed."""

    def __init__(self, records: Iterable[Record]) -> None:
        self.levels: dict[int, Where] = {}
        self._rows: defaultdict[int, dict[int, Record]] = defaultdict(dict)
        for record in records:
            self.levels.setdefault(record.cell, record.levels)
            self._rows[record.cell][record.seed] = record

    def cells(self, where: Where) -> Cells:
        """Return the cells with all these levels, by index."""
        return {
            cell: levels
            for cell, levels in sorted(self.levels.items())
            if all(levels.get(name) == label for name, label in where.items())
        }

    def rows(self, cell: int) -> dict[int, Record]:
        """Return the replicas of one cell that have an outcome, by seed."""
        return {seed: record for seed, record in self._rows[cell].items() if record.decided}

    def successes(self, cells: Iterable[int]) -> tuple[int, int]:
        """Converged of decided replicas of all these cells."""
        found = [record.converged for cell in cells for record in self.rows(cell).values()]
        return sum(found), len(found)

    def pairs(self, match: Match, drawn: Sequence[str] = ()) -> list[Unit]:
        """Observations of matched cells: by seed, or by drawn levels if there are any."""
        planned: defaultdict[_Unit, list[tuple[Record, Record]]] = defaultdict(list)
        for a, b in match.cells.items():
            for seed in self._rows[a].keys() & self._rows[b].keys():
                one, other = self._rows[a][seed], self._rows[b][seed]
                planned[_unit(one, drawn)].append((one, other))
        return [_paired(planned[unit]) for unit in sorted(planned)]

    def apart(self, a: Cells, b: Cells, success: Callable[[Record], bool], drawn: Sequence[str] = ()) -> list[Unit]:
        """Observations of two sets of cells that need not match: by seed, or by drawn levels if there are any."""
        planned: defaultdict[_Unit, tuple[list[Record], list[Record]]] = defaultdict(lambda: ([], []))
        for side, cells in enumerate((a, b)):
            for record in (record for cell in cells for record in self._rows[cell].values()):
                planned[_unit(record, drawn)][side].append(record)
        return [_unpaired(*planned[unit], success) for unit in sorted(planned)]


def match(a: Cells, b: Cells, named: Iterable[str]) -> Match:
    """Cells of ``a`` and ``b`` at the same place of the design: with the same labels of all levels that vary freely.

    A level varies freely if it is not ``named`` by the comparison and takes the same labels on both sides. Any other
    follows from what is compared, as tags follow from their level, and a factor's level from a tag that is compared.
    """
    names = tuple(
        name
        for name in dict.fromkeys(name for levels in a.values() for name in levels)
        if name not in set(named) and _labels(a, name) == _labels(b, name)
    )
    of_a, of_b = _by_place(a, names), _by_place(b, names)
    found = {
        cells[0]: of_b[place][0] for place, cells in of_a.items() if len(cells) == 1 and len(of_b.get(place, ())) == 1
    }
    return Match(names=names, cells=found, complete=len(found) == len(a) == len(b))


def pairs_of(a: Sequence[bool], b: Sequence[bool]) -> Pairs:
    """How often both, one or none of two replicas succeeded; entry i of a and of b is a pair."""
    seen = list(zip(a, b, strict=True))
    return Pairs(
        both=seen.count((True, True)),
        only_a=seen.count((True, False)),
        only_b=seen.count((False, True)),
        neither=seen.count((False, False)),
    )


def _open(record: Record) -> bool:
    return not record.decided and record.status is not Status.CRASHED


def _paired(pairs: Sequence[tuple[Record, Record]]) -> Unit:
    both = [pair for pair in pairs if pair[0].decided and pair[1].decided]
    return Unit(
        a=tuple(a.converged for a, _ in both),
        b=tuple(b.converged for _, b in both),
        left_out=sum(a.decided != b.decided for a, b in pairs),
        open=any(_open(record) for pair in pairs for record in pair),
    )


def _unpaired(a: Sequence[Record], b: Sequence[Record], success: Callable[[Record], bool]) -> Unit:
    return Unit(
        a=tuple(success(record) for record in a if record.decided),
        b=tuple(success(record) for record in b if record.decided),
        left_out=0,
        open=any(_open(record) for record in (*a, *b)),
    )


def _unit(record: Record, drawn: Sequence[str]) -> _Unit:
    return tuple(record.levels.get(name, "") for name in drawn) if drawn else (record.seed,)


def _labels(cells: Cells, name: str) -> set[str | None]:
    return {levels.get(name) for levels in cells.values()}


def _by_place(cells: Cells, names: Sequence[str]) -> dict[tuple[str | None, ...], list[int]]:
    found: defaultdict[tuple[str | None, ...], list[int]] = defaultdict(list)
    for cell, levels in cells.items():
        found[tuple(levels.get(name) for name in names)].append(cell)
    return found
