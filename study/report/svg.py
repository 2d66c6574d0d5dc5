"""From a matplotlib figure to SVG that lives inside the page: its colours, its fonts, light and dark.

matplotlib has no CSS variables, so figures are drawn in stand-in colours, one per role, which the text of the SVG then
exchanges for ``var(--role)``. Text stays text. Sizes are in units, which the page scales to its width.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from html import escape
from io import StringIO
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from study.outcome import Outcome
from study.report.palette import LOOKS, NEUTRALS, css_name

WIDTH = 900
"""Full width of a figure in units. Narrower than the page's column, so that letters stay legible on A4."""
_ROLES = [*NEUTRALS, *(css_name(o) for o in LOOKS), *("on-" + css_name(o) for o in LOOKS)]
COLOURS: Mapping[str, str] = {role: f"#0a{place:02x}5e" for place, role in enumerate(_ROLES)}
"""Role to the colour that stands for it while a figure is drawn."""

_SETTINGS: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "gan-stability-lab",
    "text.parse_math": False,
    "axes.unicode_minus": True,
    "path.simplify": True,
    "font.size": 12,
    "text.color": COLOURS["ink"],
    "axes.edgecolor": COLOURS["rule"],
    "axes.labelcolor": COLOURS["muted"],
    "axes.linewidth": 1.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "grid.color": COLOURS["rule"],
    "grid.linewidth": 1.0,
    "xtick.color": COLOURS["rule"],
    "ytick.color": COLOURS["rule"],
    "xtick.labelcolor": COLOURS["muted"],
    "ytick.labelcolor": COLOURS["muted"],
    "axes.axisbelow": True,
}


def colour(outcome: Outcome) -> str:
    """The stand-in for an outcome's colour."""
    return COLOURS[css_name(outcome)]


def on_colour(outcome: Outcome) -> str:
    """The stand-in for text on an outcome's colour."""
    return COLOURS["on-" + css_name(outcome)]


@contextmanager
def drawing() -> Iterator[None]:
    """Figures must be made and serialised within: matplotlib reads its settings at both times."""
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_SETTINGS)
        yield


def blank(height: float, width: float = WIDTH) -> Figure:
    """A transparent figure of ``width x height`` units."""
    return Figure(figsize=(width / 72, height / 72), dpi=72, facecolor="none")


def axes(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Axes placed in units from the figure's top left corner."""
    whole_width, whole_height = figure.get_size_inches() * 72
    box = (left / whole_width, 1 - (top + height) / whole_height, width / whole_width, height / whole_height)
    made = figure.add_axes(box, facecolor="none")
    made.tick_params(length=3, width=1, pad=3)
    return made


def serialise(figure: Figure, label: str) -> str:
    """The figure as an ``<svg>`` element with ``label`` as its text for readers who do not see it."""
    out = StringIO()
    figure.savefig(out, format="svg", transparent=True, metadata={"Date": None})
    text = out.getvalue()
    text = text[text.index("<svg") :]
    for unwanted in (r"<metadata>.*?</metadata>", r"<style.*?</style>", r"<defs>\s*</defs>", r"<!--.*?-->"):
        text = re.sub(unwanted, "", text, flags=re.DOTALL)
    text = re.sub(r'<g id="[^"]*"', "<g", text)
    text = re.sub(r"font: (?:(bold|\d00) )?([\d.]+px) [^;\"]*", _font, text)
    text = re.sub(r"<[^>]*>", lambda tag: re.sub(r"-?\d+\.\d{2,}", _short, tag[0]), text)
    text = re.sub(r"\n\s*", "\n", text)
    for role, stand_in in COLOURS.items():
        text = text.replace(stand_in, f"var(--{role})")
    width, height = figure.get_size_inches() * 72
    head = f'<svg viewBox="0 0 {width:.0f} {height:.0f}" role="img" aria-label="{escape(label)}">'
    return head + text[text.index(">") + 1 :]


def _font(match: re.Match[str]) -> str:
    weight = f"{match[1]} " if match[1] else ""
    return f"font: {weight}{match[2]} var(--sans)"


def _short(match: re.Match[str]) -> str:
    return f"{float(match[0]):.1f}".removesuffix(".0")
