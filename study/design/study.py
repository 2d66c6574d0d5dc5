"""What a study is: a question, the axes to vary at several scales, and what it claims before it runs."""

from collections.abc import Mapping
from dataclasses import dataclass

from search_spaces import Factor
from study.design.hypotheses import Hypothesis
from study.outcomes.rule import OutcomeRule
from trainables.config import Config

MOST_SEEDS = 10_000
"""Of one cell: a plan lists every seed."""


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
