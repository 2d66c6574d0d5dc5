"""What a launch would cost on this machine, measured: steps and a report of each kind of cell, and the start.

Blocks that run together slow each other: they share caches, memory and, on many machines, the units of a core. So the
other cores are kept busy (``neighbors``) while a block is timed.
"""

import heapq
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from study.design.plan import Block, Cell, Plan
from study.design.values import leaves
from study.evidence.power import PowerAnalysis
from study.scheduling import memory, neighbors
from trainables import features, kernels, philox, pictures, probes, process
from trainables.config import AaeConfig, Config, GanConfig, Trained, to_dict, trained
from trainables.data import ImageSource, ImageTruth, Source
from trainables.data.source import HELD_OUT_SHARE
from trainables.loop import Loop
from trainables.reporting import report_steps

CPU_CORE = "CPU core"
"""What a device is called that is no GPU."""
_SECONDS = 0.3
"""For which the steps of a cell are timed, after the first one."""
_LEAST_SECONDS, _ALL_SECONDS = 0.05, 10.0
"""The same of a cell of many, and of all cells together."""
_SLOW_SECONDS = 0.5
"""A first step that takes as long says what the others take."""
_LOADS = 7.0
"""What a launch takes besides its blocks, in times that a worker needs to load its libraries.

Measured of the ring benchmark: 22 s before the first step and 10 s after the last one, where loading took 4.6 s. The
driver loads more, Ray and MLflow start, the workers load, and the report is drawn.
"""
_DENORMAL = 1e-40
_PICTURES = 5
"""Pictures of each replica, about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What a launch costs here.

    Attributes:
        training_seconds: time of all steps of all replicas on one ``device`` (a CPU core, or a GPU).
        report_seconds: the same of all reports and pictures.
        start_seconds: what a launch takes before its first block and after its last one.
        wall_seconds: how long the launch takes in all; with a budget, if that ends it.
        least_wall_seconds: the same if no cell gets more than its first seeds; less only of a launch that ends when its
            hypotheses are decided.
        at_a_time: blocks that run together here.
        replicas: index of a cell to what one replica of it takes.
    """

    training_seconds: float
    report_seconds: float
    start_seconds: float
    wall_seconds: float
    least_wall_seconds: float
    at_a_time: int
    device: str
    replicas: Mapping[int, "Replica"]


def replica_seconds(plan: Plan, found: Sequence[PowerAnalysis]) -> tuple[dict[int, float], str]:
    """Seconds of a replica of each cell that a hypothesis speaks of, measured on one device here; and that device."""
    spoken_of = {cell for own in found for cell in own.cells}
    cells = [cell for cell in plan.cells if cell.index in spoken_of]
    _check(plan)
    measured = _measured(cells, min(plan.block, len(plan.seeds)))
    return {cell: each.of(1) for cell, each in measured.items()}, _device_name()


def estimate(plan: Plan) -> Estimate:
    """Time steps and a report of every cell, on data of the right shape; of slow nets the first step alone.

    Raises:
        ValueError: if a block of a cell cannot fit into this machine's memory.
    """
    _check(plan)
    blocks = plan.blocks()
    at_a_time = 1 if _device().type == "cuda" else min(len(os.sched_getaffinity(0)), len(blocks))
    with neighbors.busy(at_a_time - 1) as load:
        measured = _measured(plan.cells, min(plan.block, len(plan.seeds)))
    start = _LOADS * load
    few, many = schedule(plan, measured, [1.0] * at_a_time)
    replicas = [(measured[block.cell.index], len(block.seeds)) for block in blocks]
    return Estimate(
        training_seconds=sum(own.training * count for own, count in replicas),
        report_seconds=sum(own.reports * count for own, count in replicas),
        start_seconds=start,
        wall_seconds=start + max(many),
        least_wall_seconds=start + max(few),
        at_a_time=at_a_time,
        device=_device_name(),
        replicas=measured,
    )


@dataclass(frozen=True, slots=True)
class Replica:
    """Seconds of one replica of a cell: its steps, and its reports with its pictures."""

    training: float
    reports: float

    def of(self, replicas: int) -> float:
        return (self.training + self.reports) * replicas


def schedule(plan: Plan, replicas: Mapping[int, Replica], speeds: Sequence[float]) -> tuple[list[float], list[float]]:
    """Return when each of some places has trained its last block, of the least seeds and of the most.

    Args:
        plan: what is trained; with a budget, no block begins after it unless it is one of the least.
        replicas: index of a cell to what one replica takes at speed 1.
        speeds: of the places where a block can train; earlier ones are taken first.
    """
    blocks = plan.blocks()
    few = _ends([block for block in blocks if not plan.may_skip(block)], replicas, speeds)
    many = _ends(blocks, replicas, speeds)
    if plan.budget is not None:  # blocks that have begun by then are trained to their end
        last = max(replicas[block.cell.index].of(len(block.seeds)) for block in blocks) / min(speeds)
        end = max(max(few), plan.budget + last)
        many = [min(own, end) for own in many]
    return few, many


def _ends(blocks: Sequence[Block], replicas: Mapping[int, Replica], speeds: Sequence[float]) -> list[float]:
    """Return when each place has trained its last block if the next one begins whenever one has ended."""
    places = [(0.0, place) for place in range(len(speeds))]
    for block in blocks:
        end, place = places[0]
        seconds = replicas[block.cell.index].of(len(block.seeds)) / speeds[place]
        heapq.heapreplace(places, (end + seconds, place))
    return [end for end, _ in sorted(places, key=lambda own: own[1])]


def _check(plan: Plan) -> None:
    memory.check(plan.cells, min(plan.block, len(plan.seeds)), plan.study)


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _device_name() -> str:
    return torch.cuda.get_device_name() if torch.cuda.is_available() else CPU_CORE


def _measured(cells: Sequence[Cell], block: int) -> dict[int, Replica]:
    """Time a block of each kind of cell in a process that is set up as a worker's is; return what each cell takes."""
    threads, flushed = torch.get_num_threads(), bool(torch.tensor(_DENORMAL) * 1.0 == 0.0)
    process.prepare(1)
    for compiled in (kernels, philox):  # once for each user and machine; a first step would count it
        compiled.load()
    kinds = {_kind(cell.config): cell.config for cell in cells}
    seconds = max(_LEAST_SECONDS, min(_SECONDS, _ALL_SECONDS / max(1, len(kinds))))
    try:
        with TemporaryDirectory() as folder:
            found = {kind: replica(config, block, seconds, Path(folder)) for kind, config in kinds.items()}
        return {cell.index: found[_kind(cell.config)] for cell in cells}
    finally:
        torch.set_num_threads(threads)
        torch.set_flush_denormal(flushed)


def _kind(config: Config) -> str:
    """Return what the cost of a configuration hangs on: of fractions, such as learning rates, whether they are 0."""
    found = leaves(to_dict(config))
    return repr([(path, value == 0 if isinstance(value, float) else value) for path, value in found])


def replica(config: Config, block: int, seconds: float, folder: Path) -> Replica:
    """Time a block of a configuration, and return what one replica of it takes.

    Args:
        config: what would be trained.
        block: replicas that are trained together.
        seconds: for how long steps are timed.
        folder: where pictures are drawn.
    """
    device = _device()
    source = _stand_in(config, device)
    truth = source.truth
    classifier = features.untrained(truth, source.digest) if isinstance(truth, ImageTruth) else None
    measuring = probes.probes_for(config, source, classifier, device=device)

    def loop_of(replicas: int) -> Loop:
        return Loop(_unselected(config), range(replicas), source, measuring, device=device)

    # Convolutions on a CPU run replica by replica: one tells about as much as a block that takes long.
    replicas = 1 if len(config.data.shape) > 1 and device.type == "cpu" else block
    loop = loop_of(replicas)
    first = _timed(loop.advance, device)
    if replicas < block and first * block < _SLOW_SECONDS:
        replicas, loop = block, loop_of(block)
        first = _timed(loop.advance, device)
    each = first if first > _SLOW_SECONDS else _mean(loop.advance, seconds, device)
    loop.report()  # the first one prepares
    report = _timed(loop.report, device)
    drawing = _timed(lambda: _draw(loop, source, folder), device)
    selections = _selections(config)
    reports = len(report_steps(config.steps, config.evaluation.every)) + selections
    return Replica(each * config.steps / replicas, (report * reports + drawing * _PICTURES) / replicas)


def _draw(loop: Loop, source: Source, folder: Path) -> None:
    """Draw pictures as a worker does."""
    with torch.no_grad():
        samples = loop.sample(pictures.samples_needed(source), pictures.labels_shown(source))
    figures = loop.figures()
    for i, own in enumerate(samples):
        drawn = [pictures.picture(own, source), *(pictures.draw(figure, i) for figure in figures.values())]
        for number, pixels in enumerate(drawn):
            pictures.save(pixels, folder / f"{i}-{number}.png")


def _selections(config: Config) -> int:
    """Return how often the members of a population are chosen, which takes as long as a report."""
    if not isinstance(config, GanConfig) or config.population is None:
        return 0
    return config.steps // config.population.every


def _unselected(config: Config) -> Config:
    """Without the selections of a population, which cost an evaluation each."""
    if not isinstance(config, GanConfig) or config.population is None:
        return config
    return replace(config, population=replace(config.population, every=sys.maxsize))


def _mean(advance: Callable[[], object], seconds: float, device: torch.device) -> float:
    """Return the seconds per step, over so many seconds."""
    _wait(device)
    began, steps = time.perf_counter(), 0
    while (spent := time.perf_counter() - began) < seconds:
        advance()
        steps += 1
        _wait(device)
    return spent / steps


def _timed(work: Callable[[], object], device: torch.device) -> float:
    """Return the seconds that it takes."""
    _wait(device)
    began = time.perf_counter()
    work()
    _wait(device)
    return time.perf_counter() - began


def _stand_in(config: Config, device: torch.device) -> Source:
    """Noise in the shape of the data: costs the same and needs no download."""
    dtype: torch.dtype = getattr(torch, trained(config).dtype)
    if len(config.data.shape) == 1:
        return config.data.load(device=device, dtype=dtype)
    count = _images(trained(config))
    gray = torch.arange(count, dtype=torch.uint8).view(-1, 1, 1, 1).expand(count, *config.data.shape).contiguous()
    classes = config.data.classes
    labels = torch.arange(count) % classes if classes else None
    return ImageSource(ImageTruth(images=gray, labels=labels, classes=classes), device=device, dtype=dtype)


def _images(config: Trained) -> int:
    """Enough for a batch, for evaluation, and for the labels that an autoencoder asks of each class."""
    match config:
        case GanConfig():
            return ceil(max(config.batch_size * config.packing, config.evaluation.samples) / (1 - HELD_OUT_SHARE))
        case AaeConfig():
            labeled, aside = getattr(config.labels, "labeled", 0), max(config.held_out, HELD_OUT_SHARE)
            return ceil((2 * max(config.batch_size, labeled) + 2) / (1 - aside) + 2 / config.held_out)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()
