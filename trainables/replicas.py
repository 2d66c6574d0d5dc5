"""Stacks of replicas: N seeds of one network trained as one. N = 1 is the same code.

A network is a plain module for one replica; its parameters here carry the leading axis ``R``. The rules that keep a
stack honest: losses are summed over replicas, never averaged, so each replica gets exactly its own gradient; all
random numbers come from outside; optimisers are elementwise; nothing branches on a tensor's value.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap
from torch.nn import functional

from trainables import chains, kernels
from trainables.kernels import Kernels
from trainables.networks.convolutions import Conv2d, ConvTranspose2d
from trainables.networks.init import InitialValue
from trainables.networks.layers import (
    BatchNorm,
    Gate,
    LayerNorm,
    Maxout,
    Scale,
    ShiftedSoftplus,
    SpectralConv2d,
    SpectralLinear,
    largest_singular_value,
    layer_norm,
    power_iteration,
)
from trainables.networks.norm import RUNNING
from trainables.networks.wiring import LabelMap, OneHot, Wired
from trainables.plugins import no_global_draws
from trainables.shapes import Params
from trainables.streams import Streams, generator

CONVOLUTIONS = (nn.Conv2d, nn.ConvTranspose2d)


def initialize(
    module: nn.Module,
    init: InitialValue,
    streams: Streams,
    network: str,
    *,
    device: torch.device,
    dtype: torch.dtype,
    build: Callable[[], nn.Module] | None = None,
) -> dict[str, Tensor]:
    """Draw the first values of a network's parameters for every replica, as leaves ready for an optimiser.

    With ``build`` they are those of a network that it makes for each replica, torch's global generator seeded from the
    stream ``init/<network>`` and left as it was.

    Each parameter draws from the stream ``init/<network>/<place>``, where the place counts the layers *with weights of
    the same kind*: switching batch norm on or off does not move the start of the other layers. What takes no gradient
    comes last: the vectors of spectral norm near their fixed point, the running statistics of batch norm.
    """
    if build is not None:
        return _as_built(build, streams, network, device=device, dtype=dtype)
    params: dict[str, Tensor] = {}
    for place, name, owner, shape in _places(module):
        values = [
            init.value(owner, name.rpartition(".")[2], shape, generator(seed, f"init/{network}/{place}"))
            for seed in streams.seeds
        ]
        # In C order whatever the rule made (a transpose, say): torch's fused Adam on a CPU takes layouts for equal.
        stacked = np.ascontiguousarray(np.stack(values))
        params[name] = torch.from_numpy(stacked).to(device=device, dtype=dtype).requires_grad_()
    for name, buffer in module.named_buffers():
        params[name] = _first(name, tuple(buffer.shape), streams, network).to(device=device, dtype=dtype)
    for _ in range(_FIRST_ITERATIONS):
        refresh(module, params)
    return params


def _as_built(
    build: Callable[[], nn.Module], streams: Streams, network: str, *, device: torch.device, dtype: torch.dtype
) -> dict[str, Tensor]:
    made = []
    for seed in streams.seeds:
        with no_global_draws(), torch.random.fork_rng(devices=[]):  # torch's are seeded here, and no others
            torch.manual_seed(int(generator(seed, f"init/{network}").integers(2**63)))
            made.append(build())
    params: dict[str, Tensor] = {}
    for name in dict(made[0].named_parameters()):
        stacked = torch.stack([own.get_parameter(name).detach() for own in made]).contiguous()
        params[name] = stacked.to(device=device, dtype=dtype).requires_grad_()
    for name, first in made[0].named_buffers():
        stacked = torch.stack([own.get_buffer(name) for own in made])
        params[name] = stacked.to(device=device, dtype=dtype if first.is_floating_point() else first.dtype)
    return params


def leaves(params: Params) -> list[Tensor]:
    """Return what an optimiser steps."""
    return [value for value in params.values() if value.requires_grad]


@torch.no_grad()
def refresh(module: nn.Module, params: Params) -> None:
    """Do one power iteration of every layer under spectral norm; do nothing for other networks."""
    for name in _vectors(module):
        weight, u = params[f"{name.removesuffix('u')}weight"], params[name]
        u.copy_(power_iteration(weight.flatten(2), u)[0])


@lru_cache(maxsize=1_024)
def _vectors(module: nn.Module) -> tuple[str, ...]:
    """Name spectral norm's vectors once: the loop asks after every update, and walking a network is slow."""
    spectral = (name for name, layer in module.named_modules() if isinstance(layer, SpectralLinear | SpectralConv2d))
    return tuple(f"{name}.u" if name else "u" for name in spectral)


def _first(name: str, shape: tuple[int, ...], streams: Streams, network: str) -> Tensor:
    if _leaf(name) in RUNNING:
        return torch.full((len(streams.seeds), *shape), RUNNING[_leaf(name)])
    return streams.normal(f"init/{network}/{name}", 0, shape)


def _leaf(name: str) -> str:
    return name.rpartition(".")[2]


def _places(module: nn.Module) -> Iterator[tuple[str, str, nn.Module, tuple[int, ...]]]:
    counts: dict[str, int] = {}
    for prefix, owner in module.named_modules():
        own = list(owner.named_parameters(recurse=False))
        if not own:
            continue
        family = _FAMILIES.get(type(owner), type(owner)).__name__
        counts[family] = counts.get(family, -1) + 1
        for name, parameter in own:
            full = f"{prefix}.{name}" if prefix else name
            yield f"{family}{counts[family]}.{name}", full, owner, tuple(parameter.shape)


_FIRST_ITERATIONS = 15
_FAMILIES: dict[type[nn.Module], type[nn.Module]] = {
    SpectralLinear: nn.Linear,
    SpectralConv2d: nn.Conv2d,
    Conv2d: nn.Conv2d,
    ConvTranspose2d: nn.ConvTranspose2d,
}
"""Layers that start from the same draws as others, so that switching between them moves no start."""


def apply(module: nn.Module, params: Params, *inputs: Tensor, twice: bool = False) -> Any:
    """Run every replica's network on its own batch: ``[R, B, ...] -> [R, B, ...]``, or a tuple of such.

    The result is differentiable once, or with ``twice`` any number of times, as penalties need it.

    Three ways to the same numbers (to rounding), by what the network is made of:

    * layers with a rule in ``_RULES`` run as one kernel over the stack: what ``vmap`` makes of them costs a CPU two to
      four times as much, in copies between layouts; linear maps and convolutions in a row, with what follows each,
      are a chain (``chains``) on a CPU;
    * convolutions on a CPU that no chain takes run replica by replica: ``vmap`` makes them one grouped convolution,
      which oneDNN runs no faster;
    * any other module goes through ``vmap``, or replica by replica if that cannot run it.
    """
    fusible = not twice and _fits(*inputs)
    if inputs[0].device.type == "cpu" and _convolves(module):
        alone = torch.get_num_threads() == 1  # the library shares a convolution out among threads, the kernels do not
        fused = kernels.load() if fusible and alone and _chains_convolutions(module) else None
        if fused is None:
            return _one_by_one(module, params, inputs)
        return _run(module, "", params, *inputs, fused=fused)
    if _has_rules(module):
        return _run(module, "", params, *inputs, fused=kernels.load() if fusible else None)
    if not _maps(module, tuple(own.shape[1:] for own in inputs), tuple(own.dtype for own in inputs)):
        return _one_by_one(module, params, inputs)
    return vmap(lambda own, *x: functional_call(module, own, x))(dict(params), *inputs)


def way(module: nn.Module, *shapes: tuple[int, ...], on_cpu: bool) -> str:
    """Say how a stack of a network runs: ``one kernel per layer``, ``vmap``, or ``replica by replica``.

    Args:
        module: for one replica.
        shapes: of its inputs, the batch first.
        on_cpu: whether it runs on a CPU.
    """
    if on_cpu and _convolves(module):
        return "replica by replica"
    if _has_rules(module):
        return "one kernel per layer"
    return "vmap" if _maps(module, shapes, (torch.float32,) * len(shapes)) else "replica by replica"


@lru_cache(maxsize=1_024)
def _maps(module: nn.Module, shapes: tuple[tuple[int, ...], ...], dtypes: tuple[torch.dtype, ...]) -> bool:
    """Return whether ``vmap`` can run a network: not if it branches on values, or does what has no batched form.

    Tried on shapes alone, so that nothing is drawn, moved or computed.
    """
    held = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    kinds = {name: dtypes[0] if value.is_floating_point() else value.dtype for name, value in held.items()}
    own = {name: torch.empty(2, *value.shape, dtype=kinds[name], device="meta") for name, value in held.items()}
    inputs = [torch.empty(2, *shape, dtype=kind, device="meta") for shape, kind in zip(shapes, dtypes, strict=True)]
    try:
        vmap(lambda params, *x: functional_call(module, params, x))(own, *inputs)
    except (NotImplementedError, RuntimeError, TypeError, ValueError) as error:
        # The way without vmap raises what is a mistake; but it would let hidden randomness pass, which vmap refuses.
        return "randomness" in str(error)
    return True


def _one_by_one(module: nn.Module, params: Params, inputs: tuple[Tensor, ...]) -> Any:
    # Unbound as a whole: the gradient of an index is a stack of zeros with one entry filled, for each index.
    rows = [
        dict(zip(params, own, strict=True)) for own in zip(*(value.unbind() for value in params.values()), strict=True)
    ]
    results = [functional_call(module, own, x) for own, x in zip(rows, zip(*inputs, strict=True), strict=True)]
    if isinstance(results[0], tuple):
        return tuple(torch.stack(parts) for parts in zip(*results, strict=True))
    return torch.stack(results)


@lru_cache(maxsize=1_024)
def _convolves(module: nn.Module) -> bool:
    return any(isinstance(layer, CONVOLUTIONS) for layer in module.modules())


@lru_cache(maxsize=1_024)
def _has_rules(module: nn.Module, *, beside: tuple[type[nn.Module], ...] = ()) -> bool:
    """Return whether a network is made of layers that have a rule or are of a kind that is taken beside those."""
    if type(module) in _RULES or isinstance(module, beside):
        return True
    made_of_children = isinstance(module, Wired | nn.ModuleList) or type(module) is nn.Sequential
    if made_of_children and _shares(module):
        return False
    return made_of_children and all(_has_rules(child, beside=beside) for child in module.children())


def _shares(module: nn.Module) -> bool:
    """Return whether a parameter occurs under two names, of which a stack has the first alone."""
    return len([*module.parameters()]) < len([*module.named_parameters(remove_duplicate=False)])


@lru_cache(maxsize=1_024)
def _chains_convolutions(module: nn.Module) -> bool:
    """Return whether a network can run in chains and one of them has a convolution."""
    sequences = [own for own in module.modules() if type(own) is nn.Sequential]
    parts = [part for own in sequences for part in chains.split(own)]
    chained = any(isinstance(part, chains.Chain) and part.convolves for part in parts)
    return chained and _has_rules(module, beside=CONVOLUTIONS)


@lru_cache(maxsize=1_024)
def _layers(module: nn.Sequential) -> tuple[tuple[str, nn.Module], ...]:
    """Return the layers in order with the prefix of their parameters' names: walking a module's children is slow."""
    return tuple((f"{name}.", layer) for name, layer in chains.layers_of(module))


def _fits(*inputs: Tensor) -> bool:
    """Return whether the fused kernels can take a network's inputs, of which integers are labels."""
    return all(x.device.type == "cpu" and x.dtype in (torch.float32, torch.int64) for x in inputs)


def _run(module: nn.Module, prefix: str, params: Params, *inputs: Tensor, fused: Kernels | None) -> Any:
    rule = _RULES.get(type(module))
    if rule is not None:
        return rule(module, lambda name: params.get(prefix + name), *inputs)
    if isinstance(module, CONVOLUTIONS):
        own = [name for name, _ in (*module.named_parameters(), *module.named_buffers())]
        return _one_by_one(module, {name: params[prefix + name] for name in own}, inputs)
    if isinstance(module, Wired):
        return module.wire(
            lambda name, *own: _run(module.get_submodule(name), f"{prefix}{name}.", params, *own, fused=fused),
            *inputs,
        )
    assert isinstance(module, nn.Sequential)
    (x,) = inputs
    for part in _layers(module) if fused is None else chains.split(module):
        if isinstance(part, chains.Chain) and part.fits(tuple(x.shape[2:])):
            assert fused is not None
            x = part.run(fused, lambda name: params[prefix + name], x)
            continue
        for name, layer in part.layers if isinstance(part, chains.Chain) else [part]:
            x = _run(layer, prefix + name, params, x, fused=fused)
    return x


_Own: TypeAlias = Callable[[str], Tensor | None]
"""A layer's own stacked parameter by its name, if it has it."""


def _linear(layer: nn.Module, own: _Own, x: Tensor) -> Tensor:
    weight, bias = own("weight"), own("bias")
    assert weight is not None
    return torch.bmm(x, weight.mT) if bias is None else torch.baddbmm(bias[:, None], x, weight.mT)


def _spectral_linear(layer: nn.Module, own: _Own, x: Tensor) -> Tensor:
    weight, bias, u = own("weight"), own("bias"), own("u")
    assert weight is not None
    assert bias is not None
    assert u is not None
    return torch.baddbmm(bias[:, None], x, (weight / largest_singular_value(weight, u)).mT)


def _batch_norm(layer: nn.Module, own: _Own, x: Tensor) -> Tensor:
    """Make one call over all replicas: their channels side by side, so that each keeps its own statistics."""
    assert isinstance(layer, BatchNorm)
    replicas, batch = x.shape[:2]
    merged = x.transpose(0, 1).reshape(batch, replicas * x.shape[2], *x.shape[3:])

    def flat(name: str) -> Tensor | None:
        value = own(name)  # a view of it: the running statistics are moved in place
        return None if value is None else value.view(-1)

    return layer.normalized(merged, flat).view(batch, replicas, *x.shape[2:]).transpose(0, 1)


def _layer_norm(layer: nn.Module, own: _Own, x: Tensor) -> Tensor:
    assert isinstance(layer, LayerNorm)
    return layer_norm(x, own("weight"), own("bias"), layer.eps, leading=2)


def _label_map(layer: nn.Module, own: _Own, labels: Tensor) -> Tensor:
    weight, bias = own("weight"), own("bias")
    assert weight is not None
    assert bias is not None
    picks = labels[..., None].expand(*labels.shape, weight.shape[1])
    return weight.mT.gather(1, picks) + bias[:, None]


def _per_sample(layer: nn.Module, own: _Own, x: Tensor) -> Tensor:
    """Run a layer that treats every sample by itself: the replicas are one long batch to it."""
    result: Tensor = layer(x.flatten(0, 1)).unflatten(0, x.shape[:2])
    return result


class _Tanh(torch.autograd.Function):
    """``chains.tanh``, differentiable any number of times."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        y = chains.tanh(x)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (y,) = ctx.saved_tensors
        (gradient,) = gradients
        result: Tensor = torch.ops.aten.tanh_backward(gradient, y)  # gradient * (1 - y^2) in one pass
        return result


_RULES: dict[type[nn.Module], Callable[..., Tensor]] = {
    nn.Linear: _linear,
    SpectralLinear: _spectral_linear,
    BatchNorm: _batch_norm,
    LayerNorm: _layer_norm,
    LabelMap: _label_map,
    OneHot: lambda layer, own, labels: layer(labels),
    nn.Flatten: _per_sample,
    nn.Unflatten: _per_sample,
    nn.Tanh: lambda layer, own, x: _Tanh.apply(x),
    nn.ReLU: lambda layer, own, x: x.relu(),
    nn.LeakyReLU: lambda layer, own, x: functional.leaky_relu(x, layer.negative_slope),
    ShiftedSoftplus: lambda layer, own, x: layer(x),
    Maxout: lambda layer, own, x: layer(x),
    Scale: lambda layer, own, x: layer(x),
    Gate: _per_sample,
}
"""``rule(layer, own, *inputs)`` for a stack: the layer, its stacked parameters by name, and inputs ``[R, B, ...]``."""


def frozen(params: Params) -> dict[str, Tensor]:
    """Return the same values without gradient: the discriminator's weights as the generator's step sees them."""
    return {name: value.detach() for name, value in params.items()}


def norms(tensors: list[Tensor]) -> Tensor:
    """Return the L2 norm over all entries of a network, per replica: ``[R]``."""
    return torch.stack([t.flatten(1).square().sum(1) for t in tensors]).sum(0).sqrt()
