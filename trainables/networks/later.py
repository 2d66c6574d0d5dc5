"""The modules of this package that define layers of torch, loaded when something of them is first used."""

from typing import TYPE_CHECKING

from trainables.later import Later

__all__ = ["layers", "wiring"]

if TYPE_CHECKING:
    from trainables.networks import layers, wiring
else:
    layers, wiring = Later("trainables.networks.layers"), Later("trainables.networks.wiring")
