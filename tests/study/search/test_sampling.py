"""A sampler that cannot do what a search asks for is refused in one sentence."""

from typing import Any

import pytest

from search_spaces import Space
from tests.study.made_proposals import FLAT, LINE, NAMED, proposer_of
from tests.study.made_searches import SPACE


@pytest.mark.parametrize(
    ("sampler", "goal", "space", "sentence"),
    [
        ("lucky", "success", SPACE, "--sampler must be one of cmaes, gp, .*, got 'lucky'"),
        (
            "gp",
            "success",
            SPACE,
            "must be one of grid, nsga2, .* for the space tiny, got 'gp': the axes beta1 are conditional",
        ),
        ("cmaes", "success", NAMED, "must not be cmaes for the space named: .* optimizer is an axis of named options"),
        ("cmaes", "both", FLAT, "must not be cmaes with --goal both: it knows success alone"),
        ("cmaes", "success", LINE, "must not be cmaes for the space line: it needs at least 2 axes, and there is 1"),
    ],
)
def test_a_sampler_that_cannot_is_refused(sampler: str, goal: Any, space: Space, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        proposer_of(space, sampler=sampler, goal=goal)
