"""A launch as CSV files: what they hold, and that a process that was killed leaves no row lacking or twice."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from study.storage.store import Store
from study.tracking import sync, trackers
from tests.study.tracking import told_launches
from tests.study.tracking.told_launches import STEPS, make_plan, make_record, make_rows, make_store, tell

_no_waiting = told_launches.no_waiting


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def contents(store: Store) -> dict[str, list[dict[str, str]]]:
    """Every file of the view by its path, with its rows."""
    folder = store.root / "csv"
    return {str(path.relative_to(folder)): read(path) for path in sorted(folder.rglob("*.csv"))}


def shown(root: Path, launch: str = "launch-1") -> Store:
    """Return the folder of an undisturbed launch."""
    plan = make_plan(launch)
    store = make_store(root, plan)
    tracker = trackers(root, "none", ["csv"])
    tracker.start(plan, store)
    tell(tracker, plan, store)
    assert tracker.finish(store, complete=True)
    return store


def test_curves_outcomes_rates_and_pictures_are_in_files(tmp_path: Path) -> None:
    store = shown(tmp_path)
    found = contents(store)
    assert set(found) == {
        "000 lr 0.001/seed 11 converged.csv",
        "000 lr 0.001/seed 22 mode collapsed.csv",
        "001 lr 0.0001/seed 11 converged.csv",
        "001 lr 0.0001/seed 22 converged.csv",
        "cells.csv",
        "images.csv",
        "replicas.csv",
    }
    curve = [row for row in found["000 lr 0.001/seed 22 mode collapsed.csv"] if row["metric"] == "d_loss"]
    assert [(int(row["step"]), float(row["value"])) for row in curve] == [(step, 2.0 + step / 1000) for step in STEPS]
    assert [row["outcome"] for row in found["replicas.csv"]] == [
        "converged",
        "mode_collapsed",
        "converged",
        "converged",
    ]
    assert [row["success"] for row in found["replicas.csv"]] == ["1", "0", "1", "1"]
    assert [row["lr"] for row in found["replicas.csv"]] == ["0.001", "0.001", "0.0001", "0.0001"]
    assert all((store.root / "csv" / row["curves"]).is_file() for row in found["replicas.csv"])
    assert [(row["cell_name"], float(row["success_rate"]), row["outcomes"]) for row in found["cells.csv"]] == [
        ("lr 0.001", 0.5, "1 converged, 1 mode collapsed"),
        ("lr 0.0001", 1.0, "2 converged"),
    ]
    assert {(row["series"], row["step"]) for row in found["images.csv"]} == {("samples", "300")}
    assert [(store.root / "csv" / row["file"]).resolve() for row in found["images.csv"]] == [
        path.resolve() for cell in (0, 1) for seed in (11, 22) for path in store.grids(cell, seed)
    ]


def test_a_sync_makes_the_same_files(tmp_path: Path) -> None:
    store = shown(tmp_path)
    before = contents(store)
    for _ in range(2):
        assert sync(store, trackers(tmp_path, "none", None, store))
        assert contents(store) == before


def _kill_after(store: Store, steps: tuple[int, ...]) -> None:
    plan = store.plan()
    killed = trackers(store.out, "none", ["csv"])
    killed.start(plan, store)
    block = plan.blocks()[0]
    killed.curves(block, make_rows(block, steps))
    place = store.root / "csv" / "000 lr 0.001" / "seed 22.csv"
    told_launches.wait_until(lambda: place.exists() and place.read_text().count("g_loss") == len(steps))
    with place.open("a") as file:
        file.write("300,d_l")  # cut in the middle of a row


def _resume_from_checkpoint(store: Store) -> None:
    plan = store.plan()
    block = plan.blocks()[0]
    resumed = trackers(store.out, "none", None, store)
    resumed.start(plan, store)
    resumed.curves(block, make_rows(block, STEPS[1:]))
    for seed in block.seeds:
        resumed.replica(make_record(plan, block, seed), block)
    assert resumed.finish(store, complete=True)


@pytest.mark.parametrize(
    "go_on", [_resume_from_checkpoint, lambda store: sync(store, trackers(store.out, "none", None, store))]
)
def test_a_killed_launch_is_shown_like_an_undisturbed_one(tmp_path: Path, go_on: Callable[[Store], object]) -> None:
    expected = contents(shown(tmp_path / "undisturbed"))
    store = make_store(tmp_path / "killed", make_plan())
    _kill_after(store, STEPS[:3])
    go_on(store)
    assert contents(store) == expected


def test_a_folder_that_cannot_be_written_is_one_warning_and_is_filled_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plan = make_plan()
    store = make_store(tmp_path, plan)
    (store.root / "csv").write_text("in the way")
    tracker = trackers(tmp_path, "none", ["csv"])
    tracker.start(plan, store)
    tell(tracker, plan, store)
    assert not tracker.finish(store, complete=True)
    (said,) = [record.getMessage() for record in caplog.records if record.name == "study.tracking.writer"]
    assert said.startswith(f"CSV in {store.root / 'csv'} does not take everything (")
    assert said.endswith(f"nothing is lost: `study sync {store.root}` sends the rest later")
    assert tracker.named() == f"CSV in {store.root / 'csv'}"
    (store.root / "csv").unlink()
    assert sync(store, trackers(tmp_path, "none", None, store))
    assert contents(store) == contents(shown(tmp_path / "undisturbed"))
