"""A sampler is one file: it is planned with, searched with and named on the page; without the file, it is refused."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from search_spaces import Options
from study import report
from study.search import samplers
from study.search.proposals import key
from tests.study.made_proposals import NAMED, SPACES, run
from tests.study.made_searches import plan, searched

BACKWARDS = """
from study.search.proposals import Listed
from study.search.sampling import Sampler

def _make(search):
    return Listed(search.space, reversed(list(search.space.grid(3))))

SAMPLER = Sampler(name="backwards", words="a grid read backwards", make=_make, learns=False)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose files are samplers, too."""
    monkeypatch.setattr(samplers, "__path__", [*samplers.__path__, str(tmp_path / "more")])
    (tmp_path / "more").mkdir()
    samplers.samplers.cache_clear()
    yield tmp_path / "more"
    samplers.samplers.cache_clear()


def test_one_file_adds_a_sampler(tmp_path: Path, folder: Path) -> None:
    with pytest.raises(ValueError, match=r"--sampler must be one of cmaes, gp, grid, .*, got 'backwards'"):
        plan(sampler="backwards")
    (folder / "backwards.py").write_text(BACKWARDS, encoding="utf-8")
    samplers.samplers.cache_clear()
    store = searched(tmp_path, plan(sampler="backwards", blocks=6, seeds=2))
    assert [cell.config.g_optimizer.kind for cell in store.plan().cells] == ["adam", *["sgd"] * 3, *["adam"] * 2]
    assert "proposed by a grid read backwards, the first" in report.build(store).read_text(encoding="utf-8")
    (folder / "backwards.py").unlink()
    samplers.samplers.cache_clear()
    with pytest.raises(ValueError, match=r"--sampler must be one of .*, got 'backwards'"):
        report.build(store)


def test_every_sampler_says_what_it_is() -> None:
    for name, own in samplers.samplers().items():
        assert own.name == name
        assert own.words
        assert own.goals


@pytest.mark.parametrize("sampler", samplers.samplers())
def test_proposals_are_new_points_of_the_space_from_its_default_on(sampler: str) -> None:
    made = run(sampler, 16)
    assert made[0].point == SPACES[sampler].default()
    for proposal in made:
        SPACES[sampler].check(proposal.point)
    assert len({key(proposal.point) for proposal in made}) == len(made)


@pytest.mark.parametrize("sampler", samplers.samplers())
def test_a_restarted_sampler_goes_on_as_the_same_one(sampler: str) -> None:
    whole = run(sampler, 16)
    assert [p.point for p in run(sampler, 16, before=whole[:9])] == [p.point for p in whole]


@pytest.mark.parametrize("sampler", ["tpe", "nsga2", "random"])
def test_two_goals_at_once(sampler: str) -> None:
    assert len(run(sampler, 14, goal="both")) == 14


def test_ranges_and_options_come_back_as_they_are() -> None:
    for proposal in run("qmc", 12):
        assert isinstance(proposal.point["batch"], int)
        assert isinstance(NAMED.axes[0], Options)
        assert proposal.point["optimizer"] in NAMED.axes[0].labels
