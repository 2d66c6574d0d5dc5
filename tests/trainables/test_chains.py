"""Chains give what their layers give one by one, with the same gradients, and leave to layers what they cannot do."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from unittest import mock

import pytest
import torch
from torch import Tensor, nn

from trainables import chains, kernels, replicas
from trainables.networks import Mlp
from trainables.networks.layers import BatchNorm

fused = pytest.mark.skipif(kernels.load() is None, reason="needs a C compiler")


def norm(channels: int, *, affine: bool = True) -> BatchNorm:
    return BatchNorm(channels, eps=1e-5, affine=affine)


NETS: dict[str, nn.Sequential] = {
    "tanh": nn.Sequential(nn.Linear(5, 20), nn.Tanh(), nn.Linear(20, 3)),
    "relu": nn.Sequential(nn.Linear(5, 20), nn.ReLU(), nn.Linear(20, 20), nn.ReLU(), nn.Linear(20, 1)),
    "leaky": nn.Sequential(nn.Linear(5, 20), norm(20), nn.LeakyReLU(0.2), nn.Linear(20, 1), nn.Flatten(0)),
    "norms": nn.Sequential(nn.Linear(5, 20), norm(20), nn.Tanh(), nn.Linear(20, 7), norm(7, affine=False), nn.ReLU()),
    "bare norm": nn.Sequential(nn.Linear(5, 20, bias=False), norm(20)),
    "one": nn.Sequential(nn.Linear(5, 33, bias=False)),
    "nested": nn.Sequential(nn.Flatten(1), nn.Sequential(nn.Linear(5, 9), nn.Tanh()), nn.Linear(9, 9), nn.Softplus()),
}


def stacked(module: nn.Module, count: int) -> dict[str, Tensor]:
    values = torch.Generator().manual_seed(count)
    return {
        name: (torch.randn(count, *own.shape, generator=values) * 0.5 + (own.ndim == 1)).requires_grad_()
        for name, own in module.named_parameters()
    }


@contextmanager
def layer_by_layer() -> Iterator[None]:
    with mock.patch.object(kernels, "load", return_value=None):
        yield


def outcome(module: nn.Module, params: dict[str, Tensor], x: Tensor) -> list[Tensor]:
    made = replicas.apply(module, params, x)
    weights = torch.linspace(-1, 1, made.numel()).view(made.shape)
    return [made.detach(), *torch.autograd.grad((made * weights).sum(), [x, *params.values()])]


@fused
@pytest.mark.parametrize("count", [1, 3])
@pytest.mark.parametrize("name", [name for name in NETS if name != "nested"])
def test_a_chain_is_its_layers(name: str, count: int) -> None:
    module, params = NETS[name], stacked(NETS[name], count)
    x = torch.randn(count, 37, 5, generator=torch.Generator().manual_seed(1)).requires_grad_()
    assert any(isinstance(part, chains.Chain) for part in chains.split(module))
    found = outcome(module, params, x)
    with layer_by_layer():
        expected = outcome(module, params, x)
    for own, other in zip(found, expected, strict=True):
        # The bias before a norm has the gradient 0: what is left of sums over the batch is rounding.
        torch.testing.assert_close(own, other, rtol=2e-4, atol=2e-5)


@fused
def test_the_numbers_are_as_exact_as_the_layers() -> None:
    module, params = NETS["norms"], stacked(NETS["norms"], 2)
    x = torch.randn(2, 300, 5, generator=torch.Generator().manual_seed(2)).requires_grad_()
    exact = outcome(module, {name: own.detach().double().requires_grad_() for name, own in params.items()}, x.double())
    found = outcome(module, params, x)
    with layer_by_layer():
        layers = outcome(module, params, x)
    for own, plain, true in zip(found, layers, exact, strict=True):
        error, usual = ((value.double() - true).abs().max() for value in (own, plain))
        assert error <= 4 * usual + 1e-6


@fused
def test_a_replica_that_is_not_finite_leaves_the_bits_of_the_others_alone() -> None:
    module, params = NETS["norms"], stacked(NETS["norms"], 3)
    x = torch.randn(3, 16, 5, generator=torch.Generator().manual_seed(3))
    before = replicas.apply(module, params, x)
    for value in params.values():
        value.data[1] = torch.nan
    after = replicas.apply(module, params, x)
    assert after[1].isnan().all()
    assert torch.equal(before[[0, 2]], after[[0, 2]])


@fused
def test_what_needs_no_gradient_gets_none() -> None:
    module = NETS["leaky"]
    params = {name: own.detach() for name, own in stacked(module, 2).items()}
    x = torch.randn(2, 16, 5).requires_grad_()
    assert torch.autograd.grad(replicas.apply(module, params, x).sum(), [x])[0].isfinite().all()
    assert not replicas.apply(module, params, x.detach()).requires_grad


@fused
def test_a_chain_cannot_be_differentiated_twice_unless_asked_for() -> None:
    module, params = NETS["tanh"], stacked(NETS["tanh"], 2)
    x = torch.randn(2, 16, 5).requires_grad_()
    for twice in (False, True):
        made = replicas.apply(module, params, x, twice=twice)
        if twice:
            (slope,) = torch.autograd.grad(made.sum(), [x], create_graph=True)
            torch.autograd.grad(slope.square().sum(), [*params.values()], allow_unused=True)
        else:
            with pytest.raises(RuntimeError, match="differentiable once"):
                torch.autograd.grad(made.sum(), [x], create_graph=True)


def test_labels_of_other_layers_double_precision_and_running_statistics_stay_with_the_layers() -> None:
    tracked = norm(20)
    tracked.track(0.1)
    module = nn.Sequential(nn.Linear(5, 20), tracked, nn.Tanh())
    (chain, *others) = chains.split(module)
    assert isinstance(chain, chains.Chain)
    assert [type(layer) for _, layer in others] == [BatchNorm, nn.Tanh]  # type: ignore[misc]
    assert chain.links[0].norm is None
    params = {name: own.detach().double() for name, own in stacked(NETS["tanh"], 2).items()}
    assert replicas.apply(NETS["tanh"], params, torch.zeros(2, 4, 5).double()).dtype == torch.float64


def test_layers_of_nested_sequences_join_one_chain() -> None:
    parts = chains.split(NETS["nested"])
    assert [type(part) for part in parts] == [tuple, chains.Chain, tuple]
    assert [link.prefix for link in parts[1].links] == ["1.0.", "2."]  # type: ignore[union-attr]


@fused
@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf, 1e30, 0.0, -0.0, 1e-30, 12.0])
def test_the_tanh_of_the_kernels_is_right_at_its_ends(value: float) -> None:
    x = torch.full((1, 3, 1), value)
    made = replicas.apply(nn.Sequential(nn.Linear(1, 1, bias=False), nn.Tanh()), {"0.weight": torch.ones(1, 1, 1)}, x)
    torch.testing.assert_close(made, x.tanh(), equal_nan=True, rtol=0, atol=2e-7)


@fused
def test_without_a_blas_that_can_be_called_networks_run_layer_by_layer() -> None:
    with mock.patch.object(kernels, "_sgemm", return_value=None):
        assert kernels.load.__wrapped__() is None


@fused
@pytest.mark.parametrize("sides", [(1, 1), (1, 40), (2, 40), (4, 5), (5, 4), (5, 40), (40, 1), (40, 3), (40, 17)])
def test_products_of_all_shapes_are_torchs(sides: tuple[int, int]) -> None:
    module = nn.Sequential(nn.Linear(*sides), nn.LeakyReLU(0.5))
    params = stacked(module, 2)
    x = torch.randn(2, 19, sides[0], generator=torch.Generator().manual_seed(5)).requires_grad_()
    exact = outcome(module, {name: own.detach().double().requires_grad_() for name, own in params.items()}, x.double())
    for own, true in zip(outcome(module, params, x), exact, strict=True):
        torch.testing.assert_close(own.double(), true, rtol=1e-5, atol=1e-5)


def test_the_default_nets_are_chains_from_end_to_end() -> None:
    with torch.device("meta"):
        generator, discriminator = Mlp(norm="batch").generator(64, (2,)), Mlp(norm="batch").discriminator((2,))
    assert [type(part) for part in chains.split(generator)] == [chains.Chain]
    assert [type(part) for part in chains.split(discriminator)] == [tuple, chains.Chain, tuple]


@fused
@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf, 1.5, -1.5, 0.0, 1e-30])
@pytest.mark.parametrize("layer", [nn.ReLU(), nn.LeakyReLU(0.2), nn.Tanh()])
def test_an_activation_is_torchs_at_its_ends_with_its_gradient(layer: nn.Module, value: float) -> None:
    module = nn.Sequential(nn.Linear(1, 1, bias=False), layer)
    params = {"0.weight": torch.ones(1, 1, 1)}
    found = []
    for how in (nullcontext(), layer_by_layer()):
        x = torch.full((1, 4, 1), value).requires_grad_()
        with how:
            made = replicas.apply(module, params, x)
        found.append((made.detach(), *torch.autograd.grad(made.sum(), [x])))
    torch.testing.assert_close(*found, equal_nan=True, rtol=0, atol=1e-6)


@fused
def test_the_kernels_take_no_memory_for_what_it_is_not() -> None:
    own = kernels.load()
    assert own is not None
    layout = kernels.Layout([kernels.Link(inputs=4, outputs=5, channels=5, weights=20, biased=True)], (5,))
    x, weight = torch.zeros(2, 3, 4), torch.zeros(2, 5, 4)
    for bias in (torch.zeros(1, 5).expand(2, 5), torch.zeros(2, 5, dtype=torch.float64)):
        with pytest.raises(TypeError, match="contiguous float32 on a CPU"):
            own.forward(layout, x, [weight, bias])


@fused
def test_parameters_that_replicas_share_in_memory_are_read_as_they_are() -> None:
    module, params = NETS["norms"], stacked(NETS["norms"], 1)
    shared = {name: own.detach().expand(3, *own.shape[1:]) for name, own in params.items()}
    x = torch.randn(1, 16, 5, generator=torch.Generator().manual_seed(4)).expand(3, 16, 5)
    made = replicas.apply(module, shared, x)
    assert torch.equal(made[0], made[2])
    with layer_by_layer():
        own = {name: value.contiguous() for name, value in shared.items()}
        torch.testing.assert_close(made, replicas.apply(module, own, x), rtol=1e-4, atol=1e-5)
