"""Writes docs/results/search_benchmark.md and its figure from results.json, fitted.json and overhead.json.

python benchmarks/search/page.py
"""

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from math import isfinite
from pathlib import Path
from random import Random

import numpy as np
from curves import LEVELS, Curve, Interval, budgets, of_surface, ratio, read, stays
from matplotlib.figure import Figure
from run import CONTESTANTS, RESULTS
from space import SPACE
from surface import CONVERGED, UNSTABLE, Surface, World, drawn, model, surfaces

from study.report.drawing import export, svg
from study.report.drawing.svg import COLORS, Picture

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs" / "results"
READING = HERE / "reading.md"
SEED = 20_261
RIVALS = {
    "random": ("random", "random x5"),
    "stock": ("stock",),
    "stock repeater": ("stock repeater",),
    "SMAC3": ("smac",),
}
DASHES: tuple[tuple[int, tuple[int, ...]], ...] = (
    (0, ()),
    (0, (1, 2)),
    (0, (5, 2)),
    (0, (3, 1, 1, 1)),
    (0, (7, 2)),
    (0, (2, 1)),
)
AIM = 0.8
ENOUGH = 50
"""Runs that a contestant needs to be compared and drawn."""
RANDOM = 53
"""So many of the measured settings come first in the design, before those that were chosen for being uncertain."""
_LIMIT = 400
"""The budget up to which the curves are drawn."""
_PANEL, _GAP, _TOP, _HEIGHT, _FOOT = 258, 46, 34, 250, 74


def main() -> None:
    found = read(RESULTS)
    names = [name for name in surfaces() if any(where == name for where, _ in found)]
    rng = np.random.default_rng(SEED)
    fitted = model()
    page = (
        (HERE / "page.md")
        .read_text()
        .format(
            settings=fitted["settings"],
            seeds=fitted["replicas"] // fitted["settings"],
            random=RANDOM,
            unanimous=unanimous(),
            outcomes=", ".join(f"{count} {name.replace('_', ' ')}" for name, count in fitted["outcomes"].items()),
            axes=len(SPACE.axes),
            micro=microseconds(surfaces()[names[-1]]),
            surfaces=table(SURFACES, (described(surfaces()[name]) for name in names)),
            ours=ours_in_words(),
            budgets=table(BUDGETS, budget_rows(found, names, rng)),
            ratios=table(RATIOS, ratio_rows(found, names, rng)),
            overhead=overhead(),
            **said(),
        )
    )
    (DOCS / "search_benchmark.md").write_text(page)
    export.save(
        Picture(draw=partial(figure, found, names), label="chance of a good recommendation against budget"),
        DOCS / "search_benchmark.svg",
    )
    print(page, end="")


def unanimous() -> int:
    """Of the settings drawn at random, those that converged with all seeds."""
    settings = json.loads((HERE / "measured.json").read_text())[:RANDOM]
    return sum(all(replica["outcome"] == CONVERGED for replica in own["replicas"]) for own in settings)


def said() -> dict[str, str]:
    """What was written after reading the tables: the summary before the line ``---``, the reading after it."""
    summary, reading = READING.read_text().split("\n---\n")
    return {"summary": summary.strip(), "reading": reading.strip()}


def ours_in_words() -> str:
    from ours import BLOCK, SEEDS

    return (
        f"tpe, blocks of {BLOCK} seeds, at most {SEEDS}, blocks whose replicas are all lost stopped, 10 % of these not"
    )


SURFACES = ("surface", "p >= 0.9", "p >= 0.5", "best p", "p of the paper's setting", "trap")


def described(surface: Surface) -> tuple[str, ...]:
    p = surface.probability(drawn(200_000, 4))
    default = surface.probability(SPACE.default())
    trap = "none" if surface.trap is None else share(float(np.mean(surface.trap.depth(_scaled()) > 0.5)))
    return (
        surface.name,
        share(surface.share),
        share(float(np.mean(p >= UNSTABLE))),
        f"{p.max():.3f}",
        f"{default:.2f}",
        trap,
    )


def _scaled() -> Mapping[str, np.ndarray]:
    from surface import scale

    scaled: Mapping[str, np.ndarray] = scale(drawn(200_000, 4))
    return scaled


BUDGETS = (
    "surface",
    "contestant",
    "runs",
    *(f"{level:.0%}".replace("%", " %") for level in LEVELS),
    "80 % to stay",
    "of",
    "in the end",
    "unstable",
    "settings",
)


def budget_rows(
    found: Mapping[tuple[str, str], Curve], names: Sequence[str], rng: np.random.Generator
) -> Iterable[tuple[str, ...]]:
    for surface in names:
        for name, own in ordered(of_surface(found, surface)):
            yield (
                surface,
                name,
                str(len(own.good)),
                *(between(budgets(own, level, rng)) for level in LEVELS),
                f"{lasting:.0f}" if isfinite(lasting := stays(own.share, AIM)) else "> budget",
                str(own.budget),
                share(float(own.share[-1])),
                share(own.unstable),
                f"{own.cells:.0f}",
            )


def ordered(own: Mapping[str, Curve]) -> list[tuple[str, Curve]]:
    return [(name, own[name]) for name in CONTESTANTS if name in own]


RATIOS = ("surface", "level", *(f"ours / {name}" for name in RIVALS))


def ratio_rows(
    found: Mapping[tuple[str, str], Curve], names: Sequence[str], rng: np.random.Generator
) -> Iterable[tuple[str, ...]]:
    for surface in names:
        own = of_surface(found, surface)
        for level in LEVELS[:2]:
            yield (
                surface,
                f"{level:.0%}".replace("%", " %"),
                *(compared(own, rivals, level, rng) for rivals in RIVALS.values()),
            )


def compared(own: Mapping[str, Curve], rivals: Sequence[str], level: float, rng: np.random.Generator) -> str:
    there = [own[name] for name in rivals if name in own and len(own[name].good) >= ENOUGH]
    if "ours" not in own or not there:
        return "too few runs"
    value, bound = ratio(own["ours"], there, level, rng)
    if not isfinite(value.value):
        return "not reached"
    high = f"{value.high:.2f}" if isfinite(value.high) else "more"
    return f"{'< ' * bound}{value.value:.2f} ({value.low:.2f} to {high})"


def between(own: Interval) -> str:
    if not isfinite(own.value):
        return "> budget" + (f" (from {own.low:.0f})" if isfinite(own.low) else "")
    high = f"{own.high:.0f}" if isfinite(own.high) else "> budget"
    return f"{own.value:.0f} ({own.low:.0f} to {high})"


def share(value: float) -> str:
    return f"{100 * value:.1f} %" if value < 0.095 else f"{100 * value:.0f} %"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def microseconds(surface: Surface) -> float:
    """Processor time of one replica of a known point."""
    world, rng = World(surface, 0), Random(0)
    points = [SPACE.sample(rng) for _ in range(200)]
    for point in points:
        world.train(point, 0)
    began = time.process_time()
    for seed in range(1, 11):
        for point in points:
            world.train(point, seed)
    return (time.process_time() - began) / 2_000 * 1e6


def overhead() -> str:
    rows = json.loads((HERE / "overhead.json").read_text())
    counts = [key for key in rows[0] if key.isdigit()]
    head = ("sampler", "space", *(f"{int(count):,} candidates" for count in counts))
    return table(head, ([row["sampler"], row["space"], *(seconds(row.get(count)) for count in counts)] for row in rows))


def seconds(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.3f} s" if value < 1 else f"{value:.1f} s"


def figure(found: Mapping[tuple[str, str], Curve], names: Sequence[str]) -> Figure:
    drawn_figure = svg.blank(_TOP + _HEIGHT + _FOOT, _GAP + len(names) * (_PANEL + _GAP))
    handles = {}
    places = list(CONTESTANTS)
    for column, surface in enumerate(names):
        ax = svg.axes(drawn_figure, _GAP + column * (_PANEL + _GAP), _TOP, _PANEL, _HEIGHT)
        own = of_surface(found, surface)
        ax.axhline(AIM, color=COLORS["muted"], linewidth=1)
        for name, curve in ordered(own):
            if len(curve.good) < ENOUGH:
                continue
            place = places.index(name)
            line = ax.step(
                np.arange(1, curve.budget + 1),
                curve.share,
                where="post",
                color=COLORS[f"series-{place}"],
                linestyle=DASHES[place],
                linewidth=2.5 if name == "ours" else 1.8,
            )
            handles[name] = line[0]
        ax.set_xlim(0, _LIMIT)
        ax.set_ylim(0, 1)
        ax.set_yticks([0, 0.2, 0.4, 0.6, 0.8, 1.0], ["0", "20 %", "40 %", "60 %", "80 %", "100 %"])
        ax.grid(axis="y")
        ax.set_title(surface, loc="left", fontsize=12, color=COLORS["ink"])
        ax.set_xlabel("budget in replicas", fontsize=11)
        if column == 0:
            ax.text(
                0,
                1.12,
                "chance that the recommended setting is good",
                transform=ax.transAxes,
                fontsize=11,
                color=COLORS["muted"],
            )
    keys = [name for name in places if name in handles]
    drawn_figure.legend(
        [handles[name] for name in keys],
        keys,
        loc="lower center",
        ncols=len(keys),
        frameon=False,
        fontsize=11,
        handlelength=3.2,
    )
    return drawn_figure


if __name__ == "__main__":
    main()
