"""Samplers: no point twice, the same after a restart, finite numbers in, points of the space out."""

from search_spaces import Space
from study.storage.search_log import Proposal
from tests.study.made_proposals import proposer_of
from tests.study.made_searches import SPACE


def test_a_space_that_is_used_up_has_no_further_proposal() -> None:
    tiny = Space(name="one", title="One", axes=(SPACE.axes[0],), source="test")
    for sampler in ("tpe", "random", "grid"):
        proposer = proposer_of(tiny, sampler=sampler)
        assert {str((proposer.propose([]) or Proposal(point={})).point["optimizer"]) for _ in range(2)} == {
            "adam",
            "sgd",
        }
        assert proposer.propose([]) is None
