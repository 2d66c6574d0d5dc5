"""Curves by outcome: small multiples of what a rule looks at, one line per replica, the same axes in every cell."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from math import floor, log10
from textwrap import fill
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from markupsafe import Markup
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.ticker import FuncFormatter, Locator

from study import formatting
from study.outcomes.measures import measure
from study.outcomes.outcome import Outcome
from study.outcomes.rule import OutcomeRule
from study.report import phrases
from study.report.drawing import svg
from study.report.drawing.figure import Figure, Part
from study.report.drawing.svg import COLORS, Picture
from study.report.palette import LOOKS, ORDER
from study.report.views import View
from study.storage.records import Record
from trainables.config import Config, GanConfig
from trainables.trace import ReplicaTrace

Floats = npt.NDArray[np.float64]
Series = tuple[Floats, Floats]

_POINTS = 120
"""Most points drawn of one line; extremes are kept."""
MOST = 60
"""About as many replicas of a cell as are drawn: more would be a blot, and a page of many megabytes."""
_LEAST = 4
"""Smallest number of replicas of each outcome that are drawn."""
_FEW = 8
"""Largest number of replicas in a cell that are drawn with thicker lines."""
_SPREAD = 20.0
"""Ratio of the largest magnitude to the typical one above which a linear axis would show one replica and no other."""

_NAME = 26
"""Height of a cell's name above its panels."""
_CELL = 460.0
"""Width of the panels of one cell in units."""
_LETTER, _LINE = 6.2, 14
"""About the width of a letter of a panel's title, and the height of each of its lines after the first."""

_NO_SERIES: Series = (np.zeros(0), np.zeros(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One replica in one cell.

    Attributes:
        outcome: gives the line its color.
        equilibrium: column of a loss to its value where generated and real samples have one density and D is the best.
    """

    trace: ReplicaTrace
    outcome: Outcome
    equilibrium: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One quantity over steps.

    Attributes:
        title: what is drawn, with its unit or range.
        series: steps and values, ``[T]`` each, of a replica; of length 0 if its trace does not hold what is needed.
        kind: ``share`` has the range 0..1, ``count`` and ``positive`` start at 0, ``signed`` is free.
        data: the value that the data themselves would get, if there is one, from the trace's reference constants.
        threshold: the value at which the rule begins or ceases to call it good, if it looks at this quantity.
        loss: the column, if it is a loss: a cell's equilibrium value of it is marked.
    """

    title: str
    series: Callable[[ReplicaTrace], Series]
    kind: Literal["share", "count", "positive", "signed"]
    data: Callable[[ReplicaTrace], float | None] = lambda trace: None
    threshold: Callable[[ReplicaTrace], float | None] = lambda trace: None
    loss: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The axes of one panel, shared by all cells; ``linear_to`` is where a logarithmic axis turns linear."""

    scale: Literal["linear", "symlog"]
    linear_to: float
    low: float
    high: float
    last_step: float
    data: float | None
    threshold: float | None


def panels(rule: OutcomeRule, lines: Sequence[Line]) -> tuple[Panel, ...]:
    """Return the panels that at least one of the traces can fill: of the samples first, then of the game.

    Of the samples two quantities of quality, and the divergence where the data's density is known; of the game the two
    losses, and there D's distance from its optimum.
    """
    classification = Panel(
        title="held-out classification error",
        series=_column("classification_error"),
        kind="share",
        threshold=lambda trace: rule.classification_error_max,
    )
    quality = (
        *([classification] if rule.classification_error_max is not None else []),
        Panel(
            title=f"samples near a mode (within {_radius(rule)})",
            series=_column(f"hq_share_{rule.radius}"),
            kind="share",
            threshold=lambda trace: _least_near(trace, rule),
        ),
        Panel(
            title="covered modes",
            series=lambda trace: _covered(trace, rule),
            kind="count",
            data=lambda trace: float(_modes(trace)),
            threshold=lambda trace: rule.coverage_min * _modes(trace),
        ),
        Panel(
            title="Fréchet distance (classifier)",
            series=_column("frechet_classifier"),
            kind="positive",
            data=lambda trace: _constant(trace, "frechet_real"),
            threshold=lambda trace: _most_frechet(trace, rule),
        ),
        Panel(
            title="support of the data",
            series=lambda trace: _supported(trace, rule),
            kind="share",
            data=lambda trace: 1.0,
            threshold=lambda trace: rule.support_min,
        ),
        Panel(
            title="diversity",
            series=_column("diversity"),
            kind="positive",
            data=lambda trace: 1.0,
            threshold=lambda trace: rule.diversity_min,
        ),
    )
    divergence = Panel(
        title="Jensen–Shannon divergence (nats)",
        series=_column("jsd"),
        kind="positive",
        data=lambda trace: _constant(trace, "jsd_real"),
    )
    game = (
        Panel(title="discriminator loss", series=_column("d_loss"), kind="signed", loss="d_loss"),
        Panel(title="generator loss", series=_column("g_loss"), kind="signed", loss="g_loss"),
        Panel(
            title="D’s distance from the best D",
            series=_column("d_optimum_error"),
            kind="positive",
            data=lambda trace: _constant(trace, "d_optimum_error_real"),
        ),
    )
    usable = [panel for panel in quality if _fills(panel, lines)]
    return (*usable[:2], *(panel for panel in (divergence, *game) if _fills(panel, lines)))


def chosen(outcomes: Sequence[Outcome]) -> list[int]:
    """Return the indices of the replicas of a cell that are drawn: all if there are at most ``MOST``.

    Else of each outcome the first ones, in proportion to its number but at least four, so that none goes unseen.
    """
    places: dict[Outcome, list[int]] = {}
    for place, outcome in enumerate(outcomes):
        places.setdefault(outcome, []).append(place)
    share = min(1.0, MOST / max(1, len(outcomes)))
    return sorted(place for own in places.values() for place in own[: max(_LEAST, int(share * len(own)))])


def equilibrium(config: Config) -> Mapping[str, float]:
    """Map each loss column to its value where ``p_g = p_d`` and D is optimal; empty for games without such a point.

    A Wasserstein G loss has no value of its own there.
    """
    if not isinstance(config, GanConfig):
        return {}
    d, g = config.objective.equilibrium()
    return {name: value for name, value in (("d_loss", d), ("g_loss", g)) if value is not None}


def frame(panel: Panel, lines: Sequence[Line]) -> Frame:
    """Return axes that hold all finite values of all cells; logarithmic through zero if magnitudes differ too much."""
    drawn = np.concatenate([panel.series(line.trace)[1] for line in lines] or [np.zeros(1)])
    data, threshold = (_first(mark, lines) for mark in (panel.data, panel.threshold))
    shown = np.append(drawn, [mark for mark in (data, threshold) if mark is not None])
    typical = float(np.median(np.abs(drawn))) if len(drawn) else 0.0
    wide = panel.kind != "share" and typical > 0 and float(np.abs(shown).max()) > _SPREAD * typical
    shown = np.append(shown, [*_balances(panel, lines)])
    low = float(shown.min()) if panel.kind == "signed" and len(shown) else 0.0
    high = 1.0 if panel.kind == "share" or not len(shown) else float(shown.max())
    margin = 0.05 * (high - low) or 0.5
    steps = [float(line.trace.columns["step"].max()) for line in lines if len(line.trace)]
    return Frame(
        scale="symlog" if wide else "linear",
        linear_to=typical or 1.0,
        low=low - (0.3 * abs(low) if wide else margin),
        high=high + (0.3 * abs(high) if wide else margin),
        last_step=max(steps, default=1.0) or 1.0,
        data=data,
        threshold=threshold,
    )


def small_multiples(chosen: Sequence[Panel], frames: Sequence[Frame], lines: Sequence[Line], label: str) -> Picture:
    """Return the panels of one cell, two beside each other, as wide as the column of a phone."""
    return Picture(draw=partial(sheet, chosen, frames, {"": lines}, columns=2, whole=_CELL), label=label)


def sheet(
    chosen: Sequence[Panel],
    frames: Sequence[Frame],
    cells: Mapping[str, Sequence[Line]],
    *,
    columns: int = 0,
    whole: float = svg.WIDTH,
) -> Canvas:
    """Draw the panels of some cells below each other, under their names; to be called within ``svg.drawing``.

    The place of a panel that no replica of a cell can fill is left blank: the best D is not known of every loss.

    Args:
        columns: panels in a row; by default four, or three if a cell has more than four.
        whole: width of the drawing in units.
    """
    gap, end, height, foot = 40, 16, 104, 34
    columns = columns or (4 if len(chosen) <= 4 else 3)
    width = (whole - end) / columns - gap
    titles = [fill(panel.title, int((width + gap - end) / _LETTER)) for panel in chosen]
    head = 22 + _LINE * max(title.count("\n") for title in titles)
    below = head + height + foot
    rows = -(-len(chosen) // columns)
    name = _NAME if any(cells) else 0
    figure = svg.blank((below * rows + name) * len(cells), whole)
    for number, (title, lines) in enumerate(cells.items()):
        top = number * (below * rows + name) + name
        figure.text(gap / whole, 1 - (top - 8) / (72 * figure.get_figheight()), title, fontweight="bold")
        for place, (panel, own, words) in enumerate(zip(chosen, frames, titles, strict=True)):
            if not _fills(panel, lines):
                continue
            row, column = divmod(place, columns)
            ax = svg.axes(figure, gap + column * (width + gap), top + head + row * below, width, height)
            ax.set_title(words, loc="left", y=1.0, fontsize=11.5, pad=7, color=COLORS["ink"])
            _axes(ax, panel, own, _balances(panel, lines))
            for outcome in ORDER:
                own_lines = [line for line in lines if line.outcome is outcome]
                _draw(ax, panel, outcome, own_lines, linewidth=1.3 if len(lines) <= _FEW else 0.8)
    return figure


class Decades(Locator):
    """0 and powers of ten on a symlog axis, at most ``MOST`` of each sign, evenly thinned from the outside."""

    MOST = 3

    def __init__(self, linear_to: float) -> None:
        self._least = round(log10(linear_to))

    def __call__(self) -> list[float]:
        low, high = self.axis.get_view_interval()  # type: ignore[union-attr]
        return self.tick_values(low, high)

    def tick_values(self, vmin: float, vmax: float) -> list[float]:
        above, below = (self._powers(end) for end in (vmax, -vmin))
        return [*(-value for value in reversed(below)), 0.0, *above]

    def _powers(self, end: float) -> list[float]:
        if end < 10**self._least:
            return []
        most = floor(log10(end) + 1e-9)
        step = -(-(most - self._least + 1) // self.MOST)
        return [10.0**power for power in range(most, self._least - 1, -step)][::-1]


def _axes(ax: Axes, panel: Panel, own: Frame, balances: Collection[float]) -> None:
    if own.scale == "symlog":
        ax.set_yscale("symlog", linthresh=own.linear_to)
        ax.yaxis.set_major_locator(Decades(own.linear_to))
        # The scale's own labels are mathtext, which stays unread in an SVG whose text is text.
        ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: formatting.tick(value)))
    ax.set_ylim(own.low, own.high)
    ax.set_xlim(0, own.last_step)
    ax.margins(0)
    ax.grid(axis="y", linewidth=0.8)
    ax.locator_params(axis="x", nbins=3)
    if own.scale == "linear":
        ax.locator_params(axis="y", nbins=4, integer=panel.kind == "count")
    ax.minorticks_off()
    ax.tick_params(labelsize=10.5)
    ax.set_xlabel("generator steps", fontsize=10.5, labelpad=1)
    # Cells of one report may have several objectives; a line is drawn where the cell's replicas agree on one.
    balance = next(iter(balances)) if len(balances) == 1 else None
    for mark, dashes in ((own.data, (5, 3)), (balance, (5, 3)), (own.threshold, (1, 2))):
        if mark is not None:
            ax.axhline(mark, color=COLORS["muted"], linewidth=1, linestyle=(0, dashes))


def _draw(ax: Axes, panel: Panel, outcome: Outcome, lines: Sequence[Line], *, linewidth: float) -> None:
    """Draw all replicas of one outcome as one path with gaps, which takes a fraction of the time of many.

    Outcomes lie above each other in the order of ``ORDER``, failures over successes: they are what the eye should find.
    """
    series = [thin(*own) for line in lines if len((own := panel.series(line.trace))[0])]
    if not series:
        return
    gap = [np.nan]
    steps = np.concatenate([part for own, _ in series for part in (own, gap)])
    values = np.concatenate([part for _, own in series for part in (own, gap)])
    over = 2 + 0.1 * ORDER.index(outcome)  # marks, too: those of successes must not hide a line that failed
    ax.plot(
        steps, values, color=svg.color(outcome), linewidth=linewidth, alpha=0.9, solid_joinstyle="round", zorder=over
    )
    ax.plot(
        [own[-1] for own, _ in series],
        [own[-1] for _, own in series],
        linestyle="none",
        marker=LOOKS[outcome].mark,
        markersize=5.5,
        markerfacecolor=svg.color(outcome),
        markeredgecolor=COLORS["paper"],
        markeredgewidth=0.7,
        clip_on=False,
        zorder=over,
    )


def thin(steps: Floats, values: Floats, most: int = _POINTS) -> tuple[Floats, Floats]:
    """Thin a series to at most ``most`` points: the smallest and the largest of each stretch, and both ends."""
    if len(steps) <= most:
        return steps, values
    stretches = np.array_split(np.arange(len(steps)), (most - 2) // 2)
    extremes = [(own[values[own].argmin()], own[values[own].argmax()]) for own in stretches]
    kept = np.unique([0, len(steps) - 1, *(i for pair in extremes for i in pair)])
    return steps[kept], values[kept]


def _fills(panel: Panel, lines: Sequence[Line]) -> bool:
    return any(len(panel.series(line.trace)[0]) for line in lines)


def _balances(panel: Panel, lines: Sequence[Line]) -> set[float]:
    return {line.equilibrium[panel.loss] for line in lines if panel.loss in line.equilibrium}


def _first(mark: Callable[[ReplicaTrace], float | None], lines: Sequence[Line]) -> float | None:
    found = (mark(line.trace) for line in lines)
    return next((value for value in found if value is not None and np.isfinite(value)), None)


def _column(name: str) -> Callable[[ReplicaTrace], Series]:
    def series(trace: ReplicaTrace) -> Series:
        if name not in trace.columns:
            return _NO_SERIES
        return _measured(trace.columns["step"], trace.columns[name])

    return series


def _covered(trace: ReplicaTrace, rule: OutcomeRule) -> Series:
    """Return the number of modes with their share of high-quality samples, as the rule counts them, after step 0."""
    if not _modes(trace) or not len(trace):
        return _NO_SERIES
    seen = measure(trace, rule)
    after = seen.step > 0
    return _measured(seen.step[after], seen.value("coverage")[after] * _modes(trace))


def _supported(trace: ReplicaTrace, rule: OutcomeRule) -> Series:
    """Return the support, from 0 to 1, where the rule asks for it; images worse than those without structure have 0."""
    if rule.support_min is None or not len(trace):
        return _NO_SERIES
    seen = measure(trace, rule)
    return _measured(seen.step, np.clip(seen.value("support"), 0, 1))


def _measured(steps: npt.NDArray[Any], values: npt.NDArray[Any]) -> Series:
    numbers = values.astype(np.float64)
    keep = np.isfinite(numbers)
    return steps[keep].astype(np.float64), numbers[keep]


def _constant(trace: ReplicaTrace, name: str) -> float | None:
    return float(trace.reference[name].flat[0]) if name in trace.reference else None


def _most_frechet(trace: ReplicaTrace, rule: OutcomeRule) -> float | None:
    variance = _constant(trace, "feature_variance")
    return None if variance is None else (1 - rule.quality_min) * variance


def _radius(rule: OutcomeRule) -> str:
    return "1/8 of their distance" if rule.radius == "eighth" else f"{rule.radius[1:]} sd"


def _least_near(trace: ReplicaTrace, rule: OutcomeRule) -> float | None:
    """Return the share that reaches the rule's quality; the quality itself where an older trace has no scale."""
    floor, ceiling = (_constant(trace, f"hq_{kind}_{rule.radius}") for kind in ("floor", "ceiling"))
    if floor is None or ceiling is None:
        return rule.quality_min
    return floor + rule.quality_min * (ceiling - floor)


def _modes(trace: ReplicaTrace) -> int:
    return int((trace.reference["mode_weights"] > 0).sum()) if "mode_weights" in trace.reference else 0


def lines_of(view: View) -> Mapping[int, Sequence[Line]]:
    """Map each cell with a trace to the curves that are drawn of its replicas."""
    held = {(block.cell.index, seed): trace for block, trace in view.traces for seed in block.seeds}
    balances = {block.cell.index: equilibrium(block.cell.config) for block, _ in view.traces}
    traced: dict[int, list[Record]] = defaultdict(list)
    for record in view.launch.replicas:
        if (record.cell, record.seed) in held:
            traced[record.cell].append(record)
    lines: dict[int, list[Line]] = defaultdict(list)
    for cell, records in traced.items():
        for place in chosen([record.outcome for record in records]):
            own = records[place]
            replica = held[cell, own.seed].replica(own.seed)
            if len(replica):
                lines[cell].append(Line(trace=replica, outcome=own.outcome, equilibrium=balances[cell]))
    return lines


def picture(view: View) -> Picture | None:
    """Return the curves of all cells below each other, best first."""
    lines = lines_of(view)
    everything = [line for own in lines.values() for line in own]
    if not everything:
        return None
    shown = panels(view.launch.rule, everything)
    frames = [frame(panel, everything) for panel in shown]
    cells = {summary.name: lines[summary.cell] for summary in view.cells if summary.cell in lines}
    return Picture(draw=partial(sheet, shown, frames, cells), label="Curves of " + ", ".join(cells))


def _parts(view: View) -> Sequence[Part]:
    """Return a part for each cell that is pictured."""
    lines = {cell: own for cell, own in lines_of(view).items() if cell in view.pictured}
    everything = [line for own in lines.values() for line in own]
    shown = panels(view.launch.rule, everything)
    frames = [frame(panel, everything) for panel in shown]
    parts = []
    for summary in view.cells:
        if summary.cell in view.pictured:
            label = f"Curves of {summary.name}: {phrases.counts(summary.outcomes)}"
            own = lines.get(summary.cell)
            parts.append(
                Part(
                    picture=small_multiples(shown, frames, own, label) if own else None,
                    title=summary.name,
                    text=phrases.counts(summary.outcomes) if summary.rate.n else "no outcome yet",
                    outcomes=frozenset(line.outcome for line in own or ()),
                )
            )
    return parts


def _lead(view: View) -> Markup:
    some = (
        f" Of a cell with more than {MOST} replicas the first seeds of each outcome are drawn, in proportion to their"
        " number and at least four."
        if any(summary.rate.n > MOST for summary in view.launch.summaries)
        else ""
    )
    return Markup(
        "<p>One line per replica, in the color of its outcome and ending in its mark where the last finite value was"
        " measured. Axes are the same in all cells.{}{}</p>"
    ).format(some, f" {view.words.pictured}" if view.words.pictured else "")


FIGURE = Figure(
    name="curves",
    shows="what the rule looks at, one line per replica",
    of=View,
    section="curves",
    picture=picture,
    parts=_parts,
    layout="cells",
    lead=_lead,
    legend=True,
    marks="dashed: the value of the data, or a loss at equilibrium; dotted: the rule’s threshold",
)
