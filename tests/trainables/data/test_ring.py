"""The ring of Gaussians: the density that evaluation knows is the one that batches come from."""

import math

import numpy as np
import pytest
import torch

from trainables.data.ring import Ring
from trainables.data.source import MixtureSource
from trainables.streams import Streams

CPU = torch.device("cpu")
RINGS = {
    "uniform": Ring(),
    "official": Ring(doubled=True),
    "unrolled demo": Ring(modes=7, doubled=True, radius=2.0, std=0.02),
    "one mode": Ring(modes=1, std=0.1),
}


def loaded(ring: Ring) -> MixtureSource:
    return ring.load(device=CPU, dtype=torch.float32)


@pytest.mark.parametrize("ring", RINGS.values(), ids=RINGS)
def test_centers_are_distinct_and_on_the_circle(ring: Ring) -> None:
    centers = loaded(ring).truth.centers
    assert centers.shape == (ring.modes, 2)
    np.testing.assert_allclose(np.hypot(*centers.T), ring.radius, rtol=1e-12)
    apart = [np.hypot(*(a - b)) for i, a in enumerate(centers) for b in centers[:i]]
    assert min(apart, default=math.inf) > ring.radius * math.sin(math.pi / ring.modes)


def test_centers_are_sine_and_cosine_of_equal_steps() -> None:
    centers = loaded(Ring(modes=4, radius=3.0)).truth.centers
    np.testing.assert_allclose(centers, [[0, 3], [3, 0], [0, -3], [-3, 0]], atol=1e-12)


def test_the_ring_of_the_wgan_gp_script() -> None:
    half = 2 / 1.414 / math.sqrt(2)
    side = 2 / 1.414
    theirs = [(side, 0), (-side, 0), (0, side), (0, -side), (half, half), (half, -half), (-half, half), (-half, -half)]
    truth = loaded(Ring(radius=2 / 1.414, std=0.02 / 1.414)).truth
    distance = np.linalg.norm(np.array(theirs)[:, None] - truth.centers, axis=2)
    assert sorted(distance.argmin(1)) == list(range(8))
    assert distance.min(1).max() < 1e-12
    assert truth.std == pytest.approx(0.014144, rel=1e-4)


def test_the_official_ring_counts_its_first_mode_twice() -> None:
    np.testing.assert_allclose(loaded(Ring(doubled=True)).truth.weights, [2 / 9] + [1 / 9] * 7, rtol=1e-12)


def test_the_uniform_ring_counts_all_modes_alike() -> None:
    np.testing.assert_allclose(loaded(Ring()).truth.weights, [1 / 8] * 8, rtol=1e-12)


@pytest.mark.parametrize("ring", RINGS.values(), ids=RINGS)
def test_samples_have_the_weights_of_the_truth(ring: Ring) -> None:
    source, size = loaded(ring), 40_000
    samples = source.batch(Streams([0]), 0, size).samples[0].double().numpy()
    nearest = np.linalg.norm(samples[:, None] - source.truth.centers, axis=2).argmin(1)
    share = np.bincount(nearest, minlength=ring.modes) / size
    # five standard errors of a share
    assert np.all(np.abs(share - source.truth.weights) <= 5 * np.sqrt(source.truth.weights / size))


@pytest.mark.parametrize("ring", RINGS.values(), ids=RINGS)
def test_samples_have_the_mean_and_standard_deviation_of_the_truth(ring: Ring) -> None:
    source, size = loaded(ring), 40_000
    samples = source.batch(Streams([1]), 2, size).samples[0].double().numpy()
    nearest = np.linalg.norm(samples[:, None] - source.truth.centers, axis=2).argmin(1)
    residuals = samples - source.truth.centers[nearest]
    np.testing.assert_allclose(residuals.mean(0), 0, atol=5 * ring.std / math.sqrt(size))
    np.testing.assert_allclose(residuals.std(0), ring.std, rtol=5 / math.sqrt(2 * size))


def test_every_coordinate_of_a_batch_is_fresh() -> None:
    samples = loaded(Ring()).batch(Streams([0, 1]), 0, 500).samples
    assert len(torch.unique(samples)) > 1_950


def test_digests_tell_rings_apart() -> None:
    changed = [Ring(), Ring(doubled=True), Ring(modes=7), Ring(radius=2.0), Ring(std=0.02)]
    assert len({loaded(ring).digest for ring in changed}) == len(changed)


def test_shape_is_that_of_a_sample() -> None:
    assert Ring().shape == loaded(Ring()).shape == (2,)


def test_nothing_can_be_missing() -> None:
    Ring().check()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"modes": 0}, "modes must be in 1..4096, got 0"),
        ({"radius": 0.0}, r"radius must be > 0, got 0\.0"),
        ({"radius": math.inf}, "radius must be > 0, got inf"),
        ({"std": -0.01}, r"std must be > 0, got -0\.01"),
        ({"std": math.nan}, "std must be > 0, got nan"),
    ],
)
def test_bad_values_are_refused(values: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Ring(**values)
