"""Trainings that have only written images: what is found, read and refused, and a launch of it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

import study
from study.audit.verify import verify
from study.cli import app
from study.recording import folders, judging
from study.recording.given import given
from trainables.data import Digits

REAL = Digits(side=16)


def write(folder: Path, images: np.ndarray) -> None:  # type: ignore[type-arg]
    folder.mkdir(parents=True)
    for number, image in enumerate(images):
        Image.fromarray(image).save(folder / f"{number:05d}.png")


def training(folder: Path, steps: Sequence[int], count: int = 256) -> None:
    """Write what a good generator makes, from the images that no probe compares with: noise at step 0."""
    source = REAL.load(device=torch.device("cpu"), dtype=torch.float32)
    images = source.truth.images[:, 0].numpy()  # type: ignore[union-attr]
    for step in steps:
        rng = np.random.default_rng(step)
        own = rng.integers(0, 256, (count, 16, 16), dtype=np.uint8) if not step else rng.permutation(images)[:count]
        write(folder / f"step-{step:06d}", own)


def test_folders_become_a_launch(tmp_path: Path) -> None:
    written = tmp_path / "images"
    training(written / "lr=0.0001,opt=adam" / "seed=3", (0, 100, 200, 300))
    training(written / "lr=0.001,opt=adam" / "seed=3", (0, 1, 2))
    options = ["judge", str(written), "--real", "digits", "--out", str(tmp_path / "runs"), "--tracking-uri", "none"]
    done = CliRunner().invoke(app, [*options, "--steps", "300"])
    assert done.exit_code == 0, done.output
    assert "1 training without step 300 left out (seed 3 at 2)" in done.output
    launch = study.load(tmp_path / "runs" / "images" / "recorded")
    assert [(own.cell_name, own.seed, own.outcome.value, own.steps) for own in launch.replicas] == [
        ("lr=0.0001 / opt=adam", 3, "converged", 300)
    ]
    assert launch.replicas[0].config["evaluation"] == {"every": 1, "samples": 256}
    assert [check.name for check in verify(launch.store) if check.differences] == []
    again = CliRunner().invoke(app, [*options, "--steps", "300"])
    assert again.exit_code == 0, again.output
    training(written / "lr=0.0001,opt=adam" / "seed=4", (0, 100, 200, 300))
    assert CliRunner().invoke(app, [*options, "--steps", "300"]).exit_code == 0
    assert len(study.load(launch.store.root).records) == 2
    write(written / "lr=0.0001,opt=adam" / "seed=3" / "step-000400", np.zeros((256, 16, 16), np.uint8))
    refused = CliRunner().invoke(app, [*options, "--steps", "300"])
    assert refused.exit_code == 2
    assert "seed 3 must not have gone on since it was judged, and has" in " ".join(refused.output.split())


@pytest.mark.parametrize(
    ("paths", "sentence"),
    [
        (
            [],
            "FOLDER must hold seed=3/step-001000/*.png, or a folder for each cell, such as lr=0.0001, with these in it",
        ),
        (["seed=3/a.png"], "got no folder of a step in "),
        (["seed=3/step-1/a.txt"], "FOLDER must hold images for every step, got none in "),
        (["seed=3/step-1/a.png", "seed_3/step-1/a.png"], "FOLDER must hold a seed once in a cell, got several"),
        (
            ["seed=3/step-1/a.png", "seed=3/step-01/a.png"],
            "FOLDER must hold a step once, got several folders of step 1",
        ),
    ],
)
def test_another_layout_is_refused(tmp_path: Path, paths: Sequence[str], sentence: str) -> None:
    for path in paths:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    with pytest.raises(ValueError) as caught:
        folders.written(tmp_path)
    assert sentence in str(caught.value)


def test_no_folder(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"FOLDER must be a folder of images, .* which is none"):
        folders.written(tmp_path / "nothing")


def test_cells_are_named_by_their_settings_or_as_a_whole(tmp_path: Path) -> None:
    for name in ("lr=0.1,opt=adam", "mine"):
        (tmp_path / name / "seed=1" / "step-1").mkdir(parents=True)
        (tmp_path / name / "seed=1" / "step-1" / "a.png").touch()
    assert [own.settings for own in folders.written(tmp_path)] == [{"lr": 0.1, "opt": "adam"}, {"cell": "mine"}]


def test_images_that_cannot_be_read_or_have_another_size(tmp_path: Path) -> None:
    real = given(REAL, modes=None, labels=None, value_range=None)
    write(tmp_path / "large", np.zeros((1, 32, 32), np.uint8))
    with pytest.raises(ValueError, match=r"00000.png must be 16 x 16 pixels, as the real images, got 32 x 32"):
        folders.images([tmp_path / "large" / "00000.png"], real)
    (tmp_path / "cut.png").write_bytes((tmp_path / "large" / "00000.png").read_bytes()[:40])
    with pytest.raises(ValueError, match=r"cut.png cannot be read as an image: "):
        folders.images([tmp_path / "cut.png"], real)
    write(tmp_path / "right", np.full((2, 16, 16), 7, np.uint8))
    found = folders.images(sorted((tmp_path / "right").iterdir()), real)
    assert (found.shape, found.dtype, set(found.flat)) == ((2, 1, 16, 16), np.uint8, {7})


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"data": "ring"}, "data must be images to judge folders of images, got ring"),
        ({"data": REAL, "samples": 5}, "samples must be at most 4, the images of a step of seed 3 in "),
        ({"data": REAL, "steps": 9}, "steps must be the last step of some training in "),
    ],
)
def test_what_cannot_be_judged(tmp_path: Path, options: dict[str, object], sentence: str) -> None:
    write(tmp_path / "images" / "seed=3" / "step-1", np.zeros((4, 16, 16), np.uint8))
    with pytest.raises(ValueError) as caught:
        judging.judge(tmp_path / "images", out=tmp_path / "runs", tracking_uri="none", **options)  # type: ignore[arg-type]
    assert str(caught.value).startswith(sentence)
    assert not (tmp_path / "runs").exists()


def test_cells_that_name_other_settings_are_refused_before_a_launch_is_made(tmp_path: Path) -> None:
    for cell in ("lr=0.1", "beta=1"):
        training(tmp_path / "images" / cell / "seed=1", (0, 1, 2, 3), count=4)
    with pytest.raises(ValueError, match=r"must all name the same settings, got beta and lr$"):
        study.judge(tmp_path / "images", data="digits", out=tmp_path / "runs", tracking_uri="none")
    assert not (tmp_path / "runs").exists()
