"""The Fréchet distance, against the published formula and against torchmetrics."""

import warnings

import numpy as np
import pytest
import torch
from scipy.linalg import LinAlgWarning, sqrtm
from torch import Tensor, nn

from tests.trainables.rounding import assert_same
from trainables.probes import frechet


def moments(seed: int, mean: float = 0.0, scale: float = 1.0, rows: int = 300) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(seed)
    x = rng.standard_normal((rows, 6)) @ rng.standard_normal((6, 6)) * scale + mean
    return torch.from_numpy(x.mean(0)), torch.from_numpy(np.cov(x, rowvar=False))


def by_formula(one: tuple[Tensor, Tensor], two: tuple[Tensor, Tensor]) -> float:
    """Heusel et al. 2017, eq. 6, with a general matrix root."""
    (mean_a, a), (mean_b, b) = [(mean.numpy(), cov.numpy()) for mean, cov in (one, two)]
    return float(((mean_a - mean_b) ** 2).sum() + np.trace(a + b - 2 * np.real(sqrtm(a @ b))))


@pytest.mark.parametrize("other", [moments(2), moments(1, mean=3.0), moments(1, scale=0.1), moments(3, rows=9)])
def test_frechet_equals_the_formula(other: tuple[Tensor, Tensor]) -> None:
    one = moments(1)
    assert frechet(*one, *other).item() == pytest.approx(by_formula(one, other), rel=1e-8)
    assert frechet(*other, *one).item() == pytest.approx(by_formula(one, other), rel=1e-8)


def test_frechet_in_one_dimension() -> None:
    """``(m - n)^2 + (s - t)^2`` for standard deviations s and t."""
    values = [torch.tensor(v, dtype=torch.float64) for v in ([1.0], [[4.0]], [3.0], [[25.0]])]
    assert frechet(*values).item() == pytest.approx(4 + 9)


def test_frechet_of_a_distribution_with_itself_is_zero() -> None:
    """Traces cancel: what is left is their rounding."""
    _, covariance = one = moments(1)
    found = frechet(*one, *one)
    assert found >= 0
    assert_same(found, torch.zeros_like(found), covariance.trace().item())


@pytest.mark.parametrize("rows", [2, 4])
def test_frechet_of_singular_covariances_is_finite(rows: int) -> None:
    """Fewer samples than dimensions, or samples that are all the same."""
    one, flat = moments(1), (torch.zeros(6, dtype=torch.float64), torch.zeros(6, 6, dtype=torch.float64))
    few = moments(4, rows=rows)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", LinAlgWarning)
        assert frechet(*one, *few).item() == pytest.approx(by_formula(one, few), rel=1e-5)
    expected = one[0].square().sum() + one[1].trace()
    assert frechet(*flat, *one).item() == pytest.approx(expected.item(), rel=1e-12)


def test_frechet_of_a_stack_is_that_of_each() -> None:
    own, real = [moments(seed) for seed in range(3)], moments(9)
    stacked = frechet(torch.stack([m for m, _ in own]), torch.stack([c for _, c in own]), *real)
    assert stacked.tolist() == pytest.approx([frechet(*pair, *real).item() for pair in own], rel=1e-12)


class Pixels(nn.Module):
    """A feature extractor of our own, so that torchmetrics loads no Inception network."""

    num_features = 16

    def forward(self, images: Tensor) -> Tensor:
        return images.flatten(1)[:, :16].to(torch.float32)


def test_frechet_equals_torchmetrics() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # third-party imports
        from torchmetrics.image.fid import FrechetInceptionDistance

        metric = FrechetInceptionDistance(feature=Pixels(), normalize=True).set_dtype(torch.float64)
    rng = torch.Generator().manual_seed(3)
    real, fake = (torch.rand(200, 3, 4, 4, generator=rng) ** power for power in (1, 2))
    pairs = []
    for images, is_real in ((fake, False), (real, True)):
        metric.update(images, real=is_real)
        pixels = Pixels()(images).double()
        pairs += [pixels.mean(0), pixels.T.cov()]
    assert frechet(*pairs).item() == pytest.approx(metric.compute().item(), rel=1e-4)
