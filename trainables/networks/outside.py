"""Networks of plugins: plain modules that know nothing of stacks, checked for what a game asks of them."""

import torch
from torch import nn

_BATCH = 3


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
            f"{role}: {kind} must draw no random numbers of its own, got {type(dropout).__name__}, whose draws depend on"
            " what ran before in the same process"
        )
    wanted = f"[B, {', '.join(map(str, inputs))}] to [B{''.join(f', {size}' for size in outputs)}]"
    try:
        made = module(torch.empty(_BATCH, *inputs, device="meta"))
    except NotImplementedError:
        return
    except (RuntimeError, TypeError, ValueError, IndexError) as error:
        said = str(error).splitlines()[0]
        raise ValueError(f"{role}: {kind} must map {wanted}, got an error: {said}") from None
    got = tuple(made.shape) if isinstance(made, torch.Tensor) else ()
    if got != (_BATCH, *outputs):
        shown = f"[B{''.join(f', {size}' for size in got[1:])}]" if got[:1] == (_BATCH,) else f"{list(got)} for B = 3"
        raise ValueError(f"{role}: {kind} must map {wanted}, got {shown}")
