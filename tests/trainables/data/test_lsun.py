"""LSUN, on a database of a few images that has the format of the real one."""

import io
import os
import threading
import warnings
from pathlib import Path
from typing import get_args

import lmdb
import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from trainables.data.lsun import Category, Lsun, LsunBedroom
from trainables.data.source import ImageSource
from trainables.streams import Streams

fcntl = pytest.importorskip("fcntl")
CPU = torch.device("cpu")
RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def encoded(image: Image.Image, file_format: str) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, file_format, quality=95)
    return buffer.getvalue()


def plain(gray: int, file_format: str = "JPEG") -> bytes:
    return encoded(Image.new("RGB", (48, 32), (gray, gray, gray)), file_format)


def tricolor() -> bytes:
    """96 wide, 32 high: a red, a green and a blue square side by side."""
    image = Image.new("RGB", (96, 32))
    for place, color in enumerate((RED, GREEN, BLUE)):
        image.paste(color, (32 * place, 0, 32 * place + 32, 32))
    return encoded(image, "WEBP")


def write_database(root: Path, values: list[bytes], category: str = "bedroom") -> None:
    folder = root / f"{category}_train_lmdb"
    folder.mkdir(parents=True)
    with lmdb.open(str(folder), map_size=2**22) as environment, environment.begin(write=True) as transaction:
        for number, value in enumerate(values):
            transaction.put(f"{number:040x}".encode(), value)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A database of six grey images; the working folder is another, empty one."""
    write_database(tmp_path / "lsun", [plain(40 * n, "WEBP" if n % 2 else "JPEG") for n in range(6)])
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    return tmp_path / "lsun"


def load(config: LsunBedroom) -> ImageSource:
    return config.load(device=CPU, dtype=torch.float32)


def grays(images: Tensor) -> list[int]:
    return (images.double().mean((1, 2, 3)) / 40).round().int().tolist()


def test_images_come_in_the_order_of_their_keys(root: Path) -> None:
    source = load(LsunBedroom(root=str(root), side=16))
    assert source.truth.images.shape == (6, 3, 16, 16)
    assert source.truth.images.dtype == torch.uint8
    assert grays(source.truth.images) == [0, 1, 2, 3, 4, 5]


def test_the_set_has_no_labels(root: Path) -> None:
    truth = load(LsunBedroom(root=str(root))).truth
    assert truth.labels is None
    assert truth.classes == 0


def test_batches_have_the_declared_shape_and_range(root: Path) -> None:
    config = LsunBedroom(root=str(root), side=16)
    batch = load(config).batch(Streams([0, 1]), 0, 4).samples
    assert batch.shape == (2, 4, *config.shape) == (2, 4, 3, 16, 16)
    assert -1.0 <= batch.min() < 0.0 < batch.max() <= 1.0


def test_crop_keeps_the_central_square(tmp_path: Path) -> None:
    write_database(tmp_path, [tricolor()])
    image = load(LsunBedroom(root=str(tmp_path), side=16)).truth.images[0].float()
    middle = image[:, :, 2:14].mean((1, 2))
    torch.testing.assert_close(middle, torch.tensor(GREEN).float(), rtol=0, atol=12)


def test_squeeze_keeps_the_whole_image(tmp_path: Path) -> None:
    write_database(tmp_path, [tricolor()])
    image = load(LsunBedroom(root=str(tmp_path), side=24, fit="squeeze")).truth.images[0].float()
    for place, color in enumerate((RED, GREEN, BLUE)):
        middle = image[:, :, 8 * place + 2 : 8 * place + 6].mean((1, 2))
        torch.testing.assert_close(middle, torch.tensor(color).float(), rtol=0, atol=12)


def test_limit_takes_the_first_images(root: Path) -> None:
    assert grays(load(LsunBedroom(root=str(root), limit=2)).truth.images) == [0, 1]


def test_a_limit_beyond_the_set_takes_all(root: Path) -> None:
    assert len(load(LsunBedroom(root=str(root), limit=7)).truth.images) == 6


def test_later_loads_need_only_the_converted_file(root: Path) -> None:
    config = LsunBedroom(root=str(root), side=16)
    first = load(config)
    (root / "bedroom_train_lmdb" / "data.mdb").unlink()
    config.check()
    again = load(config)
    assert torch.equal(again.truth.images, first.truth.images)
    assert again.digest == first.digest


def test_every_variant_has_a_converted_file_of_its_own(root: Path) -> None:
    variants = [
        LsunBedroom(root=str(root), side=16),
        LsunBedroom(root=str(root), side=32),
        LsunBedroom(root=str(root), side=16, limit=3),
        LsunBedroom(root=str(root), side=16, fit="squeeze"),
    ]
    shapes = [load(variant).truth.images.shape for variant in variants]
    assert shapes == [(6, 3, 16, 16), (6, 3, 32, 32), (3, 3, 16, 16), (6, 3, 16, 16)]
    assert len({variant.cache for variant in variants}) == 4


def test_images_are_mapped_and_not_copied(root: Path) -> None:
    config = LsunBedroom(root=str(root), side=16)
    source = load(config)
    np.load(config.cache, mmap_mode="r+")[:] = 255
    assert bool((source.truth.images == 255).all())
    assert bool((source.reference(6) == 1.0).all())


def test_loading_warns_of_nothing(root: Path) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        load(LsunBedroom(root=str(root)))
        load(LsunBedroom(root=str(root)))
    assert [str(warning.message) for warning in caught] == []


def test_nothing_is_left_in_the_working_folder(root: Path) -> None:
    before = Path.cwd()
    load(LsunBedroom(root=str(root)))
    assert Path.cwd() == before
    assert list(before.iterdir()) == []


def test_a_folder_whose_name_differs_in_digits_alone_is_another_set(root: Path) -> None:
    write_database(root.with_name("lsun2"), [plain(200)])
    assert len(load(LsunBedroom(root=str(root))).truth.images) == 6
    assert grays(load(LsunBedroom(root=str(root.with_name("lsun2")))).truth.images) == [5]


def test_a_relative_root_is_that_of_the_working_folder(root: Path) -> None:
    assert len(load(LsunBedroom(root="../lsun")).truth.images) == 6


def test_a_failed_conversion_leaves_no_file(tmp_path: Path) -> None:
    write_database(tmp_path, [plain(0), b"not an image"])
    config = LsunBedroom(root=str(tmp_path))
    with pytest.raises(ValueError, match=r"got 1 unreadable of 2 .*0{39}1 \(no image of a known format\)"):
        load(config)
    assert not config.cache.exists()
    assert list(tmp_path.glob("*.part")) == []


def test_an_unfinished_file_of_a_killed_process_is_replaced(root: Path) -> None:
    config = LsunBedroom(root=str(root), side=16)
    unfinished = config.cache.with_name(f"{config.cache.name}.part")
    unfinished.parent.mkdir(parents=True)
    unfinished.write_bytes(b"x" * 10_000)
    assert len(load(config).truth.images) == 6
    assert not unfinished.exists()


def test_a_second_process_waits_for_the_first(root: Path) -> None:
    config = LsunBedroom(root=str(root), side=16)
    made = load(config)
    aside = config.cache.with_suffix(".aside")
    os.replace(config.cache, aside)
    (root / "bedroom_train_lmdb" / "data.mdb").write_bytes(b"cannot be converted")
    loaded: list[ImageSource] = []
    with config.cache.with_suffix(".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        second = threading.Thread(target=lambda: loaded.append(load(config)))
        second.start()
        second.join(timeout=0.3)
        assert second.is_alive()
        os.replace(aside, config.cache)
    second.join(timeout=10)
    assert [source.digest for source in loaded] == [made.digest]


def test_a_damaged_database_is_refused(root: Path) -> None:
    (root / "bedroom_train_lmdb" / "data.mdb").write_bytes(b"no database" * 1_000)
    with pytest.raises(ValueError, match=rf"^root must hold LSUN undamaged, got {root}/bedroom_train_lmdb: .*again$"):
        load(LsunBedroom(root=str(root)))


def test_an_empty_database_is_refused(tmp_path: Path) -> None:
    write_database(tmp_path, [])
    with pytest.raises(ValueError, match="root must hold images, got an empty database"):
        load(LsunBedroom(root=str(tmp_path)))


@pytest.mark.parametrize("action", [LsunBedroom.check, load], ids=["check", "load"])
def test_absent_data_are_named_with_the_download_and_its_place(tmp_path: Path, action) -> None:
    with pytest.raises(ValueError, match="root must hold the LSUN bedroom training set") as caught:
        action(LsunBedroom(root=str(tmp_path / "nowhere")))
    message = str(caught.value)
    for part in (str(tmp_path / "nowhere"), "bedroom_train_lmdb.zip", "43 GB", "LSUN project", "unpack"):
        assert part in message
    assert "\n" not in message
    assert list(tmp_path.iterdir()) == []


def test_check_does_not_convert(root: Path) -> None:
    config = LsunBedroom(root=str(root))
    config.check()
    assert [path.name for path in root.iterdir()] == ["bedroom_train_lmdb"]


@pytest.mark.parametrize("category", get_args(Category))
def test_every_category_is_read_from_its_own_database(root: Path, category: str) -> None:
    if category != "bedroom":
        write_database(root, [plain(120), plain(160)], category)
    images = load(Lsun(category=category, root=str(root), side=8)).truth.images
    assert grays(images) == ([0, 1, 2, 3, 4, 5] if category == "bedroom" else [3, 4])


def test_bedrooms_are_that_category_under_another_name(root: Path) -> None:
    bedroom, category = LsunBedroom(root=str(root), side=16), Lsun(category="bedroom", root=str(root), side=16)
    assert bedroom.cache == category.cache
    assert load(bedroom).digest == load(category).digest


def test_an_absent_category_is_named(root: Path) -> None:
    with pytest.raises(ValueError, match=r"LSUN dining room training set.*dining_room_train_lmdb\.zip from the LSUN"):
        Lsun(category="dining_room", root=str(root)).check()


@pytest.mark.parametrize(
    ("values", "message"),
    [({"side": 7}, r"side must be in 8\.\.1024, got 7"), ({"limit": 0}, "limit must be >= 1, got 0")],
)
def test_bad_values_are_refused(values: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        LsunBedroom(**values)
