"""The modules of this package that define layers of torch, loaded when something of them is first used."""

from typing import TYPE_CHECKING

from trainables.later import Later

__all__ = ["convolutions", "layers", "wiring"]

if TYPE_CHECKING:
    from trainables.networks import convolutions, layers, wiring
else:
    convolutions = Later("trainables.networks.convolutions")
    layers, wiring = Later("trainables.networks.layers"), Later("trainables.networks.wiring")
