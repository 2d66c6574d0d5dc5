"""What a search is, decided before its first seed; a part of the launch's plan."""

from dataclasses import dataclass
from typing import Literal

from search_spaces import Space
from study.search import proposals
from study.search.candidates import Known
from study.search.proposals import Goal
from trainables.config import Config

Policy = Literal["none", "lost", "asha", "median"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmStart:
    """What the sampler is told of an earlier launch before its first proposal."""

    launch: str
    plan: str
    points: tuple[Known, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSpec:
    """A space, and how it is searched.

    Attributes:
        base: the configuration that a point of the space is set in.
        goal: ``success``: the success rate, the quality of successes as tie-break; ``quality``: the quality of
            successes, where the expected success rate (Jeffreys' posterior mean) is at least ``floor``; ``both``: their
            Pareto front.
        sampler: one of ``proposals.SAMPLERS``; ``seed`` is its seed, and that of everything else drawn by the search.
        blocks: so many blocks are trained at most; absent: the launch's time is the budget.
        stop: when a block ends before its last step: ``lost``: all of its replicas are beyond doubt lost; ``asha`` and
            ``median``: also by those rules; ``none``: never.
        audit: share of the blocks to be stopped that run to their end, to find out how often stopping is wrong.
        warm: what the sampler knows from an earlier launch.

    Raises:
        ValueError: if a number is out of its range, or the sampler cannot do the space or the goal.
    """

    space: Space
    base: Config
    goal: Goal = "success"
    floor: float = 0.8
    sampler: str = "tpe"
    seed: int = 0
    blocks: int | None = None
    stop: Policy = "lost"
    audit: float = 0.1
    warm: WarmStart | None = None

    def __post_init__(self) -> None:
        proposals.check(self.sampler, self.goal, self.space)
        if not 0 <= self.floor < 1:
            raise ValueError(f"--floor must be in [0, 1), got {self.floor:g}")
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"--seed must be in [0, 2^32), got {self.seed}")
        if self.blocks is not None and self.blocks < 1:
            raise ValueError(f"--budget must be at least one block, got {self.blocks}")
        if not 0 <= self.audit <= 1:
            raise ValueError(f"--audit must be in [0, 1], got {self.audit:g}")
        if self.warm is not None and self.sampler in ("random", "grid", "qmc"):
            raise ValueError(f"--warm-start needs a sampler that learns, got {self.sampler}")
