"""Modules that are loaded when something of them is first used.

A configuration is a value: reading, checking, comparing and refusing one computes nothing. But it owns its formulas and
builds its networks, so its module names torch, which takes longer to load than all of that. These modules of torch are
loaded by the first formula that is evaluated.
"""

from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

__all__ = ["Later", "functional", "nn", "torch"]


class Later(ModuleType):
    """A stand-in for a module, which has the module's attributes and loads it for the first of them."""

    def __getattr__(self, name: str) -> Any:
        value = getattr(import_module(self.__name__), name)
        setattr(self, name, value)  # from now on it is found as fast as in the module itself
        return value


if TYPE_CHECKING:
    import torch
    from torch import nn
    from torch.nn import functional
else:
    torch, nn, functional = Later("torch"), Later("torch.nn"), Later("torch.nn.functional")
