"""Figures of a launch, for a notebook or a paper."""

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from study.launch import Launch

if TYPE_CHECKING:
    from study.report.drawing.svg import Picture


class Drawing:
    """A figure of a launch. Shows itself in a notebook; ``save`` writes it as ``.svg``, ``.pdf`` or ``.png``.

    Attributes:
        label: description of the figure in words.
    """

    def __init__(self, picture: "Picture") -> None:
        self._picture = picture
        self.label: str = picture.label

    def save(self, path: str | Path) -> Path:
        """Write the figure with text that stays text; the same launch gives the same bytes.

        Raises:
            ValueError: if the suffix is not ``.svg``, ``.pdf`` or ``.png``.
        """
        from study.report.drawing import export

        export.save(self._picture, Path(path))
        return Path(path)

    def __repr__(self) -> str:
        return f"<Drawing: {self.label}>"

    def _repr_svg_(self) -> str:
        with tempfile.TemporaryDirectory() as folder:
            return self.save(Path(folder) / "figure.svg").read_text(encoding="utf-8")


def draw(launch: Launch, name: str) -> Drawing:
    """Draw a figure of a launch by its name.

    Raises:
        ValueError: if there is no figure of that name, or the launch has no data for it.
    """
    from study.report.figures import registry

    return Drawing(registry.picture(name, launch))
