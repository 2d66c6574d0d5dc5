"""Files of a launch and of the caches that somebody has replaced by programs: none is run, and a sentence says so."""

import json
import pickle
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner, Result

from study.cli import app
from study.storage.store import Store
from tests.study import kept_launches
from tests.study.cli import made_disturbed as made
from tests.trainables.data.test_characters import needs_fonts
from trainables import states
from trainables.config import digest
from trainables.files import BLANK, seal
from trainables.streams import EDITION

RAN = "RAN"


class Trap:
    """A pickle that makes a file when it is read."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / RAN

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.file,)


def bare(path: Path, trap: Trap) -> None:
    path.write_bytes(pickle.dumps(trap, protocol=2))


def sealed(path: Path, trap: Trap) -> None:
    """With the digest at its end that a file has which was written whole."""
    path.write_bytes(pickle.dumps(trap, protocol=2) + BLANK.encode())
    seal(path)


def saved(path: Path, trap: Trap) -> None:
    """As the file's own writer would have written it."""
    states.save({"images": trap, "labels": trap}, path)


def here(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [*map(str, arguments)], env={"COLUMNS": "200"})


def assert_one_sentence(done: Result, sentence: str) -> None:
    assert done.exit_code == 2, done.output
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert sentence in done.stderr


def test_the_trap_works(tmp_path: Path) -> None:
    bare(tmp_path / "file", Trap(tmp_path))
    pickle.loads((tmp_path / "file").read_bytes())
    assert (tmp_path / RAN).exists()


@pytest.mark.slow
@pytest.mark.ray
def test_programs_in_the_place_of_checkpoints_are_set_aside_and_their_blocks_trained_anew(
    undisturbed: Store, tmp_path: Path
) -> None:
    plan, trap = undisturbed.plan(), Trap(tmp_path)
    store = Store(tmp_path / "runs" / plan.study / plan.launch)
    store.create(plan, {})
    store.checkpoints_path.mkdir()

    def as_a_checkpoint(path: Path, trap: Trap) -> None:
        config = next(block.cell.config for block in plan.blocks() if store.checkpoint_path(block) == path)
        states.save({"digest": digest(config), "streams": EDITION, "loop": trap}, path)

    for block, plant in zip(plan.blocks(), (bare, sealed, saved, as_a_checkpoint), strict=True):
        plant(store.checkpoint_path(block), trap)
    resumed = made.study("resume", store.root, "--tracking-uri", "none")
    assert not (tmp_path / RAN).exists()
    assert resumed.returncode == 0, resumed.stderr
    assert "Traceback" not in resumed.stderr
    for block in plan.blocks():
        assert f"the checkpoint of block {block.name} could not be used: the block was trained anew" in resumed.stdout
    assert made.differences(store, undisturbed) == made.NONE


def described_again(path: Path) -> None:
    """Give the description of kept networks the digest that a file has now."""
    described = json.loads((path.parent / "last.json").read_bytes())
    (own,) = [own for own in described["networks"].values() if own["file"] == path.name]
    own.update(sha256=sha256(path.read_bytes()).hexdigest(), bytes=path.stat().st_size)
    (path.parent / "last.json").write_text(json.dumps({**described, "seal": BLANK}, indent=1), encoding="utf-8")
    seal(path.parent / "last.json")


@pytest.mark.parametrize("described", [False, True], ids=["replaced", "replaced with its digest"])
@pytest.mark.parametrize("plant", [bare, saved])
def test_programs_in_the_place_of_kept_weights_are_refused(
    plant: Callable[[Path, Trap], None], described: bool, tmp_path: Path
) -> None:
    store = kept_launches.train(kept_launches.plan(kept_launches.RING, keep="last", seeds=1), tmp_path / "runs")
    (path,) = store.weight_folder(0, 0).glob("generator-*.safetensors")
    plant(path, Trap(tmp_path))
    if described:
        described_again(path)
    done = here("sample", store.root, "-n", "3", "--out", tmp_path / "a.npy")
    assert not (tmp_path / RAN).exists()
    assert_one_sentence(done, f"{path} is damaged: it ")


@pytest.mark.parametrize("plant", [bare, sealed, saved])
def test_a_program_in_the_place_of_drawn_characters_is_drawn_over(
    plant: Callable[[Path, Trap], None], tmp_path: Path
) -> None:
    needs_fonts(1)
    check = ("data", "check", "characters", *(f"--set={name}" for name in ("classes=6", "fonts=1", f"root={tmp_path}")))
    first = here(*check)
    assert first.exit_code == 0, first.output
    (path,) = tmp_path.glob("characters-*.pt")
    drawn = torch.load(path, weights_only=True)
    plant(path, Trap(tmp_path))
    again = here(*check)
    assert not (tmp_path / RAN).exists()
    assert (again.exit_code, again.stdout) == (0, first.stdout), again.output
    assert torch.equal(torch.load(path, weights_only=True)["images"], drawn["images"])


def objects(path: Path, trap: Trap) -> None:
    """An array of objects, which NumPy stores as pickles."""
    with path.open("wb") as file:
        np.save(file, np.array([trap] * 3, dtype=object), allow_pickle=True)


@pytest.mark.parametrize("plant", [bare, sealed, objects])
def test_a_program_in_the_place_of_converted_images_is_converted_over(
    plant: Callable[[Path, Trap], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path / "converted"))
    folder = tmp_path / "photos"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for i in range(12):
        Image.fromarray(rng.integers(256, size=(16, 16, 3), dtype=np.uint8)).save(folder / f"{i}.png")
    check = ("data", "check", "image_folder", f"--set=root={folder}", "--set=side=16")
    first = here(*check)
    assert first.exit_code == 0, first.output
    (path,) = (tmp_path / "converted").rglob("*.npy")
    whole = path.read_bytes()
    plant(path, Trap(tmp_path))
    again = here(*check)
    assert not (tmp_path / RAN).exists()
    assert (again.exit_code, again.stdout) == (0, first.stdout), again.output
    assert path.read_bytes() == whole
