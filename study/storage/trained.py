"""The trained networks of one replica, from its kept weights."""

from collections.abc import Sequence
from math import prod
from typing import TYPE_CHECKING, Any

from study.design.plan import Plan
from study.storage import kept_weights
from study.storage.store import Store
from trainables.config import digest, located, of_classes, trained, uses_labels
from trainables.data import is_images

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import Tensor, nn

_MOST_NUMBERS = 1 << 28
"""Numbers of all samples that are made at a time: 1 GiB in single precision."""


class Trained:
    """The trained networks of one replica.

    Args:
        store: the launch's folder.
        plan: its plan.
        cell: index of the cell.
        seed: the replica's seed.
        which: ``last`` or ``best``.

    Raises:
        ValueError: if they were not kept, or not by the plan's configuration.
        DamagedFile: if their description is damaged.
    """

    def __init__(self, store: Store, plan: Plan, cell: int, seed: int, which: str) -> None:
        self._kept = kept_weights.read(store, plan, cell, seed, which)
        planned = next(own.config for own in plan.cells if own.index == cell)
        if self._kept.about["digest"] != digest(planned):
            raise ValueError(
                f"the weights in {self._kept.folder} must be of the plan's cell {cell}, with digest {digest(planned)},"
                f" and are of a configuration with digest {self._kept.about['digest']}"
            )
        self._config = located(trained(planned), plan.folder)
        if (
            "classes" in self._kept.about and uses_labels(planned) and is_images(planned.data)
        ):  # their files may be gone
            self._config = of_classes(self._config, self._kept.about["classes"])

    @property
    def about(self) -> dict[str, Any]:
        """What is known of the networks: step, seed, configuration, device, versions and files."""
        return dict(self._kept.about)

    @property
    def classes(self) -> int:
        """Number of classes that the generator is told; 0 if it is told none."""
        return self._config.data.classes if uses_labels(self._config) else 0

    def network(self, name: str) -> "nn.Module":
        """Return a network by its name, as a plain module in evaluation mode on the CPU.

        Raises:
            ValueError: if there is no such network.
            DamagedFile: if its file is missing or damaged.
        """
        from trainables import sampling

        return sampling.module(self._config, name, self._kept.tensors(name))

    def sampler(self) -> "nn.Module":
        """Return the network that makes the samples: the generator, or an autoencoder's decoder."""
        from trainables import games

        return self.network(games.sampling_network(self._config))

    def inputs(self, n: int, labels: Sequence[int] | None) -> "tuple[Tensor, ...]":
        """Return the arguments of that network for the first ``n`` samples of every report."""
        from trainables import sampling

        return sampling.inputs(self._config, self._kept.about["stream"], self._count(n), self._labels(labels))

    def samples(self, n: int, labels: Sequence[int] | None) -> "npt.NDArray[np.floating[Any]]":
        """Return the first ``n`` samples of every report, ``[n, *shape]``."""
        from trainables import games, sampling

        count, wanted = self._count(n), self._labels(labels)
        values = self._kept.tensors(games.sampling_network(self._config))
        made: npt.NDArray[np.floating[Any]] = sampling.samples(
            self._config, self._kept.about["stream"], values, count, wanted
        ).numpy()
        return made

    def _count(self, n: int) -> int:
        most = _MOST_NUMBERS // prod(self._config.data.shape)
        if not 1 <= n <= most:
            raise ValueError(f"n must be in [1, {most}], the samples that are made at a time, got {n}")
        return n

    def _labels(self, labels: Sequence[int] | None) -> "Tensor | None":
        if labels is None:
            return None
        if not uses_labels(self._config):
            raise ValueError(f"labels must be absent for a generator without classes, got {_listed(labels)}")
        classes = self._config.data.classes
        if not labels or not all(0 <= label < classes for label in labels):
            raise ValueError(f"labels must be in [0, {classes - 1}], the classes of the data, got {_listed(labels)}")
        import torch

        return torch.tensor(list(labels), dtype=torch.int64)


def _listed(labels: Sequence[int]) -> str:
    return ", ".join(map(str, labels)) or "none"
