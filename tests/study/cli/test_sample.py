"""``study sample``: a picture or numbers from kept weights, or one sentence and exit code 2."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

import study
from study.cli import app
from study.storage.store import Store
from tests.study import kept_launches


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A ring without labels and one with; not to be changed."""
    planned = kept_launches.plan(kept_launches.RING, kept_launches.LABELED, keep="last")
    return kept_launches.train(planned, tmp_path_factory.mktemp("runs"))


def sample(kept: Store, *options: str) -> Result:
    return CliRunner().invoke(app, ["sample", str(kept.root), *options], env={"COLUMNS": "100"})


def test_numbers_are_those_that_python_gives(kept: Store, tmp_path: Path) -> None:
    out = tmp_path / "new" / "samples.npy"
    done = sample(kept, "--cell", "0", "--seed", "1", "-n", "7", "--out", str(out))
    assert done.exit_code == 0, done.output
    assert np.array_equal(np.load(out), study.load(kept.root).generate(0, 1, 7))
    assert str(out) in done.output.replace("\n", "")
    assert "of the last networks of cell 0, seed 1: after step 24" in done.output


def test_a_cell_may_be_named_and_classes_are_made_in_order(kept: Store, tmp_path: Path) -> None:
    launch = study.load(kept.root)
    for options, labels in ((), [*range(8)]), (("--label", "3"), [3]):
        out = tmp_path / "samples.npy"
        assert sample(kept, "--cell", "cell b", "-n", "9", "--out", str(out), *options).exit_code == 0
        assert np.array_equal(np.load(out), launch.generate(1, 0, 9, labels=labels))


def test_points_are_drawn_over_their_modes(kept: Store, tmp_path: Path) -> None:
    out = tmp_path / "points.png"
    assert sample(kept, "-n", "500", "--out", str(out)).exit_code == 0
    with Image.open(out) as picture:
        pixels = np.array(picture)
    assert pixels.shape == (240, 240, 3)
    assert (pixels == (33, 64, 154)).all(-1).sum() > 20


REFUSED = {
    "ending": (("--out", "grid.jpg"), "--out must end in .png or .npy, got grid.jpg"),
    "cell": (("--out", "a.npy", "--cell", "2"), "cell must be a number, 0 to 1, or a name of"),
    "near": (("--out", "a.npy", "--cell", "cell B"), "got 'cell B': did you mean cell b?"),
    "seed": (("--out", "a.npy", "--seed", "9"), "cell and seed must be of a planned replica, got 0 and 9"),
    "none": (("--out", "a.npy", "-n", "0"), "n must be in [1, 134217728]"),
    "too many": (("--out", "a.png", "-n", "10001"), "n must be in [1, 10000] for a picture, got 10001"),
    "which": (("--out", "a.npy", "--which", "worst"), "which must be last or best, got 'worst'"),
    "best": (("--out", "a.npy", "--which", "best"), "the best weights of cell 0, seed 0 were not kept, its last"),
    "label": (("--out", "a.npy", "--label", "1"), "labels must be absent for a generator without classes, got 1"),
    "no class": (("--out", "a.npy", "--cell", "1", "--label", "8"), "labels must be in [0, 7]"),
    "folder": (("--out", "folder.npy"), "--out must be a file that can be written, got folder.npy"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_is_one_sentence(
    what: str, kept: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder.npy").mkdir()
    options, sentence = REFUSED[what]
    done = sample(kept, *options)
    assert done.exit_code == 2
    assert sentence in done.output.replace("\n", " ")
    assert "Traceback" not in done.output
    assert [path.name for path in tmp_path.iterdir()] == ["folder.npy"]


def test_without_weights_it_says_how_to_keep_them(kept: Store, tmp_path: Path) -> None:
    copy = Store(tmp_path / "runs" / "dirac" / "copy")
    shutil.copytree(kept.root, copy.root, ignore=shutil.ignore_patterns("weights"))
    done = sample(copy, "--out", str(tmp_path / "a.npy"))
    assert done.exit_code == 2
    assert "--keep last" in done.output.replace("\n", " ")


@pytest.mark.parametrize("command", ["run dirac", "search wgan-clip --on ring --budget 2blocks"])
def test_what_to_keep_is_checked_before_anything_is_loaded(command: str) -> None:
    done = CliRunner().invoke(app, [*command.split(), "--keep", "first"], env={"COLUMNS": "200"})
    assert done.exit_code == 2
    assert "keep must be one of none, last, best, both, got first" in done.output
    assert "Ray" not in done.output
