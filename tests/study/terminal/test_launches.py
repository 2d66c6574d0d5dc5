"""The text about a launch: its plan, its state, its results and its files."""

from io import StringIO
from pathlib import Path

from rich.console import Console

import study
from study.launch import Launch
from study.scheduling.ledger import Ledger
from study.storage.store import Store
from study.terminal import launches, standing
from study.terminal.progress import Terminal
from tests.study import made_searches as searches
from tests.study.conftest import C, M, U, make


def printed(show: object, *arguments: object, **options: object) -> str:
    out = StringIO()
    show(*arguments, Console(file=out, width=120), **options)  # type: ignore[operator]
    return out.getvalue()


def test_a_grid_is_described_by_its_size(tmp_path: Path) -> None:
    plan = make(tmp_path, page=False).plan()
    assert launches.describe(plan).plain == (
        f"demo (quick): 2 cells x 3 seeds = 6 replicas in 2 blocks\nplan {plan.digest()}"
    )


def test_seeds_that_depend_on_the_verdicts_are_called_the_most(tmp_path: Path) -> None:
    plan = make(tmp_path, page=False, block=1, until_decided=True, least=1).plan()
    assert (
        "6 replicas in 6 blocks at most; 1 per cell, then blocks of 1 until the hypotheses are decided"
        in launches.describe(plan).plain
    )


def test_a_search_is_described_by_its_budget() -> None:
    assert "at most 12 blocks in blocks of 2 seeds, at most 6 per candidate, sampler tpe" in (
        launches.describe(searches.plan(blocks=12)).plain
    )


def test_the_status_counts_replicas_and_shows_the_cells(tmp_path: Path) -> None:
    store = make(tmp_path, ((C, C, M), (U, U, U)), page=False)
    text = printed(standing.status, Ledger(store.plan(), store))
    assert "6 replicas planned: 3 finished, 3 planned" in text
    assert "2 of 3" in text


def test_a_search_lists_its_best_candidates_and_counts_the_others(tmp_path: Path) -> None:
    store, ledger = searches.begin(tmp_path, searches.plan(blocks=30, seeds=2))
    assert "no candidate has a result yet" in printed(standing.status, ledger)
    searches.go(store, ledger, searches.searching(ledger))
    text = printed(launches.results, Launch(store, ledger.records))
    assert text.count("optimizer=") == 10
    assert f"and {len(ledger.plan.cells) - 10} more candidates; the report has them" in text


def test_tables_of_contrasts_say_when_seeds_were_added_by_the_results(tmp_path: Path) -> None:
    fixed = make(tmp_path / "fixed", page=False)
    open_ended = make(tmp_path / "open", page=False, until_decided=True, least=3)
    warning = "this launch added seeds by its results"
    assert warning not in printed(launches.results, Launch(fixed))
    assert warning in printed(launches.results, Launch(open_ended))


def test_the_files_of_a_launch_are_listed_with_mlflow_if_it_has_them() -> None:
    store = Store(Path("runs/demo/one"))
    with_mlflow = printed(launches.paths, store, Path("page.html"), tracked=True)
    assert with_mlflow.splitlines() == [
        "report   page.html", f"records  {store.records_path}", f"traces   {store.traces_path}", "MLflow   study ui",
    ]  # fmt: skip
    assert "MLflow" not in printed(launches.paths, store, Path("page.html"), tracked=False)
    elsewhere = printed(launches.paths, Store(Path("other/demo/one")), Path("page.html"), tracked=True)
    assert "study ui --out other" in elsewhere


def test_what_cannot_be_decided_is_said_before_the_launch(tmp_path: Path) -> None:
    said = "5 seeds cannot decide 3 of the 3 claims under Holm, whatever comes out: at least 7 seeds are needed"
    plan = study.plan("mixture-modes", seeds=5)
    out = StringIO()
    Terminal(Console(file=out, width=300)).planned(plan)
    assert said in out.getvalue()
    assert printed(launches.out_of_reach, study.plan("mixture-modes", seeds=7)) == ""
