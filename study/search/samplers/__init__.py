"""The samplers: each module of this package exports one ``SAMPLER``. A new file here is a new sampler everywhere."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from study.design.search import SearchSpec
from study.search.proposals import Proposer
from study.search.sampling import Sampler


@cache
def samplers() -> Mapping[str, Sampler]:
    """Return all samplers by name, in alphabetical order."""
    modules = (import_module(f"{__name__}.{info.name}") for info in iter_modules(__path__))
    return {own.name: own for own in sorted((module.SAMPLER for module in modules), key=lambda own: own.name)}


def find(name: str) -> Sampler:
    """Return the sampler of this name.

    Raises:
        ValueError: if there is none; names those that exist.
    """
    known = samplers()
    if name not in known:
        raise ValueError(f"--sampler must be one of {', '.join(known)}, got {name!r}")
    return known[name]


def check(search: SearchSpec, *, warm: bool = False) -> Sampler:
    """Return the sampler of a search, which can do what the search asks for.

    Args:
        warm: whether it is going to be told what an earlier launch found.

    Raises:
        ValueError: if there is no such sampler, or it cannot search the space for the goal; names those that can.
    """
    own = find(search.sampler)
    conditional = [axis.name for axis in search.space.axes if axis.when]
    if conditional and not own.conditional:
        able = ", ".join(name for name, other in samplers().items() if other.conditional)
        raise ValueError(
            f"--sampler must be one of {able} for the space {search.space.name}, got {own.name!r}: the axes"
            f" {', '.join(conditional)} are conditional"
        )
    own.check(search.space, search.goal, warm=warm or search.warm is not None)
    return own


def proposer(search: SearchSpec) -> Proposer:
    """Return the proposer of a search, before its first proposal.

    Raises:
        ValueError: as :func:`check`.
    """
    return check(search).make(search)
