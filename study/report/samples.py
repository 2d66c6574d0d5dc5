"""Final pictures: one converged and one failed replica of a cell, embedded in the page."""

import re
from base64 import b64encode
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

from PIL import Image

from study.outcomes.outcome import Outcome
from study.storage.records import Record
from study.storage.store import Store
from trainables.data.pixels import opened

_LARGEST_SIDE = 448
"""Largest width of a grid in pixels; larger ones are scaled down before they are embedded."""
_LARGEST_PNG = 40_000
"""Bytes; above that (photographs) the picture is embedded as WebP, a tenth of the size."""
_STEP = re.compile(r"(\d+)$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A picture in the page: its data URI, and its size in pixels."""

    uri: str
    width: int
    height: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """The last grid of a replica.

    Attributes:
        step: when it was drawn.
        further: what else was drawn at that step.
    """

    record: Record
    shown: Shown
    step: int
    further: tuple["Further", ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Further:
    """A picture beside the grid, with the name that its game gives it: ``latent``, ``manifold``, ..."""

    name: str
    shown: Shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What one cell shows: a converged and a failed replica, either possibly absent."""

    converged: Grid | None
    failed: Grid | None

    def __bool__(self) -> bool:
        return self.converged is not None or self.failed is not None


def pair(store: Store, records: Sequence[Record]) -> Pair:
    """Return the grids of a cell: its first converged replica with one, and the first with its most common failure.

    Args:
        records: the records of the cell.
    """
    decided = [record for record in records if record.outcome is not Outcome.UNDECIDED]
    failed = Counter(record.outcome for record in decided if record.outcome is not Outcome.CONVERGED)
    converged = [record for record in decided if record.outcome is Outcome.CONVERGED]
    failures = [record for outcome, _ in failed.most_common() for record in decided if record.outcome is outcome]
    return Pair(converged=_first(store, converged), failed=_first(store, failures))


def _first(store: Store, candidates: Sequence[Record]) -> Grid | None:
    return next((grid for record in candidates if (grid := _last_grid(store, record)) is not None), None)


def _last_grid(store: Store, record: Record) -> Grid | None:
    paths = store.grids(record.cell, record.seed)
    for path in sorted(paths, key=step_of, reverse=True):
        try:
            shown = embedded(path, _LARGEST_SIDE)
        except (OSError, ValueError):  # damaged, or cut off by a crash: the one before will do
            continue
        return Grid(record=record, shown=shown, step=step_of(path), further=tuple(_further(store, record, path)))
    return None


def _further(store: Store, record: Record, grid: Path) -> Iterator[Further]:
    for path in store.pictures(record.cell, record.seed):
        name, _, step = path.stem.rpartition("-")
        if path != grid and step == grid.stem.rpartition("-")[2]:
            try:
                yield Further(name=name, shown=embedded(path, _LARGEST_SIDE))
            except (OSError, ValueError):  # damaged, or cut off by a crash
                continue


def embedded(path: Path, largest: int) -> Shown:
    """Return a stored picture for the page: the file itself if it is small, scaled down if not.

    Raises:
        OSError, ValueError: if it is no whole picture.
    """
    with opened(path) as image:
        if max(image.size) <= largest and path.stat().st_size <= _LARGEST_PNG:
            return _shown(path.read_bytes(), "png", image)
        smooth = image.convert("L" if image.mode in ("1", "L") else "RGB")
    smooth.thumbnail((largest, largest), Image.Resampling.LANCZOS)
    content = _encoded(smooth, "png")
    if len(content) <= _LARGEST_PNG:
        return _shown(content, "png", smooth)
    return _shown(_encoded(smooth, "webp"), "webp", smooth)


def _encoded(image: Image.Image, kind: str) -> bytes:
    out = BytesIO()
    image.save(out, format=kind, **({"optimize": True} if kind == "png" else {"quality": 75}))
    return out.getvalue()


def _shown(content: bytes, kind: str, image: Image.Image) -> Shown:
    uri = f"data:image/{kind};base64," + b64encode(content).decode("ascii")
    return Shown(uri=uri, width=image.width, height=image.height)


def step_of(path: Path) -> int:
    """Return the step in the name of a picture, or 0 if there is none."""
    match = _STEP.search(path.stem)
    return int(match[1]) if match else 0
