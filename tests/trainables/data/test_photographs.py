"""CIFAR-10, STL-10 and CelebA, on files of a few images in the layout of the real ones."""

import hashlib
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import datasets

from trainables.data import CelebA, Cifar10, ImageSource, Stl10, cache
from trainables.streams import Streams

pytest.importorskip("fcntl")
CPU = torch.device("cpu")


def load(config: Any) -> ImageSource:
    return config.load(device=CPU, dtype=torch.float32)


def random(*shape: int) -> np.ndarray:
    return np.random.default_rng(2).integers(0, 256, shape, dtype=np.uint8)


def md5(path: Path) -> str:
    return hashlib.md5(path.read_bytes()).hexdigest()


# CIFAR-10


@pytest.fixture
def cifar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four images in each of five batches: rows of 3,072 bytes, red first. The checksums are these files'."""
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    rows = random(24, 3_072)
    files = [f"data_batch_{n}" for n in range(1, 6)] + ["test_batch"]
    for place, name in enumerate(files):
        own = {"data": rows[4 * place : 4 * place + 4], "labels": [(4 * place + i) % 10 for i in range(4)]}
        (folder / name).write_bytes(pickle.dumps(own))
    (folder / "batches.meta").write_bytes(pickle.dumps({"label_names": list("abcdefghij")}))
    monkeypatch.setattr(datasets.CIFAR10, "train_list", [[name, md5(folder / name)] for name in files[:5]])
    monkeypatch.setattr(datasets.CIFAR10, "test_list", [[files[5], md5(folder / files[5])]])
    meta = {"filename": "batches.meta", "key": "label_names", "md5": md5(folder / "batches.meta")}
    monkeypatch.setattr(datasets.CIFAR10, "meta", meta)
    return tmp_path


def test_cifar_has_all_training_images_and_labels(cifar: Path) -> None:
    truth = load(Cifar10(root=str(cifar))).truth
    assert np.array_equal(truth.images.numpy(), random(24, 3_072)[:20].reshape(20, 3, 32, 32))
    assert truth.labels.tolist() == [n % 10 for n in range(20)]
    assert truth.classes == Cifar10().classes == 10


def test_cifar_can_be_enlarged(cifar: Path) -> None:
    config = Cifar10(root=str(cifar), side=64)
    assert load(config).batch(Streams([0]), 0, 8).samples.shape == (1, 8, *config.shape) == (1, 8, 3, 64, 64)


def test_a_changed_cifar_file_is_refused_before_it_is_unpickled(cifar: Path) -> None:
    trap = cifar / "cifar-10-batches-py" / "data_batch_3"
    trap.write_bytes(pickle.dumps(os.getcwd)[:-1] + b"R.")
    with pytest.raises(ValueError, match=r"CIFAR-10 undamaged, got other checksums in .* fetch it again$"):
        load(Cifar10(root=str(cifar)))


@pytest.mark.parametrize("file", ["data_batch_1", "data_batch_5", "batches.meta"])
def test_an_absent_cifar_file_is_named(cifar: Path, file: str) -> None:
    Cifar10(root=str(cifar)).check()
    (cifar / "cifar-10-batches-py" / file).unlink()
    with pytest.raises(ValueError, match=rf"cifar-10-batches-py/{file}: fetch it with study data get cifar10 --root"):
        Cifar10(root=str(cifar)).check()


# STL-10


@pytest.fixture
def stl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Ten labelled and six unlabelled images, column by column, red first; labels from 1."""
    folder = tmp_path / "stl10_binary"
    folder.mkdir()
    arrays = {
        "train_X.bin": random(10, 3, 96, 96),
        "train_y.bin": np.arange(1, 11, dtype=np.uint8),
        "unlabeled_X.bin": random(6, 3, 96, 96) // 2,
        "test_X.bin": random(1, 3, 96, 96),
        "test_y.bin": np.ones(1, dtype=np.uint8),
    }
    for name, array in arrays.items():
        (folder / name).write_bytes(array.tobytes())
    sums = [[name, md5(folder / name)] for name in arrays]
    monkeypatch.setattr(datasets.STL10, "train_list", [sums[0], sums[1], sums[2]])
    monkeypatch.setattr(datasets.STL10, "test_list", sums[3:])
    return tmp_path


def test_the_labeled_part_of_stl_has_its_classes(stl: Path) -> None:
    truth = load(Stl10(root=str(stl), part="train", side=96)).truth
    assert np.array_equal(truth.images.numpy(), random(10, 3, 96, 96).transpose(0, 1, 3, 2))
    assert truth.labels.tolist() == list(range(10))
    assert truth.classes == Stl10(part="train").classes == 10


def test_the_unlabeled_part_of_stl_has_no_classes(stl: Path) -> None:
    truth = load(Stl10(root=str(stl), side=96)).truth
    assert np.array_equal(truth.images.numpy(), (random(6, 3, 96, 96) // 2).transpose(0, 1, 3, 2))
    assert (truth.labels, truth.classes, Stl10().classes) == (None, 0, 0)


@pytest.mark.parametrize("side", [48, 64])
def test_stl_is_scaled(stl: Path, side: int) -> None:
    config = Stl10(root=str(stl), side=side)
    source = load(config)
    assert source.truth.images.shape[1:] == source.shape == config.shape == (3, side, side)
    whole = load(Stl10(root=str(stl), side=96)).truth.images.double()
    torch.testing.assert_close(source.truth.images.double().mean((2, 3)), whole.mean((2, 3)), rtol=0, atol=0.5)


def test_stl_is_read_once(stl: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = load(Stl10(root=str(stl)))
    monkeypatch.setattr(datasets, "STL10", lambda *_, **__: pytest.fail("read again"))
    assert torch.equal(load(Stl10(root=str(stl))).truth.images, first.truth.images)


def test_a_changed_stl_file_is_refused(stl: Path) -> None:
    (stl / "stl10_binary" / "unlabeled_X.bin").write_bytes(random(5, 3, 96, 96).tobytes())
    with pytest.raises(ValueError, match="STL-10 undamaged, got other checksums"):
        load(Stl10(root=str(stl)))


def test_an_absent_stl_file_is_named(stl: Path) -> None:
    Stl10(root=str(stl)).check()
    (stl / "stl10_binary" / "unlabeled_X.bin").unlink()
    with pytest.raises(ValueError, match=r"/unlabeled_X\.bin: fetch it with study data get stl10 --root "):
        Stl10(root=str(stl)).check()


# CelebA


def face(number: int) -> Image.Image:
    """178x218: red in the central square of 108, green out to that of 160, blue around; as bright as its number."""
    pixels = np.zeros((218, 178, 3), dtype=np.uint8)
    for channel, side in ((2, None), (1, 160), (0, 108)):
        box = (slice(None),) * 2
        if side is not None:
            box = tuple(slice((size - side) // 2, (size + side) // 2) for size in (218, 178))
        pixels[box] = 0
        pixels[(*box, channel)] = 20 * number
    return Image.fromarray(pixels)


@pytest.fixture
def celeba(tmp_path: Path) -> Path:
    folder = tmp_path / "celeba" / "img_align_celeba"
    folder.mkdir(parents=True)
    for number in range(1, 11):
        face(number).save(folder / f"{number:06}.jpg", quality=95, subsampling=0)
    splits = [f"{number:06}.jpg {(number > 6) + (number > 8)}\n" for number in range(1, 11)]
    (tmp_path / "celeba" / "list_eval_partition.txt").write_text("".join(splits))
    return tmp_path


def test_celeba_has_the_training_images_alone(celeba: Path) -> None:
    truth = load(CelebA(root=str(celeba))).truth
    assert truth.images.shape == (6, 3, 64, 64)
    assert truth.labels is None
    red = truth.images[:, 0, 8:56, 8:56].double().mean((1, 2))
    torch.testing.assert_close(red, 20.0 * torch.arange(1, 7).double(), rtol=0, atol=6)


@pytest.mark.parametrize(("crop", "edge"), [(108, 0), (160, 1), (178, 2)])
def test_the_crop_is_the_central_square(celeba: Path, crop: int, edge: int) -> None:
    brightest = load(CelebA(root=str(celeba), crop=crop)).truth.images[5].double()
    border = torch.cat([brightest[:, :, 0], brightest[:, :, -1], brightest[:, 0], brightest[:, -1]], 1).mean(1)
    expected = torch.tensor([120.0 * (channel == edge) for channel in range(3)], dtype=torch.float64)
    torch.testing.assert_close(border, expected, rtol=0, atol=12)


def test_celeba_is_decoded_once_for_each_crop(celeba: Path) -> None:
    sources = [load(CelebA(root=str(celeba), crop=crop)) for crop in (108, 160, 108)]
    assert sources[0].digest == sources[2].digest != sources[1].digest
    assert len(list(cache.place(celeba / "celeba" / "img_align_celeba", "x").parent.glob("*.npy"))) == 2


def test_a_damaged_face_is_named(celeba: Path) -> None:
    path = celeba / "celeba" / "img_align_celeba" / "000003.jpg"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(ValueError, match=r"got 1 unreadable of 6 in .*: 000003\.jpg \("):
        load(CelebA(root=str(celeba)))
    assert list(cache.place(celeba / "celeba" / "img_align_celeba", "x").parent.glob("*.npy")) == []


def test_absent_faces_are_counted_and_named(celeba: Path) -> None:
    for number in (2, 4):
        (celeba / "celeba" / "img_align_celeba" / f"{number:06}.jpg").unlink()
    with pytest.raises(ValueError, match=r"all 6 training images, got 2 absent from .*: 000002\.jpg, 000004\.jpg$"):
        load(CelebA(root=str(celeba)))


@pytest.mark.parametrize("file", ["list_eval_partition.txt", "img_align_celeba/000001.jpg"])
def test_absent_celeba_says_what_to_download_and_where_to(celeba: Path, file: str) -> None:
    CelebA(root=str(celeba)).check()
    (celeba / "celeba" / file).unlink()
    with pytest.raises(ValueError, match=rf"without celeba/{file}: .*gdown.*mmlab.*unpack them in {celeba}/celeba$"):
        CelebA(root=str(celeba)).check()


def test_a_partition_of_something_else_is_refused(celeba: Path) -> None:
    (celeba / "celeba" / "list_eval_partition.txt").write_text("a page that says no\n")
    with pytest.raises(ValueError, match="got no training images in"):
        load(CelebA(root=str(celeba)))


@pytest.mark.parametrize(
    ("kind", "values", "message"),
    [
        (Cifar10, {"side": 7}, r"side must be in 8\.\.1024, got 7"),
        (Stl10, {"side": 0}, r"side must be in 8\.\.1024, got 0"),
        (Stl10, {"part": "test"}, "part must be unlabeled or train, got test"),
        (CelebA, {"side": 7}, r"side must be in 8\.\.1024, got 7"),
        (CelebA, {"crop": 179}, r"crop must be in 8\.\.178, got 179"),
    ],
)
def test_bad_values_are_refused(kind: Any, values: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        kind(**values)
