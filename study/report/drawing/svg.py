"""Turn a matplotlib figure into SVG that lives inside the page: its colors, its fonts, light and dark.

matplotlib has no CSS variables, so figures are drawn in stand-in colors, one per role, which the text of the SVG then
exchanges for ``var(--role)``. Text stays text. Sizes are in units, which the page scales to its width. The same drawing
goes to a file of its own through ``study.report.drawing.export``, in the colors of light paper.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from html import escape
from io import StringIO
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from study.outcomes.outcome import Outcome
from study.report.palette import LOOKS, NEUTRALS, SERIES, css_name

WIDTH = 900
"""Full width of a figure in units. Narrower than the page's column, so that letters stay legible on A4."""
_SERIES = [f"series-{place}" for place in range(len(SERIES))]
_ROLES = [*NEUTRALS, *_SERIES, *(css_name(o) for o in LOOKS), *("on-" + css_name(o) for o in LOOKS)]
_STAND_INS: Mapping[str, str] = {role: f"#0a{place:02x}5e" for place, role in enumerate(_ROLES)}
_STAND_IN = re.compile(r"#0a[0-9a-f]{2}5e")
_ROLE_OF: Mapping[str, str] = {stand_in: role for role, stand_in in _STAND_INS.items()}
_IN_FORCE: ContextVar[Mapping[str, str]] = ContextVar("colors of the current drawing", default=_STAND_INS)


class _Colors(Mapping[str, str]):
    """The colors in force, looked up when they are used."""

    def __getitem__(self, role: str) -> str:
        return _IN_FORCE.get()[role]

    def __iter__(self) -> Iterator[str]:
        return iter(_IN_FORCE.get())

    def __len__(self) -> int:
        return len(_IN_FORCE.get())


COLORS: Mapping[str, str] = _Colors()
"""Role to color in the current drawing: a stand-in for the page, or the color itself for a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A picture before anything is drawn.

    Attributes:
        draw: makes the figure; to be called within ``drawing``.
        label: all that it shows, in words, for readers who do not see it.
    """

    draw: Callable[[], Figure]
    label: str


def color(outcome: Outcome) -> str:
    """Return the color of an outcome."""
    return COLORS[css_name(outcome)]


def on_color(outcome: Outcome) -> str:
    """Return the color of text on the color of an outcome."""
    return COLORS["on-" + css_name(outcome)]


@contextmanager
def drawing(colors: Mapping[str, str] = _STAND_INS, settings: Mapping[Any, Any] | None = None) -> Iterator[None]:
    """Set colors and settings; make and serialize figures inside, since matplotlib reads its settings both times.

    Args:
        colors: role to color; the stand-ins, unless the figure goes to a file.
        settings: further settings of matplotlib.
    """
    token = _IN_FORCE.set(colors)
    try:
        with matplotlib.rc_context():
            matplotlib.rcdefaults()
            matplotlib.rcParams.update({**_settings(), **(settings or {})})
            yield
    finally:
        _IN_FORCE.reset(token)


def embed(picture: Picture) -> str:
    """Return the picture as an ``<svg>`` element of the page."""
    with drawing():
        return serialize(picture.draw(), picture.label)


def light() -> Mapping[str, str]:
    """Return each role's color on light paper."""
    outcomes = {css_name(outcome): look.light for outcome, look in LOOKS.items()}
    texts = {"on-" + css_name(outcome): look.on_light for outcome, look in LOOKS.items()}
    series = {role: shades[0] for role, shades in zip(_SERIES, SERIES, strict=True)}
    return {role: shades[0] for role, shades in NEUTRALS.items()} | series | outcomes | texts


def _settings() -> dict[Any, Any]:
    return {
        "svg.fonttype": "none",
        "svg.hashsalt": "gan-stability-lab",
        "text.parse_math": False,
        "axes.unicode_minus": True,
        "path.simplify": True,
        "font.size": 12,
        "text.color": COLORS["ink"],
        "axes.edgecolor": COLORS["rule"],
        "axes.labelcolor": COLORS["muted"],
        "axes.linewidth": 1.0,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "grid.color": COLORS["rule"],
        "grid.linewidth": 1.0,
        "xtick.color": COLORS["rule"],
        "ytick.color": COLORS["rule"],
        "xtick.labelcolor": COLORS["muted"],
        "ytick.labelcolor": COLORS["muted"],
        "axes.axisbelow": True,
    }


def blank(height: float, width: float = WIDTH) -> Figure:
    """Return a transparent figure of ``width x height`` units."""
    return Figure(figsize=(width / 72, height / 72), dpi=72, facecolor="none")


def axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Add axes, placed in units from the top left corner of the figure."""
    whole_width, whole_height = figure.get_size_inches() * 72
    box = (left / whole_width, 1 - (top + height) / whole_height, width / whole_width, height / whole_height)
    made = figure.add_axes(box, facecolor="none")
    made.tick_params(length=3, width=1, pad=3)
    return made


def serialize(figure: Figure, label: str) -> str:
    """Return the figure as an ``<svg>`` element with ``label`` as its text for readers who do not see it."""
    out = StringIO()
    figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    for unwanted in (r"<metadata>.*?</metadata>", r"<style.*?</style>", r"<defs>\s*</defs>", r"<!--.*?-->"):
        text = re.sub(unwanted, "", text, flags=re.DOTALL)
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    text = re.sub(r"<[^>]*>", _tidied, text)  # tags alone: names may hold anything
    text = re.sub(r"\n\s*", "\n", text)
    width, height = figure.get_size_inches() * 72
    head = f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(label)}">'
    return head + text[text.index(">") + 1 :]


def _tidied(tag: re.Match[str]) -> str:
    """Return a tag with short numbers, the page's fonts, and the roles of its colors."""
    text = re.sub(r"font: (?:(bold|\d00) )?([\d.]+px) [^;\"]*", _font, tag[0])
    text = re.sub(r"-?\d+\.\d{2,}", _short, text)
    return re.sub(_STAND_IN, lambda color: f"var(--{_ROLE_OF[color[0]]})", text)


def _font(match: re.Match[str]) -> str:
    weight = f"{match[1]} " if match[1] else ""
    return f"font: {weight}{match[2]} var(--sans)"


def _short(match: re.Match[str]) -> str:
    return f"{float(match[0]):.1f}".removesuffix(".0")
