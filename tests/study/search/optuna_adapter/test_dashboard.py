"""A search in an Optuna storage: what the dashboard shows, and what a storage cannot stop."""

import sqlite3
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.trial import TrialState

from study.scheduling.ledger import Ledger
from study.search import race
from study.search.optuna_adapter.dashboard import OptunaMirror
from study.storage.search_log import read
from tests.study.made_searches import SPACE, begin, go, plan, searching


def address(folder: Path) -> str:
    return f"sqlite:///{folder}/optuna.db"


def mirror(folder: Path, goal: Any = "success") -> OptunaMirror:
    return OptunaMirror(address(folder), "search-tiny/now", SPACE, goal)


def shown(folder: Path) -> list[optuna.trial.FrozenTrial]:
    return optuna.load_study(study_name="search-tiny/now", storage=address(folder)).trials


def test_a_trial_is_a_candidate_with_its_scores_after_so_many_seeds(tmp_path: Path) -> None:
    store, ledger = begin(tmp_path, plan(blocks=8))
    search = searching(ledger, mirror(tmp_path))
    go(store, ledger, search)
    history = read(store.search_path)
    trials = shown(tmp_path)
    assert [trial.params for trial in trials] == history.points
    for candidate in search.candidates:
        trial = trials[candidate.cell]
        assert trial.intermediate_values[candidate.n] == candidate.score
        assert trial.user_attrs["successes"] == f"{candidate.successes} of {candidate.n}"
    search.close()
    assert [trial.value for trial in shown(tmp_path)] == [candidate.score for candidate in search.candidates]


def test_who_has_left_the_race_is_complete_while_the_search_runs(tmp_path: Path) -> None:
    store, ledger = begin(tmp_path, plan(blocks=30))
    search = searching(ledger, mirror(tmp_path))
    go(store, ledger, search, at_most=16)
    best = race.incumbent(search.candidates)
    trials = {trial.number: trial for trial in shown(tmp_path)}
    for candidate in search.candidates:
        if race.left(candidate, best, 6):
            assert trials[candidate.cell].state is TrialState.COMPLETE
        if candidate.successes == 0:
            assert trials[candidate.cell].value == candidate.score
    states = {trial.state for trial in trials.values()}
    assert states == {TrialState.COMPLETE, TrialState.RUNNING}


def test_two_goals_are_two_values(tmp_path: Path) -> None:
    store, ledger = begin(tmp_path, plan(blocks=4, goal="both"))
    search = searching(ledger, mirror(tmp_path, "both"))
    go(store, ledger, search)
    search.close()
    for trial, candidate in zip(shown(tmp_path), search.candidates, strict=True):
        assert trial.values == pytest.approx([candidate.score, candidate.quality or 0.0])


def test_a_resumed_search_goes_on_in_the_same_study(tmp_path: Path) -> None:
    store, ledger = begin(tmp_path, plan(blocks=8))
    go(store, ledger, searching(ledger, mirror(tmp_path)), at_most=4)
    again = Ledger(store.plan(), store)
    go(store, again, searching(again, mirror(tmp_path)))
    assert [trial.params for trial in shown(tmp_path)] == read(store.search_path).points


def test_a_study_that_is_deleted_in_the_dashboard_stops_no_search(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store, ledger = begin(tmp_path, plan(blocks=6))
    search = searching(ledger, mirror(tmp_path))
    go(store, ledger, search, at_most=3)
    optuna.delete_study(study_name="search-tiny/now", storage=address(tmp_path))
    assert len(go(store, ledger, search)) == 3
    search.close()
    assert [record.message.count("shows no more of the search") for record in caplog.records] == [1]


def test_a_storage_that_is_gone_is_filled_again(tmp_path: Path) -> None:
    store, ledger = begin(tmp_path, plan(blocks=8))
    go(store, ledger, searching(ledger, mirror(tmp_path)), at_most=5)
    (tmp_path / "optuna.db").unlink()
    again = Ledger(store.plan(), store)
    search = searching(again, mirror(tmp_path))
    go(store, again, search)
    trials = shown(tmp_path)
    assert [trial.params for trial in trials] == read(store.search_path).points
    assert all(trials[each.cell].intermediate_values[each.n] == each.score for each in search.candidates)


def test_a_storage_that_fails_later_stops_no_search_and_is_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store, ledger = begin(tmp_path, plan(blocks=6))
    search = searching(ledger, mirror(tmp_path))
    with sqlite3.connect(tmp_path / "optuna.db") as database:
        database.execute("DROP TABLE trials")
    assert len(go(store, ledger, search)) == 6
    assert [record.message for record in caplog.records if "shows no more of the search" in record.message] == [
        caplog.records[0].message
    ]


def test_why_a_storage_fails_later_is_what_the_database_says(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    shown = mirror(tmp_path)
    (tmp_path / "optuna.db").unlink()
    shown.proposed(SPACE.default())
    (record,) = caplog.records
    assert record.message.endswith(
        "shows no more of the search: (sqlite3.OperationalError) attempt to write a readonly database"
    )


def test_a_locked_storage_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("study.search.optuna_adapter.dashboard._SECONDS", 0.1)
    mirror(tmp_path)
    lock = sqlite3.connect(tmp_path / "optuna.db", isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    with pytest.raises(ValueError, match=r"--storage must be none, or .* that can be written to, .* is locked"):
        OptunaMirror(address(tmp_path), "another", SPACE, "success")
    lock.close()


@pytest.mark.parametrize("where", ["sqlite:////nowhere/at/all/optuna.db", "carrier-pigeon://loft", "no address"])
def test_a_storage_that_is_none_is_one_sentence(where: str) -> None:
    with pytest.raises(ValueError, match="--storage must be none, or an Optuna storage that can be ") as caught:
        OptunaMirror(where, "x", SPACE, "success")
    assert "\n" not in str(caught.value)


def test_no_secret_of_an_address_is_said() -> None:
    said = r"^--storage must be none, .*, got nothing://\*\*\*@lab\.example/optuna:"
    with pytest.raises(ValueError, match=said) as refused:
        OptunaMirror("nothing://me:TOKEN@lab.example/optuna", "search-tiny/now", SPACE, "success")
    assert "TOKEN" not in str(refused.value)
