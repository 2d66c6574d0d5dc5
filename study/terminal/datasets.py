"""The data sets for the user: the list, whether the files are here, the contents, and the download."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from rich.text import Text
from torch import Tensor

from study.design.parsing import assign_flat, assignments
from study.formatting import did_you_mean
from study.validation.judges import judge_of
from trainables.data import (
    FAMILY,
    DataConfig,
    Downloadable,
    ImageTruth,
    NamedData,
    PointSource,
    Provided,
    Remarked,
    cache,
    contents,
)
from trainables.data.cache import UnreadableImages

CHUNK = 8_192
DRAWN = 10_000


class DownloadError(Exception):
    """A failed download, through the fault of the server or the network."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Facts about a loaded data set.

    Attributes:
        count: number of images; 0 for a density.
        distinct: number of distinct images or points.
        shape: shape of one sample.
        per_class: number of samples of each class, by label; empty for unlabelled sets.
        names: name of each class, where the data set knows them.
        low, high: smallest and largest value, as the nets see them; for a density, among 10,000 draws.
        modes: number of components of a density's mixture; 0 for images.
        points: number of points, if they are finitely many.
        digest: hash of the data, stored in the records.
    """

    count: int
    distinct: int
    shape: tuple[int, ...]
    per_class: tuple[int, ...]
    names: tuple[str, ...]
    low: float
    high: float
    modes: int
    digest: str
    points: int = 0


def find(name: str) -> NamedData:
    """Return the data set of a name with its default fields; ``-`` and ``_`` are the same.

    Raises:
        ValueError: if there is no data set of that name.
    """
    known: dict[str, type[NamedData]] = {dataset().kind: dataset for dataset in FAMILY.members}
    if (kind := name.replace("-", "_")) not in known:
        near = did_you_mean(kind, known)
        raise ValueError(f"NAME must be one of {', '.join(known)}, got {name!r}{near}")
    return known[kind]()


def configured(name: str, changes: Sequence[str]) -> DataConfig:
    """Return the data set of a name with some fields changed.

    Args:
        name: as in :func:`find`.
        changes: ``path=value`` for each field to set.

    Raises:
        ValueError: if the data set, a field or its value does not exist.
    """
    return assign_flat(find(name), assignments(list(changes), "--set"))


def show_all(console: Console) -> None:
    """Print one row per data set, and how to get those whose files are not in their default folder."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("name", "what", "shape", "classes", "here"):
        table.add_column(column, no_wrap=column in ("name", "shape"))
    missing = []
    for kind in FAMILY.members:
        data = kind()
        absent = _absence(data)
        if absent:
            missing.append((data, absent))
        classes = str(data.classes) if data.classes else "-"
        here = Text("no", style="yellow") if absent else Text("yes", style="green")
        table.add_row(data.kind, Text(_what(data)), shape_text(data.shape), classes, here)
    console.print(table)
    if missing:
        console.print("\nHow to get the rest", style="bold")
    for data, absent in missing:
        console.print(Text(f"  {data.kind}: {_remedy(data, absent)}"), soft_wrap=True)
    if missing:
        console.print(
            "Files that lie elsewhere: --set root=FOLDER for `study data check`, --set data.root=FOLDER for a study",
            soft_wrap=True,
        )


def show(data: DataConfig, console: Console) -> None:
    """Load a data set and print what it contains.

    Raises:
        ValueError: if it is absent or damaged; all files that cannot be decoded are printed first.
    """
    try:
        facts = examine(data)
    except UnreadableImages as error:
        for name, reason in error.files.items():
            console.print(Text(f"unreadable  {name}: {reason}"), soft_wrap=True)
        raise
    rows = {"data set": f"{data.kind} ({data.source})", "shape": shape_text(facts.shape)}
    if facts.count:
        other = contents.unpublished(data, facts.count)
        said = f"{facts.count:,}, {facts.distinct:,} of them distinct; all could be read"
        rows["images"] = f"{said}; {other}" if other else said
        rows["classes"] = (
            contents.counted(list(facts.per_class), facts.names) if facts.per_class else contents.UNLABELED
        )
    else:
        rows["drawn"] = f"afresh at every step, from {facts.modes} components"
    if facts.points:
        rows["drawn"] = f"from {facts.points:,} points, {facts.distinct:,} of them distinct, around {facts.modes} modes"
    rows["values"] = f"{facts.low:.4g} to {facts.high:.4g}" + ("" if facts.count else f" in {DRAWN:,} draws")
    rows["digest"] = facts.digest
    if isinstance(data, Remarked):
        rows |= _of_own_files(data)
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, value in rows.items():
        table.add_row(Text(name, style="dim"), Text(value))
    console.print(table)


def _of_own_files(data: Any) -> dict[str, str]:
    """Return rows on the user's own files: which are not used, how others are read, and whether they can be judged."""
    remarks, readings = data.remarks(), data.readings()
    return {
        "not used": "; ".join(remarks) or "nothing: all files are used",
        "read": "; ".join(readings) or "as they lie on the disk",
        "judge": judge_of(data).sentence,
    }


def examine(data: DataConfig) -> Facts:
    """Load a data set on the CPU and describe it in full.

    Raises:
        ValueError: if it is absent or damaged.
    """
    with cache.verified():
        source = data.load(device=torch.device("cpu"), dtype=torch.float32)
    truth = source.truth
    if isinstance(truth, ImageTruth):
        count, distinct, modes = len(truth.images), _distinct(truth.images), 0
        low, high = (value / 127.5 - 1 for value in _range(truth.images))
        labels = [] if truth.labels is None else torch.bincount(truth.labels, minlength=truth.classes).tolist()
    else:
        drawn = source.reference(DRAWN)
        count, distinct, modes, labels = 0, 0, len(truth.centers), []
        if isinstance(source, PointSource):
            distinct = len(source.reference(len(source)).unique(dim=0))
        low, high = float(drawn.min()), float(drawn.max())
    return Facts(
        count=count,
        distinct=distinct,
        shape=tuple(source.shape),
        per_class=tuple(labels),
        names=truth.names if isinstance(truth, ImageTruth) else (),
        low=low,
        high=high,
        modes=modes,
        digest=source.digest,
        points=len(source) if isinstance(source, PointSource) else 0,
    )


def get(name: str, root: str | None, console: Console) -> None:
    """Download a data set through torchvision into its root.

    Raises:
        ValueError: if torchvision cannot download it; the error says what to do instead.
        DownloadError: if the download failed.
    """
    data = find(name)
    if root is not None:
        data = assign_flat(data, {"root": root})
    if not isinstance(data, Downloadable):
        raise ValueError(f"NAME must be a data set that torchvision downloads, got {data.kind}: {_without(data)}")
    if _absence(data) is None:
        console.print(f"{data.kind} is in {Path(data.root).absolute()} already", soft_wrap=True)
        return
    console.print(f"downloading {data.kind} to {Path(data.root).absolute()} ...", soft_wrap=True)
    try:
        data.download()
    except (OSError, RuntimeError) as error:
        raise DownloadError(f"{data.kind} could not be downloaded: {error}") from error
    data.check()
    console.print(f"{data.kind} is here; check it with: study data check {data.kind} --set root={data.root}")


def shape_text(shape: tuple[int, ...]) -> str:
    """Format a shape: ``3x64x64`` for an image, ``2`` for a point in the plane."""
    return "x".join(map(str, shape))


def _absence(data: DataConfig) -> str | None:
    """Return the error of the data set's check if its files are absent, else None."""
    try:
        data.check()
    except ValueError as error:
        return str(error)
    return None


def _remedy(data: DataConfig, absent: str) -> str:
    if isinstance(data, Downloadable):
        return f"study data get {data.kind.replace('_', '-')}"
    return data.advice if isinstance(data, Provided) else absent


def _without(data: DataConfig) -> str:
    return _absence(data) or "its files are here, or need none"


def _what(data: DataConfig) -> str:
    """Return the first sentence of the class's docstring."""
    paragraph = (type(data).__doc__ or "").split("\n\n")[0]
    sentence = " ".join(paragraph.replace("``", "").split())
    return sentence.split(". ")[0].removesuffix(".")


def _parts(images: Tensor) -> Iterator[Tensor]:
    """Yield the images in chunks: a memory map need not fit into memory as a whole."""
    yield from images.split(CHUNK)


def _range(images: Tensor) -> tuple[int, int]:
    ends = [(int(part.min()), int(part.max())) for part in _parts(images)]
    return min(low for low, _ in ends), max(high for _, high in ends)


def _distinct(images: Tensor) -> int:
    """Count distinct images by 64-bit hashes; three million images have a collision with probability 2e-7."""
    hashes = [
        np.frombuffer(blake2b(image.tobytes(), digest_size=8).digest(), dtype=np.uint64)
        for part in _parts(images)
        for image in part.numpy()
    ]
    return len(np.unique(np.concatenate(hashes)))
