"""The page of a search: what it says, in which order, and that its numbers are those of the search."""

import csv
import re
from pathlib import Path

import pytest

from study.audit.verify import verify
from study.evidence.time_to_failure import curves
from study.launch import Launch
from study.report import build, page
from study.report.drawing import export
from study.report.figures import registry
from study.report.views import GridView, SearchView, view_of
from study.search import race
from study.storage import search_log
from study.storage.records import Status
from study.storage.search_log import Stop
from study.storage.store import Store
from tests.study.made_searches import SPACE, begin, plan, searched
from tests.study.report.read_page import Page, section


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> SearchView:
    """A search of 24 blocks with its report, and what the report was made of; not to be changed."""
    store = searched(tmp_path_factory.mktemp("search"), plan(blocks=24))
    found = view_of(Launch(store))
    assert isinstance(found, SearchView)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page, "view_of", lambda _: found)
        build(store)
    return found


@pytest.fixture(scope="module")
def store(search: SearchView) -> Store:
    return search.launch.store


def rows(store: Store, name: str) -> list[dict[str, str]]:
    with (store.report_path.parent / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def text_of(store: Store, name: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", section(Page(store.report_path).source, name)).split())


def test_sections_of_a_search_stand_in_the_order_of_the_reader(store: Store) -> None:
    read = Page(store.report_path)
    ids = [attrs["id"] for attrs in read.all("section") if "id" in attrs]
    assert ids == ["search", "importance", "dependence", "candidates", "outcomes", "survival", "curves", "samples",
                   "rule", "methods", "run"]  # fmt: skip
    targets = [str(attrs["href"])[1:] for attrs in read.all("a") if str(attrs["href"]).startswith("#")]
    assert targets == ["search", *ids]


def test_the_page_says_what_was_searched_and_what_it_took(store: Store) -> None:
    text = text_of(store, "search")
    history = search_log.read(store.search_path)
    assert "tiny: A tiny space; 3 axes" in text
    assert "Sampler tpe, seed 0" in text
    assert "24 blocks in blocks of 2 seeds, at most 6 seeds per candidate" in text
    assert "all 24 blocks of the budget were given" in text
    assert f"24 blocks, 48 replicas, {len(history.points)} candidates" in text


def test_the_best_candidate_has_its_interval_and_a_warning(store: Store, search: SearchView) -> None:
    best = search.incumbent
    assert best is not None
    low, high = race.interval(best)
    text = text_of(store, "search")
    assert f"{best.successes} of {best.n} replicas, anytime interval [{low:.2f}, {high:.2f}]" in text
    assert "This is optimistic" in text


def test_the_answer_of_a_search_is_its_best_candidate(store: Store, search: SearchView) -> None:
    first = Page(store.report_path).source.partition('<div class="answer">')[2].partition("</div>")[0]
    assert search.answer[-1].startswith(search.candidates[0].name)
    assert "This is optimistic" in first


def test_candidates_are_listed_best_first_with_their_points(store: Store, search: SearchView) -> None:
    found = re.findall(
        r'<th scope="row" class="num">#(\d+)</th>', section(Page(store.report_path).source, "candidates")
    )
    assert [int(cell) for cell in found] == [own.cell for own in search.candidates]
    lows = [race.interval(own)[0] for own in search.candidates]
    assert lows == sorted(lows, reverse=True)


def test_the_csv_file_has_exact_points(store: Store) -> None:
    points = search_log.read(store.search_path).points
    for row in rows(store, "candidates.csv"):
        point = points[int(row["cell"])]
        assert row["axis.optimizer"] == point["optimizer"]
        assert float(row["axis.lr"]) == point["lr"]
        assert row["axis.beta1"] == (str(point["beta1"]) if "beta1" in point else "")
        assert (
            0 <= float(row["anytime_low"]) <= int(row["converged"]) / int(row["n"]) <= float(row["anytime_high"]) <= 1
        )


def test_importances_are_shown_and_stored(store: Store, search: SearchView) -> None:
    stored = rows(store, "importance.csv")
    assert [row["axis"] for row in stored if row["target"] == "success"] == list(search.by_importance)
    label = next(value for value in labels(store) if value.startswith("What decides success"))
    assert all(axis.name in label for axis in SPACE.axes)


def labels(store: Store) -> list[str]:
    return [str(attrs["aria-label"]) for attrs in Page(store.report_path).all("svg") if "aria-label" in attrs]


def test_every_axis_has_its_curve_and_two_have_a_map(store: Store, search: SearchView) -> None:
    spoken = " ".join(labels(store))
    for axis in SPACE.axes:
        assert f"Predicted success rate by {axis.name}:" in spoken
    assert {axis.name for axis in search.mapped} == {"lr", "beta1"}
    assert "above the predicted success rate" in spoken


def test_few_cells_have_curves_the_best_and_one_of_each_failure(store: Store, search: SearchView) -> None:
    best = [own.cell for own in search.candidates[:4]]
    assert list(search.shown[:4]) == best
    assert len(search.shown) <= 4 + 6
    assert Page(store.report_path).source.count('<figure class="cell">') == len(search.shown)


def test_the_methods_say_that_rates_are_optimistic(store: Store) -> None:
    text = text_of(store, "methods")
    for part in ("Rates inside a search are optimistic", "anytime-valid", "tree-structured Parzen", "PED-ANOVA",
                 "no replica is left out", "variants among the candidates"):  # fmt: skip
        assert part in text
    assert "factors of the design" not in text
    assert "Time to failure is estimated by Kaplan and Meier." in text


def test_a_search_that_has_found_nothing_yet_has_a_page(tmp_path: Path) -> None:
    store, ledger = begin(tmp_path)
    ledger.write()
    text = Page(build(store)).text
    assert "not yet; 0.0 s so far" in text
    assert "No replica has ended yet." in text


def test_a_small_search_says_nothing_of_what_decides(tmp_path: Path) -> None:
    store = searched(tmp_path, plan(blocks=3))
    text = Page(build(store)).text
    assert "There are too few candidates to say what decides success." in text
    assert "importance.csv" in text


@pytest.mark.slow
def test_a_report_of_a_search_verifies_and_a_changed_number_is_found(tmp_path: Path) -> None:
    store = searched(tmp_path, plan(blocks=14))
    build(store)
    assert not [sentence for check in verify(store) for sentence in check.differences]
    text = store.report_path.read_text(encoding="utf-8")
    store.report_path.write_text(text.replace("28 replicas", "29 replicas", 1), encoding="utf-8")
    assert any("29 replicas" in sentence for check in verify(store) for sentence in check.differences)
    assert all(record.status is Status.FINISHED for record in store.records())


def test_shown_candidates_have_survival_curves_in_their_order(store: Store, search: SearchView) -> None:
    label = next(value for value in labels(store) if value.startswith("Share of replicas that have not failed yet"))
    assert re.findall(r"#(\d+): ", label) == [str(cell) for cell in search.shown]


def test_survival_counts_an_audited_replica_for_all_that_were_to_be_stopped(tmp_path: Path) -> None:
    store = searched(tmp_path, plan(blocks=6))
    first = store.records()[0]
    search_log.Log(store.search_path).stopped(Stop(block=first.block, rule="asha", step=200, audited=True), 1.0)
    search = view_of(Launch(store))
    assert isinstance(search, SearchView)
    own = {curve.cell: curve for curve in search.survival}
    assert own.keys() == set(search.shown)
    assert own[first.cell].audited == 2
    assert {curve.audited for cell, curve in own.items() if cell != first.cell} == {0}
    assert all(curve.survival.tolist() == told.survival.tolist() for curve in search.survival
               for told in curves(search.launch.replicas) if told.cell == curve.cell)  # nobody was stopped  # fmt: skip


def test_a_search_for_success_and_quality_shows_its_front(tmp_path: Path) -> None:
    store = searched(tmp_path, plan(blocks=6, goal="both"))
    text = Page(build(store)).text
    assert "Success and quality at once" in text
    search = view_of(Launch(store))
    assert isinstance(search, SearchView)
    picture = registry.named("front").picture(search)
    assert picture is not None
    cells = [own.cell for own in race.front(search.candidates)]
    assert cells
    assert re.findall(r"#(\d+) ", picture.label) == [str(cell) for cell in cells]


OF_ALL = [figure.name for figure in registry.figures() if figure.of is SearchView and figure.name != "front"]


@pytest.mark.parametrize("name", OF_ALL)
def test_every_picture_of_a_search_is_a_file_too(search: SearchView, name: str, tmp_path: Path) -> None:
    picture = registry.named(name).picture(search)
    assert picture is not None
    export.save(picture, tmp_path / "x.svg")
    assert "var(--" not in (tmp_path / "x.svg").read_text(encoding="utf-8")


def test_a_search_for_success_has_no_front(search: SearchView) -> None:
    assert registry.named("front").picture(search) is None


def test_a_launch_that_is_no_search_has_none_of_its_figures(mixed: Store) -> None:
    view = view_of(Launch(mixed))
    assert isinstance(view, GridView)
    shown = {figure.of for section in view.sections for figure in registry.of_section(view, section.id)}
    assert SearchView not in shown
