"""All randomness of a replica, from named counter-based streams.

A draw is a pure function of ``(replica seed, stream name, counter)``: Philox keyed by the first two, started at the
third. Consequences that the tests hold us to:

* a stack of replicas draws what the solo runs draw, and an added stream shifts no other;
* evaluation has streams of its own and cannot disturb training;
* there is no generator state to save: a checkpoint needs the step counter and nothing else;
* numbers are drawn on the CPU in float32 and cast, so devices and precisions see the same values.

Streams used by the loop: ``init/<network>/<parameter>``, ``data``, ``latent``, ``latent_g``, ``evaluation``,
``reference``. Two cells that share a seed share every stream that both consume: that is what pairs them. The steps of
reports come from ``snapshots``, which is one stream for all replicas.
"""

from collections.abc import Sequence
from functools import lru_cache
from hashlib import blake2b

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


@lru_cache(maxsize=65_536)
def _key(seed: int, stream: str) -> npt.NDArray[np.uint64]:
    return np.frombuffer(blake2b(f"{seed}/{stream}".encode(), digest_size=16).digest(), dtype=np.uint64)


def generator(seed: int, stream: str, counter: int = 0) -> np.random.Generator:
    """Return the generator at one place of one stream; 2^192 numbers long before it meets the next counter."""
    return np.random.Generator(np.random.Philox(key=_key(seed, stream), counter=[0, 0, 0, counter]))


class Streams:
    """The named streams of a stack of replicas; every draw has the leading axis ``R``.

    Args:
        seeds: one seed per replica, in the order of the stack.
    """

    def __init__(self, seeds: Sequence[int]) -> None:
        self.seeds = tuple(seeds)

    def normal(self, stream: str, counter: int, shape: tuple[int, ...]) -> Array:
        """Draw standard normal numbers, ``[R, *shape]`` float32."""
        out = np.empty((len(self.seeds), *shape), dtype=np.float32)
        for row, seed in zip(out, self.seeds, strict=True):
            generator(seed, stream, counter).standard_normal(dtype=np.float32, out=row)
        return out

    def uniform(self, stream: str, counter: int, shape: tuple[int, ...]) -> Array:
        """Draw uniform numbers on [0, 1), ``[R, *shape]`` float32."""
        out = np.empty((len(self.seeds), *shape), dtype=np.float32)
        for row, seed in zip(out, self.seeds, strict=True):
            generator(seed, stream, counter).random(dtype=np.float32, out=row)
        return out
