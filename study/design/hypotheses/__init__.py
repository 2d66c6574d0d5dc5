"""The kinds of hypotheses, declared before the run: each module of this package exports one dataclass as ``KIND``.

A kind is two files, because what is declared knows nothing of records: the one here says what is claimed of which
cells, and ``study.evidence.kinds`` has one of the same name that says how that is tested, worded and planned for. A new
kind is these two files and nothing else.
"""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from study.design.hypotheses.more_success import MoreSuccess
from study.design.hypotheses.same_success import SameSuccess
from study.design.hypotheses.share import Share
from study.design.hypothesis import Hypothesis, Where, in_words

__all__ = ["Hypothesis", "MoreSuccess", "SameSuccess", "Share", "Where", "in_words", "kinds"]


@cache
def kinds() -> Mapping[str, type[Hypothesis]]:
    """Return all kinds by the name that stored plans call them."""
    modules = (import_module(f"{__name__}.{info.name}") for info in iter_modules(__path__))
    return {module.KIND.__dataclass_fields__["kind"].default: module.KIND for module in modules}
