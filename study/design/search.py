"""What a search is, decided before its first seed; a part of the launch's plan."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias

from search_spaces import Space, Value
from study.design.score import expected, score
from trainables.config import Config


class Scored(Protocol):
    """What a sampler knows of a point."""

    @property
    def point(self) -> Mapping[str, Value]: ...
    @property
    def score(self) -> float: ...
    @property
    def expected(self) -> float: ...
    @property
    def quality(self) -> float | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedPoint:
    """A point that another launch has tried; see :class:`Candidate` for ``quality`` and ``near``."""

    point: Mapping[str, Value]
    successes: int
    n: int
    quality: float | None
    near: float

    @property
    def score(self) -> float:
        return score(self.successes, self.n, self.near if self.quality is None else self.quality)

    @property
    def expected(self) -> float:
        return expected(self.successes, self.n)


Point: TypeAlias = Mapping[str, Value]


Goal = Literal["success", "quality", "both"]


Policy = Literal["none", "lost", "asha", "median"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmStart:
    """What the sampler learns from an earlier launch before its first proposal."""

    launch: str
    plan: str
    points: tuple[TriedPoint, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchSpec:
    """A space, and how it is searched.

    Attributes:
        base: the configuration that a point of the space is set in.
        goal: ``success``: the success rate, the quality of successes as tie-break; ``quality``: the quality of
            successes, where the expected success rate (Jeffreys' posterior mean) is at least ``floor``; ``both``: their
            Pareto front.
        sampler: its name; ``study.search.samplers`` knows which there are and what they can search.
        seed: of the sampler, and of everything else drawn by the search.
        blocks: the maximum number of blocks; absent: the launch's time is the budget.
        stop: when a block ends before its last step: ``lost``: none of its replicas can converge any more; ``asha`` and
            ``median``: also by those rules; ``none``: never.
        audit: share of the blocks to be stopped that run to their end, to find out how often stopping is wrong.
        warm: what the sampler knows from an earlier launch.

    Raises:
        ValueError: if a number is out of its range.
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
        if not 0 <= self.floor < 1:
            raise ValueError(f"--floor must be in [0, 1), got {self.floor:g}")
        if not 0 <= self.seed < 2**32:
            raise ValueError(f"--seed must be in [0, 2^32), got {self.seed}")
        if self.blocks is not None and self.blocks < 1:
            raise ValueError(f"--budget must be at least one block, got {self.blocks}")
        if not 0 <= self.audit <= 1:
            raise ValueError(f"--audit must be in [0, 1], got {self.audit:g}")
