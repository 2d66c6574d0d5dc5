"""What a launch would cost on this machine, measured: a few steps of each kind of cell."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import ceil

import torch

from study.design.plan import Cell, Plan
from study.evidence.power import PowerAnalysis
from study.scheduling import memory
from trainables.config import AaeConfig, Config, GanConfig, Trained, trained
from trainables.data import ImageSource, ImageTruth, Source
from trainables.data.source import HELD_OUT_SHARE
from trainables.loop import Loop


def replica_seconds(plan: Plan, found: Sequence[PowerAnalysis]) -> tuple[dict[int, float], str]:
    """Seconds of a replica of each cell that a hypothesis speaks of, measured on one device here; and that device."""
    seconds, device = {}, ""
    spoken_of = {cell for own in found for cell in own.cells}
    for cell in plan.cells:
        if cell.index in spoken_of:
            measured = estimate(replace(plan, cells=(cell,), seeds=plan.seeds[:1], least=1))
            seconds[cell.index], device = measured.core_seconds, measured.device
    return seconds, device


_STEPS = 3
_SLOW_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What training costs here.

    Attributes:
        core_seconds: training time of all replicas on one ``device`` (a CPU core, or a GPU), without evaluation.
        wall_seconds: the same spread over the machine.
        at_a_time: blocks that run together here.
    """

    core_seconds: float
    wall_seconds: float
    at_a_time: int
    device: str


def estimate(plan: Plan) -> Estimate:
    """Time a few steps of every cell, on data of the right shape; of slow nets the first step alone.

    Raises:
        ValueError: if a block of a cell cannot fit into this machine's memory.
    """
    memory.check(plan.cells, min(plan.block, len(plan.seeds)), plan.study)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        total = sum(_replica_seconds(cell, plan.block, device) for cell in plan.cells) * len(plan.seeds)
    finally:
        torch.set_num_threads(threads)
    at_a_time = 1 if device.type == "cuda" else min(len(os.sched_getaffinity(0)), len(plan.blocks()))
    name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU core"
    return Estimate(core_seconds=total, wall_seconds=total / at_a_time, at_a_time=at_a_time, device=name)


def _replica_seconds(cell: Cell, block: int, device: torch.device) -> float:
    config = cell.config
    # Convolutions on a CPU run replica by replica: one tells as much as a block.
    replicas = block if len(config.data.shape) == 1 or device.type == "cuda" else 1
    loop = Loop(_unselected(config), range(replicas), _stand_in(config, device), [], device=device)
    seconds = _timed(loop, 1, device)
    if seconds < _SLOW_SECONDS:
        seconds = _timed(loop, _STEPS, device)
    return seconds / replicas * config.steps


def _unselected(config: Config) -> Config:
    """Without the selections of a population, which cost an evaluation each."""
    if not isinstance(config, GanConfig) or config.population is None:
        return config
    return replace(config, population=replace(config.population, every=config.steps + _STEPS + 1))


def _timed(loop: Loop, steps: int, device: torch.device) -> float:
    """Seconds per step."""
    _wait(device)
    began = time.perf_counter()
    for _ in range(steps):
        loop.advance()
    _wait(device)
    return (time.perf_counter() - began) / steps


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
