"""Stacks of replicas: N seeds of one network trained as one. N = 1 is the same code.

A network is a plain module for one replica; its parameters here carry the leading axis ``R``. The rules that keep a
stack honest: losses are summed over replicas, never averaged, so each replica gets exactly its own gradient; all
random numbers come from outside; optimisers are elementwise; nothing branches on a tensor's value.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn import functional

from trainables.draws import Streams, generator
from trainables.networks.init import InitialValue
from trainables.networks.norm import BatchNorm
from trainables.shapes import Params

CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


def initialise(
    module: nn.Module, init: InitialValue, streams: Streams, network: str, *, device: torch.device, dtype: torch.dtype
) -> dict[str, Tensor]:
    """First values of a network's parameters for every replica, as leaves ready for an optimiser.

    Each parameter draws from the stream ``init/<network>/<place>``, where the place counts the layers *with weights of
    the same kind*: switching batch norm on or off does not move the start of the other layers.
    """
    params: dict[str, Tensor] = {}
    for place, name, owner, parameter in _places(module):
        values = [
            init.value(
                owner, name.rpartition(".")[2], tuple(parameter.shape), generator(seed, f"init/{network}/{place}")
            )
            for seed in streams.seeds
        ]
        stacked = torch.from_numpy(np.stack(values)).to(device=device, dtype=dtype)
        params[name] = stacked.requires_grad_()
    return params


def _places(module: nn.Module) -> Iterator[tuple[str, str, nn.Module, nn.Parameter]]:
    counts: dict[str, int] = {}
    for prefix, owner in module.named_modules():
        own = list(owner.named_parameters(recurse=False))
        if not own:
            continue
        family = type(owner).__name__
        counts[family] = counts.get(family, -1) + 1
        for name, parameter in own:
            yield f"{family}{counts[family]}.{name}", f"{prefix}.{name}" if prefix else name, owner, parameter


def apply(module: nn.Module, params: Params, inputs: Tensor) -> Tensor:
    """Runs every replica's network on its own batch: ``[R, B, ...] -> [R, B, ...]``.

    Three ways to the same numbers (to rounding), by what the network is made of:

    * layers with a rule in ``_RULES`` run as one kernel over the stack: what ``vmap`` makes of them costs a CPU two to
      four times as much, in copies between layouts;
    * convolutions on a CPU run replica by replica: ``vmap`` makes them one grouped convolution, which oneDNN runs no
      faster, and the loop's kernels are the solo run's to the bit;
    * any other module goes through ``vmap``.
    """
    layers = _layers(module)
    if inputs.device.type == "cpu" and any(isinstance(layer, CONVOLUTIONS) for _, layer in layers):
        return torch.stack(
            [
                functional_call(module, {name: value[i] for name, value in params.items()}, (replica_inputs,))
                for i, replica_inputs in enumerate(inputs)
            ]
        )
    if all(type(layer) in _RULES for _, layer in layers):
        for prefix, layer in layers:
            inputs = _RULES[type(layer)](layer, params.get(f"{prefix}weight"), params.get(f"{prefix}bias"), inputs)
        return inputs
    result: Tensor = vmap(lambda own, x: functional_call(module, own, (x,)))(dict(params), inputs)
    return result


@lru_cache(maxsize=256)
def _layers(module: nn.Module) -> tuple[tuple[str, nn.Module], ...]:
    """The layers of a sequential network in order, with the prefix of their parameters' names; else the module."""
    if type(module) is nn.Sequential:
        return tuple((f"{name}.", layer) for name, layer in module.named_children())
    return (("", module),)


def _linear(layer: nn.Module, weight: Tensor | None, bias: Tensor | None, x: Tensor) -> Tensor:
    assert weight is not None
    return torch.bmm(x, weight.mT) if bias is None else torch.baddbmm(bias[:, None], x, weight.mT)


def _batch_norm(layer: nn.Module, weight: Tensor | None, bias: Tensor | None, x: Tensor) -> Tensor:
    """One call over all replicas: their channels side by side, so that each keeps its own statistics."""
    assert isinstance(layer, BatchNorm)
    replicas, batch = x.shape[:2]
    merged = x.transpose(0, 1).reshape(batch, replicas * x.shape[2], *x.shape[3:])
    scale = None if weight is None else weight.reshape(-1)
    offset = None if bias is None else bias.reshape(-1)
    normed = functional.batch_norm(merged, None, None, scale, offset, training=True, eps=layer.eps)
    return normed.view(batch, replicas, *x.shape[2:]).transpose(0, 1)


def _per_sample(layer: nn.Module, weight: Tensor | None, bias: Tensor | None, x: Tensor) -> Tensor:
    """Layers without parameters that treat every sample by itself: the replicas are one long batch to them."""
    result: Tensor = layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])
    return result


class _Tanh(torch.autograd.Function):
    """``tanh(x) = 2 s(2x) - 1``: a third of the time of torch's own on a CPU, with an absolute error of at most 2e-7 in
    float32 (torch's: 6e-8). Differentiable any number of times."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        y = (x + x).sigmoid_().mul_(2).sub_(1)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        (gradient,) = gradients
        result: Tensor = torch.ops.aten.tanh_backward(gradient, y)  # gradient * (1 - y^2) in one pass
        return result


_Rule = Callable[[nn.Module, Tensor | None, Tensor | None, Tensor], Tensor]
_RULES: dict[type[nn.Module], _Rule] = {
    nn.Linear: _linear,
    BatchNorm: _batch_norm,
    nn.Flatten: _per_sample,
    nn.Unflatten: _per_sample,
    nn.Tanh: lambda layer, weight, bias, x: _Tanh.apply(x),
    nn.ReLU: lambda layer, weight, bias, x: x.relu(),
    nn.LeakyReLU: lambda layer, weight, bias, x: functional.leaky_relu(x, layer.negative_slope),  # type: ignore[arg-type]
}


def frozen(params: Params) -> dict[str, Tensor]:
    """The same values without gradient: the discriminator's weights as the generator's step sees them."""
    return {name: value.detach() for name, value in params.items()}


def norms(tensors: list[Tensor]) -> Tensor:
    """L2 norm over all entries of a network, per replica: ``[R]``."""
    return torch.stack([t.flatten(1).square().sum(1) for t in tensors]).sum(0).sqrt()
