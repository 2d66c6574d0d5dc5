"""Stacked application of networks: each way of running a stack gives each replica what it gets alone."""

from typing import get_args

import pytest
import torch
from torch import Tensor, nn
from torch.func import functional_call

from tests.trainables.rounding import assert_same, assert_same_gradient
from trainables import replicas
from trainables.networks.init import Init
from trainables.networks.layers import BatchNorm, LayerNorm, SpectralConv2d, SpectralLinear
from trainables.streams import Streams

R, B = 3, 5


class Doubled(nn.Module):
    """A module that no rule knows."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return 2 * self.inner(x)


def mlp(*, affine: bool = True, bias: bool = True) -> nn.Module:
    norm = BatchNorm(6, eps=1e-3, affine=affine)
    return nn.Sequential(
        nn.Linear(4, 6, bias=bias), norm, nn.Tanh(), nn.Linear(6, 6), nn.LeakyReLU(0.3), nn.Linear(6, 1)
    )


RELU, SHARED = nn.ReLU(), nn.Linear(4, 4)
NETWORKS = {
    "mlp": mlp(),
    "no affine": mlp(affine=False),
    "no bias": mlp(bias=False),
    "relu and shapes": nn.Sequential(nn.Flatten(1), nn.Linear(4, 6), nn.ReLU(), nn.Unflatten(1, (2, 3))),
    "scores": nn.Sequential(nn.Linear(4, 1), nn.Flatten(0)),
    "unknown": Doubled(),
    "unknown inside": nn.Sequential(Doubled(), nn.Tanh()),
    "layer norm": nn.Sequential(nn.Linear(4, 6), LayerNorm(6, eps=1e-3, affine=True), nn.Tanh()),
    "layer norm of images": nn.Sequential(nn.Unflatten(1, (2, 2, 1)), LayerNorm(2, eps=1e-3, affine=True)),
    "spectral norm": nn.Sequential(SpectralLinear(4, 6), nn.ReLU(), SpectralLinear(6, 2), nn.Tanh()),
    "spectral convolution": nn.Sequential(nn.Unflatten(1, (1, 2, 2)), SpectralConv2d(1, 3, 3, stride=2, padding=1)),
    "a layer that comes again": nn.Sequential(nn.Linear(4, 4), RELU, nn.Linear(4, 4), RELU, nn.Linear(4, 4)),
    "weights that come again": nn.Sequential(SHARED, nn.Tanh(), SHARED),
    "spectral norm, vmap": nn.Sequential(SpectralLinear(4, 4), Doubled()),
    "normed images": nn.Sequential(nn.Unflatten(1, (1, 2, 2)), BatchNorm(1, eps=1e-5, affine=True)),
    "convolution": nn.Sequential(
        nn.Unflatten(1, (1, 2, 2)), nn.Conv2d(1, 3, 3, padding=1), BatchNorm(3, eps=1e-5, affine=True)
    ),
}


def stacked(module: nn.Module) -> dict[str, Tensor]:
    torch.manual_seed(0)
    return {
        name: torch.randn(R, *value.shape, dtype=torch.float64).requires_grad_(isinstance(value, nn.Parameter))
        for name, value in [*module.named_parameters(), *module.named_buffers()]
    }


@pytest.mark.parametrize("name", NETWORKS)
def test_values_and_gradients_are_those_of_each_replica_alone(name: str) -> None:
    module = NETWORKS[name]
    params = stacked(module)
    inputs = torch.randn(R, B, 4, dtype=torch.float64, requires_grad=True)
    together = replicas.apply(module, params, inputs)
    weights = torch.randn_like(together)
    leaves = [*replicas.leaves(params), inputs]
    gradients = torch.autograd.grad((together * weights).sum(), leaves)
    for i in range(R):
        own = {key: value[i] for key, value in params.items()}
        alone = functional_call(module, own, (inputs[i],))
        assert_same(together[i], alone)
        expected = torch.autograd.grad((alone * weights[i]).sum(), [*replicas.leaves(own), inputs])
        assert_same_gradient([leaf[i] for leaf in gradients], [*expected[:-1], expected[-1][i]])


@pytest.mark.parametrize("name", NETWORKS)
def test_a_replica_of_nans_leaves_the_bits_of_the_others(name: str) -> None:
    module = NETWORKS[name]
    params = stacked(module)
    clean = torch.randn(R, B, 4, dtype=torch.float64)
    poisoned = clean.clone()
    poisoned[1] = torch.nan
    before, after = replicas.apply(module, params, clean), replicas.apply(module, params, poisoned)
    assert torch.equal(before[0], after[0])
    assert torch.equal(before[2], after[2])
    assert after[1].isnan().all()


def test_hidden_randomness_is_refused_in_modules_without_a_rule() -> None:
    module = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))
    with pytest.raises(RuntimeError, match="randomness"):
        replicas.apply(module, stacked(module), torch.randn(R, B, 4, dtype=torch.float64))


def test_tanh_is_exact_to_two_parts_in_ten_million_and_differentiable_twice() -> None:
    x = torch.linspace(-20, 20, 10_001)
    module = nn.Sequential(nn.Tanh())
    error = replicas.apply(module, {}, x.view(1, -1, 1)).view(-1).double() - x.double().tanh()
    assert float(error.abs().max()) < 2e-7
    point = torch.randn(2, 3, 1, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda value: replicas.apply(module, {}, value), point)
    assert torch.autograd.gradgradcheck(lambda value: replicas.apply(module, {}, value), point)


def test_frozen_parameters_take_no_gradient_and_pass_it_on() -> None:
    module = nn.Sequential(nn.Linear(4, 1))
    params = stacked(module)
    inputs = torch.randn(R, B, 4, dtype=torch.float64, requires_grad=True)
    replicas.apply(module, replicas.frozen(params), inputs).sum().backward()
    assert inputs.grad is not None
    assert all(value.grad is None for value in params.values())


def test_norms_are_per_replica_over_all_tensors() -> None:
    tensors = [torch.tensor([[3.0], [1.0]]), torch.tensor([[[4.0]], [[torch.inf]]])]
    assert replicas.norms(tensors).tolist() == [5.0, torch.inf]


@pytest.mark.parametrize("kind", get_args(Init))
def test_first_values_lie_in_plain_order_in_memory(kind: type[Init]) -> None:
    """Kernels that take layouts for equal would pair a weight with another's gradient."""
    wide, high = nn.Linear(9, 4), nn.Linear(4, 9)
    for module in (nn.Sequential(wide, high), nn.Sequential(nn.Conv2d(6, 2, 1), nn.ConvTranspose2d(2, 6, 1))):
        params = replicas.initialize(
            module, kind(), Streams((0, 1)), "net", device=torch.device("cpu"), dtype=torch.float32
        )
        assert all(value.is_contiguous() for value in params.values())
