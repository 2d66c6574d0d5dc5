"""Save pictures as SVG or PDF with text that stays text, or as PNG, on white paper in the light colors."""

from pathlib import Path

from study.report.drawing import svg
from study.report.drawing.svg import Picture

SUFFIXES = (".png", ".svg", ".pdf")
SETTINGS = {
    "pdf.fonttype": 42,  # whole TrueType fonts, which journals ask for; Type 3 is matplotlib's default
    "ps.fonttype": 42,
    "svg.fonttype": "none",
    "font.family": ["sans-serif"],
    "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica", "sans-serif"],
}
NO_DATE = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
_DOTS_PER_INCH = 200


def checked(path: Path) -> Path:
    """Check the suffix of a path and return the path.

    Raises:
        ValueError: if its suffix is none of ``.png``, ``.svg`` and ``.pdf``.
    """
    if path.suffix not in SUFFIXES:
        raise ValueError(f"--out must end in {', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}, got {path}")
    return path


def save(picture: Picture, path: Path) -> None:
    """Write the picture in the format of the path's suffix. The same picture gives the same bytes.

    Raises:
        ValueError: as ``checked``.
    """
    checked(path).parent.mkdir(parents=True, exist_ok=True)
    with svg.drawing(svg.light(), SETTINGS):
        figure = picture.draw()
        metadata = NO_DATE.get(path.suffix, {})
        figure.savefig(
            path,
            dpi=_DOTS_PER_INCH if path.suffix == ".png" else 72,
            facecolor=svg.COLORS["paper"],
            bbox_inches="tight",
            pad_inches=0.08,
            metadata=metadata,
        )
