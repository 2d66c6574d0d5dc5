"""A launch in TensorBoard's event files, read back with TensorBoard's own reader."""

from pathlib import Path

import pytest
from PIL import Image
from tensorboard.backend.event_processing import event_file_loader
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.util import tensor_util

from study.storage.store import Store
from study.tracking import sync, trackers
from tests.study.tracking import told_launches
from tests.study.tracking.told_launches import STEPS, make_plan, make_record, make_rows, make_store, tell, wait_until

_no_waiting = told_launches.no_waiting


def accumulated(folder: Path) -> EventAccumulator:
    found = EventAccumulator(str(folder), size_guidance={"scalars": 0, "images": 0, "tensors": 0})
    found.Reload()
    return found


def scalars(folder: Path) -> dict[str, list[tuple[int, float]]]:
    found = accumulated(folder)
    return {tag: [(own.step, round(own.value, 5)) for own in found.Scalars(tag)] for tag in found.Tags()["scalars"]}


def contents(store: Store) -> dict[str, object]:
    root = store.root / "tensorboard"
    return {
        str(path.parent.relative_to(root)): (scalars(path.parent), accumulated(path.parent).Tags())
        for path in sorted(root.rglob("events.*"))
    }


@pytest.fixture
def shown(tmp_path: Path) -> Store:
    plan = make_plan()
    store = make_store(tmp_path, plan)
    tracker = trackers(tmp_path, "none", ["tensorboard"])
    tracker.start(plan, store)
    tell(tracker, plan, store)
    assert tracker.finish(store, complete=True)
    return store


def test_a_run_per_replica_is_named_by_cell_seed_and_outcome(shown: Store) -> None:
    assert set(contents(shown)) == {
        "000 lr 0.001/seed 11 converged",
        "000 lr 0.001/seed 22 mode collapsed",
        "000 lr 0.001/all seeds",
        "001 lr 0.0001/seed 11 converged",
        "001 lr 0.0001/seed 22 converged",
        "001 lr 0.0001/all seeds",
    }


def test_curves_outcome_and_grids_of_a_replica(shown: Store) -> None:
    folder = shown.root / "tensorboard" / "000 lr 0.001" / "seed 22 mode collapsed"
    found = scalars(folder)
    assert found["d_loss"] == [(step, 2.0 + step / 1000) for step in STEPS]
    assert found["g_loss"] == [(step, 0.5) for step in STEPS]
    assert found["success"] == [(300, 0.0)]
    read = accumulated(folder)
    (text,) = read.Tensors("outcome")
    assert tensor_util.make_ndarray(text.tensor_proto).item() == b"mode collapsed"
    (grid,) = read.Images("samples")
    assert (grid.step, grid.width, grid.height) == (300, 8, 8)
    assert grid.encoded_image_string == shown.grids(0, 22)[0].read_bytes()


def test_parameters_are_in_the_tab_of_hyperparameters(shown: Store) -> None:
    (path,) = (shown.root / "tensorboard" / "001 lr 0.0001" / "seed 11 converged").glob("events.*")
    found = [
        value.metadata.plugin_data.content
        for event in event_file_loader.EventFileLoader(str(path)).Load()
        for value in event.summary.value
        if value.metadata.plugin_data.plugin_name == "hparams"
    ]
    (start,) = [plugin_data_pb2.HParamsPluginData.FromString(content) for content in found]
    params = {name: value.string_value for name, value in start.session_start_info.hparams.items()}
    assert (params["lr"], params["seed"], params["outcome"], params["batch_size"]) == (
        "0.0001",
        "11",
        "converged",
        "64",
    )


def test_the_rate_of_a_cell_is_a_curve_over_its_decided_seeds(shown: Store) -> None:
    found = scalars(shown.root / "tensorboard" / "000 lr 0.001" / "all seeds")
    assert found["success_rate"] == [(2, 0.5)]
    assert found["outcome_mode_collapsed"] == [(2, 1.0)]


def test_a_sync_and_a_resumed_launch_show_the_same(shown: Store, tmp_path: Path) -> None:
    expected = contents(shown)
    assert sync(shown, trackers(tmp_path, "none", None, shown))
    assert contents(shown) == expected
    plan = make_plan()
    store = make_store(tmp_path / "killed", plan)
    block = plan.blocks()[0]
    killed = trackers(store.out, "none", ["tensorboard"])
    killed.start(plan, store)
    killed.curves(block, make_rows(block, STEPS[:3]))
    wait_until(lambda: len(list(store.root.rglob("events.*"))) == 2)
    resumed = trackers(store.out, "none", None, store)
    resumed.start(plan, store)
    resumed.curves(block, make_rows(block, STEPS[1:]))
    resumed.replica(make_record(plan, block, 11), block)
    assert resumed.finish(store, complete=True)
    assert contents(store) == expected


def test_a_damaged_picture_is_one_warning_and_every_number_is_there(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plan = make_plan()
    store = make_store(tmp_path, plan)
    grid = store.grids(0, 11)[0]
    grid.write_bytes(b"no picture")
    tracker = trackers(tmp_path, "none", ["tensorboard"])
    tracker.start(plan, store)
    tell(tracker, plan, store)
    assert not tracker.finish(store, complete=True)
    assert tracker.lacking().startswith("1 file (")
    assert len([record for record in caplog.records if record.name == "study.tracking.writer"]) == 1
    found = contents(store)
    assert len(found) == 6
    Image.new("L", (8, 8)).save(grid)
    assert sync(store, trackers(tmp_path, "none", None, store))
    assert accumulated(store.root / "tensorboard" / "000 lr 0.001" / "seed 11 converged").Tags()["images"] == [
        "samples"
    ]
