"""Where converted images lie: in the user's cache, whatever the data's folder and the file system allow."""

import errno
import os
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from trainables.data import ImageFolder, ImageSource
from trainables.data import cache as module
from trainables.data.cache import place
from trainables.files import cache_folder

fcntl = pytest.importorskip("fcntl")


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    root.mkdir()
    for number in range(3):
        Image.new("L", (16, 16), 40 * number).save(root / f"{number}.png")
    return root


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STUDY_CACHE", str(tmp_path_factory.mktemp("cache")))


def load(root: Path, **fields: Any) -> ImageSource:
    return ImageFolder(root=str(root), **{"side": 8, **fields}).load(device=torch.device("cpu"), dtype=torch.float32)


def test_a_folder_that_nothing_can_be_written_to_is_read(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may write anywhere, so that what would be written there is made to fail."""
    opened = Path.open

    def refuse(path: Path, mode: str = "r", *arguments: Any, **named: Any) -> Any:
        if photos in path.parents and mode != "r" and mode != "rb":
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), str(path))
        return opened(path, mode, *arguments, **named)

    monkeypatch.setattr(Path, "open", refuse)
    assert len(load(photos).truth.images) == 3


def test_folders_of_one_name_have_caches_of_their_own(tmp_path: Path) -> None:
    assert place(tmp_path / "a" / "photos", "x.npy") != place(tmp_path / "b" / "photos", "x.npy")


def test_a_link_to_a_folder_has_the_folders_cache(photos: Path) -> None:
    link = photos.with_name("link")
    link.symlink_to(photos)
    assert place(link, "x.npy") == place(photos, "x.npy")


def test_what_an_earlier_version_converted_beside_the_data_is_used(photos: Path) -> None:
    np.save(photos / "x.npy", np.zeros(1))
    assert place(photos, "x.npy") == photos / "x.npy"


@pytest.mark.parametrize("code", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks_does(photos: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(fcntl, "flock", refuse)
    assert len(load(photos).truth.images) == 3
    assert [path.suffix for path in place(photos, "x").parent.iterdir() if path.suffix != ".lock"] == [".npy"]


def test_a_cache_that_cannot_be_written_to_is_one_sentence(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = photos / "0.png"
    monkeypatch.setenv("STUDY_CACHE", str(file / "cache"))
    with pytest.raises(
        ValueError, match=r"^STUDY_CACHE must name a folder with room for converted images, got .*0\.png"
    ):
        load(photos)


def test_a_full_disk_is_told_before_anything_is_decoded(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=500))
    monkeypatch.setattr(Image, "open", lambda *_: pytest.fail("decoded"))
    with pytest.raises(ValueError, match=r"^side must leave room for the converted images, got 3 of 3x8x8, which need"):
        load(photos)


def test_a_disk_that_fills_up_leaves_nothing_unfinished(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(module.os, "fsync", full)
    with pytest.raises(ValueError, match=r"STUDY_CACHE .*: No space left on device$"):
        load(photos)
    assert [path.suffix for path in place(photos, "x").parent.iterdir()] == [".lock"]


# Damage


def converted() -> Path:
    (path,) = cache_folder().rglob("*.npy")
    return path


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(content)


def test_a_flipped_bit_is_seen_by_who_looks_and_the_images_are_converted_again(
    photos: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = load(photos).digest
    flip(converted(), 130)
    assert load(photos).digest != whole  # who does not look takes what is there
    with module.verified():
        assert load(photos).digest == whole
    assert f"{converted()} is damaged: the images are converted again" in caplog.text
    with module.verified():
        load(photos)
    assert len(caplog.records) == 1


@pytest.mark.parametrize("kept", [0, 100, 200])
def test_a_file_that_is_cut_short_is_refused_or_converted_again(photos: Path, kept: int) -> None:
    whole = load(photos).digest
    content = converted().read_bytes()
    converted().write_bytes(content[:kept])
    with pytest.raises(ValueError, match=r"\.npy cannot be read: .*; remove it, and the images are converted again$"):
        load(photos)
    with module.verified():
        assert load(photos).digest == whole
    assert converted().read_bytes() == content


def test_what_an_earlier_version_wrote_without_a_digest_is_used(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = load(photos).digest
    content = converted().read_bytes()
    converted().write_bytes(content[: content.rindex(b"\nsha256:")])
    monkeypatch.setattr(Image, "open", lambda *_: pytest.fail("decoded"))
    with module.verified():
        assert load(photos).digest == whole
