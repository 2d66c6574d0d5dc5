"""The launches that are measured: many tiny blocks, and blocks as the ring study has them."""

from collections.abc import Callable
from dataclasses import replace
from math import ceil

import study
from benchmarks.ring_study.ours import ring_study
from study.design.plan import Plan


def _tiny(blocks: int, steps: int | None) -> Plan:
    """Return the Dirac-GAN study with blocks of one replica: its 27 cells, or the first of them."""
    declared = study.plan("dirac", "quick", set={"steps": steps or 10, "evaluation.every": max(1, (steps or 10) // 10)})
    cells = declared.cells[:blocks]
    seeds = tuple(range(ceil(blocks / len(cells))))
    return replace(declared, cells=cells, seeds=seeds, block=1, hypotheses=(), contrasts=())


def _ring(blocks: int, steps: int | None) -> Plan:
    """Return the ring study, three replicas per block, with its reports, samples and pictures: 16 cells, or less."""
    declared = study.plan(ring_study(steps or 1_000))
    cells = declared.cells[:blocks]
    seeds = tuple(range(3 * ceil(blocks / len(cells))))
    return replace(declared, cells=cells, seeds=seeds, contrasts=())


SHAPES: dict[str, Callable[[int, int | None], Plan]] = {"tiny": _tiny, "ring": _ring}
"""Name to the plan of at least so many blocks, with so many steps."""
