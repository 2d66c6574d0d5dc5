"""One color and one mark per outcome, everywhere in the report, in light and in dark.

The colors were chosen by search for the largest smallest CIELAB distance between any two, seen normally and with
simulated protanopia, deuteranopia and tritanopia (Machado et al. 2009), among those that stand out from the paper.
Color is never alone: bars carry counts, curves end in the outcome's mark, tables say the word.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from study.outcomes.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How an outcome is drawn.

    Attributes:
        light, dark: the fill on light and on dark paper.
        on_light, on_dark: text that is readable on the fill.
        mark: matplotlib marker at the end of a curve.
        shape: the same mark as an SVG path in a 12 x 12 box, for legends in the text.
    """

    light: str
    on_light: str
    dark: str
    on_dark: str
    mark: str
    shape: str


LOOKS: Mapping[Outcome, Look] = {
    Outcome.CONVERGED: Look(
        light="#1368a6",
        on_light="#ffffff",
        dark="#4a95f5",
        on_dark="#0b0d10",
        mark="o",
        shape="M6 1.5a4.5 4.5 0 1 1 0 9a4.5 4.5 0 1 1 0-9z",
    ),
    Outcome.OSCILLATING: Look(
        light="#45aac4",
        on_light="#10181b",
        dark="#98ecf7",
        on_dark="#0b0d10",
        mark="D",
        shape="M6 .8 11.2 6 6 11.2.8 6z",
    ),
    Outcome.MODE_HOPPING: Look(
        light="#2c8563", on_light="#ffffff", dark="#5fd0a2", on_dark="#0b0d10", mark=">", shape="M2 1v10L11 6z"
    ),
    Outcome.MEMORIZED: Look(
        light="#7a5cc4",
        on_light="#ffffff",
        dark="#a78bf0",
        on_dark="#0b0d10",
        mark="p",
        shape="M6 1 11 4.7 9.1 11H2.9L1 4.7z",
    ),
    Outcome.DEGRADED: Look(
        light="#8a4a5e", on_light="#ffffff", dark="#d08aa0", on_dark="#0b0d10", mark="<", shape="M10 1v10L1 6z"
    ),
    Outcome.LATE_COLLAPSE: Look(
        light="#c046b7", on_light="#ffffff", dark="#d87fd8", on_dark="#0b0d10", mark="v", shape="M1 2h10L6 11z"
    ),
    Outcome.MODE_COLLAPSED: Look(
        light="#d99a1c", on_light="#1a1405", dark="#f3c350", on_dark="#0b0d10", mark="s", shape="M2 2h8v8H2z"
    ),
    Outcome.NOT_LEARNED: Look(
        light="#4a4d4f", on_light="#ffffff", dark="#92989b", on_dark="#0b0d10", mark="^", shape="M1 10h10L6 1z"
    ),
    Outcome.DIVERGED: Look(
        light="#a63c1c",
        on_light="#ffffff",
        dark="#d1623a",
        on_dark="#0b0d10",
        mark="X",
        shape="M3.5 1 6 3.5 8.5 1 11 3.5 8.5 6 11 8.5 8.5 11 6 8.5 3.5 11 1 8.5 3.5 6 1 3.5z",
    ),
    Outcome.UNDECIDED: Look(
        light="#c3c7cb",
        on_light="#1a1c1e",
        dark="#4a5056",
        on_dark="#ffffff",
        mark="P",
        shape="M4.2 1h3.6v3.2H11v3.6H7.8V11H4.2V7.8H1V4.2h3.2z",
    ),
}
"""In the order in which bars are stacked: success first, then failures, then what was not decided."""

ORDER: tuple[Outcome, ...] = tuple(LOOKS)
NEUTRALS: Mapping[str, tuple[str, str]] = {
    "ink": ("#1b1e21", "#e6e8ea"),
    "muted": ("#5c646b", "#a0a8af"),
    "rule": ("#d9dde0", "#33393f"),
    "paper": ("#ffffff", "#14171a"),
}
"""Name to (light, dark)."""
SERIES: tuple[tuple[str, str], ...] = (
    ("#0b6aa8", "#63b3f3"),
    ("#c1500a", "#ff9d5c"),
    ("#0a7f5f", "#43d3a4"),
    ("#a8438a", "#f0a0d3"),
    ("#7d6608", "#e2c64b"),
    ("#44484c", "#b9bfc4"),
)
"""(light, dark) of lines that are no outcomes, as the levels of a factor; after Okabe & Ito 2008. Dashes differ too."""


def variables(dark: bool) -> str:
    """Return the palette as CSS custom properties: ``--ink``, ``--converged``, ``--on-converged`` and so on."""
    pairs = {name: shades[dark] for name, shades in NEUTRALS.items()}
    pairs |= {f"series-{place}": shades[dark] for place, shades in enumerate(SERIES)}
    for outcome, look in LOOKS.items():
        pairs[css_name(outcome)] = look.dark if dark else look.light
        pairs["on-" + css_name(outcome)] = look.on_dark if dark else look.on_light
    return " ".join(f"--{name}: {shade};" for name, shade in pairs.items())


def css_name(outcome: Outcome) -> str:
    """Return the name of an outcome in style sheets: ``mode-collapsed``."""
    return outcome.value.replace("_", "-")
