"""The low-variability digits: whole, 28 pixels high, and varying in nothing but what is declared."""

import pytest
import torch
from torch import Tensor

from trainables.data.low_variability import LowVariabilityDigits
from trainables.data.source import ImageTruth

CPU = torch.device("cpu")
OFFSETS = [11, 17, 10, 13, 10, 13, 12, 11, 13, 12]


def truth_of(config: LowVariabilityDigits) -> ImageTruth:
    return config.load(device=CPU, dtype=torch.float32).truth


@pytest.fixture(scope="module")
def shifted() -> ImageTruth:
    return truth_of(LowVariabilityDigits())


@pytest.fixture(scope="module")
def rotated() -> ImageTruth:
    return truth_of(LowVariabilityDigits(rotate=True))


@pytest.fixture(params=["shifted", "rotated"])
def either(request: pytest.FixtureRequest) -> ImageTruth:
    return request.getfixturevalue(request.param)


def distinct(images: Tensor) -> int:
    return len(torch.unique(images.flatten(1), dim=0))


def flush_left(images: Tensor) -> Tensor:
    """Each image with its glyph moved to the left edge."""
    first = (images.amax((1, 2)) > 0).int().argmax(1)
    columns = (torch.arange(28) + first[:, None]).clamp(max=27)
    moved = images.gather(3, columns[:, None, None, :].expand_as(images))
    return torch.where((torch.arange(28) + first[:, None] < 28)[:, None, None, :], moved, 0)


def test_a_thousand_images_per_digit(either: ImageTruth) -> None:
    assert either.images.shape == (10_000, 1, 28, 28)
    assert either.classes == 10
    assert torch.bincount(either.labels).tolist() == [1_000] * 10


def test_every_glyph_fills_the_height(either: ImageTruth) -> None:
    ink = either.images.amax((1, 3)) > 40
    assert bool(ink.all())


def test_glyphs_have_the_proportions_of_times_digits(either: ImageTruth) -> None:
    width = (either.images.amax((1, 2)) > 0).sum(1)
    assert 11 <= width.min()
    assert width.max() <= 22


def test_strokes_are_white_on_black(either: ImageTruth) -> None:
    brightest = either.images.flatten(1).amax(1)
    assert brightest.min() >= 250
    assert 0.5 < (either.images == 0).double().mean() < 0.85


def test_shift_only_has_one_image_per_offset(shifted: ImageTruth) -> None:
    own = [distinct(shifted.images[shifted.labels == digit]) for digit in range(10)]
    assert own == OFFSETS
    assert distinct(shifted.images) == sum(OFFSETS) == 122


def test_shift_only_changes_nothing_but_the_offset(shifted: ImageTruth) -> None:
    assert distinct(flush_left(shifted.images)) == 10


def test_offsets_reach_both_edges(shifted: ImageTruth) -> None:
    for digit in range(10):
        columns = shifted.images[shifted.labels == digit].amax((1, 2)) > 0
        assert bool(columns[:, 0].any())
        assert bool(columns[:, 27].any())


def test_offsets_are_equally_frequent(shifted: ImageTruth) -> None:
    for digit in range(10):
        own = shifted.images[shifted.labels == digit].flatten(1)
        counts = torch.unique(own, dim=0, return_counts=True)[1]
        assert counts.max() - counts.min() <= 1


def test_half_of_the_rotated_set_is_shift_only(shifted: ImageTruth, rotated: ImageTruth) -> None:
    upright = {image.numpy().tobytes() for image in shifted.images}
    for digit in range(10):
        own = rotated.images[rotated.labels == digit]
        found = [image.numpy().tobytes() in upright for image in own]
        assert all(found[:500])
        assert sum(found[500:]) <= 5


def test_number_of_distinct_images_of_the_rotated_set(rotated: ImageTruth) -> None:
    # A last bit of FreeType's rendering may join or part a few.
    assert abs(distinct(rotated.images) - 5_117) <= 5


def test_rotation_leans_to_both_sides_by_up_to_ten_degrees(rotated: ImageTruth) -> None:
    """The stem of the 1, by least squares of its middle: the slope's range is tan(10 degrees) = 0.176 either way."""
    ones = rotated.images[rotated.labels == 1][500:, 0, 8:22].double()
    rows = torch.arange(14, dtype=torch.float64) - 6.5
    middle = (ones * torch.arange(28)).sum(2) / ones.sum(2)
    slope = (middle * rows).sum(1) / (rows**2).sum()
    assert 0.15 < slope.max() < 0.21
    assert -0.21 < slope.min() < -0.15
    assert abs(slope.mean()) < 0.03


def test_the_set_is_always_the_same(rotated: ImageTruth) -> None:
    assert torch.equal(truth_of(LowVariabilityDigits(rotate=True)).images, rotated.images)


def test_digests_tell_the_sets_apart() -> None:
    configs = [LowVariabilityDigits(count=200, rotate=rotate) for rotate in (False, True)]
    configs.append(LowVariabilityDigits(count=220))
    assert len({config.load(device=CPU, dtype=torch.float32).digest for config in configs}) == 3


def test_count_is_the_number_of_images() -> None:
    truth = truth_of(LowVariabilityDigits(count=40, rotate=True))
    assert torch.bincount(truth.labels).tolist() == [4] * 10


def test_shape_is_that_of_a_sample() -> None:
    config = LowVariabilityDigits(count=20)
    assert config.shape == config.load(device=CPU, dtype=torch.float32).shape == (1, 28, 28)


def test_nothing_can_be_missing() -> None:
    LowVariabilityDigits().check()


@pytest.mark.parametrize("count", [0, -20, 10, 1_010])
def test_a_count_that_does_not_split_evenly_is_refused(count: int) -> None:
    with pytest.raises(ValueError, match=f"count must be a positive multiple of 20, got {count}"):
        LowVariabilityDigits(count=count)
