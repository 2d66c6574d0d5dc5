"""What the image families share: shapes, strided maps upwards, and the places where a label enters a discriminator."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from trainables.later import nn
from trainables.networks import norm
from trainables.networks.later import convolutions, wiring
from trainables.networks.norm import Norm

if TYPE_CHECKING:
    from trainables.networks.wiring import Condition

Stage: TypeAlias = "list[nn.Module]"
"""Layers in order, up to the next place where a label may enter."""


def check_maps(name: str, maps: tuple[int, ...], count: int) -> None:
    """Raise ValueError unless a network's field names so many layers of at least one map."""
    if len(maps) != count or min(maps) < 1:
        raise ValueError(f"{name} must be {count} numbers >= 1, got {maps}")


def side_of(shape: tuple[int, ...], family: str) -> int:
    """Return height and width of a square image ``[C, s, s]``.

    Raises:
        ValueError: if ``shape`` is no such image.
    """
    if len(shape) != 3 or shape[1] != shape[2]:
        raise ValueError(f"{family} needs square images, got shape {shape}")
    return shape[1]


def sides(shape: tuple[int, ...], times: int, family: str) -> tuple[int, ...]:
    """Return the sides of the maps of a net that halves a square image so many times, rounding up, smallest first.

    Raises:
        ValueError: if the smallest maps would be single pixels.
    """
    found = [side_of(shape, family)]
    for _ in range(times):
        found.append(-(-found[-1] // 2))
    if found[-1] < 2:
        raise ValueError(f"{family} needs images of at least {2**times + 1} pixels, got shape {shape}")
    return tuple(reversed(found))


def exact_sides(shape: tuple[int, ...], times: int, family: str) -> tuple[int, ...]:
    """Return :func:`sides` for a net that cannot round.

    Raises:
        ValueError: if a halving leaves a remainder, or the smallest maps would be single pixels.
    """
    side, factor = side_of(shape, family), 2**times
    if side % factor or side < 2 * factor:
        raise ValueError(f"{family} needs images whose side is a multiple of {factor}, from {2 * factor}, got {shape}")
    return sides(shape, times, family)


def no_spectral(kind: Norm, family: str) -> None:
    """Refuse spectral norm in a generator: discriminators alone have it. Raises ValueError."""
    if kind == "spectral":
        raise ValueError(f"norm must be none, batch or layer for a {family} generator, got spectral")


def up(inputs: int, outputs: int, kernel: int, side: int, target: int) -> nn.ConvTranspose2d:
    """Return a transposed convolution of stride 2 from maps of ``side`` to ``target``, twice that or one less.

    TensorFlow's "SAME" geometry, seen after a turn by 180 degrees: kernel 5, 4 or 3 with padding 2, 1 or 1.
    """
    padding = (kernel - 1) // 2
    rest = target - (2 * (side - 1) - 2 * padding + kernel)
    return convolutions.ConvTranspose2d(inputs, outputs, kernel, stride=2, padding=padding, output_padding=rest)


def width(labels: Condition | None) -> int:
    """Count the maps or entries that a label adds to the input of a stage that sees it."""
    return 0 if labels is None else labels.width


def join(stages: Sequence[Stage], labels: Condition | None, *, plain: frozenset[int] = frozenset()) -> nn.Module:
    """Join the stages to one network; with labels, those not in ``plain`` read its vector beside their input."""
    if labels is None:
        return nn.Sequential(*chain.from_iterable(stages))
    return wiring.ConditionedDiscriminator(labels, [nn.Sequential(*stage) for stage in stages], plain=plain)


def two_convolutions(
    inputs: int,
    side: int,
    labels: Condition | None,
    *,
    channels: tuple[int, int],
    units: int,
    kernel: int,
    kind: Norm,
    after: Callable[[int], Stage],
) -> nn.Module:
    """Build two convolutions of stride 2, a hidden linear layer and the linear map to the score.

    In full: ``conv s2 to C_1, LeakyReLU 0.2; conv s2 to C_2, (norm), LeakyReLU; linear to units, (norm), LeakyReLU;
    linear``.

    Args:
        inputs: channels of the image.
        side: of the maps after both convolutions.
        labels: enter beside the input of each layer but the first.
        channels: maps of the two convolutions, C_1 and C_2.
        units: of the hidden linear layer.
        kernel: 4 or 5.
        kind: the discriminator's norm.
        after: the normalisation layer behind so many maps or units.
    """
    (first, second), beside, padding = channels, width(labels), (kernel - 1) // 2
    down: Stage = [norm.conv(inputs, first, kernel, kind, stride=2, padding=padding), nn.LeakyReLU(0.2)]
    deeper: Stage = [norm.conv(first + beside, second, kernel, kind, stride=2, padding=padding), *after(second)]
    dense: Stage = [norm.linear(second * side**2 + beside, units, kind), *after(units), nn.LeakyReLU(0.2)]
    score: Stage = [norm.linear(units + beside, 1, kind), nn.Flatten(0)]
    parts = [down, [*deeper, nn.LeakyReLU(0.2), nn.Flatten(1)], dense, score]
    return join(parts, labels, plain=frozenset({0}))
