"""Write the page on impostors, its figure and its sheets of samples, from the stored measurement.

    uv run python docs/impostors.py

The labels are those of ``study/validation/measured/impostors.json``; the samples are made again, from the same streams.
"""

import argparse
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from study.outcomes.outcome import Outcome
from study.report.palette import LOOKS, ORDER
from study.report.phrases import LABELS
from study.terminal.impostors import labels, mark
from study.validation.impostors import results
from study.validation.impostors.impostor import Array, Impostor, Kind
from study.validation.impostors.panel import IMPOSTORS, base, data
from study.validation.impostors.results import At, Panel
from trainables.data.source import MixtureTruth, Source

FOLDER = Path(__file__).parent / "explanation"
TITLES: dict[Kind, str] = {"mixture": "Points: the ring of eight", "images": "Images: digits at 16x16"}
SHEETS: dict[Kind, str] = {"mixture": "impostor_points.png", "images": "impostor_images.png"}
_ROW, _CELL, _NAME = 17, 58, 150
_SIDE, _STRIP = 104, 12
_INK, _PAPER = (27, 30, 33), (255, 255, 255)


def main() -> None:
    """Write the page and its pictures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=Path, default=results.SHIPPED, help="of the measurement")
    panels = results.read(parser.parse_args().folder)
    (FOLDER / "impostors.md").write_text(page(panels), encoding="utf-8")
    (FOLDER / "impostors.svg").write_text(curves(panels), encoding="utf-8")
    for panel in panels:
        sheet(panel).quantize(64).save(FOLDER / SHEETS[panel.kind], optimize=True)


def page(panels: Sequence[Panel]) -> str:
    """Return the page: what is right and wrong, and a table per kind of data."""
    return "\n".join([_HEAD, *(line for panel in panels for line in _section(panel))]) + "\n"


_HEAD = """# Impostors

<!-- Written by `uv run python docs/impostors.py`: change the code, not this page. -->

An outcome is only worth what the cleverest impostor cannot get. Each generator below cheats by some *dose*; its samples
go through the same probes and the same rule as those of a GAN, after a first row of an untrained one. `study outcomes`
prints these tables, `study outcomes --measure` makes them anew.

A dose is marked **!** where a person sees the cheat at first glance: there, *converged* is an error, as is any other
label that is not true of it. It is marked **=** where the samples are as good as the data: there, only *converged* is
right. Between the two it is a matter of taste where the label should change. Of the digits, two fifths are held out
here instead of a fifth, enough for a row of new images without doubles.

![Labels by dose: a row per impostor, a cell per dose](impostors.svg)
"""


def _section(panel: Panel) -> Iterator[str]:
    impostors = IMPOSTORS[panel.kind]
    wrong = results.errors(panel.trials, impostors)
    seeds = sorted({trial.seed for trial in panel.trials})
    fresh = "on which no threshold was fixed" if panel.fresh else "some of which fixed thresholds"
    yield f"## {TITLES[panel.kind]}\n"
    yield (
        f"Rule `{panel.rule}`, seeds {seeds[0]} to {seeds[-1]}, {fresh}: {len(panel.trials) - len(wrong)} of"
        f" {len(panel.trials)} labels are true.\n"
    )
    if wrong:
        names = dict.fromkeys(f"{each.impostor} at {each.dose:g} ({LABELS[each.decided]})" for each in wrong)
        yield f"Wrong: {', '.join(names)}.\n"
    yield f"![Samples on both sides of the change of label]({SHEETS[panel.kind]})\n"
    yield "| impostor | dose | | labels |\n| --- | ---: | --- | --- |"
    for impostor in impostors:
        for place, at in enumerate(results.at_doses(panel.trials, impostor.name)):
            title = f"**{impostor.name}**: {impostor.does}; dose: {impostor.dose}" if place == 0 else ""
            yield f"| {title} | {at.dose:g} | {mark(impostor, at.dose)} | {labels(at).replace('_', ' ')} |"
    yield ""


def curves(panels: Sequence[Panel]) -> str:
    """Return the figure: per impostor a cell for each dose, divided by label."""
    parts, y = [], 4
    for panel in panels:
        y += 18
        parts.append(f'<text x="4" y="{y}" font-weight="bold">{escape(TITLES[panel.kind])}</text>')
        y += 6
        for impostor in IMPOSTORS[panel.kind]:
            parts += _strip(impostor, results.at_doses(panel.trials, impostor.name), y)
            y += _ROW + 2
    y += 10
    used = {trial.decided for panel in panels for trial in panel.trials}
    for place, outcome in enumerate(each for each in ORDER if each in used):
        x = 4 + 122 * (place % 6)
        top = y + 18 * (place // 6)
        parts.append(f'<rect x="{x}" y="{top}" width="12" height="12" fill="{LOOKS[outcome].light}"/>')
        parts.append(f'<text x="{x + 16}" y="{top + 10}">{LABELS[outcome]}</text>')
    width, height = _NAME + 10 * _CELL + 10, y + 40
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif"'
        f' font-size="11" role="img"><title>Labels of impostors by dose</title>'
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>{"".join(parts)}</svg>\n'
    )


def _strip(impostor: Impostor, found: Sequence[At], y: int) -> Iterator[str]:
    yield f'<text x="4" y="{y + 12}">{escape(impostor.name)}</text>'
    for place, at in enumerate(found):
        x, total = float(_NAME + place * _CELL), sum(at.counts.values())
        for outcome in (each for each in ORDER if each in at.counts):
            width = (_CELL - 2) * at.counts[outcome] / total
            fill = LOOKS[outcome].light
            yield f'<rect x="{x:g}" y="{y}" width="{width:g}" height="{_ROW}" fill="{fill}"/>'
            x += width
        text = f"{at.dose:g} {mark(impostor, at.dose)}".strip()
        yield (f'<text x="{_NAME + place * _CELL + 4}" y="{y + 12}" fill="{LOOKS[at.label].on_light}">{text}</text>')


def sheet(panel: Panel) -> Image.Image:
    """Return the picture of samples: for each impostor the doses on both sides of the change of label."""
    source, count, pairs = data(panel.kind), base(panel.kind).evaluation.samples, []
    for impostor in IMPOSTORS[panel.kind]:
        for at in _sides(results.at_doses(panel.trials, impostor.name)):
            made = impostor.samples(source, panel.trials[0].seed, impostor.rows, count, at.dose)
            pairs.append((f"{impostor.name} {at.dose:g}", at.label, _drawn(made, source)))
    real = source.reference(count).double().numpy()
    return _tiled([("data", Outcome.CONVERGED, _drawn(real, source)), *pairs], 8 if panel.kind == "mixture" else 2)


def _sides(found: Sequence[At]) -> tuple[At, ...]:
    """Return the doses around each change from or to converged; the first one if there is no such change."""
    turns = [
        pair
        for pair in pairwise(found)
        if (pair[0].label is Outcome.CONVERGED) is not (pair[1].label is Outcome.CONVERGED)
    ]
    return tuple(at for pair in turns[:1] for at in pair) or found[:1]


def _drawn(samples: Array, source: Source) -> Image.Image:
    return _scatter(samples, source.truth) if isinstance(source.truth, MixtureTruth) else _row(samples)


def _scatter(points: Array, truth: MixtureTruth) -> Image.Image:
    span = 1.4 * float(np.abs(truth.centers).max())
    places = np.floor((points / span + 1) / 2 * _SIDE).astype(int)
    inside = places[((places >= 0) & (places < _SIDE)).all(1)]
    counts = np.zeros((_SIDE, _SIDE), dtype=int)
    np.add.at(counts, (_SIDE - 1 - inside[:, 1], inside[:, 0]), 1)
    return Image.fromarray(np.clip(255 - 110 * counts, 0, 255).astype(np.uint8)).convert("RGB")


def _row(images: Array) -> Image.Image:
    gray = np.clip((images[:_STRIP, 0] + 1) * 127.5, 0, 255).astype(np.uint8)
    wide = np.concatenate([np.pad(each, 1, constant_values=90) for each in gray], axis=1)
    return Image.fromarray(wide).resize((2 * wide.shape[1], 2 * wide.shape[0]), Image.Resampling.NEAREST).convert("RGB")


def _tiled(tiles: Sequence[tuple[str, Outcome, Image.Image]], columns: int) -> Image.Image:
    """Return pictures in a grid, framed in the color of their label, which stands below with the dose."""
    width, height = tiles[0][2].width + 12, tiles[0][2].height + 36
    canvas = Image.new("RGB", (columns * width, -(-len(tiles) // columns) * height), _PAPER)
    pen, font = ImageDraw.Draw(canvas), ImageFont.load_default(10)
    for place, (title, label, image) in enumerate(tiles):
        x, y = place % columns * width + 3, place // columns * height + 3
        pen.rectangle((x, y, x + image.width + 5, y + image.height + 5), fill=LOOKS[label].light)
        canvas.paste(image, (x + 3, y + 3))
        pen.text((x, y + image.height + 7), title, fill=_INK, font=font)
        pen.text((x, y + image.height + 18), LABELS[label], fill=LOOKS[label].light, font=font)
    return canvas


if __name__ == "__main__":
    main()
