"""Samples that no loop of ours has made, measured by the probes of our own trainings."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from trainables import probes
from trainables.config import RecordedConfig
from trainables.data import Source
from trainables.features import Features
from trainables.phases import View
from trainables.probes import Probe
from trainables.trace import Row

DECIDING = ("loss", "penalty", "grad_norm", "param_norm")
"""Ends of the names of numbers that say whether a training has blown up; all others are shown alone."""


@torch.no_grad()
def measured(used: Sequence[Probe], view: View, seeds: Sequence[int], step: int) -> list[Row]:
    """Return a row per replica from a view of its samples; a replica is finite if all its samples are."""
    columns: dict[str, list[Any]] = {}
    for probe in used:
        columns |= {name: value.double().tolist() for name, value in probe.measure(view).items()}
    finite = view.samples.flatten(1).isfinite().all(1).tolist()
    return [
        {"replica": i, "seed": seed, "step": step, "finite": finite[i]} | {k: v[i] for k, v in columns.items()}
        for i, seed in enumerate(seeds)
    ]


def decides(name: str) -> bool:
    """Return whether a number of this name says whether the training has blown up."""
    return any(name == end or name.endswith(f"_{end}") for end in DECIDING)


class Meter:
    """Measures what a loop of the user's own reports of one replica, on the CPU.

    It draws no random number of torch, NumPy or Python, and leaves the samples as they are.

    Args:
        config: what is recorded.
        source: the real data, on the CPU.
        features: the feature space of images; None for points.

    Attributes:
        constants: of the data, for the readers of a trace.
    """

    def __init__(self, config: RecordedConfig, source: Source, features: Features | None) -> None:
        self.features = features
        self._probes = probes.probes_for(config, source, features, device=torch.device("cpu"))
        self.constants = probes.constants(self._probes)

    def row(
        self, seed: int, step: int, samples: Tensor, values: Mapping[str, float], labels: Tensor | None = None
    ) -> Row:
        """Return the row of one report.

        Args:
            seed: the replica's seed.
            step: steps that the loop has done.
            samples: ``[N, *shape]`` float32, images in [-1, 1].
            values: further numbers; those that :func:`decides` names make a row that is not finite, if they are not.
            labels: the classes ``[N]`` that the samples were made for, if any.

        Raises:
            ValueError: if a number is called like a measurement.
        """
        view = View(samples=samples[None], labels=None if labels is None else labels[None], columns={})
        (row,) = measured(self._probes, view, [seed], step)
        if clash := [name for name in values if name in row]:
            raise ValueError(f"{clash[0]} must have another name: a measurement is called so")
        told = {name: value for name, value in values.items() if decides(name)}
        finite = row["finite"] and bool(torch.tensor([*told.values(), 0.0]).isfinite().all())
        return {**row, "finite": finite, **values}
