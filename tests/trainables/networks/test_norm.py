"""Our batch norm is torch's in training mode, without the running statistics."""

import pytest
import torch
from torch import nn

from trainables.networks.norm import BatchNorm


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
    torch.testing.assert_close(layer(x), theirs(y), rtol=1e-12, atol=1e-12)
    layer(x).square().sum().backward()
    theirs(y).square().sum().backward()
    torch.testing.assert_close(x.grad, y.grad, rtol=1e-9, atol=1e-12)


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
