"""The point at 0: exact, and with a unit for the probes."""

import math

import numpy as np
import pytest
import torch

from trainables.data.point import Point
from trainables.phases import View
from trainables.probes import Diversity, MixtureFit
from trainables.streams import Streams

CPU = torch.device("cpu")


def test_every_sample_is_exactly_the_point() -> None:
    source = Point().load(device=CPU, dtype=torch.float64)
    batch = source.batch(Streams([0, 1, 2]), 4, 5)
    assert batch.samples.shape == (3, 5, 1)
    assert batch.samples.dtype == torch.float64
    assert not batch.samples.any()
    assert batch.labels is None
    assert source.reference(7).tolist() == [[0.0]] * 7
    assert Point().shape == source.shape == (1,)
    assert Point().classes == 0
    Point().check()


def test_quality_is_the_share_of_points_within_the_unit() -> None:
    source = Point(std=0.01).load(device=CPU, dtype=torch.float64)
    probe = MixtureFit(source.truth, device=CPU)
    places = torch.tensor([0.02, -0.09, 0.11, -0.4], dtype=torch.float64).view(1, 4, 1)
    columns = probe.measure(View(samples=places, columns={}))
    shares = {radius: columns[f"hq_share_r{radius}"].item() for radius in (3, 10, 30)}
    assert shares == {3: 0.25, 10: 0.5, 30: 0.75}
    assert columns["mode_share_r10"].tolist() == [[0.5]]


def test_generated_points_are_as_diverse_as_one_point_if_they_are_one() -> None:
    probe = Diversity(Point().load(device=CPU, dtype=torch.float32))
    same, other = torch.full((4, 1), 3.0), torch.tensor([[0.0], [0.0], [1.0], [0.0]])
    dead = torch.full((4, 1), torch.nan)
    values = probe.measure(View(samples=torch.stack([same, other, dead]), columns={}))["diversity"]
    np.testing.assert_array_equal(values.numpy(), [1.0, math.inf, math.nan])


def test_bad_values_are_refused() -> None:
    with pytest.raises(ValueError, match=r"std must be > 0, got 0\.0"):
        Point(std=0.0)
