"""Ends helper processes when the process that needs them was killed and could not do so itself."""

import subprocess
from collections.abc import Iterable

_SCRIPT = 'read -r line; sleep "$1"; shift; kill -s KILL -- "$@"'
"""Reading ends when the other end of the pipe does, however it ends."""


class Reaper:
    """A shell that waits for the end of this process and then kills others, unless it is dismissed before.

    Args:
        processes: their ids; of a whole process group the negative id.
        grace: seconds that they get to end by themselves.
    """

    def __init__(self, processes: Iterable[int], grace: int = 5) -> None:
        self._shell = subprocess.Popen(
            ["/bin/sh", "-c", _SCRIPT, "sh", str(grace), *map(str, processes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C and a closed terminal end this process, not its reaper
        )

    def dismiss(self) -> None:
        """End the reaper: the processes are left to the caller."""
        self._shell.kill()
        self._shell.communicate()
