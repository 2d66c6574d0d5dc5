"""What a study is, and how it becomes cells and blocks. Pure: nothing here trains, reads or writes."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil

from search_spaces import Factor
from study.hypotheses import Hypothesis
from study.outcome import OutcomeRule
from trainables.config import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One scale of a study.

    Attributes:
        base: the configuration that the factors vary.
        factors: the axes and the levels to run of each; the cells are their product.
        seeds: replicas per cell.
        block: at most so many replicas are stacked in one process.
        rule: how outcomes are decided.
        note: what this scale changes against the source, in one sentence.
    """

    base: Config
    factors: tuple[Factor, ...]
    seeds: int
    block: int
    rule: OutcomeRule
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """Two levels of one factor that the table compares with all other factors held fixed: ``a`` against ``b``."""

    factor: str
    a: str
    b: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Two levels of one factor (or tag), paired, at many thresholds of one number.

    At each threshold a pair (the same ``paired_by`` levels, the same seed) counts as ``only a``, ``only b``, ``both``
    or ``neither`` above it. Gulrajani et al. 2017, appendix (Inception Score > 1.0 to 9.0 over 200 architectures).

    Attributes:
        evidence: the number, a name in the records' evidence; a replica that lacks it, or diverged, is below all.
    """

    factor: str
    a: str
    b: str
    paired_by: tuple[str, ...]
    evidence: str
    thresholds: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A question and how it will be answered; one file in ``study/studies`` exports one of these as ``STUDY``.

    Attributes:
        first_seed: replica i of every cell has the seed ``first_seed + i``: cells are compared on the same seeds, and
            more seeds go on where fewer ended.
    """

    name: str
    title: str
    question: str
    sources: tuple[str, ...]
    hypotheses: tuple[Hypothesis, ...]
    contrasts: tuple[Contrast, ...]
    profiles: Mapping[str, Profile]
    sweeps: tuple[Sweep, ...] = ()
    first_seed: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One resolved configuration of a launch.

    Attributes:
        index: place in the launch, from 0.
        name: its level labels joined by " / ", unique in the launch.
        levels: factor name to level label, and the tags of the levels.
    """

    index: int
    name: str
    levels: Mapping[str, str]
    config: Config
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Replicas of one cell that are trained together; one Ray Tune trial.

    Attributes:
        name: ``c03-b01``: cell 3, block 1; names the trace file.
        seeds: the replicas' seeds.
        first: number of the block's first replica in its cell.
    """

    name: str
    cell: Cell
    seeds: tuple[int, ...]
    first: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LaunchSpec:
    """Everything that was decided before the first seed was trained; stored as ``spec.json``.

    Attributes:
        launch: the launch's id.
        seeds: the replicas' seeds, the same in every cell, so that cells can be compared pairwise.
        versions: library name to version, on the machine that planned the launch.
    """

    launch: str
    study: str
    title: str
    question: str
    sources: tuple[str, ...]
    hypotheses: tuple[Hypothesis, ...]
    contrasts: tuple[Contrast, ...]
    sweeps: tuple[Sweep, ...] = ()
    profile: str
    note: str
    factors: tuple[Factor, ...]
    cells: tuple[Cell, ...]
    seeds: tuple[int, ...]
    block: int
    rule: OutcomeRule
    created: str
    versions: Mapping[str, str]

    def blocks(self) -> tuple[Block, ...]:
        """All blocks in order: block by block over the cells, so that every cell gets its first seeds early."""
        rounds = ceil(len(self.seeds) / self.block)
        return tuple(
            Block(
                name=f"c{cell.index:03d}-b{number:03d}",
                cell=cell,
                seeds=self.seeds[number * self.block : (number + 1) * self.block],
                first=number * self.block,
            )
            for number in range(rounds)
            for cell in self.cells
        )
