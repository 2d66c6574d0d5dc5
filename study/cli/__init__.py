"""The command ``study``: takes names of studies and launches and prints tables and paths."""

import os
import signal
import sys
from collections.abc import Sequence
from types import FrameType

from study import signals
from study.cli.app import app

# The commands in the order of the help: studies before a run, launches, then their results.
from study.cli import studies, power, spaces, launches, search, confirm, best, jobs  # isort: skip
from study.cli import sample, metrics, figures, verify, compare, claims, judge, outcomes, data, check  # isort: skip

__all__ = [
    "app",
    "best",
    "check",
    "claims",
    "compare",
    "confirm",
    "data",
    "figures",
    "jobs",
    "judge",
    "launches",
    "main",
    "metrics",
    "outcomes",
    "power",
    "sample",
    "search",
    "spaces",
    "studies",
    "verify",
]


INTERRUPTED = 130
"""Exit code after Ctrl-C. After another signal it is 128 plus its number, as a shell gives it."""


def main() -> None:
    """Run the command ``study``. SIGTERM, and the end of the terminal, end a launch as orderly as Ctrl-C does."""
    terminals = [stream.fileno() for stream in (sys.stdout, sys.stderr) if stream.isatty()]

    def terminate(number: int, frame: FrameType | None) -> None:
        signals.received.append(number)
        if number == signal.SIGHUP:
            _silence(terminals)
        interrupt = signal.getsignal(signal.SIGINT)
        if not callable(interrupt):  # a shell starts what it puts in the background with Ctrl-C ignored
            raise KeyboardInterrupt
        interrupt(signal.SIGINT, frame)

    signal.signal(signal.SIGTERM, terminate)
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:  # nohup: the command outlives its terminal
        signal.signal(signal.SIGHUP, terminate)
    code: object
    try:
        app()
        code = 0
    except KeyboardInterrupt:
        code = INTERRUPTED
    except SystemExit as end:
        code = end.code
    number = signals.received[0] if signals.received else None
    signals.received.clear()
    sys.exit(128 + number if number and code == INTERRUPTED else code)


def _silence(terminals: Sequence[int]) -> None:
    """Send what is still printed to nowhere: writing to a terminal that is gone fails. A log file goes on."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for terminal in terminals:
        os.dup2(nowhere, terminal)
    os.close(nowhere)
