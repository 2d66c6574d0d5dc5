"""What a share of samples near the modes is worth: the floor without modes, and the ceiling of the data."""

from math import inf

import numpy as np
import pytest
import torch

from trainables.data import Grid, MixtureTruth, Ring, SwissRoll
from trainables.modeless import Scale, data, lines, nearest, resolved, spacing, without_modes
from trainables.streams import generator


def truth_of(own: Ring | Grid | SwissRoll) -> MixtureTruth:
    truth = own.load(device=torch.device("cpu"), dtype=torch.float32).truth
    assert isinstance(truth, MixtureTruth)
    return truth


RING = truth_of(Ring())
SINGLE = MixtureTruth(centers=np.array([[1.0, 2.0]]), weights=np.ones(1), std=0.1)


def test_a_bare_ring_fills_most_of_large_discs() -> None:
    assert 0.77 <= Scale(RING).floor(30 * RING.std) <= 0.79


def test_a_quarter_of_a_line_lies_within_an_eighth_of_its_ends() -> None:
    eighth = spacing(RING) / 8
    on_lines = nearest(lines(RING, generator(0, "test"), 40_000), RING)
    assert np.mean(on_lines < eighth) == pytest.approx(0.25, abs=0.01)
    assert Scale(RING).floor(eighth) == pytest.approx(0.25, abs=0.02)


def test_the_spacing_is_the_distance_of_the_closest_modes() -> None:
    centers = np.array([[0.0, 0.0], [3.0, 4.0], [0.0, 1.0]])
    assert spacing(MixtureTruth(centers=centers, weights=np.full(3, 1 / 3), std=0.1)) == 1.0
    assert spacing(SINGLE) == inf
    assert spacing(RING) == pytest.approx(2 * np.sin(np.pi / 8))


def test_a_single_mode_has_no_lines_to_others() -> None:
    assert not resolved(SINGLE)
    assert without_modes(SINGLE, 10).keys() == {"box", "normal"}


def test_a_single_mode_has_no_floor() -> None:
    scale = Scale(SINGLE)
    assert [scale.floor(radius) for radius in (0.01, 1.0, 100.0)] == [0, 0, 0]
    assert scale.ceiling(1.0) == 1.0


def test_overlapping_modes_have_no_lines_between_them() -> None:
    roll = truth_of(SwissRoll())
    assert not resolved(roll)
    assert without_modes(roll).keys() == {"box", "normal"}
    assert resolved(RING)
    assert without_modes(RING).keys() == {"box", "normal", "lines"}


@pytest.mark.parametrize("std", [0.1249, 0.1251])
def test_modes_closer_than_eight_standard_deviations_are_not_resolved(std: float) -> None:
    pair = MixtureTruth(centers=np.array([[0.0, 0.0], [1.0, 0.0]]), weights=np.full(2, 0.5), std=std)
    assert resolved(pair) is (std < 0.125)


@pytest.mark.parametrize("own", [Ring(), Grid()])
def test_the_data_fill_their_discs(own: Ring | Grid) -> None:
    truth = truth_of(own)
    scale = Scale(truth)
    # 1 - exp(-q^2 / 2) of a normal distribution in the plane.
    assert scale.ceiling(10 * truth.std) == 1.0
    assert scale.ceiling(3 * truth.std) == pytest.approx(1 - np.exp(-4.5), abs=0.005)
    assert scale.ceiling(truth.std) == pytest.approx(1 - np.exp(-0.5), abs=0.015)


@pytest.mark.parametrize("own", [Ring(), Grid(), SwissRoll()])
def test_floors_grow_with_the_radius_and_stay_below_the_ceiling_of_resolved_modes(own: Ring | Grid | SwissRoll) -> None:
    truth = truth_of(own)
    scale = Scale(truth)
    radii = [q * truth.std for q in (1, 3, 10, 30)]
    floors = [scale.floor(radius) for radius in radii]
    assert floors == sorted(floors)
    if resolved(truth):
        eighth = spacing(truth) / 8
        assert scale.floor(eighth) < 0.3 < 0.99 < scale.ceiling(eighth)


def test_the_floor_is_the_largest_share_of_any_kind() -> None:
    truth = truth_of(Grid())
    for radius in (0.1, 0.5, 1.0):
        shares = [np.mean(nearest(points, truth) < radius) for points in without_modes(truth).values()]
        assert Scale(truth).floor(radius) == max(shares)


def test_lines_join_neighbors_alone_and_evenly() -> None:
    # A long edge (2) is no line: the nearest neighbors of its ends are 1 away.
    corners = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 2.0], [1.0, 2.0]])
    truth = MixtureTruth(centers=corners, weights=np.full(4, 0.25), std=0.01)
    points = lines(truth, generator(0, "test"), 4_000)
    assert set(np.unique(points[:, 1])) == {0.0, 2.0}
    assert points[:, 0].mean() == pytest.approx(0.5, abs=0.02)
    assert np.mean(points[:, 1] == 0) == pytest.approx(0.5, abs=0.03)


def test_the_normal_has_mean_and_covariance_of_the_data_whatever_the_weights() -> None:
    truth = MixtureTruth(centers=np.array([[0.0, 0.0], [4.0, 0.0]]), weights=np.array([0.25, 0.75]), std=0.5)
    points = without_modes(truth, 50_000)["normal"]
    own = data(truth, 50_000)
    assert points.mean(0) == pytest.approx([3.0, 0.0], abs=0.03)
    assert own.mean(0) == pytest.approx([3.0, 0.0], abs=0.03)
    assert np.cov(points.T) == pytest.approx(np.array([[3.25, 0.0], [0.0, 0.25]]), abs=0.07)
    assert np.cov(own.T) == pytest.approx(np.cov(points.T), abs=0.1)


def test_the_box_reaches_three_standard_deviations_beyond_the_centres() -> None:
    pair = MixtureTruth(centers=np.array([[1.0, 2.0], [5.0, 2.0]]), weights=np.full(2, 0.5), std=0.1)
    points = without_modes(pair, 20_000)["box"]
    assert points.min(0) == pytest.approx([0.7, 1.7], abs=0.002)
    assert points.max(0) == pytest.approx([5.3, 2.3], abs=0.002)


def test_points_are_fixed_by_their_counter() -> None:
    assert all(np.array_equal(a, b) for a, b in zip(*(without_modes(RING, 50).values() for _ in (0, 1)), strict=True))
    assert not np.array_equal(data(RING, 50), data(RING, 50, counter=1))


def test_the_nearest_centre_is_found_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    points = data(RING, 101)
    whole = nearest(points, RING)
    monkeypatch.setattr("trainables.modeless._LARGEST", 100)
    assert np.array_equal(nearest(points, RING), whole)
    assert whole[0] == min(np.hypot(*(points[0] - center)) for center in RING.centers)
