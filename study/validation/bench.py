"""Samples of any origin, measured by the probes of a configuration into a trace, as if a generator made them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from trainables import features as feature_space
from trainables import probes
from trainables.config import Config
from trainables.data.source import ImageTruth, Source
from trainables.features import Features
from trainables.phases import View
from trainables.probes import Probe
from trainables.recording import measured
from trainables.theory import Theory
from trainables.trace import Row, Trace

CPU = torch.device("cpu")
_EVERY = 100


@dataclass(frozen=True, slots=True)
class Sampled:
    """Samples ``[R, N, *shape]`` of R replicas, and the classes ``[R, N]`` that they were made for, if any."""

    samples: Tensor
    labels: Tensor | None = None


class Bench:
    """The probes of a configuration on its data, for samples that no loop makes.

    Args:
        config: what the samples are measured for.
        source: the data, if they are not those of ``config``.
        cache: folder of trained feature nets.

    Raises:
        ValueError: if the data cannot be loaded, or have too few images to learn features from.
    """

    def __init__(self, config: Config, *, cache: Path | None, source: Source | None = None) -> None:
        self.config = config
        self.source = config.data.load(device=CPU, dtype=torch.float32) if source is None else source
        truth = self.source.truth
        self.features: Features | None = (
            feature_space.obtain(truth, self.source.digest, cache) if isinstance(truth, ImageTruth) else None
        )
        every = probes.probes_for(config, self.source, self.features, device=CPU)
        self._probes: list[Probe] = [probe for probe in every if not isinstance(probe, Theory)]  # no rule reads it

    @property
    def count(self) -> int:
        """Samples of a row."""
        return self.config.evaluation.samples

    def trace(self, rows: Iterable[Sampled], seeds: Sequence[int]) -> Trace:
        """Return the trace whose rows, from the untrained generator's on, measure these samples of every seed."""
        found: list[Row] = []
        for number, sampled in enumerate(rows):
            view = View(samples=sampled.samples, labels=sampled.labels, columns={})
            found += measured(self._probes, view, seeds, number * _EVERY)
        return Trace(meta={"reference": probes.constants(self._probes)}, rows=found)


def as_samples(arrays: Sequence[npt.NDArray[Any]]) -> Tensor:
    """Return samples ``[count, *shape]`` of each replica as float32, ``[R, count, *shape]``."""
    return torch.from_numpy(np.stack(arrays).astype(np.float32))
