"""Pictures of samples."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from trainables.data import Digits, ImageSource, ImageTruth, Point, Ring, Source
from trainables.pictures import CLOUD, SHEET, picture, samples_needed, save, sheet

CPU = torch.device("cpu")


def ring() -> Source:
    return Ring().load(device=CPU, dtype=torch.float32)


def images(channels: int, side: int) -> Source:
    truth = ImageTruth(images=torch.zeros(4, channels, side, side, dtype=torch.uint8), labels=None, classes=0)
    return ImageSource(truth, device=CPU, dtype=torch.float32)


def test_samples_needed() -> None:
    assert samples_needed(ring()) == CLOUD
    assert samples_needed(images(1, 16)) == SHEET == 60


@pytest.mark.parametrize(("side", "factor"), [(16, 3), (28, 1), (64, 1), (8, 6)])
def test_a_sheet_has_ten_images_in_a_row(side: int, factor: int) -> None:
    values = torch.linspace(-1, 1, SHEET).view(-1, 1, 1, 1).expand(-1, 1, side, side)
    sheet = picture(values, images(1, side))
    pitch = (side + 1) * factor
    assert sheet.shape == (6 * pitch - factor, 10 * pitch - factor)
    expected = np.round((np.linspace(-1, 1, SHEET) + 1) * 127.5)
    assert sheet[factor::pitch, factor::pitch].flatten().tolist() == pytest.approx(expected, abs=1)
    assert (sheet[:, side * factor] == 128).all()


def test_colors_come_last() -> None:
    values = torch.tensor([1.0, -1.0, 0.0]).view(1, 3, 1, 1).expand(SHEET, 3, 64, 64)
    sheet = picture(values, images(3, 64))
    assert sheet.shape[2] == 3
    assert sheet[0, 0].tolist() == [255, 0, 128]


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_pixels_that_are_not_finite_are_black(value: float) -> None:
    assert picture(torch.full((SHEET, 1, 64, 64), value), images(1, 64))[0, 0] == 0


@pytest.mark.parametrize(("value", "gray"), [(3.0, 255), (1e38, 255), (-7.0, 0)])
def test_pixels_out_of_range_are_cut(value: float, gray: int) -> None:
    assert picture(torch.full((SHEET, 1, 64, 64), value), images(1, 64))[0, 0] == gray


def test_fewer_images_than_places_leave_gray() -> None:
    assert picture(torch.ones(3, 1, 64, 64), images(1, 64))[-1, -1] == 128


def test_a_point_is_drawn_at_its_place() -> None:
    """The square reaches to twice the ring's radius; y points up."""
    cloud = picture(torch.tensor([[1.0, -1.5]]), ring())
    assert cloud.shape == (240, 240, 3)
    rows, columns = np.nonzero((cloud == (33, 64, 154)).all(-1))
    assert columns.tolist() == [180]
    assert rows.tolist() == [pytest.approx(210, abs=1)]


def test_discs_are_as_wide_as_rules_look_for_points_near_a_mode() -> None:
    """An eighth of the distance between the closest two of the ring's modes, at 60 pixels per unit."""
    cloud = picture(torch.zeros(1, 2), ring())
    disc = (cloud == (253, 205, 172)).all(-1)
    radius = 2 * np.sin(np.pi / 8) / 8
    assert disc.sum() == pytest.approx(8 * np.pi * (60 * radius) ** 2, rel=0.05)
    wide = Ring(std=0.002).load(device=CPU, dtype=torch.float32)
    assert ((picture(torch.zeros(1, 2), wide) == (253, 205, 172)).all(-1) == disc).all()


def test_points_of_a_line_lie_on_the_horizontal_axis() -> None:
    """The single centre at 0 gives no scale: the square is [-2, 2]^2."""
    source = Point().load(device=CPU, dtype=torch.float32)
    cloud = picture(torch.tensor([[1.0], [-0.5], [3.0], [torch.nan]]), source)
    rows, columns = np.nonzero((cloud == (33, 64, 154)).all(-1))
    assert columns.tolist() == [90, 180]
    assert rows.tolist() == [119, 119]
    assert tuple(cloud[121, 121]) == (253, 205, 172)


def test_centers_are_pale_discs() -> None:
    cloud = picture(torch.zeros(0, 2), ring())
    assert tuple(cloud[60, 120]) == (253, 205, 172)  # the centre at (0, 1)
    assert tuple(cloud[120, 120]) == (255, 255, 255)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, 1e30, -1e30, 2.0001])
def test_points_outside_the_square_are_left_out(value: float) -> None:
    assert np.array_equal(picture(torch.tensor([[0.0, value]]), ring()), picture(torch.zeros(0, 2), ring()))


def test_a_saved_picture_comes_back(tmp_path: Path) -> None:
    source = Digits().load(device=CPU, dtype=torch.float32)
    sheet = picture(source.reference(SHEET), source)
    save(sheet, tmp_path / "new" / "folder" / "step-1.png")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "new" / "folder" / "step-1.png")), sheet)


@pytest.mark.parametrize(("count", "columns", "rows"), [(9, 3, 3), (7, 3, 3), (1, 1, 1)])
def test_a_sheet_of_any_number_is_as_large_as_needed(count: int, columns: int, rows: int) -> None:
    drawn = sheet(torch.full((count, 3, 48, 48), 1.0), columns)
    assert drawn.shape == (49 * rows - 1, 49 * columns - 1, 3)
    assert (drawn == 255).all(-1).sum() == count * 48 * 48
