"""MNIST, Fashion-MNIST and stacked MNIST, on files of a few images in the format of the real ones."""

import gzip
import shutil
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from trainables.data import FashionMnist, ImageFolder, ImageSource, ImageTruth, Mnist, StackedMnist, contents
from trainables.streams import Streams

CPU = torch.device("cpu")
FOLDERS = {Mnist: "MNIST", FashionMnist: "FashionMNIST", StackedMnist: "MNIST"}
COUNT = 40


def pictures(count: int = COUNT) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (count, 28, 28), dtype=np.uint8)


def names(count: int = COUNT) -> np.ndarray:
    return (np.arange(count) % 10).astype(np.uint8)


def write(root: Path, name: str, images: np.ndarray, labels: np.ndarray) -> Path:
    """Big-endian headers, 2051 and 2049 for three and one axes; the test set is another, of one image."""
    folder = root / name / "raw"
    folder.mkdir(parents=True)
    for part, (x, y) in {"train": (images, labels), "t10k": (images[:1], labels[:1])}.items():
        header = struct.pack(">4i", 2051, *x.shape)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(header + x.tobytes())
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">2i", 2049, len(y)) + y.tobytes())
    return folder


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in set(FOLDERS.values()):
        write(tmp_path, name, pictures(), names())
    return tmp_path


def load(config: Any) -> ImageSource:
    return config.load(device=CPU, dtype=torch.float32)


def truth_of(config: Any) -> ImageTruth:
    return load(config).truth


@pytest.mark.parametrize("kind", [Mnist, FashionMnist])
def test_the_training_set_comes_as_it_is(kind: Any, root: Path) -> None:
    truth = truth_of(kind(root=str(root)))
    assert np.array_equal(truth.images[:, 0].numpy(), pictures())
    assert truth.labels.tolist() == names().tolist()
    assert truth.classes == kind().classes == 10


@pytest.mark.parametrize("kind", FOLDERS)
@pytest.mark.parametrize("side", [28, 32])
def test_batches_have_the_declared_shape_and_range(kind: Any, side: int, root: Path) -> None:
    fewer = {"count": 200} if kind is StackedMnist else {}
    config = kind(root=str(root), side=side, **fewer)
    batch = load(config).batch(Streams([0, 1]), 0, 16).samples
    assert batch.shape == (2, 16, *config.shape)
    assert config.shape[1:] == (side, side)
    assert -1.0 <= batch.min() < -0.9
    assert 0.9 < batch.max() <= 1.0


@pytest.mark.parametrize("side", [14, 20, 32])
def test_scaling_is_bilinear_as_in_pil(side: int, root: Path) -> None:
    images = truth_of(Mnist(root=str(root), side=side)).images[:, 0]
    theirs = [Image.fromarray(image).resize((side, side), Image.Resampling.BILINEAR) for image in pictures()]
    torch.testing.assert_close(images.int(), torch.from_numpy(np.stack(theirs)).int(), rtol=0, atol=1)


@pytest.mark.parametrize("kind", FOLDERS)
def test_absent_files_are_named_with_the_call_that_fetches_them(kind: Any, tmp_path: Path) -> None:
    call = rf"study data get {'fashion-mnist' if kind is FashionMnist else 'mnist'} --root {tmp_path}$"
    with pytest.raises(ValueError, match=f"^root must hold {FOLDERS[kind]}, got {tmp_path} without .*{call}"):
        kind(root=str(tmp_path)).check()
    assert list(tmp_path.iterdir()) == []


def test_a_relative_that_lies_there_is_named(root: Path) -> None:
    shutil.rmtree(root / "MNIST")
    said = r"levels of folders below: fashion_mnist is there, not MNIST; fetch it with study data get mnist --root "
    with pytest.raises(ValueError, match=said):
        Mnist(root=str(root)).check()
    FashionMnist(root=str(root)).check()


def test_a_set_of_another_size_than_the_published_one_is_said_to_be_none(root: Path) -> None:
    said = contents.sentence(Mnist(root=str(root)), truth_of(Mnist(root=str(root))))
    assert said.endswith("; the published set has 60,000, so this is not it, or not all of it")
    assert contents.unpublished(Mnist(), 60_000) == contents.unpublished(ImageFolder(), 7) == ""


@pytest.mark.parametrize("file", ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"])
def test_each_file_is_looked_for(file: str, root: Path) -> None:
    Mnist(root=str(root)).check()
    (root / "MNIST" / "raw" / file).unlink()
    with pytest.raises(ValueError, match=rf"without {file}, packed \(\.gz\) or not, looked for there and in 3 levels"):
        Mnist(root=str(root)).check()


@pytest.mark.parametrize("kind", FOLDERS)
@pytest.mark.parametrize("inside", ["", "raw", "a/b", "{name}", "{name}/raw"])
@pytest.mark.parametrize("packed", [False, True])
def test_files_are_found_packed_or_not_in_the_usual_folders(
    kind: Any, inside: str, packed: bool, root: Path, tmp_path: Path
) -> None:
    here = tmp_path / "here" / inside.format(name=FOLDERS[kind])
    here.mkdir(parents=True)
    for path in (root / FOLDERS[kind] / "raw").glob("train-*"):
        content = path.read_bytes()
        (here / f"{path.name}.gz").write_bytes(gzip.compress(content)) if packed else (here / path.name).write_bytes(
            content
        )
    fewer = {"count": 50} if kind is StackedMnist else {}
    found, usual = (load(kind(root=str(place), **fewer)) for place in (tmp_path / "here", root))
    assert found.digest == usual.digest


def test_each_file_may_lie_in_a_folder_of_its_name(root: Path, tmp_path: Path) -> None:
    for what in ("images-idx3", "labels-idx1"):
        folder = tmp_path / "here" / f"train-{what}-ubyte"
        folder.mkdir(parents=True)
        (root / "MNIST" / "raw" / f"train-{what}-ubyte").rename(folder / f"train-{what.replace('-', '.')}-ubyte")
    assert len(truth_of(Mnist(root=str(tmp_path / "here"))).images) == COUNT


def test_a_relative_of_the_same_file_names_is_not_taken(root: Path) -> None:
    for path in (root / "MNIST" / "raw").iterdir():
        path.unlink()
    with pytest.raises(ValueError, match=r"got .* without train-images-idx3-ubyte and train-labels-idx1-ubyte, packed"):
        Mnist(root=str(root)).check()


def test_a_damaged_package_is_refused(root: Path) -> None:
    path = root / "MNIST" / "raw" / "train-images-idx3-ubyte"
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes())[:-9])
    path.unlink()
    with pytest.raises(ValueError, match=r"undamaged, got .*raw with train-images-idx3-ubyte\.gz: .*: fetch those"):
        load(Mnist(root=str(root)))


def test_a_stack_that_no_memory_holds_is_refused(root: Path) -> None:
    with pytest.raises(
        ValueError, match=r"^side or count must leave room .* got 10,000,000 of 3x1024x1024, which need"
    ):
        load(StackedMnist(root=str(root), side=1024, count=10_000_000))


@pytest.mark.parametrize("kind", FOLDERS)
@pytest.mark.parametrize(("file", "keep"), [("images-idx3", 5_000), ("images-idx3", 0), ("labels-idx1", 20)])
def test_a_file_cut_short_is_refused(kind: Any, file: str, keep: int, root: Path) -> None:
    path = root / FOLDERS[kind] / "raw" / f"train-{file}-ubyte"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ValueError, match=r"undamaged, got .*raw with .*: fetch those files again$"):
        load(kind(root=str(root)))


def test_labels_of_other_images_are_refused(tmp_path: Path) -> None:
    write(tmp_path, "MNIST", pictures(), names(30))
    with pytest.raises(ValueError, match=r"\(40, 28, 28\) images for 30 labels"):
        load(Mnist(root=str(tmp_path)))


# Stacked


def digits_of(truth: ImageTruth) -> Tensor:
    """The MNIST image in each channel, ``[N, 3]``; by its pixels."""
    number = {image.tobytes(): place for place, image in enumerate(pictures())}
    return torch.tensor([[number[channel.tobytes()] for channel in image] for image in truth.images.numpy()])


def test_each_channel_is_a_digit_and_the_label_spells_them(root: Path) -> None:
    truth = truth_of(StackedMnist(root=str(root), count=200))
    shown = torch.from_numpy(names().astype(np.int64))[digits_of(truth)]
    assert truth.images.shape == (200, 3, 28, 28)
    assert truth.labels.tolist() == (100 * shown[:, 0] + 10 * shown[:, 1] + shown[:, 2]).tolist()
    assert (truth.classes, truth.channel_classes) == (1000, 10)


def test_digits_are_drawn_uniformly_and_independently(root: Path) -> None:
    picks = digits_of(truth_of(StackedMnist(root=str(root), count=4_000)))
    shares = torch.stack([torch.bincount(channel, minlength=COUNT) for channel in picks.T]) / len(picks)
    torch.testing.assert_close(shares, torch.full((3, COUNT), 1 / COUNT), rtol=0, atol=0.012)
    pairs = [(picks[:, a] == picks[:, b]).double().mean().item() for a, b in ((0, 1), (0, 2), (1, 2))]
    assert pairs == pytest.approx([1 / COUNT] * 3, abs=0.01)


def test_the_stacked_set_is_always_the_same(root: Path) -> None:
    torch.manual_seed(1)
    one = load(StackedMnist(root=str(root), count=50))
    torch.manual_seed(2)
    other = load(StackedMnist(root=str(root), count=50))
    assert torch.equal(one.truth.images, other.truth.images)
    assert one.digest == other.digest


def test_a_larger_stacked_set_begins_like_a_smaller_one(root: Path) -> None:
    small, large = (truth_of(StackedMnist(root=str(root), count=count)) for count in (10, 50))
    assert torch.equal(large.images[:10], small.images)


def test_the_published_number_of_stacked_images_is_the_default() -> None:
    assert StackedMnist().count == 128_000
    assert StackedMnist().classes == 1000


@pytest.mark.parametrize("kind", FOLDERS)
def test_a_side_below_8_is_refused(kind: Any) -> None:
    with pytest.raises(ValueError, match=r"^side must be in 8\.\.1024, got 7$"):
        kind(side=7)


def test_an_empty_stack_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^count must be >= 1, got 0$"):
        StackedMnist(count=0)
