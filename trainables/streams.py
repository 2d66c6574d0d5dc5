"""All randomness of a replica, from named counter-based streams.

A draw is a pure function of ``(replica seed, stream name, counter)``: Philox4x32-10 (``philox``) keyed by the first
two, at the third. Consequences that the tests hold us to:

* a stack of replicas draws what the solo runs draw, and an added stream shifts no other;
* evaluation has streams of its own and cannot disturb training;
* there is no generator state to save: a checkpoint needs the step counter and nothing else;
* numbers are drawn where they are needed, on a CPU or a GPU, and are the same everywhere, to the bit, in float32.

Everything that a training consumes belongs to one of the groups of :class:`Held`. ``evaluation``, ``evaluation/...``
and ``evaluation_label`` are a replica's own, whatever is held. ``reference``, ``held_out`` and the steps of reports,
``snapshots``, are one stream for all replicas. Two cells that share a seed share every stream that both consume: that
is what pairs them.

What is rare and needed on the host, such as permutations and first weights, is drawn by NumPy (:func:`generator`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b
from math import prod
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import numpy.typing as npt

from trainables.later import torch
from trainables.philox import Keys, Kind

if TYPE_CHECKING:
    from torch import Tensor

Array = npt.NDArray[np.float32]
Group = Literal["init", "data", "noise"]
GROUPS: tuple[Group, ...] = get_args(Group)
EDITION = 2
"""Of the numbers of :class:`Streams`; another edition draws other numbers for the same seed. NumPy drew those of 1."""
_MOST_AHEAD = 64
_MOST_BYTES = {"cpu": 2**20}
_MOST_BYTES_ELSEWHERE = 2**24
"""Of the draws of one stream that are made at once; four times as many are kept in all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Groups of random numbers that all replicas of a cell share.

    Where a group is absent, each replica draws it from its own seed. Where a seed is given, every replica draws what
    the run of that seed does: the replicas then differ by the other groups alone, the replica of that very seed is what
    it is with nothing held, and a success rate is one at these held numbers. Together the groups are everything that a
    training consumes, and no stream is in two of them. What it is measured with (evaluation, reference, the steps of
    reports) is in none.

    Attributes:
        init: first weights, ``init/...``, of all networks, spectral norm's first vectors and a plugin's own start
            among them.
        data: what is shown and in which order: whatever a data set draws for its batches (``data``, ``data/...``), and
            which images of an autoencoder carry a label, in which order (``labelled``, ``labelled/...``).
        noise: all else: G's input (``latent``, ``latent_g``) and the classes that it is asked for (``label``,
            ``label_g``), instance noise (``instance/...``), where a penalty is evaluated (``penalty/...``), and an
            autoencoder's draws of the prior and the posterior (``prior``, ``prior/mode``, ``prior_label``,
            ``posterior``).
    """

    init: int | None = None
    data: int | None = None
    noise: int | None = None

    def __post_init__(self) -> None:
        for group in GROUPS:
            seed = getattr(self, group)
            if seed is not None and seed < 0:
                raise ValueError(f"held.{group} must be a seed >= 0, got {seed}")

    @property
    def groups(self) -> tuple[Group, ...]:
        """The groups that are held."""
        return tuple(group for group in GROUPS if getattr(self, group) is not None)


@lru_cache(maxsize=65_536)
def _key(seed: int, stream: str) -> npt.NDArray[np.uint64]:
    return np.frombuffer(blake2b(f"{seed}/{stream}".encode(), digest_size=16).digest(), dtype=np.uint64)


def generator(seed: int, stream: str, counter: int = 0) -> np.random.Generator:
    """Return NumPy's generator at one place of one stream; 2^192 numbers long before it meets the next counter.

    Its numbers are not those of :class:`Streams`.
    """
    return np.random.Generator(np.random.Philox(key=_key(seed, stream), counter=[0, 0, 0, counter]))


class Streams:
    """The named streams of a stack of replicas; every draw has the leading axis ``R``.

    A draw is read, and never written to: it may be part of several, which are made at once where each call costs much.

    Args:
        seeds: one seed per replica, in the order of the stack.
        device: where numbers are drawn; a CPU if absent.
        held: groups that :meth:`of` returns from another seed.
    """

    def __init__(self, seeds: Sequence[int], device: torch.device | None = None, held: Held = Held()) -> None:
        self.seeds = tuple(seeds)
        self.device = torch.device("cpu") if device is None else device
        self._of: dict[Group, Streams] = {
            group: Streams([getattr(held, group)] * len(self.seeds), self.device) for group in held.groups
        }
        self._keys: dict[str, Keys] = {}
        self._ahead: dict[tuple[Kind, str, tuple[int, ...]], tuple[int, Tensor]] = {}
        self._most = _MOST_BYTES.get(self.device.type, _MOST_BYTES_ELSEWHERE)

    def of(self, group: Group) -> Streams:
        """Return the streams that a group is drawn from: these, or if it is held, those of its seed for each replica.

        All that draws for a training draws from here, data sets of plugins too: nobody else knows what is held.
        """
        return self._of.get(group, self)

    def normal(self, stream: str, counter: int, shape: tuple[int, ...]) -> Tensor:
        """Draw standard normal numbers, ``[R, *shape]`` float32, at most 6.66 from 0."""
        return self._drawn("normal", stream, counter, shape)

    def uniform(self, stream: str, counter: int, shape: tuple[int, ...]) -> Tensor:
        """Draw uniform numbers on [0, 1), multiples of 2^-24, ``[R, *shape]`` float32."""
        return self._drawn("uniform", stream, counter, shape)

    def picks(self, stream: str, counter: int, size: int, among: int) -> Tensor:
        """Draw whole numbers, uniform over 0 to ``among - 1``, ``[R, size]`` int64; ``among`` is at most 2^24."""
        # Never among itself: (1 - 2^-24) among is more than half a step of float32 below it.
        return (self.uniform(stream, counter, (size,)) * among).to(torch.int64)

    def _drawn(self, kind: Kind, stream: str, counter: int, shape: tuple[int, ...]) -> Tensor:
        if stream not in self._keys:
            digests = (blake2b(f"{seed}/{stream}".encode(), digest_size=8).digest() for seed in self.seeds)
            self._keys[stream] = Keys([int.from_bytes(own, "little") for own in digests], self.device)
        keys, count = self._keys[stream], prod(shape)
        if keys.compiled:
            return keys.draw(kind, counter, count).view(len(self.seeds), *shape)
        return self._made_ahead(keys, (kind, stream, shape), counter, count).view(len(self.seeds), *shape)

    def _made_ahead(self, keys: Keys, name: tuple[Kind, str, tuple[int, ...]], counter: int, count: int) -> Tensor:
        """Return one of the draws that were made at once, twice as many whenever the next counter is asked for."""
        first, made = self._ahead.pop(name, (counter, None))
        if made is None or not 0 <= counter - first < len(made):
            follows = made is not None and counter - first == len(made)
            most = max(1, min(_MOST_AHEAD, self._most // max(1, 4 * len(self.seeds) * count)))
            draws = min(2 * len(made), most) if made is not None and follows else 1
            first, made = counter, keys.draw(name[0], counter, count, draws=draws)
        if made.nbytes <= self._most:
            self._ahead[name] = first, made
        while sum(own.nbytes for _, own in self._ahead.values()) > 4 * self._most:
            del self._ahead[next(iter(self._ahead))]  # the one that was not asked for the longest
        return made[counter - first]
