"""Stacks of replicas: N seeds of one network trained as one. N = 1 is the same code.

A network is a plain module for one replica; its parameters here carry the leading axis ``R``. The rules that keep a
stack honest: losses are summed over replicas, never averaged, so each replica gets exactly its own gradient; all
random numbers come from outside; optimisers are elementwise; nothing branches on a tensor's value.
"""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from trainables.draws import Streams, generator
from trainables.networks.init import InitialValue
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

    One ``vmap`` over the stack, except for convolutions on a CPU: there ``vmap`` turns N convolutions into a grouped
    one, which oneDNN runs no faster than a loop over replicas, and the loop's kernels are the solo run's to the bit.
    """
    if inputs.device.type == "cpu" and any(isinstance(layer, CONVOLUTIONS) for layer in module.modules()):
        return torch.stack(
            [
                functional_call(module, {name: value[i] for name, value in params.items()}, (replica_inputs,))
                for i, replica_inputs in enumerate(inputs)
            ]
        )
    result: Tensor = vmap(lambda own, x: functional_call(module, own, (x,)))(dict(params), inputs)
    return result


def frozen(params: Params) -> dict[str, Tensor]:
    """The same values without gradient: the discriminator's weights as the generator's step sees them."""
    return {name: value.detach() for name, value in params.items()}


def norms(tensors: list[Tensor]) -> Tensor:
    """L2 norm over all entries of a network, per replica: ``[R]``."""
    return torch.stack([t.flatten(1).square().sum(1) for t in tensors]).sum(0).sqrt()
