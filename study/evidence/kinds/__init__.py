"""The evidence for each kind of hypothesis: each module of this package exports one ``KIND``.

``study.design.hypotheses`` has a file of the same name that declares the kind. Nothing else asks what kind a hypothesis
is of.
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

from study.design.hypothesis import Hypothesis
from study.evidence.kind import Kind


@cache
def kinds() -> Mapping[type[Hypothesis], Kind[Any, Any]]:
    """Return all kinds by the dataclass that declares them."""
    modules = (import_module(f"{__name__}.{info.name}") for info in iter_modules(__path__))
    return {module.KIND.of: module.KIND for module in modules}


def of(hypothesis: Hypothesis) -> Kind[Any, Any]:
    """Return the kind of a hypothesis.

    Raises:
        ValueError: if nothing says how it is tested.
    """
    known = kinds()
    if type(hypothesis) not in known:
        names = ", ".join(declared.__name__ for declared in known)
        raise ValueError(f"{hypothesis.name} must be one of {names}, got {type(hypothesis).__name__}")
    return known[type(hypothesis)]
