"""Our norms are torch's, without what is moved behind one's back: running statistics and power iterations."""

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.utils.parametrizations import spectral_norm

from tests.trainables.rounding import assert_same, largest
from trainables import replicas
from trainables.networks import Dcgan, Mlp
from trainables.networks.init import He
from trainables.networks.layers import (
    BatchNorm,
    LayerNorm,
    SpectralConv2d,
    SpectralLinear,
    largest_singular_value,
    power_iteration,
)
from trainables.networks.norm import after, check
from trainables.shapes import Params
from trainables.streams import Streams


def ours(channels: int, *, eps: float, affine: bool) -> BatchNorm:
    layer = BatchNorm(channels, eps=eps, affine=affine).to(torch.float64)
    rng = torch.Generator().manual_seed(1)
    for parameter in layer.parameters():
        parameter.data.copy_(torch.randn(channels, generator=rng, dtype=torch.float64))
    return layer


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize("eps", [1e-5, 0.8])
@pytest.mark.parametrize("shape", [(8, 3), (8, 3, 4, 4)], ids=str)
@pytest.mark.parametrize("training", [True, False])
def test_equals_torchs_layer_in_training_mode(affine: bool, eps: float, shape: tuple[int, ...], training: bool) -> None:
    layer = ours(3, eps=eps, affine=affine).train(training)
    kind = nn.BatchNorm1d if len(shape) == 2 else nn.BatchNorm2d
    theirs = kind(3, eps=eps, affine=affine).to(torch.float64).train()
    theirs.load_state_dict(layer.state_dict(), strict=False)
    x = 3 + 2 * torch.randn(shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    x, y = x.clone().requires_grad_(), x.clone().requires_grad_()
    assert_same(layer(x), theirs(y))
    layer(x).square().sum().backward()
    theirs(y).square().sum().backward()
    # Without a scale of its own a normed batch has one sum of squares: the terms cancel, each twice an output.
    assert_same(x.grad, y.grad, 2 * largest(theirs(y)))


def test_by_hand() -> None:
    """Mean 2, biased variance 1: the unbiased one would be 4/3."""
    layer = BatchNorm(1, eps=0.21, affine=False)
    x = torch.tensor([[1.0], [3.0], [1.0], [3.0]])
    assert layer(x).flatten().tolist() == pytest.approx([-1 / 1.1, 1 / 1.1] * 2, rel=1e-6)


@pytest.mark.parametrize("affine", [True, False])
def test_has_no_running_statistics(affine: bool) -> None:
    layer = BatchNorm(3, eps=1e-5, affine=affine)
    assert not list(layer.buffers())
    assert [name for name, _ in layer.named_parameters()] == (["weight", "bias"] if affine else [])


# Layer norm


def normed(layer: LayerNorm, seed: int = 1) -> LayerNorm:
    layer = layer.to(torch.float64)
    rng = torch.Generator().manual_seed(seed)
    for parameter in layer.parameters():
        parameter.data.copy_(torch.randn(parameter.shape, generator=rng, dtype=torch.float64))
    return layer


def values(*shape: int) -> Tensor:
    return 3 + 2 * torch.randn(shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)


@pytest.mark.parametrize("eps", [1e-5, 0.8])
def test_layer_norm_of_vectors_is_torchs_layer_norm(eps: float) -> None:
    layer = normed(LayerNorm(3, eps=eps, affine=True))
    theirs = nn.LayerNorm(3, eps=eps, dtype=torch.float64)
    theirs.load_state_dict(layer.state_dict())
    x = values(8, 3)
    assert_same(layer(x), theirs(x))


@pytest.mark.parametrize("eps", [1e-5, 0.8])
def test_layer_norm_of_images_is_torchs_group_norm_of_one_group(eps: float) -> None:
    """Statistics over channels and space, scale and offset per channel; torch's layer norm has one per entry."""
    layer = normed(LayerNorm(3, eps=eps, affine=True))
    theirs = nn.GroupNorm(1, 3, eps=eps, dtype=torch.float64)
    theirs.load_state_dict(layer.state_dict())
    x = values(8, 3, 4, 4)
    assert_same(layer(x), theirs(x))


def test_layer_norm_without_scale_has_no_parameters() -> None:
    layer = LayerNorm(3, eps=1e-5, affine=False)
    assert not list(layer.parameters())
    result = layer(values(5, 3, 4, 4))
    assert_same(result.mean((1, 2, 3)), torch.zeros(5, dtype=torch.float64), largest(result))


def test_layer_norm_knows_no_other_sample() -> None:
    """What a gradient penalty needs."""
    layer, x = normed(LayerNorm(3, eps=1e-5, affine=True)), values(6, 3, 4, 4)
    assert_same(layer(x)[:1], layer(x[:1]))


# Spectral norm


def discriminator(kind: str) -> tuple[nn.Module, Params]:
    """A stack of three discriminators under spectral norm."""
    family = Mlp(hidden=(7, 5), norm="spectral") if kind == "mlp" else Dcgan(channels=(3, 4), norm="spectral")
    with torch.device("meta"):
        module = family.discriminator((2,) if kind == "mlp" else (1, 16, 16))
    own = Streams((4, 9, 1))
    return module, replicas.initialize(module, He(), own, "d", device=torch.device("cpu"), dtype=torch.float64)


def matrices(params: Params) -> dict[str, Tensor]:
    return {name: value.flatten(2) for name, value in params.items() if name.endswith("weight")}


@pytest.mark.parametrize("kind", ["mlp", "dcgan"])
def test_after_many_refreshes_weights_are_divided_by_their_largest_singular_value(kind: str) -> None:
    module, params = discriminator(kind)
    for _ in range(500):
        replicas.refresh(module, params)
    for name, matrix in matrices(params).items():
        found = largest_singular_value(params[name], params[name.removesuffix("weight") + "u"])
        expected = torch.linalg.matrix_norm(matrix, ord=2)
        torch.testing.assert_close(found.flatten(), expected, rtol=1e-9, atol=0, msg=lambda m, n=name: f"{n}: {m}")


@pytest.mark.parametrize("kind", ["mlp", "dcgan"])
def test_the_first_estimate_is_near_and_never_above(kind: str) -> None:
    _, params = discriminator(kind)
    for name, matrix in matrices(params).items():
        found = largest_singular_value(params[name], params[name.removesuffix("weight") + "u"]).flatten()
        expected = torch.linalg.matrix_norm(matrix, ord=2)
        assert bool((found <= expected * (1 + 1e-12)).all())
        assert bool((found > 0.9 * expected).all()), name


def test_every_linear_map_and_convolution_has_a_vector() -> None:
    for kind, layers in (("mlp", 3), ("dcgan", 3)):
        _, params = discriminator(kind)
        assert len([name for name in params if name.endswith("u")]) == layers == len(matrices(params))
        assert not any(params[name].requires_grad for name in params if name.endswith("u"))


def test_one_refresh_is_one_power_iteration() -> None:
    module, params = discriminator("mlp")
    weight, before = params["1.weight"].detach(), params["1.u"].clone()
    replicas.refresh(module, params)
    right = torch.einsum("roi,ro->ri", weight, before)
    right /= right.norm(dim=1, keepdim=True)
    left = torch.einsum("roi,ri->ro", weight, right)
    left /= left.norm(dim=1, keepdim=True)
    assert_same(params["1.u"], left)
    assert not torch.equal(params["1.u"], before)


@pytest.mark.parametrize("kind", ["linear", "conv"])
def test_values_and_gradients_are_those_of_torchs_layer(kind: str) -> None:
    """From the same pair of vectors; torch's layer keeps both and, in training mode, moves them at every call."""
    ours: nn.Module = SpectralLinear(6, 4) if kind == "linear" else SpectralConv2d(2, 4, 3, stride=2, padding=1)
    plain: nn.Module = nn.Linear(6, 4) if kind == "linear" else nn.Conv2d(2, 4, 3, stride=2, padding=1)
    rng = torch.Generator().manual_seed(3)
    own = {name: torch.randn(p.shape, generator=rng, dtype=torch.float64) for name, p in ours.named_parameters()}
    own["u"] = nn.functional.normalize(torch.randn(4, generator=rng, dtype=torch.float64), dim=0)
    plain = plain.double()
    plain.load_state_dict({"weight": own["weight"], "bias": own["bias"]})
    theirs = spectral_norm(plain).eval()
    left, right = power_iteration(own["weight"].flatten(1), own["u"])
    theirs.parametrizations.weight[0]._u.copy_(left)
    theirs.parametrizations.weight[0]._v.copy_(right)
    x = values(5, 6) if kind == "linear" else values(5, 2, 8, 8)
    own["weight"].requires_grad_()
    result, expected = functional_call(ours, own, (x,)), theirs(x)
    assert_same(result, expected)
    (gradient,) = torch.autograd.grad(result.square().sum(), own["weight"])
    (wanted,) = torch.autograd.grad(expected.square().sum(), theirs.parametrizations.weight.original)
    assert_same(gradient, wanted)


@pytest.mark.parametrize("kind", ["mlp", "dcgan"])
def test_applying_a_network_moves_no_vector(kind: str) -> None:
    module, params = discriminator(kind)
    before = {name: value.clone() for name, value in params.items() if name.endswith("u")}
    x = values(3, 5, 2) if kind == "mlp" else values(3, 5, 1, 16, 16)
    replicas.apply(module, params, x).sum().backward()
    assert before
    assert all(torch.equal(params[name], value) for name, value in before.items())


def test_networks_without_spectral_norm_have_nothing_to_refresh() -> None:
    module = Mlp(hidden=(4,), norm="layer").discriminator((2,))
    assert not list(module.buffers())


def test_only_batch_and_layer_norm_follow_a_layer() -> None:
    kinds = {norm: [type(m) for m in after(4, norm, eps=1e-5, affine=True)] for norm in ("none", "batch", "layer")}
    assert kinds == {"none": [], "batch": [BatchNorm], "layer": [LayerNorm]}
    assert after(4, "spectral", eps=1e-5, affine=True) == []


@pytest.mark.parametrize("eps", [0.0, -1e-5, float("nan")])
def test_an_eps_that_divides_by_zero_is_refused(eps: float) -> None:
    with pytest.raises(ValueError, match="norm_eps must be > 0, got"):
        check(eps)
