"""``study spaces``: what a user reads before a search."""

from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from search_spaces import SEARCHES
from study.cli import app
from tests.made_plugins import SEARCHED, file


def spaces(*arguments: str, columns: int = 120) -> Result:
    return CliRunner().invoke(app, ["spaces", *arguments], env={"COLUMNS": str(columns)})


@pytest.mark.parametrize("columns", [80, 120])
def test_every_space_is_listed_on_a_line_of_its_own(columns: int) -> None:
    shown = spaces(columns=columns)
    assert shown.exit_code == 0
    assert max(map(len, shown.output.splitlines())) <= columns
    first = [line.split() for line in shown.output.splitlines() if not line.startswith(" ")]
    assert [words[0] for words in first] == ["space", *SEARCHES]
    assert {words[0]: words[-2:] for words in first}["wgan-clip"] == ["8", "yes"]


@pytest.mark.parametrize("columns", [80, 120])
@pytest.mark.parametrize("name", SEARCHES)
def test_a_space_shows_its_axes_within_the_terminal(name: str, columns: int) -> None:
    shown = spaces(name, columns=columns)
    assert shown.exit_code == 0
    assert max(map(len, shown.output.splitlines())) <= columns
    tables = shown.output.partition("\nAxes")[2].splitlines()
    first = [line.split()[0] for line in tables if line and not line.startswith(" ")]
    for axis in SEARCHES[name].axes:
        assert first.count(axis.name) == 2  # what it is, and what it sets


def test_an_axis_shows_its_values_default_condition_and_role() -> None:
    lines = [" ".join(line.split()) for line in spaces("wgan-clip").output.splitlines()]
    assert "clip 0.001 to 1, log 0.01 always scientific" in lines
    assert "momentum 0 to 0.9 0 optimizer is rmsprop nuisance" in lines
    assert "d_steps whole, 1 to 5 5 always scientific" in lines
    assert "optimizer rmsprop, adam rmsprop always scientific" in lines


def test_an_axis_shows_every_path_it_sets_and_its_source() -> None:
    output = spaces("lsgan").output
    for path in ("objective.a", "objective.b", "objective.c", "generator.norm", "g_optimizer.lr", "d_optimizer.lr"):
        assert path in output
    assert "holds 1 and 4" in output
    assert "Fixed: objective.kind = least_squares, clip = null, penalty.kind = none." in output


def test_an_unknown_space_is_one_sentence() -> None:
    shown = spaces("lsgan2")
    assert shown.exit_code == 2
    known = ", ".join(SEARCHES)
    sentence = f"SPACE must be one of {known}, or several joined by +, got 'lsgan2': did you mean lsgan?"
    assert shown.stderr.strip() == f"error: {sentence}"


@pytest.mark.usefixtures("no_plugins")
def test_a_space_of_a_plugin_is_listed_with_its_plugin_and_shown_by_its_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    path = str(file(tmp_path, SEARCHED, "shown_hinge"))
    assert "hinges Hinge or least squares (plugin shown_hinge) 2 yes" in " ".join(
        spaces("--plugin", path).output.split()
    )
    assert spaces(path).output == spaces("hinges", "--plugin", path).output
    assert "objective.margin" in spaces(path).output
