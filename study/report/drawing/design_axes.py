"""Find the factors of a design that vary and the order of their levels, to lay out maps and panels."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from math import inf, isfinite, prod

Levels = Mapping[str, str]
"""Factor or tag to level, of one cell."""


def ordered(name: str, cells: Sequence[Levels]) -> tuple[str, ...]:
    """Return the levels of a factor or tag: numbers by size, then the others in the order of the study."""
    labels = tuple(dict.fromkeys(levels[name] for levels in cells if name in levels))
    return tuple(sorted(labels, key=_size))


def numeric(labels: Sequence[str]) -> bool:
    """Whether there are several, and all are numbers."""
    return len(labels) > 1 and all(_size(label) < inf for label in labels)


def varied(factors: Sequence[str], cells: Sequence[Levels]) -> tuple[str, ...]:
    """Return the factors with several levels, or two tags of the only such factor that tell its levels apart.

    Of all pairs of tags it is the one that places the most cells and leaves the fewest combinations empty.
    """
    names = tuple(name for name in factors if len(ordered(name, cells)) > 1)
    tags = [name for name in dict.fromkeys(key for levels in cells for key in levels) if name not in factors]
    pairs = list(combinations([name for name in tags if len(ordered(name, cells)) > 1], 2))
    if len(names) > 1 or not pairs:
        return names
    return max(pairs, key=lambda pair: _worth(pair, cells))


def _worth(pair: tuple[str, str], cells: Sequence[Levels]) -> tuple[int, float]:
    placed = [(levels[pair[0]], levels[pair[1]]) for levels in cells if pair[0] in levels and pair[1] in levels]
    return len(placed), len(set(placed)) / prod(len(ordered(name, cells)) for name in pair)


def _size(label: str) -> float:
    """Return the value of a label, or infinity if it is no number; ``007`` is a name."""
    try:
        named = len(label) > 1 and label[0] == "0" and label[1].isdigit()
        return inf if named or not isfinite(float(label)) else float(label)
    except ValueError:
        return inf
