"""The Swiss roll: scikit-learn's curve, and the arcs that evaluation counts on it."""

import math

import numpy as np
import pytest
import torch
from sklearn.datasets import make_swiss_roll

from trainables.data.swiss_roll import RollSource, SwissRoll
from trainables.streams import Streams

CPU = torch.device("cpu")


def loaded(roll: SwissRoll) -> RollSource:
    return roll.load(device=CPU, dtype=torch.float32)


def test_without_noise_every_sample_is_on_the_spiral() -> None:
    samples = loaded(SwissRoll(noise=1e-6, divisor=1.0)).batch(Streams([0]), 0, 5_000).samples[0].double()
    radius = samples.norm(dim=1)
    assert radius.min() > 1.5 * math.pi - 1e-3
    assert radius.max() < 4.5 * math.pi + 1e-3
    expected = torch.stack([radius * radius.cos(), radius * radius.sin()], 1)
    torch.testing.assert_close(samples, expected, atol=2e-4, rtol=0)
    # t is uniform: the quartiles of the radius divide the range of t evenly, to five standard errors.
    quartiles = (radius / math.pi).quantile(torch.tensor([0.25, 0.5, 0.75], dtype=torch.float64))
    assert quartiles.tolist() == pytest.approx([2.25, 3.0, 3.75], abs=5 * 3 * 0.5 / math.sqrt(5_000))


def test_moments_are_scikit_learns() -> None:
    theirs = make_swiss_roll(n_samples=100_000, noise=0.25, random_state=0)[0][:, [0, 2]] / 7.5
    ours = loaded(SwissRoll()).batch(Streams([1]), 0, 100_000).samples[0].double().numpy()
    np.testing.assert_allclose(ours.mean(0), theirs.mean(0), atol=0.02)
    np.testing.assert_allclose(np.cov(ours.T), np.cov(theirs.T), atol=0.02)
    np.testing.assert_allclose(
        np.quantile(ours, [0.1, 0.9], axis=0), np.quantile(theirs, [0.1, 0.9], axis=0), atol=0.02
    )


def test_the_roll_reaches_as_far_as_stated() -> None:
    samples = loaded(SwissRoll()).batch(Streams([0]), 0, 50_000).samples
    assert samples.min().item() == pytest.approx(-1.6, abs=0.15)
    assert samples.max().item() == pytest.approx(1.95, abs=0.15)


def test_the_arcs_have_the_data_near_them_in_equal_parts() -> None:
    source, size = loaded(SwissRoll()), 30_000
    samples, truth = source.batch(Streams([2]), 0, size).samples[0].double().numpy(), source.truth
    assert truth.centers.shape == (128, 2)
    distance = np.stack([np.linalg.norm(samples - center, axis=1) for center in truth.centers])
    assert (distance.min(0) < 3 * truth.std).mean() == pytest.approx(0.995, abs=0.003)
    share = np.bincount(distance.argmin(0), minlength=128) / size
    np.testing.assert_allclose(share, truth.weights, rtol=0.35)


def test_samples_are_continuous_along_the_curve_and_fresh_in_every_replica() -> None:
    source = loaded(SwissRoll(arcs=2))
    batch = source.batch(Streams([0, 1]), 0, 500)
    assert len(batch.samples.unique()) > 1_950
    assert batch.labels is None
    again = source.batch(Streams([1, 0]), 0, 500).samples
    assert torch.equal(batch.samples[0], again[1])
    assert not torch.equal(batch.samples, source.batch(Streams([0, 1]), 1, 500).samples)
    assert torch.equal(source.reference(100), source.reference(100))


def test_digests_tell_data_apart_and_arcs_are_no_data() -> None:
    digests = [loaded(roll).digest for roll in (SwissRoll(), SwissRoll(noise=0.5), SwissRoll(divisor=1.0))]
    assert len(set(digests)) == 3
    assert loaded(SwissRoll(arcs=64)).digest == digests[0]


def test_shape_and_classes() -> None:
    assert SwissRoll().shape == loaded(SwissRoll()).shape == (2,)
    assert SwissRoll().classes == 0
    SwissRoll().check()


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"noise": 0.0}, r"noise must be > 0, got 0\.0"),
        ({"divisor": math.inf}, "divisor must be > 0, got inf"),
        ({"arcs": 1}, "arcs must be in 2..4096, got 1"),
    ],
)
def test_bad_values_are_refused(values: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SwissRoll(**values)
