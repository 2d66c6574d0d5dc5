"""Loops that stand for trainings: what they report is made, and needs no networks."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

import study

STEPS = range(0, 401, 100)


def ring(seed: int, step: int, std: float = 0.01, count: int = 512) -> Tensor:
    """Return what a generator makes that has the ring from the first step on; at step 0 it has a blob."""
    own = torch.Generator().manual_seed(1_000 * seed + step)
    if not step:
        return 0.1 * torch.randn(count, 2, generator=own)
    angle = 2 * torch.pi * torch.randint(8, (count,), generator=own) / 8
    return torch.stack([angle.sin(), angle.cos()], 1) + std * torch.randn(count, 2, generator=own)


def recorder(out: Path, seed: int = 0, **options: Any) -> study.Recorder:
    """Return a recorder on the ring, of the study ``mine``, that tracks nowhere."""
    return study.Recorder(out, **{"study": "mine", "seed": seed, "data": "ring", "tracking_uri": "none", **options})


def run(
    own: study.Recorder, seed: int = 0, std: float = 0.01, steps: Sequence[int] = STEPS, **values: Any
) -> study.Recorder:
    """Run a loop to its end."""
    with own as opened:
        for step in steps:
            opened.report(step, samples=ring(seed, step, std), **({"d_loss": 0.5} | values if step else {}))
    return own


def fail(own: study.Recorder, error: BaseException, seed: int = 0, std: float = 0.01, *, at_100: float = 0.5) -> None:
    """Run a loop that raises after step 200; ``at_100`` is its loss at that step."""
    with own as opened:
        for step in (0, 100, 200):
            values = {"d_loss": at_100 if step == 100 else 0.5} if step else {}
            opened.report(step, samples=ring(seed, step, std), **values)
        raise error
