"""All combinations of a few values per axis, in random order, after the space's default."""

from itertools import islice
from random import Random

from study.design.search import SearchSpec
from study.search.proposals import Listed, drawn
from study.search.sampling import Sampler

_VALUES = 5
"""Values per axis, at most."""
_LISTED = 100_000
"""A grid with more points than this is too large to be shuffled: its points are drawn independently."""


def _make(search: SearchSpec) -> Listed:
    rng, space = Random(f"{search.seed}/grid"), search.space
    points = list(islice(space.grid(_VALUES), _LISTED + 1))
    if len(points) > _LISTED:
        return Listed(space, drawn(lambda: space.on_grid(rng, _VALUES)))
    rng.shuffle(points)
    return Listed(space, iter(points))


SAMPLER = Sampler(name="grid", words="a grid in random order", make=_make, learns=False)
