"""The command ``study``: takes names of studies and launches and prints tables and paths."""

import signal
import sys
from types import FrameType

from study.cli.app import app

# The commands in the order of the help: studies before a run, launches, then their results.
from study.cli import studies, power, spaces, launches, search, confirm, best  # isort: skip
from study.cli import figures, verify, compare, claims, outcomes, data  # isort: skip

__all__ = [
    "app",
    "best",
    "claims",
    "compare",
    "confirm",
    "data",
    "figures",
    "launches",
    "main",
    "outcomes",
    "power",
    "search",
    "spaces",
    "studies",
    "verify",
]


INTERRUPTED, TERMINATED = 130, 143
"""Exit codes after Ctrl-C and after SIGTERM, as a shell gives them."""


def main() -> None:
    """Run the command ``study``. SIGTERM ends a launch as orderly as Ctrl-C does."""
    signals: list[int] = []

    def terminate(number: int, frame: FrameType | None) -> None:
        signals.append(number)
        interrupt = signal.getsignal(signal.SIGINT)
        if not callable(interrupt):  # a shell starts what it puts in the background with Ctrl-C ignored
            raise KeyboardInterrupt
        interrupt(signal.SIGINT, frame)

    signal.signal(signal.SIGTERM, terminate)
    code: object
    try:
        app()
        code = 0
    except KeyboardInterrupt:
        code = INTERRUPTED
    except SystemExit as end:
        code = end.code
    sys.exit(TERMINATED if signals and code == INTERRUPTED else code)
