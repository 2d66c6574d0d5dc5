"""Any folder of images: its classes, its cache, and that no file that cannot be read goes unnoticed."""

import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import datasets

from trainables.data import ImageFolder, ImageSource
from trainables.data.cache import UnreadableImages, place
from trainables.streams import Streams

fcntl = pytest.importorskip("fcntl")
CPU = torch.device("cpu")


def save(path: Path, gray: int = 100, size: tuple[int, int] = (20, 16)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (gray, gray, gray)).save(path)
    return path


@pytest.fixture
def flat(tmp_path: Path) -> Path:
    root = tmp_path / "photos"
    for number, name in enumerate(["b.png", "a.jpg", "c.JPEG", "d.webp", "e.bmp"]):
        save(root / name, 40 * number)
    (root / "notes.txt").write_text("no image")
    save(root / ".hidden.png")
    return root


@pytest.fixture
def sorted_out(tmp_path: Path) -> Path:
    root = tmp_path / "animals"
    for number, name in enumerate(["cat/2.png", "cat/1.png", "dog/x.png", "dog/deep/y.png", "emu/z.png"]):
        save(root / name, 40 * number)
    return root


def load(root: Path, **fields: Any) -> ImageSource:
    return ImageFolder(root=str(root), **{"side": 8, **fields}).load(device=CPU, dtype=torch.float32)


def grays(source: ImageSource) -> list[int]:
    return (source.truth.images.double().mean((1, 2, 3)) / 40).round().int().tolist()


# Which files, which classes


def test_a_flat_folder_is_unlabeled_and_in_the_order_of_names(flat: Path) -> None:
    source = load(flat)
    assert grays(source) == [1, 0, 2, 3, 4]
    assert source.truth.labels is None
    assert ImageFolder(root=str(flat)).classes == source.truth.classes == 0


def test_sub_folders_are_classes_in_the_order_of_names(sorted_out: Path) -> None:
    truth = load(sorted_out).truth
    assert ImageFolder(root=str(sorted_out)).classes == truth.classes == 3
    assert truth.labels.tolist() == [0, 0, 1, 1, 2]


def test_images_and_labels_are_those_of_torchvision(sorted_out: Path) -> None:
    theirs = datasets.ImageFolder(str(sorted_out))
    source = load(sorted_out)
    assert source.truth.labels.tolist() == theirs.targets
    assert grays(source) == [round(np.asarray(image).mean() / 40) for image, _ in theirs]


def test_one_sub_folder_alone_names_no_classes(tmp_path: Path) -> None:
    save(tmp_path / "train" / "a.png")
    save(tmp_path / "train" / "b.png", 120)
    assert ImageFolder(root=str(tmp_path)).classes == 0
    assert load(tmp_path).truth.labels is None


@pytest.mark.parametrize("name", [".git", ".ipynb_checkpoints", "@eaDir", "__MACOSX", "lost+found"])
def test_hidden_and_system_folders_are_no_classes(sorted_out: Path, name: str) -> None:
    save(sorted_out / name / "thumbnail.png")
    save(sorted_out / "dog" / name / "x.png" / "thumbnail.png")
    assert ImageFolder(root=str(sorted_out)).classes == 3
    assert len(load(sorted_out).truth.images) == 5
    assert ImageFolder(root=str(sorted_out)).remarks() == ()


def test_files_that_are_no_images_are_counted_by_ending(flat: Path) -> None:
    for name in ("1.heic", "2.HEIC", "3"):
        (flat / name).write_bytes(b"")
    assert ImageFolder(root=str(flat)).remarks() == ("4 files (2 .heic, 1 .txt, 1 without an ending) left out",)


def test_images_of_all_usual_endings_are_read(tmp_path: Path) -> None:
    for number, (ending, form) in enumerate(
        {"jfif": "JPEG", "gif": "GIF", "bmp": "BMP", "webp": "WEBP", "tiff": "TIFF", "jpe": "JPEG"}.items()
    ):
        Image.new("L", (16, 16), 40 * number).save(tmp_path / f"{number}.{ending}", format=form)
    assert grays(load(tmp_path)) == [0, 1, 2, 3, 4, 5]


def test_how_images_are_read_is_counted(flat: Path) -> None:
    Image.new("RGBA", (16, 16), (0, 0, 0, 0)).save(flat / "f.png")
    Image.new("LA", (16, 16), (0, 0)).save(flat / "g.png")
    assert ImageFolder(root=str(flat)).readings() == ("2 transparent, laid on white",)
    assert ImageFolder(root=str(flat)).remarks() == ("1 file (1 .txt) left out",)


def test_a_name_that_is_no_utf_8_can_be_printed(sorted_out: Path) -> None:
    save(sorted_out / os.fsdecode(b"caf\xe9") / "a.png")
    assert load(sorted_out).truth.names == (r"caf\xe9", "cat", "dog", "emu")
    (sorted_out / "cat" / os.fsdecode(b"b\xe9.png")).write_bytes(b"no image")
    with pytest.raises(UnreadableImages, match=r"cat/b\\xe9\.png \(no image") as caught:
        load(sorted_out)
    assert str(caught.value).encode()
    assert all(name.encode() for name in caught.value.files)


def test_a_link_to_nothing_is_named(flat: Path) -> None:
    (flat / "lost.jpg").symlink_to(flat / "nowhere.jpg")
    with pytest.raises(ValueError, match=rf"links that lead to nothing in {flat}: lost\.jpg; repair or remove them$"):
        ImageFolder(root=str(flat)).check()


def test_pipes_are_left_out(flat: Path) -> None:
    os.mkfifo(flat / "pipe.jpg")
    assert len(load(flat).truth.images) == 5
    assert "1 left out that are no files but pipes, sockets or devices" in ImageFolder(root=str(flat)).remarks()


def test_links_in_circles_count_nothing_twice(sorted_out: Path) -> None:
    for number in (1, 2):
        (sorted_out / "cat" / f"up{number}").symlink_to(sorted_out)
        (sorted_out / "dog" / "deep" / f"up{number}").symlink_to(sorted_out / "dog")
    assert ImageFolder(root=str(sorted_out)).classes == 3
    assert len(load(sorted_out).truth.images) == 5


def test_the_home_folder_may_be_a_tilde(flat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(flat.parent))
    assert len(load(Path("~/photos")).truth.images) == 5


def test_there_are_no_classes_where_there_is_no_folder(tmp_path: Path) -> None:
    assert ImageFolder(root=str(tmp_path / "nowhere")).classes == 0


# What becomes of an image


def test_batches_have_the_declared_shape_and_range(flat: Path) -> None:
    for channels in (1, 3):
        config = ImageFolder(root=str(flat), side=16, channels=channels)
        batch = config.load(device=CPU, dtype=torch.float32).batch(Streams([0, 1]), 0, 4).samples
        assert batch.shape == (2, 4, *config.shape) == (2, 4, channels, 16, 16)
        assert -1.0 <= batch.min() < 0.0 < batch.max() <= 1.0


@pytest.mark.parametrize(("fit", "left"), [("crop", [0]), ("squeeze", [255])])
def test_crop_cuts_and_squeeze_keeps_the_sides(tmp_path: Path, fit: str, left: list[int]) -> None:
    """White, black, white side by side, a square each. (The outermost column sees a little of what was cut.)"""
    pixels = np.full((16, 48), 255, dtype=np.uint8)
    pixels[:, 16:32] = 0
    Image.fromarray(pixels).save(tmp_path / "a.png")
    assert load(tmp_path, fit=fit).truth.images[0, :, :, 1].unique().tolist() == left


def test_colors_become_gray_with_one_channel(tmp_path: Path) -> None:
    Image.new("RGB", (16, 16), (255, 0, 0)).save(tmp_path / "a.png")
    assert load(tmp_path, channels=1).truth.images.unique().tolist() == [76]  # 0.299 of 255
    assert load(tmp_path, channels=3).truth.images[0, :, 0, 0].tolist() == [255, 0, 0]


def test_palettes_and_transparency_become_colors(tmp_path: Path) -> None:
    palette = Image.new("P", (16, 16), 1)
    palette.putpalette([255, 0, 255, 10, 20, 30])
    palette.save(tmp_path / "a.png")
    palette.save(tmp_path / "b.png", transparency=1)
    Image.new("RGBA", (16, 16), (10, 20, 30, 255)).save(tmp_path / "c.png")
    Image.new("RGBA", (16, 16), (10, 20, 30, 0)).save(tmp_path / "d.png")
    colors = load(tmp_path).truth.images[:, :, 0, 0].tolist()
    assert colors == [[10, 20, 30], [255, 255, 255], [10, 20, 30], [255, 255, 255]]


# Files that cannot be read


def damage(path: Path, how: str) -> None:
    content = path.read_bytes()
    if how == "cut":
        path.write_bytes(content[: len(content) // 2])
    elif how == "flipped":
        middle = len(content) // 2
        path.write_bytes(content[:middle] + bytes([content[middle] ^ 255]) + content[middle + 1 :])
    else:
        path.write_bytes(b"" if how == "empty" else b"<html>not found</html>")


@pytest.mark.parametrize("how", ["cut", "flipped", "empty", "page"])
def test_a_damaged_file_is_named_with_the_reason(flat: Path, how: str) -> None:
    rng = np.random.default_rng(3)
    Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(flat / "b.png")
    damage(flat / "b.png", how)
    with pytest.raises(UnreadableImages, match=rf"got 1 unreadable of 5 in {flat}: b\.png \(.+\); repair") as caught:
        load(flat)
    assert list(caught.value.files) == ["b.png"]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("lost", [1, 10, 400])
def test_a_photograph_that_lacks_its_end_is_found(flat: Path, lost: int) -> None:
    rng = np.random.default_rng(3)
    Image.fromarray(rng.integers(0, 256, (40, 40, 3), dtype=np.uint8)).save(flat / "a.jpg")
    (flat / "a.jpg").write_bytes((flat / "a.jpg").read_bytes()[:-lost])
    with pytest.raises(UnreadableImages, match=r"a\.jpg"):
        load(flat)


def test_many_damaged_files_are_counted_and_five_named(tmp_path: Path) -> None:
    for number in range(9):
        damage(save(tmp_path / f"{number}.png"), "cut" if number != 4 else "none of these")
    save(tmp_path / "9.png")
    with pytest.raises(UnreadableImages, match=r"got 9 unreadable of 10 .*0\.png.*4\.png.* and 4 more") as caught:
        load(tmp_path)
    assert len(caught.value.files) == 9
    assert "5.png" not in str(caught.value)


def test_nothing_is_kept_of_a_set_that_cannot_be_read(flat: Path) -> None:
    damage(flat / "c.JPEG", "cut")
    with pytest.raises(UnreadableImages):
        load(flat)
    assert not place(flat, "x").parent.exists() or not list(place(flat, "x").parent.glob("*.npy*"))


def test_check_reads_no_image(flat: Path) -> None:
    for path in flat.glob("*.*"):
        path.write_bytes(b"")
    ImageFolder(root=str(flat)).check()


# The converted file


def test_later_loads_decode_nothing(flat: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(flat)
    monkeypatch.setattr(Image, "open", lambda *_: pytest.fail("decoded again"))
    again = load(flat)
    assert again.digest == first.digest
    assert torch.equal(again.truth.images, first.truth.images)


def test_every_way_to_convert_has_a_file_of_its_own(flat: Path) -> None:
    for fields in ({}, {"side": 16}, {"fit": "squeeze"}, {"channels": 1}):
        load(flat, **fields)
    assert len(list(place(flat, "x").parent.glob("*.npy"))) == 4


def test_a_changed_file_is_decoded_again(flat: Path) -> None:
    load(flat)
    save(flat / "a.jpg", 160)
    os.utime(flat / "a.jpg", ns=(1, 1))
    assert grays(load(flat))[0] == 4


def test_an_added_removed_or_renamed_file_is_seen(flat: Path) -> None:
    load(flat)
    save(flat / "0.png", 200)
    assert grays(load(flat)) == [5, 1, 0, 2, 3, 4]
    (flat / "0.png").rename(flat / "f.png")
    assert grays(load(flat)) == [1, 0, 2, 3, 4, 5]
    (flat / "a.jpg").unlink()
    assert grays(load(flat)) == [0, 2, 3, 4, 5]


def test_labels_follow_a_file_that_moves(sorted_out: Path) -> None:
    load(sorted_out)
    (sorted_out / "emu" / "z.png").rename(sorted_out / "cat" / "3.png")
    save(sorted_out / "emu" / "new.png", 200)
    source = load(sorted_out)
    assert list(zip(source.truth.labels.tolist(), grays(source), strict=True)) == [
        (0, 1), (0, 0), (0, 4), (1, 2), (1, 3), (2, 5),
    ]  # fmt: skip


def test_several_at_once_convert_once(flat: Path) -> None:
    found: list[ImageSource] = []
    threads = [threading.Thread(target=lambda: found.append(load(flat))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert len({source.digest for source in found}) == 1
    assert len(found) == 4
    assert len(list(place(flat, "x").parent.glob("*.npy"))) == 1


def test_nothing_is_written_beside_the_images(flat: Path) -> None:
    before = sorted(path.name for path in flat.iterdir())
    load(flat)
    assert sorted(path.name for path in flat.iterdir()) == before


# What is no data set


def test_an_absent_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=f"^root must be a folder of images, got {tmp_path / 'nowhere'}"):
        load(tmp_path / "nowhere")


def test_a_folder_without_images_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("")
    with pytest.raises(ValueError, match=r"^root must hold images \(.*\), got none in"):
        load(tmp_path)


def test_a_folder_without_images_is_no_class_and_is_named(sorted_out: Path) -> None:
    (sorted_out / "fox").mkdir()
    (sorted_out / "masks").mkdir()
    (sorted_out / "masks" / "outlines.json").write_text("{}")
    truth, config = load(sorted_out).truth, ImageFolder(root=str(sorted_out))
    assert (truth.names, truth.classes, config.classes) == (("cat", "dog", "emu"), 3, 3)
    assert config.remarks() == ("1 file (1 .json) left out", "no images in fox, masks")


def test_folders_below_a_single_one_are_said_to_be_no_classes(sorted_out: Path, tmp_path: Path) -> None:
    (tmp_path / "root").mkdir()
    sorted_out.rename(tmp_path / "root" / "train")
    inner = sorted(path.name for path in (tmp_path / "root" / "train").iterdir() if path.is_dir())
    (remark,) = ImageFolder(root=str(tmp_path / "root")).remarks()
    assert remark.startswith(f"the folders in train/ are no classes ({inner[0]}, ")
    assert remark.endswith(f": to have them, set root={tmp_path}/root/train")
    assert ImageFolder(root=str(tmp_path / "root" / "train")).remarks() == ()


def test_control_characters_of_names_are_escaped(tmp_path: Path) -> None:
    for name in ("\x1b[31mred\a", "two\nlines"):
        (tmp_path / name).mkdir()
        Image.new("L", (8, 8)).save(tmp_path / name / "1.png")
    truth = ImageFolder(root=str(tmp_path), side=8).load(device=torch.device("cpu"), dtype=torch.float32).truth
    assert truth.names == ("\\x1b[31mred\\x07", "two\\nlines")


def test_a_class_of_images_that_are_not_read_is_refused(sorted_out: Path) -> None:
    (sorted_out / "fox").mkdir()
    (sorted_out / "fox" / "1.HEIC").write_bytes(b"")
    with pytest.raises(ValueError, match=rf"got 1 file \(1 \.heic\) alone in {sorted_out}/fox: convert them to \.jpg"):
        ImageFolder(root=str(sorted_out)).check()


@pytest.mark.parametrize("parts", [("train", "test"), ("Training", "validation"), ("test", "train", "other")])
def test_the_parts_of_a_data_set_are_no_classes(tmp_path: Path, parts: tuple[str, ...]) -> None:
    for name in parts:
        save(tmp_path / name / "cat" / "a.png")
    with pytest.raises(ValueError, match=r"which are no classes, in .*: point it at one of them, such as .*/[Tt]rain"):
        ImageFolder(root=str(tmp_path)).check()


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    for name in ("bus", "train"):
        save(tmp_path / name / "a.png")
    assert load(tmp_path).truth.names == ("bus", "train")


def test_images_beside_classes_are_refused(sorted_out: Path) -> None:
    save(sorted_out / "loose.png")
    with pytest.raises(ValueError, match=r"got both in .*: loose\.png and cat/$"):
        load(sorted_out)


@pytest.mark.parametrize(
    ("values", "message"),
    [({"side": 7}, r"side must be in 8\.\.1024, got 7"), ({"channels": 4}, "channels must be 1 or 3, got 4")],
)
def test_bad_values_are_refused(values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        ImageFolder(**values)
