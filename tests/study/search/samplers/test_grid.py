"""All combinations of a few values, and draws from them where they are too many."""

import pytest

from search_spaces import SEARCHES
from tests.study.made_proposals import proposer_of


@pytest.mark.parametrize("name", ["lsgan-raw", "penalty", "wgan-clip"])
def test_a_grid_that_is_too_large_to_be_listed_has_all_values_too(name: str) -> None:
    space = SEARCHES[name]
    proposer = proposer_of(space, sampler="grid")
    seen: dict[str, set[object]] = {axis.name: set() for axis in space.axes}
    for _ in range(1_000):
        proposal = proposer.propose([])
        assert proposal is not None
        for axis, value in proposal.point.items():
            seen[axis].add(value)
    for axis in space.axes:
        assert set(axis.values(5)) <= seen[axis.name]
