"""The report of a launch: one HTML file that needs nothing else, and tables for the terminal.

``build`` is loaded when it is first used: it draws figures, and the words and colors beside it are used without any.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from study.report.page import build, pictured

__all__ = ["build", "pictured"]


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'study.report' has no attribute {name!r}")
    from study.report import page

    return getattr(page, name)
