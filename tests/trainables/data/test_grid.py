"""The grid of Gaussians: both published versions, centre by centre and moment by moment."""

import math
from itertools import product

import numpy as np
import pytest
import torch

from trainables.data.grid import Grid
from trainables.data.source import MixtureSource
from trainables.streams import Streams

CPU = torch.device("cpu")
GRIDS = {"PacGAN": Grid(), "WGAN-GP": Grid(divisor=2.828), "small": Grid(side=2, spacing=1.0, std=0.1)}
every = pytest.mark.parametrize("grid", GRIDS.values(), ids=GRIDS)


def loaded(grid: Grid) -> MixtureSource:
    return grid.load(device=CPU, dtype=torch.float32)


def test_the_25_centers() -> None:
    centers = loaded(Grid()).truth.centers
    assert sorted(map(tuple, centers.tolist())) == sorted(product([-4.0, -2.0, 0.0, 2.0, 4.0], repeat=2))
    assert loaded(Grid()).truth.std == 0.05


def test_the_divisor_divides_centers_and_noise() -> None:
    one, other = loaded(Grid()).truth, loaded(Grid(divisor=2.828)).truth
    np.testing.assert_allclose(other.centers, one.centers / 2.828, rtol=1e-12)
    assert other.std == pytest.approx(0.05 / 2.828, rel=1e-12)
    # What the divisor is for: coordinates of variance 8 + 0.05^2 come to about 1.
    batch = loaded(Grid(divisor=2.828)).batch(Streams([0]), 0, 40_000).samples[0]
    assert batch.var(0).tolist() == pytest.approx([(8 + 0.05**2) / 2.828**2] * 2, rel=0.02)


def test_an_even_grid_has_no_center_at_0() -> None:
    centers = loaded(Grid(side=2, spacing=1.0)).truth.centers
    assert sorted(map(tuple, centers.tolist())) == sorted(product([-0.5, 0.5], repeat=2))


@every
def test_samples_have_the_weights_and_the_spread_of_the_truth(grid: Grid) -> None:
    source, size = loaded(grid), 40_000
    batch = source.batch(Streams([3]), 1, size)
    samples, truth = batch.samples[0].double().numpy(), source.truth
    nearest = np.linalg.norm(samples[:, None] - truth.centers, axis=2).argmin(1)
    assert batch.labels is not None
    assert batch.labels[0].tolist() == nearest.tolist()
    share = np.bincount(nearest, minlength=grid.classes) / size
    assert truth.weights.sum() == pytest.approx(1, abs=1e-12)
    assert np.all(np.abs(share - 1 / grid.classes) <= 5 * np.sqrt(truth.weights / size))
    residuals = samples - truth.centers[nearest]
    np.testing.assert_allclose(residuals.std(0), grid.std / grid.divisor, rtol=5 / math.sqrt(2 * size))


def test_digests_tell_grids_apart() -> None:
    changed = [Grid(), Grid(side=4), Grid(spacing=1.0), Grid(std=0.1), Grid(divisor=2.828)]
    assert len({loaded(grid).digest for grid in changed}) == len(changed)


def test_shape_and_classes() -> None:
    assert Grid().shape == loaded(Grid()).shape == (2,)
    assert Grid().classes == 25
    Grid().check()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"side": 1}, "side must be in 2..64, got 1"),
        ({"spacing": 0.0}, r"spacing must be > 0, got 0\.0"),
        ({"std": math.nan}, "std must be > 0, got nan"),
        ({"divisor": -1.0}, r"divisor must be > 0, got -1\.0"),
    ],
)
def test_bad_values_are_refused(values: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Grid(**values)
