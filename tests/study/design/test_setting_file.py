"""The best cell of a search, confirmed beside the default, as a file that ``study run`` takes."""

import dataclasses
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from study.cli import app
from study.design import setting_file
from study.design.hypotheses import MoreSuccess
from study.design.planning import plan_study
from study.launch import Launch
from study.outcomes.outcome import Outcome
from study.report.views import SearchView, view_of
from study.scheduling.ledger import Ledger
from study.search import confirmation
from study.storage.records import Status
from study.storage.store import Store
from tests.study.conftest import make, trace_of
from tests.study.made_searches import NOW, plan, searched
from trainables import trace


@pytest.fixture
def store(tmp_path: Path) -> Store:
    """One whose default, at a learning rate of 1e-3, hardly trains."""
    return searched(tmp_path, plan(blocks=16), converges=lambda point: 0.95 if float(point["lr"]) > 2e-3 else 0.1)


def confirmed(store: Store, found: int = 5, default: int = 2) -> Store:
    """A confirmation in which so many of six replicas of each converge."""
    planned = confirmation.of_launch(store, now=NOW, seeds=6)
    own = Store(store.root.parent / planned.launch)
    own.write_plan(planned)
    ledger = Ledger(planned, own)
    good = [found, default]
    for block in planned.blocks():
        ends = [
            Outcome.CONVERGED if block.first + i < good[block.cell.index] else Outcome.DIVERGED
            for i in range(len(block.seeds))
        ]
        trace.write(trace_of(planned, block, ends, 0, {}), own.trace_path(block))
        ledger.end(block, Status.FINISHED)
    ledger.write()
    return own


def leader(store: Store) -> int:
    best = confirmation.leader(store)
    assert best is not None
    return best.cell


def test_a_search_confirms_what_has_shown_most_beside_the_default_on_fresh_seeds(store: Store) -> None:
    planned = confirmation.of_launch(store, now=NOW, seeds=6)
    cells = store.plan().cells
    assert leader(store) != 0
    assert [cell.digest for cell in planned.cells] == [cells[leader(store)].digest, cells[0].digest]
    assert [cell.levels["setting"] for cell in planned.cells] == ["found", "default"]
    assert not set(planned.seeds) & set(store.plan().seeds)
    assert planned.search is None
    assert planned.selection is not None
    assert planned.selection.of_cells == len(cells)


def test_the_question_is_declared_before_its_seeds(store: Store) -> None:
    (hypothesis,) = confirmation.of_launch(store, now=NOW, seeds=6).hypotheses
    assert isinstance(hypothesis, MoreSuccess)
    assert (hypothesis.better, hypothesis.worse) == ({"setting": "found"}, {"setting": "default"})


def test_a_default_that_is_best_is_confirmed_alone(tmp_path: Path) -> None:
    store = searched(tmp_path, plan(blocks=1), converges=lambda point: 1.0)
    planned = confirmation.of_launch(store, now=NOW, seeds=2)
    assert len(planned.cells) == 1
    assert planned.hypotheses == ()


def test_where_nothing_converged_nothing_is_confirmed(tmp_path: Path) -> None:
    store = searched(tmp_path, plan(blocks=3), converges=lambda point: 0.0)
    with pytest.raises(ValueError, match=r"must have a candidate that converged to confirm one, and .* has none"):
        confirmation.of_launch(store, now=NOW)


def test_a_setting_survives_its_file(store: Store, tmp_path: Path) -> None:
    setting = confirmation.setting(store, confirmed(store))
    path = tmp_path / "best.json"
    path.write_text(setting.text())
    assert setting_file.read(path) == setting


def test_the_confirmed_cell_is_what_runs(store: Store, tmp_path: Path) -> None:
    own = confirmed(store)
    path = tmp_path / "best.json"
    path.write_text(confirmation.setting(store, own).text())
    planned = plan_study(setting_file.read(path).study("quick"), "quick", now=NOW)
    assert [cell.digest for cell in planned.cells] == [own.plan().cells[0].digest]
    assert planned.rule == own.plan().rule
    used = {*store.plan().seeds, *own.plan().seeds}
    assert not used & set(planned.seeds)


def test_the_file_says_both_rates(store: Store) -> None:
    note = confirmation.setting(store, confirmed(store)).note
    assert "optimistic; confirmed 5 of 6 [0.44, 0.97] on fresh seeds." in note
    assert "not confirmed yet on fresh seeds" in confirmation.setting(store, None).note


def test_best_prints_the_setting_and_says_where_it_comes_from(store: Store) -> None:
    own = confirmed(store)
    result = CliRunner().invoke(app, ["best", str(store.root)])
    assert result.exit_code == 0
    assert json.loads(result.stdout)["config"]["g_optimizer"] == {
        **json.loads(result.stdout)["config"]["g_optimizer"],
        "lr": own.plan().cells[0].config.g_optimizer.lr,
    }
    assert "confirmed 5 of 6" in result.stderr


def test_the_page_of_a_search_says_whether_the_default_was_beaten(store: Store) -> None:
    confirmed(store)
    search = view_of(Launch(store))
    assert isinstance(search, SearchView)
    (own,) = search.confirmations
    assert "optimistic; confirmed 5 of 6 [0.44, 0.97] on fresh seeds. The setting that the search found" in own.sentence
    assert "than the default of A tiny space: undecided. 5 of 6 (83.3 %, " in own.sentence
    assert "2 of 6 (33.3 %, " in own.sentence


def test_best_says_what_is_not_confirmed(store: Store) -> None:
    result = CliRunner().invoke(app, ["best", str(store.root)])
    assert result.exit_code == 0
    assert "study confirm" in result.stderr


def test_show_takes_a_setting(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "best.json"
    path.write_text(confirmation.setting(store, None).text())
    result = CliRunner().invoke(app, ["explain", str(path)])
    assert result.exit_code == 0, result.output
    assert "cell 0: base, digest" in result.output


def test_a_setting_is_shown_without_empty_headings_and_as_it_is_written(store: Store, tmp_path: Path) -> None:
    own = dataclasses.replace(confirmation.setting(store, None), title="a title [/]", question="is [bold] kept?")
    path = tmp_path / "best.json"
    path.write_text(own.text())
    result = CliRunner().invoke(app, ["show", str(path), "--set", "steps=300"], env={"COLUMNS": "300"})
    assert result.exit_code == 0, result.output
    for part in ("a title [/]", "is [bold] kept?", "1 cell, ", "Sources"):
        assert part in result.output
    for heading in ("Factors", "Hypotheses"):
        assert heading not in result.output


@pytest.mark.parametrize(("text", "sentence"), [
    ("{}", "best.json cannot be read: name must be given"),
    ("\ufeff{}", "best.json cannot be read: name must be given"),
    ("nothing", "best.json cannot be read: "),
    ("[" * 100_000, "best.json cannot be read: Invalid JSON: recursion limit exceeded"),
])  # fmt: skip
def test_a_file_that_is_no_setting_is_one_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    path = tmp_path / "best.json"
    path.write_text(text, encoding="utf-8")
    result = CliRunner().invoke(app, ["show", str(path)], env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert sentence in result.output


def test_an_editor_may_put_a_byte_order_mark_first(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "best.json"
    path.write_text(confirmation.setting(store, None).text(), encoding="utf-8-sig")
    assert setting_file.read(path) == confirmation.setting(store, None)


def test_a_field_that_was_mistyped_is_named(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "best.json"
    path.write_text(confirmation.setting(store, None).text().replace('"seeds"', '"seedz": 1, "seeds"'))
    with pytest.raises(ValueError, match="seedz is no field that this version knows"):
        setting_file.read(path)


def test_a_file_that_is_not_there_is_one_sentence(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["run", str(tmp_path / "no.json")], env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert "there is no such file" in result.output


def test_an_ordinary_launch_has_a_best_setting_too(tmp_path: Path) -> None:
    store = make(tmp_path, page=False)
    assert confirmation.setting(store, None).config == store.plan().cells[0].config
