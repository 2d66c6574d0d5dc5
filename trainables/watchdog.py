"""Ends a process whose training stands still: a worker that waits for a file or a lock forever holds its launch up.

Whoever started the process starts it again; what it trained is in its checkpoints.
"""

import faulthandler
import os
import time
from math import inf
from pathlib import Path
from threading import Thread

SECONDS = "STUDY_HANG_SECONDS"
"""The variable that says how long one step, or one report, may take; 0 for as long as it likes."""

CODE = 70
"""What the process ends with."""

_USUAL_SECONDS = 1_800.0
"""Longer than any step or report that ends: images of 64x64 pixels take seconds per step on one core."""


def limit() -> float:
    """Return how long one step may take, in seconds.

    Raises:
        ValueError: if the variable is no number, or negative.
    """
    given = os.environ.get(SECONDS, "")
    try:
        seconds = float(given) if given else _USUAL_SECONDS
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:
        raise ValueError(f"{SECONDS} must be a number of seconds >= 0, got {given!r}")
    return seconds or inf


class Watchdog:
    """Watches one process; it is at rest until the first beat, and costs nothing between two beats.

    A process that is stopped (SIGSTOP) for longer than the limit is ended when it goes on: what waits for it has been
    waiting as long.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._last = inf
        self._told = Path(os.devnull)
        self._thread: Thread | None = None

    def watch(self, told: Path) -> None:
        """Name the file that says where the process stood when it was ended."""
        self._told = told

    def beat(self) -> None:
        """Tell that something is done, and that the next thing begins."""
        self._last = time.monotonic()
        if self._thread is None and self._seconds < inf:
            self._thread = Thread(target=self._look, name="watchdog", daemon=True)
            self._thread.start()

    def rest(self) -> None:
        """Tell that nothing is begun."""
        self._last = inf

    def _look(self) -> None:
        while True:
            time.sleep(min(10.0, self._seconds / 4))
            if time.monotonic() - self._last > self._seconds:
                self._end()

    def _end(self) -> None:
        try:
            self._told.parent.mkdir(parents=True, exist_ok=True)
            with open(self._told, "w", encoding="utf-8") as file:
                file.write(f"{sentence(self._seconds)}\n\n")
                file.flush()
                faulthandler.dump_traceback(file, all_threads=True)
        finally:
            os._exit(CODE)


def sentence(seconds: float) -> str:
    """Say why a worker was ended."""
    return f"a worker was ended because one step or report took more than {seconds:g} s ({SECONDS})"
