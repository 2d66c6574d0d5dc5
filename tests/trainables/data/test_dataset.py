"""Data sets of PyTorch: items of PIL, tensors and arrays, with labels or without."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import TensorDataset
from torchvision import datasets, transforms

from tests.trainables.data import stored_arrays as made
from trainables.data import ArrayFile, ImageSource, from_dataset
from trainables.data.cache import UnreadableImages


class Items:
    """A map-style data set of items that are made on the spot."""

    def __init__(self, make: Any, count: int = made.COUNT) -> None:
        self._make, self._count = make, count

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, index: int) -> Any:
        return self._make(index)


def load(dataset: Any, **fields: Any) -> ImageSource:
    return from_dataset(
        dataset, **{"side": made.SIDE, "channels": 3, "device": torch.device("cpu"), "dtype": torch.float32, **fields}
    )


PIXELS = made.images()
TENSOR = torch.from_numpy(PIXELS).permute(0, 3, 1, 2)


@pytest.mark.parametrize(
    "dataset",
    [
        Items(lambda i: Image.fromarray(PIXELS[i])),
        Items(lambda i: (Image.fromarray(PIXELS[i]), i % 3)),
        Items(lambda i: PIXELS[i]),
        Items(lambda i: TENSOR[i]),
        Items(lambda i: (TENSOR[i] / 255, torch.tensor(i % 3))),
        Items(lambda i: [TENSOR[i] / 127.5 - 1, np.int64(i % 3)]),
        Items(lambda i: PIXELS[i].astype(np.uint16) * 257),
        TensorDataset(TENSOR, torch.from_numpy(made.labels())),
    ],
)
def test_all_kinds_of_items_are_the_same_images(dataset: Any) -> None:
    source = load(dataset)
    assert torch.equal(source.truth.images, TENSOR)
    if source.truth.labels is not None:
        assert source.truth.labels.tolist() == made.labels().tolist()
    assert isinstance(dataset[0], tuple | list) == (source.truth.labels is not None)


def test_a_late_negative_number_says_that_black_is_minus_one() -> None:
    floats = torch.ones(5, 3, 8, 8)
    floats[4, 0, 0, 0] = -1
    found = load(Items(lambda i: floats[i], 5)).truth.images
    assert found[4, 0, 0, 0] == 0
    floats[:, 1] = 0
    assert load(Items(lambda i: floats[i], 5)).truth.images[0, 1].unique().tolist() == [128]


def test_digests_are_those_of_the_same_array(tmp_path: Path) -> None:
    data = ArrayFile(**made.FORMATS["npy"](tmp_path), side=made.SIDE)
    array = data.load(device=torch.device("cpu"), dtype=torch.float32)
    assert load(TensorDataset(TENSOR, torch.from_numpy(made.labels()))).digest == array.digest
    assert load(Items(lambda i: (TENSOR[i] // 2, i % 3))).digest != array.digest


def test_a_data_set_of_torchvision_is_one(tmp_path: Path) -> None:
    for number, name in enumerate(made.NAMES):
        (tmp_path / name).mkdir()
        Image.fromarray(PIXELS[number]).save(tmp_path / name / "x.png")
    folder = datasets.ImageFolder(str(tmp_path), transform=transforms.ToTensor())
    truth = load(folder, names=folder.classes).truth
    assert torch.equal(truth.images, TENSOR[:3])
    assert truth.names == made.NAMES


def test_sizes_and_colors_are_converted() -> None:
    source = load(Items(lambda i: Image.new("RGBA", (20, 10))), side=16, channels=1)
    assert source.shape == (1, 16, 16)
    assert source.truth.images.unique().tolist() == [255]


@pytest.mark.parametrize(
    ("dataset", "sentence"),
    [
        (Items(lambda i: TENSOR[i], 0), r"^dataset must hold images, got none"),
        (
            Items(lambda i: torch.rand(3, 8, 8)),
            r"^dataset must return the same item every time, got two for item 0: leave random transforms out",
        ),
        (
            Items(lambda i: TENSOR[i] if i % 2 else (TENSOR[i], 1)),
            r"^dataset must have labels for all images or for none, got 6 of 12",
        ),
        (Items(lambda i: (TENSOR[i], -1)), r"^labels must name classes from 0 on, got -1"),
    ],
)
def test_data_sets_that_are_none_are_refused(dataset: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        load(dataset)


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"image": 3}, "no image, nor a pair of an image and a label, but dict"),
        ((TENSOR[0], "cat"), "a label must be a whole number, got str"),
        (TENSOR[0].long(), r"images must be uint8, .* got int64"),
        (torch.full((3, 8, 8), 7.0), r"must lie in \[0, 1\] or \[-1, 1\], got 7 to 7"),
        (torch.zeros(2, 8, 8), r"with C 1, 3 or 4, got the shape \[1, 2, 8, 8\]"),
        (OSError("no such picture"), "no such picture"),
    ],
)
def test_items_that_cannot_be_read_are_named_all(item: Any, reason: str) -> None:
    def make(index: int) -> Any:
        if index < 10:
            return TENSOR[index]
        if isinstance(item, Exception):
            raise item
        return item

    with pytest.raises(
        UnreadableImages, match=rf"^dataset must hold .* got 2 unreadable of 12 in Items: .*{reason}"
    ) as caught:
        load(Items(make))
    assert list(caught.value.files) == ["item 10", "item 11"]
