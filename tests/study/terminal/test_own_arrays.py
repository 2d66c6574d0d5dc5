"""A user's own arrays at the command line, in a plan, and when they change."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

import study
from study import execution
from study.audit.integrity import check_data
from study.cli import app
from study.scheduling.agenda import Resources
from study.storage.store import Store
from study.terminal import datasets
from study.validation.judges import judge_of
from tests.trainables.data import stored_arrays as made
from trainables.data import ArrayFile, PointFile

CENTERS = np.array([[0.0, 1.0], [1.0, 0.0], [-1.0, 0.0]])


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(kind: str, *fields: str) -> Result:
    options = [word for field in fields for word in ("--set", field)]
    return CliRunner().invoke(app, ["data", "check", kind, *options], env={"COLUMNS": "400"})


def points(path: str = "points.npz", shift: float = 0.0, std: float = 0.05) -> None:
    rng = np.random.default_rng(0)
    cloud = CENTERS.repeat(1_000, axis=0) + std * rng.normal(size=(3_000, 2)) + shift
    np.savez(path, points=cloud, modes=CENTERS)


def test_the_check_says_what_is_in_an_array(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(datasets, "judge_of", lambda data: SimpleNamespace(sentence=f"The judge of {data.kind}."))
    images = np.concatenate([made.images(), made.images()[:2]]) / np.float32(255)
    np.savez("x.npz", images=images, y=np.array(made.NAMES)[np.arange(14) % 3], z=3)
    shown = {line[:9].strip(): line[9:].strip() for line in check("array", "path=x.npz", "side=16").stdout.splitlines()}
    assert shown["data set"] == "array (the user's own images)"
    assert shown["shape"] == "3x16x16"
    assert shown["images"] == "14, 12 of them distinct; all could be read"
    assert shown["classes"] == "3: cat 5, dog 5, emu 4"
    assert shown["not used"] == "the fields z not used"
    assert shown["read"].startswith("as float32 [14, 8, 8, 3]; from 0 to 1, scaled to 8 bits: 0 is black")
    assert shown["judge"] == "The judge of array."


def test_the_check_says_whether_points_can_be_judged() -> None:
    points()
    said = " ".join(check("points", "path=points.npz").stdout.split())
    assert "from 3,000 points, 3,000 of them distinct, around 3 modes" in said
    assert "calls all 5 sets of real samples converged" in said
    assert "as float64 [3000, 2], rounded to float32" in said


def test_points_that_do_not_lie_around_their_modes_cannot_be_judged() -> None:
    points(shift=0.6, std=0.5)
    assert not judge_of(PointFile(path="points.npz")).passes


@pytest.mark.parametrize(
    ("kind", "fields", "sentence"),
    [
        ("array", ["path=nowhere.npy"], "error: path must be .npy, .npz, .parquet, or a folder that"),
        ("array", ["path=x.npz", "key=y"], "error: images must be an array [N, H, W]"),
        ("array", ["path=x.npz", "key=w"], "error: key must be a field of"),
        ("array", ["path=x.npz", "label_key=w"], "error: label_key must be a field of"),
        ("array", ["path=int.npy"], "error: images must be uint8, uint16, or floats in [0, 1] or [-1, 1], got int64"),
        ("array", ["path=wide.npy"], "error: images of floats must lie in [0, 1] or [-1, 1], got 0 to 255"),
        ("array", ["path=cut.npy"], "error: path must hold readable arrays, got"),
        ("array", ["path=object.npy"], "error: path must hold arrays of numbers, got"),
        ("array", ["path=bad.parquet"], "error: path must hold readable images, got 1 unreadable of 12 in"),
        ("array", ["path=x.npz", "side=4"], "error: side must be in 8..1024, got 4"),
        ("array", ["path=caf\udce9.npy"], "error: --set path must be text that can be written as UTF-8, got"),
        ("points", ["path=x.npz", "key=y"], "error: points must be an array [N, dim] of floats, got"),
        ("points", ["path=alone.npy"], "error: modes must be given for points, an .npy file of their centers [M, 2]"),
        ("points", ["path=alone.npy", "modes=alone.npy", "dim=3"], "error: dim must be 2, as the points in"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(kind: str, fields: list[str], sentence: str) -> None:
    np.savez("x.npz", x=made.images(), y=made.labels())
    np.save("int.npy", made.images().astype(int))
    np.save("wide.npy", np.linspace(0, 255, 640).reshape(10, 8, 8))
    np.save("object.npy", np.array([None]))
    np.save("cut.npy", made.images())
    Path("cut.npy").write_bytes(Path("cut.npy").read_bytes()[:-1])
    np.save("alone.npy", CENTERS + np.array([0.1, 0.2]))
    column = [made.encoded(image) for image in made.images()]
    pq.write_table(made.table([*column[:-1], column[-1][:60]]), "bad.parquet")
    done = check(kind, *fields)
    assert done.exit_code == 2
    assert done.stderr.startswith(sentence)
    assert len(done.stderr.splitlines()) == 1


def test_a_relative_path_is_one_of_where_the_launch_began(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    points()
    plan = study.plan("wgan-clip", "smoke", seeds=1, set={"data.kind": "points", "data.path": "points.npz"})
    began = execution.replace(plan, folder=str(tmp_path))
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    ((data, digest),) = execution.check(began, tmp_path / "out", Resources()).items()
    assert data == PointFile(path=str(tmp_path / "points.npz"))
    points(str(tmp_path / "points.npz"), shift=1e-3)
    assert list(execution.check(began, tmp_path / "out", Resources()).values()) != [digest]


def test_points_and_images_of_too_small_a_number_fill_no_batch(tmp_path: Path) -> None:
    np.savez("few.npz", points=CENTERS.repeat(9, 0) + np.random.default_rng(0).normal(size=(27, 2)), modes=CENTERS)
    plan = study.plan("wgan-clip", "smoke", seeds=1, set={"data.kind": "points", "data.path": "few.npz"})
    with pytest.raises(ValueError, match=r"^batch_size must be at most 27, as there are 27 points, got .*\(study wgan"):
        execution.check(execution.replace(plan, folder=str(tmp_path)), tmp_path / "out", Resources())
    np.save("few.npy", made.images())
    fields = {"data.kind": "array", "data.path": "few.npy", "data.side": 16}
    images = study.plan("lsgan-stability", "smoke", seeds=1, set=fields)
    with pytest.raises(ValueError, match=r"^This rule cannot judge these data: 12 images are few"):
        execution.check(execution.replace(images, folder=str(tmp_path)), tmp_path / "out", Resources())


def test_data_that_have_changed_are_refused_and_named(tmp_path: Path) -> None:
    points()
    plan = study.plan("wgan-clip", "smoke", seeds=1, set={"data.kind": "points", "data.path": "points.npz"})
    plan = execution.replace(plan, folder=str(tmp_path))
    digests = execution.check(plan, tmp_path / "out", Resources())
    first, *others = [block.name for block in plan.blocks()]
    store = Store(tmp_path / "runs")
    execution._check_data(plan, store, digests, {first: next(iter(digests.values()))})
    with pytest.raises(ValueError, match=r"^the data \(points\) must be those that block .* was trained on"):
        execution._check_data(plan, store, digests, {first: "0" * 16})
    metas = {first: {"data": "0" * 16}} | {name: {"data": "1" * 16} for name in others[:1]}
    (said,) = check_data(plan, metas).differences
    assert said.startswith("the data (points) changed during the launch: 1 block")


def test_a_launch_converts_again_what_is_damaged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path / "cache"))
    np.save("x.npy", np.tile(made.images(), (9, 1, 1, 1)) / np.float32(255))
    fields = {"data.kind": "array", "data.path": "x.npy", "data.side": 16}
    plan = study.plan("lsgan-stability", "smoke", seeds=1, set=fields)
    plan = execution.replace(plan, folder=str(tmp_path))
    whole = execution.check(plan, tmp_path / "out", Resources())
    (converted,) = (tmp_path / "cache").rglob("*.npy")
    content = bytearray(converted.read_bytes())
    content[200] ^= 1
    converted.write_bytes(content)
    assert execution.check(plan, tmp_path / "out", Resources()) == whole
    converted.write_bytes(content)
    assert datasets.examine(ArrayFile(path="x.npy", side=16)).digest in whole.values()


def test_who_reads_a_plan_does_not_need_the_data(tmp_path: Path) -> None:
    points()
    np.save("x.npy", made.images())
    for study_name, fields in (
        ("wgan-clip", {"data.kind": "points", "data.path": "points.npz"}),
        ("lsgan-stability", {"data.kind": "array", "data.path": "x.npy", "data.side": 16}),
    ):
        plan = study.plan(study_name, "smoke", seeds=1, set=fields)
        store = Store(tmp_path / "runs" / study_name / "one")
        store.create(plan, {})
    Path("points.npz").unlink()
    Path("x.npy").unlink()
    for path in sorted((tmp_path / "runs").glob("*/*")):
        assert Store(path).plan().cells
    assert ArrayFile(path="x.npy").shape == (3, 64, 64)


def test_explain_names_absent_data() -> None:
    done = CliRunner().invoke(
        app, ["explain", "wgan-clip", "--cell", "0", "--set", "data.kind=points", "--set", "data.path=nowhere.npz"]
    )
    assert done.exit_code == 0, done.output
    assert "nothing" in done.stdout
