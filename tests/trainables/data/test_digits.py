"""The handwritten digits that come with scikit-learn."""

import pytest
import torch
from sklearn.datasets import load_digits

from trainables.data.digits import Digits
from trainables.streams import Streams

CPU = torch.device("cpu")


def test_all_images_and_labels_are_there() -> None:
    truth = Digits().load(device=CPU, dtype=torch.float32).truth
    assert truth.images.shape == (1_797, 1, 16, 16)
    assert truth.labels.tolist() == load_digits().target.tolist()
    assert truth.classes == 10


def test_at_side_8_the_images_are_the_originals() -> None:
    images = Digits(side=8).load(device=CPU, dtype=torch.float32).truth.images
    gray = torch.from_numpy(load_digits().images)[:, None]
    assert torch.equal((images.double() / 255 * 16).round(), gray)


def test_black_and_white_fill_the_range() -> None:
    batch = Digits(side=8).load(device=CPU, dtype=torch.float32).batch(Streams([0]), 0, 64).samples
    assert (batch.min(), batch.max()) == (-1.0, 1.0)


@pytest.mark.parametrize("side", [16, 28, 32])
def test_enlarging_keeps_the_mean_gray(side: int) -> None:
    small, large = (Digits(side=s).load(device=CPU, dtype=torch.float32).truth.images.double() for s in (8, side))
    assert large.shape[-2:] == (side, side)
    torch.testing.assert_close(large.mean((1, 2, 3)), small.mean((1, 2, 3)), rtol=0.05, atol=0)


def test_shape_is_that_of_a_sample() -> None:
    assert Digits(side=28).shape == Digits(side=28).load(device=CPU, dtype=torch.float32).shape == (1, 28, 28)


def test_nothing_can_be_missing() -> None:
    Digits().check()


def test_a_side_below_the_originals_is_refused() -> None:
    with pytest.raises(ValueError, match=r"side must be in 8\.\.1024, got 7"):
        Digits(side=7)
