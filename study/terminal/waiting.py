"""A sign of life while nothing else moves: a spinner on a terminal, one line in a log or a pipe. Light to load."""

from rich.console import Console
from rich.status import Status
from rich.text import Text


class Waiting:
    """What is being waited for, shown until something else is, or nothing.

    Args:
        console: where to show it; text that is printed meanwhile stands above it.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._status: Status | None = None

    def on(self, text: str, *, logged: bool = True) -> None:
        """Show what is being waited for.

        Args:
            text: in a few words.
            logged: whether a log gets it as a line.
        """
        self.off()
        if self._console.is_terminal:
            self._status = self._console.status(Text(text, style="dim"), spinner="line", spinner_style="dim")
            self._status.start()
        elif logged:
            self._console.print(Text(text, style="dim"), soft_wrap=True)

    def off(self) -> None:
        """Show nothing any more; the terminal has its cursor back."""
        if self._status is not None:
            self._status.stop()
            self._status = None

    def __enter__(self) -> "Waiting":
        return self

    def __exit__(self, *exception: object) -> None:
        self.off()
