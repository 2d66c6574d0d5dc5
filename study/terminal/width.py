"""The width from which on tables have all their columns; on a narrower terminal, rows have a second line instead."""

from rich.console import Console

WIDE = 100
"""Columns of a terminal."""


def narrow(console: Console) -> bool:
    """Return whether the terminal has no room for tables with all their columns."""
    return console.width < WIDE
