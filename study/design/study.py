"""The definition of a study: a question, hypotheses, and the axes to vary at several scales."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from search_spaces import Factor
from study.design.hypotheses import Hypothesis, Where
from study.outcomes.rule import OutcomeRule
from trainables.config import Config

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
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

    def __post_init__(self) -> None:
        for name in ("seeds", "block"):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST_SEEDS:
                raise ValueError(f"{name} of a profile must be a whole number in [1, {MOST_SEEDS}], got {value!r}")

    def has(self, where: Where) -> bool:
        """Whether each of these levels (or tags of levels) is one of the profile's."""
        labels: dict[str, set[str]] = {factor.name: set() for factor in self.factors}
        for factor in self.factors:
            for level in factor.levels:
                labels[factor.name].add(level.label)
                for tag, label in level.tags.items():
                    labels.setdefault(tag, set()).add(label)
        return all(label in labels.get(name, ()) for name, label in where.items())


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

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(str(self.name)):
            raise ValueError(f"name of a study must be letters, digits, '-', '_' and '.', got {self.name!r}")
        for field in ("title", "question"):
            if not isinstance(getattr(self, field), str):
                raise ValueError(f"{field} must be a text, got {getattr(self, field)!r} (study {self.name})")
        if not self.profiles:
            raise ValueError(f"profiles must have at least one, got none (study {self.name})")
        for hypothesis in self.hypotheses:
            for where in hypothesis.sides:
                self._check(f"hypothesis {hypothesis.name}", where)
        for contrast in self.contrasts:
            for label in (contrast.a, contrast.b):
                self._check("a contrast", {contrast.factor: label})

    def _check(self, what: str, where: Where) -> None:
        """Refuse levels that no profile has: the claim could never be tested, whatever is trained."""
        if any(profile.has(where) for profile in self.profiles.values()):
            return
        asked = ", ".join(f"{name} {label}" for name, label in where.items())
        raise ValueError(f"{what} must name levels that a profile has, got {asked} (study {self.name})")
