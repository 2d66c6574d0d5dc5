"""The definition of a study: a question, hypotheses, and the axes to vary at several scales."""

from collections.abc import Mapping
from dataclasses import dataclass

from search_spaces import Factor
from study.design.hypotheses import Hypothesis
from study.outcomes.rule import OutcomeRule
from trainables.config import Config

MOST_SEEDS = 10_000
"""Largest number of seeds per cell, because a plan lists every seed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One scale of a study.

    Attributes:
        base: the configuration that the factors vary.
        factors: the axes with the levels to run; the cells are their product.
        seeds: replicas per cell.
        block: largest number of replicas stacked in one process.
        rule: the rule that decides outcomes.
        note: the differences of this scale from the source, in one sentence.
    """

    base: Config
    factors: tuple[Factor, ...]
    seeds: int
    block: int
    rule: OutcomeRule
    note: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """Two levels of one factor to compare with all other factors held fixed: ``a`` against ``b``."""

    factor: str
    a: str
    b: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """Two levels of one factor (or tag) to compare in pairs, at many thresholds of one number.

    At each threshold a pair (the same ``paired_by`` levels, the same seed) counts as ``only a``, ``only b``, ``both``
    or ``neither`` above it. Gulrajani et al. 2017, appendix (Inception Score > 1.0 to 9.0 over 200 architectures).

    Attributes:
        evidence: name of the number in the records' evidence; replicas without it, or diverged, are below all of them.
    """

    factor: str
    a: str
    b: str
    paired_by: tuple[str, ...]
    evidence: str
    thresholds: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A question and how it will be answered. Each file of ``study/studies`` exports one as ``STUDY``.

    Attributes:
        first_seed: replica i of every cell has the seed ``first_seed + i``: cells are compared on the same seeds, and a
            larger number of seeds extends a smaller one.
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
