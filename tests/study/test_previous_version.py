"""Launches of version 0.8.0, the one before this: what is ended is read and verified, what is not is left to 0.8.0.

``stored/launches-0.8.0.tar.xz`` holds the grids ``dirac`` and ``lsgan-stability``, profile ``smoke``, as 0.8.0 left
them (without pages and weights), and one of ``wgan-clip`` whose driver was killed.
"""

import shutil
import tarfile
from html import escape
from pathlib import Path

import pytest
from typer.testing import CliRunner

from study import report
from study.audit.verify import verify
from study.cli import app
from study.evidence.estimates import summarize
from study.scheduling.ledger import redecide
from study.storage.store import Store
from trainables.streams import EDITION

_ENDED = ("dirac", "lsgan-stability")
_PAGE = {"words", "tables", "drawing", "markup", "pictures", "files"}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("previous")
    with tarfile.open(Path(__file__).parent / "stored" / "launches-0.8.0.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder


def store_of(runs: Path, study: str) -> Store:
    (folder,) = (runs / study).iterdir()
    return Store(folder)


@pytest.mark.parametrize("study", [*_ENDED, "wgan-clip"])
def test_records_are_those_that_todays_rule_gives(runs: Path, study: str) -> None:
    store = store_of(runs, study)
    plan, records = store.plan(), store.records()
    assert plan.versions["code"] == "04541d7c62e7"
    assert {record.plan for record in records} == {plan.digest()}
    decided = [record for record in records if record.decided]
    again = {(one.cell, one.seed): one for one in redecide(plan, store, store.rule()).records}
    assert decided
    assert [again[one.cell, one.seed] for one in decided] == decided


@pytest.mark.parametrize("study", _ENDED)
def test_an_ended_launch_is_verified_and_its_numbers_are_said_to_be_others(runs: Path, study: str) -> None:
    checks = {check.name: check for check in verify(store_of(runs, study))}
    assert not [check.differences for check in checks.values() if check.differences and check.name not in _PAGE]
    (note,) = checks["streams"].notes
    assert note == (
        f"the random numbers are of edition 1, and this version draws edition {EDITION}: no training can be repeated"
        " here to the bit"
    )


@pytest.mark.parametrize("study", [*_ENDED, "wgan-clip"])
def test_its_page_can_be_written(runs: Path, study: str, tmp_path: Path) -> None:
    store = store_of(runs, study)
    copy = Store(shutil.copytree(store.root, tmp_path / study / store.root.name))
    page = report.build(copy).read_text(encoding="utf-8")
    for summary in summarize(copy.records()):
        assert escape(summary.name) in page


def test_what_is_not_ended_is_left_to_the_version_that_planned_it(runs: Path, tmp_path: Path) -> None:
    """In one sentence, before anything is trained, and without a change to what is there."""
    store = store_of(runs, "wgan-clip")
    copy = Store(shutil.copytree(store.root, tmp_path / "wgan-clip" / store.root.name))
    copy.root.joinpath("driver.lock").unlink()  # which the killed driver left, and whoever takes it clears
    before = {path: path.read_bytes() for path in copy.root.rglob("*") if path.is_file()}
    done = CliRunner().invoke(app, ["resume", str(copy.root), "--tracking-uri", "none"], env={"COLUMNS": "400"})
    assert done.exit_code == 2, done.output
    (sentence,) = done.stderr.strip().splitlines()
    assert "trained with random numbers of edition 1, and this version draws edition 2" in sentence
    assert {path: path.read_bytes() for path in copy.root.rglob("*") if path.is_file()} == before
