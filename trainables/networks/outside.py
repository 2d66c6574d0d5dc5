"""Networks of plugins: plain modules that know nothing of stacks, checked for what a game asks of them."""

from typing import Any

import torch
from torch import nn

_BATCH = 3


def built(family: Any, role: str, *arguments: Any) -> nn.Module:
    """Return a network that a plugin builds.

    Args:
        family: the plugin's value.
        role: the method that builds, generator or discriminator.
        arguments: what it gets.

    Raises:
        ValueError: if its code fails, or makes something else than a module.
    """
    try:
        module = getattr(family, role)(*arguments)
    except Exception as error:  # whatever a plugin's code raises is what is wrong with it
        said = " ".join(str(error).split())
        shown = ", ".join(map(str, arguments))
        raise ValueError(
            f"{role}: {family.kind} must build one for {shown}, got {type(error).__name__}: {said}"
        ) from None
    if not isinstance(module, nn.Module):
        raise ValueError(f"{role}: {family.kind} must build a torch.nn.Module, got {type(module).__name__}")
    return module


def check(kind: str, role: str, module: nn.Module, inputs: tuple[int, ...], outputs: tuple[int, ...]) -> None:
    """Raise ValueError unless a network maps ``[B, *inputs]`` to ``[B, *outputs]``.

    Tried on shapes alone; a network whose code needs values cannot be tried, and passes.

    Args:
        kind: name of the network, for the sentence.
        role: generator or discriminator.
        module: the network, on the meta device.
        inputs: shape of one input.
        outputs: shape of one output; empty for scores.
    """
    dropout = next((own for own in module.modules() if isinstance(own, nn.modules.dropout._DropoutNd)), None)
    if dropout is not None:
        raise ValueError(
            f"{role}: {kind} must draw no random numbers of its own, got {type(dropout).__name__}, whose draws depend"
            " on what ran before in the same process"
        )
    wanted = f"[B, {', '.join(map(str, inputs))}] to [B{''.join(f', {size}' for size in outputs)}]"
    try:
        made = module(torch.empty(_BATCH, *inputs, device="meta"))
    except NotImplementedError:
        return
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        if "meta tensors" in str(error):  # it asks for a value
            return
        said = str(error).splitlines()[0]
        raise ValueError(f"{role}: {kind} must map {wanted}, got an error: {said}") from None
    got = tuple(made.shape) if isinstance(made, torch.Tensor) else ()
    if got != (_BATCH, *outputs):
        shown = f"[B{''.join(f', {size}' for size in got[1:])}]" if got[:1] == (_BATCH,) else f"{list(got)} for B = 3"
        raise ValueError(f"{role}: {kind} must map {wanted}, got {shown}")
