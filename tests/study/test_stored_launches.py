"""Launches that version 0.4.0 trained stay readable, and a change that should not matter changes no number of theirs.

``stored/launches-0.4.0.tar.xz`` holds a grid in one dimension, one of images, one of autoencoders (some of whose fields
have been renamed since), a search and its confirmation, as 0.4.0 left them. ``stored/pages/`` holds the words of their
pages as this version writes them, one piece a line: ``REPIN=1 pytest tests/study/test_stored_launches.py`` writes them
again after a change of wording, and the difference of the files is what a reader will see.
"""

import gzip
import json
import os
import shutil
import tarfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from study import report
from study.audit import html_diff
from study.audit.verify import verify
from study.cli import app
from study.design import planning
from study.design.planning import plan_study
from study.evidence.estimates import summarize
from study.outcomes.rule import IMAGE_RULE
from study.scheduling.ledger import Ledger, redecide
from study.storage.store import Store
from study.studies import studies
from trainables.config import digest

_STORED = Path(__file__).parent / "stored"
_LAUNCHES = ("dirac", "lsgan-stability", "aae", "search-wgan-clip/search", "search-wgan-clip/confirmation")
_NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stored")
    with tarfile.open(_STORED / "launches-0.4.0.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder


def store_of(runs: Path, launch: str) -> Store:
    """The folder of a launch named ``study/kind``, or of the only one of a study."""
    study, _, kind = launch.partition("/")
    folders = sorted(
        folder for folder in (runs / study).iterdir() if folder.name.endswith("confirm") == ("conf" in kind)
    )
    return Store(folders[0])


def words(page: str) -> str:
    return "\n".join(f"{item.place}\t{item.value}" for item in html_diff.read(page).items["words"]) + "\n"


@pytest.mark.parametrize("launch", _LAUNCHES)
def test_a_stored_launch_gives_the_records_that_it_gave(runs: Path, launch: str) -> None:
    store = store_of(runs, launch)
    assert redecide(store.plan(), store, store.rule()).records == store.records()


@pytest.mark.parametrize("launch", _LAUNCHES)
def test_a_stored_launch_keeps_its_digests(runs: Path, launch: str) -> None:
    store = store_of(runs, launch)
    plan, records = store.plan(), store.records()
    assert {record.plan for record in records} == {plan.digest()}
    assert {(record.cell, record.digest) for record in records} == {(cell.index, cell.digest) for cell in plan.cells}
    assert all(digest(cell.config) == cell.digest for cell in plan.cells)


def test_fields_that_0_4_0_named_otherwise_have_their_names_of_today(runs: Path) -> None:
    store = store_of(runs, "aae")
    assert "regulariser" in store.plan_path.read_text(encoding="utf-8")
    assert [cell.config.regularizer.kind for cell in store.plan().cells] == [  # type: ignore[union-attr]
        "adversarial", "adversarial", "adversarial", "adversarial", "variational", "none",
    ]  # fmt: skip
    assert {"regularizer", "labels"} < set(store.records()[0].config)
    assert set(store.plan().factors[0].paths) == {"labels", "prior", "regularizer"}


@pytest.mark.parametrize("launch", _LAUNCHES)
def test_a_stored_launch_is_verified(runs: Path, launch: str) -> None:
    checks = verify(store_of(runs, launch))
    told = {"words", "tables", "drawing", "markup", "pictures", "files"}
    assert not [check.differences for check in checks if check.differences and check.name not in told]


@pytest.mark.parametrize("launch", _LAUNCHES)
def test_the_page_of_a_stored_launch_has_the_pinned_words(runs: Path, launch: str) -> None:
    found = words(report.build(store_of(runs, launch)).read_text(encoding="utf-8"))
    pinned = _STORED / "pages" / f"{launch.replace('/', '-')}.txt.gz"
    if os.environ.get("REPIN"):
        pinned.parent.mkdir(exist_ok=True)
        pinned.write_bytes(gzip.compress(found.encode(), mtime=0))
    assert found.splitlines() == gzip.decompress(pinned.read_bytes()).decode().splitlines()


def test_plans_of_all_studies_keep_their_digests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "versions", lambda: {"code": "pinned"})
    found = {
        f"{name}/{profile}": plan_study(study, profile, now=_NOW).digest()
        for name, study in studies().items()
        for profile in study.profiles
    }
    pinned: Mapping[str, str] = json.loads((_STORED / "digests.json").read_text(encoding="utf-8"))
    if os.environ.get("REPIN"):
        (_STORED / "digests.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    assert found == pinned


# Rules of edition 1, by which 0.4.0 decided, are read and not applied.


def test_rules_of_0_4_0_are_of_edition_1_and_keep_their_labels(runs: Path) -> None:
    for launch in _LAUNCHES:
        store = store_of(runs, launch)
        assert (store.rule().edition, store.rule().applied) == (1, False)
        assert {record.rule for record in store.records()} == {store.rule().label()}


@pytest.mark.parametrize("launch", _LAUNCHES)
def test_whether_old_outcomes_are_borderline_is_not_known(runs: Path, launch: str) -> None:
    records = store_of(runs, launch).records()
    assert {record.borderline for record in records} == {None}
    assert {summary.borderline for summary in summarize(records) if summary.rate.n} == {None}


def copied(runs: Path, launch: str, folder: Path) -> Store:
    own = store_of(runs, launch)
    return Store(shutil.copytree(own.root, folder / own.root.parent.name / own.root.name))


@pytest.mark.parametrize("launch", ["dirac", "lsgan-stability", "aae"])
def test_writing_the_ledger_keeps_what_an_older_version_decided(runs: Path, launch: str, tmp_path: Path) -> None:
    store = copied(runs, launch, tmp_path)
    before = store.records()
    Ledger(store.plan(), store).write()
    assert store.records() == before


def test_a_trace_without_the_columns_of_today_cannot_be_decided_again(runs: Path, tmp_path: Path) -> None:
    store = copied(runs, "lsgan-stability", tmp_path)
    before = store.records()
    with pytest.raises(ValueError, match=r"cannot be decided again: the trace has no knn_recall_pixels and what goes"):
        redecide(store.plan(), store, IMAGE_RULE)
    assert store.records() == before


def test_deciding_anew_by_a_rule_of_edition_1_is_one_sentence(runs: Path, tmp_path: Path) -> None:
    store = copied(runs, "lsgan-stability", tmp_path)
    before = store.records_path.read_bytes()
    done = CliRunner().invoke(app, ["decide", str(store.root), "--rule", "quality_min=0.7"])
    assert done.exit_code == 2, done.output
    (sentence,) = done.stderr.strip().splitlines()
    assert "cannot be decided again: the rule" in sentence
    assert "of edition 1, which this version reads and does not apply" in sentence
    assert store.records_path.read_bytes() == before


def test_a_launch_of_edition_1_is_not_resumed(runs: Path, tmp_path: Path) -> None:
    store = copied(runs, "dirac", tmp_path)
    for trace in store.root.rglob("*.parquet"):
        if trace != store.records_path:
            trace.unlink()
            break
    done = CliRunner().invoke(app, ["resume", str(store.root), "--tracking-uri", "none"], env={"COLUMNS": "400"})
    assert done.exit_code == 2, done.output
    assert "must be resumed by the version that planned it: its outcome rule is of edition 1" in done.stderr
