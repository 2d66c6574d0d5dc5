"""Distances of features against closed forms and brute force."""

import numpy as np
import numpy.typing as npt
import pytest
import torch

from study.metrics.distances import density_and_coverage, distances

Array = npt.NDArray[np.float64]


def whitened(n: int, dim: int) -> Array:
    """Numbers whose sample mean is 0 and whose sample covariance is the identity, exactly."""
    drawn = np.random.default_rng(0).standard_normal((n, dim))
    drawn -= drawn.mean(0)
    values: Array = drawn @ np.linalg.inv(np.linalg.cholesky(np.cov(drawn, rowvar=False))).T
    return values


def measured(real: Array, fake: Array, seed: int = 0) -> dict[str, float]:
    return distances(torch.from_numpy(real), torch.from_numpy(fake), seed)


def test_fid_of_gaussian_features_has_its_closed_form() -> None:
    real = whitened(200, 3)
    shift, scale = np.array([1.0, -2.0, 0.5]), np.array([1.0, 3.0, 0.25])
    expected = (shift**2).sum() + ((1 - scale) ** 2).sum()
    assert measured(real, real * scale + shift)["fid"] == pytest.approx(expected, rel=1e-9)
    assert measured(real, real)["fid"] == pytest.approx(0, abs=1e-9)


def test_kid_is_the_unbiased_estimate_by_its_formula() -> None:
    real, fake = whitened(30, 4), whitened(30, 4)[::-1] * 1.5 + 0.3

    def kernel(a: Array, b: Array) -> float:
        return float((a @ b / 4 + 1) ** 3)

    n = len(real)
    pairs = [(i, j) for i in range(n) for j in range(n) if i != j]
    within = [sum(kernel(own[i], own[j]) for i, j in pairs) / len(pairs) for own in (real, fake)]
    across = sum(kernel(a, b) for a in real for b in fake) / n**2
    found = measured(real, fake)
    assert found["kid"] == pytest.approx(sum(within) - 2 * across, rel=1e-6)
    assert found["kid_std"] == pytest.approx(0, abs=1e-6)  # every subset is the whole set


def reach(points: Array, k: int) -> Array:
    values: Array = np.array([sorted(np.linalg.norm(points - own, axis=1))[k] for own in points])
    return values


def share_within(points: Array, centers: Array, k: int) -> float:
    radii = reach(centers, k)
    return float(np.mean([(np.linalg.norm(centers - own, axis=1) <= radii).any() for own in points]))


def test_precision_and_recall_equal_brute_force() -> None:
    rng = np.random.default_rng(1)
    real, fake = rng.standard_normal((60, 2)), rng.standard_normal((50, 2)) * 0.5 + 1.0
    found = measured(real, fake)
    assert found["precision"] == pytest.approx(share_within(fake, real, 3))
    assert found["recall"] == pytest.approx(share_within(real, fake, 3))
    assert 0 < found["recall"] < found["precision"] < 1


def test_density_and_coverage_equal_brute_force() -> None:
    rng = np.random.default_rng(2)
    real, fake = rng.standard_normal((60, 2)), rng.standard_normal((50, 2)) * 0.5 + 1.0
    radii = reach(real, 5)
    inside = np.array([[np.linalg.norm(a - b) <= radius for b in fake] for a, radius in zip(real, radii, strict=True)])
    found = density_and_coverage(torch.from_numpy(real), torch.from_numpy(fake))
    assert found == pytest.approx((inside.sum() / (5 * 50), inside.any(1).mean()))
    assert 0 < found[1] < 1
    assert density_and_coverage(torch.from_numpy(real), torch.from_numpy(real))[1] == 1.0
