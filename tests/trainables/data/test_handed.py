"""Real samples that are handed over: what a configuration keeps of them, and points as a source."""

import numpy as np
import pytest
import torch

from trainables.data import DATASETS, ImageArray, PointArray
from trainables.data.handed import PointSource, as_modes, digest_of
from trainables.streams import Streams

CENTERS = np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, 3.0]])
POINTS = (
    CENTERS[np.repeat([0, 1, 2], [100, 200, 300])] + 0.1 * np.random.default_rng(0).standard_normal((600, 2))
).astype(np.float32)


def test_a_configuration_cannot_load_what_it_only_names() -> None:
    points = PointArray(digest="d1", count=600, dim=2, modes=as_modes(CENTERS), std=0.1)
    images = ImageArray(digest="d2", count=5, channels=1, side=8)
    assert (points.shape, points.classes, images.shape, images.classes) == ((2,), 3, (1, 8, 8), 0)
    for own in (points, images):
        for call in (own.check, lambda own=own: own.load(device=torch.device("cpu"), dtype=torch.float32)):
            with pytest.raises(ValueError, match=f"known by their digest {own.digest} alone: hand the array over"):
                call()
    assert not {PointArray, ImageArray} & set(DATASETS)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"modes": ()}, "modes must be 1 to 4096 centers, got 0"),
        ({"modes": ((1.0,),)}, "modes must be centers of 2 coordinates"),
        ({"modes": ((1.0, 2.0), (1.0, 2.0))}, "modes must be distinct centers"),
        ({"std": 0.0}, "std must be > 0"),
    ],
)
def test_a_configuration_that_does_not_fit(changes: dict[str, object], sentence: str) -> None:
    values = {"digest": "d", "count": 3, "dim": 2, "modes": ((1.0, 2.0),), "std": 1.0, **changes}
    with pytest.raises(ValueError, match=sentence):
        PointArray(**values)  # type: ignore[arg-type]


def test_points_have_the_weights_and_the_spread_of_their_modes() -> None:
    source = PointSource(POINTS, CENTERS)
    assert source.truth.weights.tolist() == [1 / 6, 1 / 3, 1 / 2]
    assert source.truth.std == pytest.approx(0.1, rel=0.05)
    assert (source.shape, source.digest) == ((2,), digest_of(POINTS))


def test_a_batch_is_drawn_without_replacement_and_depends_on_the_seed_alone() -> None:
    source = PointSource(POINTS, CENTERS)
    batch = source.batch(Streams([3, 4]), 7, 600)
    assert batch.samples.shape == (2, 600, 2)
    assert not torch.equal(batch.samples[0], batch.samples[1])
    for own in batch.samples:
        assert torch.equal(own[own[:, 0].argsort()], torch.from_numpy(POINTS[POINTS[:, 0].argsort()]))
    assert torch.equal(source.batch(Streams([4]), 7, 600).samples[0], batch.samples[1])
    assert batch.labels is not None
    nearest = torch.cdist(batch.samples[0].double(), torch.from_numpy(CENTERS)).argmin(1)
    assert torch.equal(batch.labels[0], nearest)
    assert source.batch(Streams([0]), 0, 1_000).samples.shape == (1, 1_000, 2)
    assert torch.equal(source.reference(50), source.reference(256)[:50])


def test_digests_tell_values_shapes_and_types_apart() -> None:
    other = POINTS.copy()
    other[5, 1] += 1e-6
    found = {digest_of(own) for own in (POINTS, other, POINTS.reshape(2, 600), POINTS.astype(np.float64))}
    assert len(found) == 4
    assert digest_of(POINTS) == digest_of(POINTS.copy()) == digest_of(np.asfortranarray(POINTS))
