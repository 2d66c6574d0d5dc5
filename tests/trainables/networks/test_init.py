"""Initial values: what distribution each kind of parameter starts from."""

from math import inf, nan, sqrt
from typing import get_args

import numpy as np
import pytest
import torch
from torch import nn

from trainables.networks.init import Constant, He, Init, InitialValue, Normal, Orthogonal, TorchDefault, Uniform
from trainables.networks.layers import BatchNorm
from trainables.streams import Array, generator

with torch.random.fork_rng():
    torch.manual_seed(0)  # whatever other modules of tests have drawn
    CONV = nn.Conv2d(24, 40, 5)
    DECONV = nn.ConvTranspose2d(40, 24, 5, stride=2)
    LINEAR = nn.Linear(300, 80)
NORM = BatchNorm(20_000, eps=1e-5, affine=True)
LAYERS = {"conv": CONV, "deconv": DECONV, "linear": LINEAR, "norm": NORM}
every = pytest.mark.parametrize("init", [kind() for kind in get_args(Init)], ids=str)


def value(init: InitialValue, layer: nn.Module, name: str = "weight", seed: int = 0) -> Array:
    shape = tuple(getattr(layer, name).shape)
    return init.value(layer, name, shape, generator(seed, "init"))


@every
@pytest.mark.parametrize("layer", LAYERS)
def test_shape_dtype_and_purity(init: Init, layer: str) -> None:
    drawn = value(init, LAYERS[layer])
    assert drawn.shape == LAYERS[layer].weight.shape
    assert drawn.dtype == np.float32
    assert np.array_equal(drawn, value(init, LAYERS[layer]))


@every
@pytest.mark.parametrize("layer", LAYERS)
def test_biases_start_at_zero_but_torchs(init: Init, layer: str) -> None:
    spread = isinstance(init, TorchDefault) and layer != "norm"
    assert value(init, LAYERS[layer], "bias").any() == spread


def test_lsgans_convolutions_are_truncated_at_two_standard_deviations() -> None:
    drawn = value(Normal(std=0.02), CONV)
    assert np.abs(drawn).max() <= 0.04
    assert np.abs(drawn).max() > 0.0395
    # The standard deviation of a normal truncated at 2 is 0.8796 of the whole one's.
    assert drawn.std() == pytest.approx(0.02 * 0.87963, rel=0.02)


@pytest.mark.parametrize("layer", ["deconv", "linear"])
def test_lsgans_other_weights_are_plain_normal(layer: str) -> None:
    drawn = value(Normal(std=0.02), LAYERS[layer])
    assert (np.abs(drawn) > 0.04).mean() == pytest.approx(0.0455, abs=0.006)
    assert drawn.std() == pytest.approx(0.02, rel=0.02)
    assert drawn.mean() == pytest.approx(0, abs=0.001)


def test_batch_norms_scale_is_drawn_around_one() -> None:
    drawn = value(Normal(std=0.02), NORM)
    assert drawn.mean() == pytest.approx(1, abs=0.001)
    assert drawn.std() == pytest.approx(0.02, rel=0.03)


@pytest.mark.parametrize("layer", [LINEAR, CONV, DECONV], ids=str)
@pytest.mark.parametrize("name", ["weight", "bias"])
def test_torchs_default_is_what_torch_draws(layer: nn.Module, name: str) -> None:
    """torch's own layers were made above: uniform, so that the largest entry is close to the bound."""
    theirs = getattr(layer, name).detach().numpy()
    own = value(TorchDefault(), layer, name)
    assert np.abs(own).max() == pytest.approx(np.abs(theirs).max(), rel=0.15)
    assert own.std() == pytest.approx(np.abs(theirs).max() / sqrt(3), rel=0.25)
    assert own.min() < 0 < own.max()


def test_a_constant_is_a_constant() -> None:
    assert (value(Constant(at=-1.5), LINEAR) == -1.5).all()


def test_uniform_fills_its_range_evenly() -> None:
    drawn = value(Uniform(low=0.5, high=1.5), LINEAR)
    assert drawn.min() == pytest.approx(0.5, abs=1e-3)
    assert drawn.max() == pytest.approx(1.5, abs=1e-3)
    assert drawn.max() < 1.5
    assert np.quantile(drawn, [0.25, 0.5, 0.75]) == pytest.approx([0.75, 1, 1.25], abs=0.01)


@pytest.mark.parametrize("init", [He(), Orthogonal(), TorchDefault(), Constant(at=3.0), Uniform()], ids=str)
def test_elsewhere_batch_norms_scale_is_one(init: Init) -> None:
    assert (value(init, NORM) == 1).all()


@pytest.mark.parametrize(
    "layer", [nn.Linear(30, 80), nn.Linear(80, 30), nn.Linear(30, 30), nn.Conv2d(3, 7, 5)], ids=str
)
@pytest.mark.parametrize("gain", [1.0, 1.4])
def test_orthogonal_weights_have_orthonormal_rows_or_columns_times_gain(layer: nn.Module, gain: float) -> None:
    drawn = value(Orthogonal(gain=gain), layer).astype(np.float64)
    flat = drawn.reshape(drawn.shape[0], -1)
    short = flat if flat.shape[0] <= flat.shape[1] else flat.T
    assert short @ short.T == pytest.approx(gain**2 * np.eye(len(short)), abs=1e-5)


def test_orthogonal_weights_have_no_preferred_sign() -> None:
    """Without the sign of R's diagonal, QR returns first entries that are nearly all negative."""
    layer = nn.Linear(4, 4)
    positive = sum(value(Orthogonal(), layer, seed=seed)[0, 0] > 0 for seed in range(200))
    assert 70 < positive < 130


@pytest.mark.parametrize(("layer", "fan_in"), [("linear", 300), ("conv", 24 * 25), ("deconv", 40 * 25 / 4)])
def test_he_weights_have_variance_two_over_fan_in(layer: str, fan_in: float) -> None:
    drawn = value(He(), LAYERS[layer])
    assert drawn.std() == pytest.approx(sqrt(2 / fan_in), rel=0.02)
    assert drawn.mean() == pytest.approx(0, abs=0.03 * sqrt(2 / fan_in))


@pytest.mark.parametrize("bad", [0.0, -1.0, nan, inf])
def test_numbers_out_of_range_are_refused(bad: float) -> None:
    with pytest.raises(ValueError, match=f"^std must be > 0, got {bad}$"):
        Normal(std=bad)
    with pytest.raises(ValueError, match=f"^gain must be > 0, got {bad}$"):
        Orthogonal(gain=bad)


def test_sources_are_stated_and_kinds_unique() -> None:
    assert all(kind.source.strip() for kind in get_args(Init))
    assert len({kind().kind for kind in get_args(Init)}) == len(get_args(Init))
