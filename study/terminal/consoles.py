"""The consoles of the command line, on which text is text: names of studies, cells and files are other people's."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from study.formatting import printable


class PlainConsole(Console):
    """A console that reads no markup and no emoji's name in what it prints, and passes no control character on.

    What is to be bold or dim is a ``Text``, or printed with a ``style``.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False)

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(_escaped(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Escape what is other people's at the last moment, whatever it is part of; Rich's own controls are kept."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=_escaped(segment.text))


def _escaped(text: str) -> str:
    return "\n".join(map(printable, text.split("\n")))
