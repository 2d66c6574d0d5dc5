"""What a launch runs on and in which order: the resources of a block, the agenda of blocks, and who watches them."""

from collections import deque
from dataclasses import dataclass
from math import ceil, floor
from typing import Protocol

from study.design.plan import Block
from study.scheduling import addresses
from study.scheduling.ledger import Ledger
from study.storage.records import Status

_MOST_ON_A_GPU = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """The share of the cluster that one block gets, and which cluster.

    Attributes:
        address: ``local`` for a Ray that is started here, ``auto`` for the one this machine belongs to, or
            ``host:port``, or ``ray://host:port``.
        cpus, gpus: per block; fractions share a device. No gpus stated: as many blocks share one as there are for it,
            four at most.
    """

    address: str = "local"
    cpus: float = 1.0
    gpus: float | None = None

    def __post_init__(self) -> None:
        addresses.check_form(self.address)
        if not self.cpus > 0:
            raise ValueError(f"--cpus-per-block must be > 0, got {self.cpus}")
        if self.gpus is not None and not self.gpus >= 0:
            raise ValueError(f"--gpus-per-block must be >= 0, got {self.gpus}")
        if self.gpus is not None and self.gpus > 1 and self.gpus != int(self.gpus):
            raise ValueError(f"--gpus-per-block must be a whole number above 1, got {self.gpus}")

    def gpus_of(self, cpus: float, gpus: float, blocks: int) -> float:
        """Return the GPUs of one block on a cluster: those that are stated, or else its share.

        Args:
            cpus: of the cluster.
            gpus: of the cluster.
            blocks: how many there are; GPUs are not shared by blocks that could have one each.

        Raises:
            ValueError: if the cluster is too small for one block.
        """
        if self.cpus > cpus:
            raise ValueError(f"--cpus-per-block must be <= the {cpus:g} CPUs of the cluster, got {self.cpus:g}")
        found = self.gpus if self.gpus is not None else gpu_share(gpus, min(int(cpus / self.cpus + 1e-9), blocks))
        if found > gpus:
            raise ValueError(f"--gpus-per-block must be <= the {gpus:g} GPUs of the cluster, got {found:g}")
        return found


def gpu_share(gpus: float, wanting: int) -> float:
    """Return a block's share of a GPU if none is stated: no more of them on one GPU than needed, and four at most.

    Ray fills one GPU before it takes the next: smaller shares than needed would leave GPUs idle.

    Args:
        gpus: of the cluster.
        wanting: blocks that could run at a time.
    """
    if gpus < 1:
        return gpus
    together = min(_MOST_ON_A_GPU, max(1, ceil(wanting / int(gpus))))
    return floor(1e4 / together) / 1e4  # Ray counts in ten-thousandths


def room(cpus: float, gpus: float, cpus_per_block: float, gpus_per_block: float) -> int:
    """Return how many blocks run at a time on so many CPUs and GPUs."""
    by_cpu = int(cpus / cpus_per_block + 1e-9)
    if gpus_per_block == 0:
        return by_cpu
    by_gpu = int(gpus) * int(1 / gpus_per_block + 1e-9) if gpus_per_block <= 1 else int(gpus / gpus_per_block)
    return min(by_cpu, by_gpu)


@dataclass(frozen=True, slots=True, kw_only=True)
class Allocation:
    """What blocks get on the cluster at hand: CPUs and GPUs each, and how many blocks run at a time."""

    cpus: float
    gpus: float
    at_a_time: int
    cluster: str


class Agenda(Protocol):
    """Decides which block is trained next. Asked when there is room for one more block."""

    def next(self) -> Block | None:
        """Return a block of the ledger's plan; None if there is none before some running block has ended."""
        ...

    def finished(self) -> bool:
        """Whether there will never be another block."""
        ...


class Planned:
    """The agenda of a launch whose blocks were all planned: in their order, each once.

    Blocks that have ended, or that the ledger skips or gives up at the moment of handing out, are left out.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self._left = deque(ledger.plan.blocks())

    def next(self) -> Block | None:
        return None if self.finished() else self._left.popleft()

    def finished(self) -> bool:
        while self._left and not self._is_open(self._left[0]):
            self._left.popleft()
        return not self._left

    def _is_open(self, block: Block) -> bool:
        return self._ledger.of(block)[0].status is Status.PLANNED
