"""Two ways to one number agree up to rounding, and rounding is measured in what was added up on the way.

Every processor adds in an order of its own. Where terms cancel, a sum is off by roundings of its *terms*: neither an
absolute number nor a share of the sum says how far. Tests name the scale of the terms instead.
"""

import dataclasses
from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor

from trainables.config import AaeConfig, GanConfig
from trainables.optim import Adam, RMSprop

Config = TypeVar("Config", GanConfig, AaeConfig)

ROUNDINGS = 10_000
"""So many times the eps of the type: 2e-12 of the scale in float64, 1e-3 in float32."""


def largest(*values: Tensor | None) -> float:
    """The largest absolute entry, the scale of all that is made of such entries."""
    return max(float(value.detach().abs().max()) for value in values if value is not None)


def assert_same(
    found: Tensor, wanted: Tensor, scale: float | None = None, *, roundings: float = ROUNDINGS, name: str = ""
) -> None:
    """Check equality up to so many roundings of the scale, which is the largest entry wanted where nothing cancels."""
    allowed = roundings * torch.finfo(wanted.dtype).eps * (largest(wanted) if scale is None else scale)
    torch.testing.assert_close(found, wanted, rtol=0, atol=allowed, msg=lambda m: f"{name}: {m}" if name else m)


def assert_same_gradient(found: Sequence[Tensor | None], wanted: Sequence[Tensor | None]) -> None:
    """Check the gradient of one loss, leaf by leaf, on the scale of the whole of it.

    That of a bias in front of a batch norm is zero but for rounding: its terms cancel.
    """
    scale = largest(*wanted)
    for own, other in zip(found, wanted, strict=True):
        assert (own is None) == (other is None)
        if own is not None and other is not None:
            assert own.isfinite().all()
            assert_same(own, other, scale)


def damped(config: Config) -> Config:
    """The configuration with optimisers that make no step of rounding.

    Adam and RMSProp divide a gradient that is zero but for rounding by their eps, whose usual 1e-8 makes 1e8 times as
    much of it.
    """
    rules = {field.name: getattr(config, field.name) for field in dataclasses.fields(config)}
    large = {
        name: dataclasses.replace(rule, eps=1e-3) for name, rule in rules.items() if isinstance(rule, Adam | RMSprop)
    }
    return dataclasses.replace(config, **large)
