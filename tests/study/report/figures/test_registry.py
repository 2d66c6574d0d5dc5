"""A figure is one file: put into the package it is on the page and in the command, taken out it is gone."""

import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from study.cli import app
from study.launch import Launch
from study.outcomes.outcome import Outcome
from study.report import build, figures
from study.report.figures import registry
from study.report.views import GridView, SearchView, View, view_of

C, D, U = Outcome.CONVERGED, Outcome.DIVERGED, Outcome.UNDECIDED
TOY = '''
"""The number of replicas, in one dot each."""

from markupsafe import Markup

from study.report.drawing import svg
from study.report.drawing.figure import Figure
from study.report.drawing.svg import Picture
from study.report.views import GridView


def picture(view):
    count = len(view.launch.replicas)

    def draw():
        figure = svg.blank(40)
        svg.axes(figure, 0, 0, 200, 30).plot(range(count), [0] * count, "o")
        return figure

    return Picture(draw=draw, label=f"{count} dots")


FIGURE = Figure(
    name="dots", shows="one dot per replica", of=GridView, section="success", place=1, picture=picture,
    caption=lambda view: Markup("Every dot is one of {} replicas.").format(len(view.launch.replicas)),
)
'''


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A file with a figure in a folder that the package of figures looks into."""
    folder = tmp_path / "more"
    folder.mkdir()
    monkeypatch.setattr(figures, "__path__", [*figures.__path__, str(folder)])
    path = folder / "toy.py"
    path.write_text(TOY, encoding="utf-8")
    yield path
    sys.modules.pop("study.report.figures.toy", None)


def names() -> list[str]:
    return [figure.name for figure in registry.figures()]


def test_one_more_file_is_one_more_figure_on_the_page_and_in_the_command(
    make: Callable[..., Any], toy: Path, tmp_path: Path
) -> None:
    store = make([[C, D], [C, C]])
    page = build(store).read_text(encoding="utf-8")
    success = page.partition('<section id="success">')[2].partition("</section>")[0]
    assert re.search(r'aria-label="Success rate .*aria-label="4 dots"', success, re.DOTALL)
    assert "Every dot is one of 4 replicas." in success

    run = CliRunner().invoke
    assert "dots         one dot per replica" in run(app, ["figure"]).stdout
    out = tmp_path / "dots.svg"
    assert run(app, ["figure", "dots", str(store.root), "--out", str(out)]).exit_code == 0
    assert out.exists()

    toy.unlink()
    assert "dots" not in names()
    assert "4 dots" not in build(store).read_text(encoding="utf-8")
    refused = run(app, ["figure", "dots", str(store.root), "--out", str(out)])
    assert refused.exit_code == 2
    assert "figure must be one of composition, course" in refused.stderr


def test_every_module_of_the_package_is_a_figure_with_a_name_of_its_own() -> None:
    modules = {path.stem for path in Path(figures.__path__[0]).glob("*.py")} - {"__init__", "registry"}
    assert len(set(names())) == len(modules)


def test_a_figure_stands_in_a_section_that_the_page_of_its_view_has(make: Callable[..., Any]) -> None:
    sections = {section.id for section in view_of(Launch(make([[C]]))).sections}
    assert {own.section for own in registry.figures() if own.of in (View, GridView)} <= sections
    of_search = {own.section for own in registry.figures() if own.of is SearchView}
    assert of_search == {"search", "importance", "dependence"}


def test_figures_of_one_section_stand_in_their_declared_order(toy: Path, make: Callable[..., Any]) -> None:
    view = view_of(Launch(make([[C]])))
    assert [own.name for own in registry.of_section(view, "success")] == ["success", "dots"]
    toy.write_text(TOY.replace("place=1", "place=-1"), encoding="utf-8")
    sys.modules.pop("study.report.figures.toy")
    assert [own.name for own in registry.of_section(view, "success")] == ["dots", "success"]


@pytest.mark.parametrize("name", ["wins", ""])
def test_a_name_that_no_figure_has_is_refused_with_all_names(name: str) -> None:
    with pytest.raises(ValueError, match=rf"figure must be one of {', '.join(names())}, got '{name}'"):
        registry.named(name)


def test_a_launch_without_outcomes_has_figures_of_nothing(make: Callable[..., Any]) -> None:
    view = view_of(Launch(make([[U, U]])))
    found = [own for own in registry.figures() if isinstance(view, own.of)]
    assert {own.name for own in found if own.picture(view) is None} == {
        "map", "composition", "survival", "sensitivity", "forest", "curves", "variance"
    }  # fmt: skip
