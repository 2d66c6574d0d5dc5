"""``study figure``: every figure by its name, into a file."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from study.cli import app
from study.outcomes.outcome import Outcome
from study.report.figures import registry
from study.storage.store import Store


def test_the_command_writes_a_picture(tmp_path: Path) -> None:
    path = tmp_path / "new" / "losses.png"
    done = CliRunner().invoke(app, ["figure", "losses", "--out", str(path)])
    assert done.exit_code == 0, done.output
    assert str(path) in done.stdout.replace("\n", "")
    with Image.open(path) as image:
        assert min(image.size) > 500
    assert path.stat().st_size < 500_000


def test_the_command_writes_a_figure_of_a_launch(trained_once: Store, tmp_path: Path) -> None:
    path = tmp_path / "success.svg"
    done = CliRunner().invoke(app, ["figure", "success", str(trained_once.root), "--out", str(path)])
    assert done.exit_code == 0, done.output
    assert "2 of 3" in path.read_text(encoding="utf-8")


def test_a_figure_that_the_launch_has_nothing_for_is_one_sentence(
    trained: Callable[..., Store], tmp_path: Path
) -> None:
    store = trained(((Outcome.UNDECIDED,),), page=False)
    done = CliRunner().invoke(app, ["figure", "curves", str(store.root), "--out", str(tmp_path / "x.svg")])
    assert done.exit_code == 2
    assert "figure must be one that the launch has data for, got 'curves'" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ["figure", "wins"],
            "figure must be one of composition, course, curves, dependence, forest, front, importance, landscape,"
            " losses, map, sensitivity, success, survival, variance, got 'wins'",
        ),
        (["figure", "map"], "LAUNCH must be given for the figure map"),
        (["figure", "losses", "somewhere"], "LAUNCH must not be given for the figure losses"),
        (["figure", "map", "nowhere"], "LAUNCH must be a launch's folder or the id of one in runs, got 'nowhere'"),
        (["figure", "losses", "--out", "losses.jpg"], "--out must end in .png, .svg or .pdf, got losses.jpg"),
        (["figure", "losses", "--out", "/dev/null/x.png"], "--out must be a file that can be written, got /dev/null/x"),
    ],
    ids=str,
)
def test_a_mistake_is_one_sentence(arguments: list[str], sentence: str) -> None:
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 2
    assert sentence in done.stderr


def test_without_a_name_all_figures_are_listed() -> None:
    done = CliRunner().invoke(app, ["figure"])
    assert done.exit_code == 0
    lines = [line.split(maxsplit=1) for line in done.stdout.splitlines()]
    assert lines == [[figure.name, figure.shows] for figure in registry.figures()]


def test_a_figure_of_a_search_is_none_of_a_grid(trained_once: Store, tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["figure", "importance", str(trained_once.root), "--out", str(tmp_path / "x.svg")])
    assert done.exit_code == 2
    assert "data for, got 'importance'" in done.stderr
