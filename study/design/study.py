"""The definition of a study: a question, hypotheses, and the axes to vary at several scales."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from search_spaces import Factor
from study.design import names
from study.design.hypotheses import Hypothesis, Where
from study.formatting import quoted
from study.outcomes.rule import OutcomeRule
from trainables.config import AaeConfig, Config, GanConfig

MOST_SEEDS = 10_000
"""Largest number of seeds per cell, because a plan lists every seed."""
MOST_FIRST = 2**31
"""Largest first seed of a study."""


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
        most_seeds: if given, a launch adds seeds block by block until its hypotheses are decided, up to this many per
            cell, unless it is asked for a fixed number (``seeds``).
        budget: seconds of wall-clock time after which such a launch starts no further block.
    """

    base: Config
    factors: tuple[Factor, ...]
    seeds: int
    block: int
    rule: OutcomeRule
    note: str
    most_seeds: int | None = None
    budget: float | None = None

    def __post_init__(self) -> None:
        _check_kind("base of a profile", self.base, GanConfig, AaeConfig)
        _check_kind("rule of a profile", self.rule, OutcomeRule)
        _check_all("factors of a profile", self.factors, Factor)
        for name in ("seeds", "block", *(["most_seeds"] if self.most_seeds is not None else [])):
            value = getattr(self, name)
            if not _is_whole(value) or not 1 <= value <= MOST_SEEDS:
                rule = f"a whole number in [1, {MOST_SEEDS}]"
                raise ValueError(f"{name} of a profile must be {rule}, got {quoted(value)}")
        if self.budget is not None and self.most_seeds is None:
            raise ValueError(f"budget of a profile needs most_seeds, got {quoted(self.budget)} alone")
        if self.budget is not None and not self.budget > 0:
            raise ValueError(f"budget of a profile must be > 0 seconds, got {quoted(self.budget)}")
        names.check_text("note of a profile", self.note)

    def until_decided(self, *, most_seeds: int, budget: float = 3_600.0, block: int = 10) -> "Profile":
        """Return the same scale with as many seeds as its claims need, one block of every cell to begin with.

        Args:
            most_seeds: per cell.
            budget: in seconds of wall-clock time.
            block: replicas in one stack, and of a cell before the claims are looked at first.
        """
        note = f"{self.note} Seeds are added until the claims are decided, for at most {budget / 60:g} minutes."
        return replace(self, seeds=block, block=block, most_seeds=most_seeds, budget=budget, note=note)

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
        names.check("name of a study", self.name)
        for field in ("title", "question"):
            names.check_text(f"{field} of study {self.name}", getattr(self, field))
        for field, kind in (("sources", str), ("hypotheses", Hypothesis), ("contrasts", Contrast), ("sweeps", Sweep)):
            _check_all(f"{field} of study {self.name}", getattr(self, field), kind)
        _check_kind(f"profiles of study {self.name}", self.profiles, Mapping)
        if not self.profiles:
            raise ValueError(f"profiles must have at least one, got none (study {self.name})")
        _check_all(f"profiles of study {self.name}", tuple(self.profiles.values()), Profile)
        if not _is_whole(self.first_seed) or not 0 <= self.first_seed <= MOST_FIRST:
            rule = f"a whole number in [0, {MOST_FIRST}]"
            raise ValueError(f"first_seed of study {self.name} must be {rule}, got {quoted(self.first_seed)}")
        for profile in self.profiles:
            names.check(f"name of a profile of study {self.name}", profile)
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


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _check_kind(what: str, value: object, *kinds: type) -> None:
    """Raise ValueError unless a value is of one of the kinds: a file of a user's own may hold anything."""
    if not isinstance(value, kinds):
        raise ValueError(f"{what} must be a {' or '.join(kind.__name__ for kind in kinds)}, got {quoted(value)}")


def _check_all(what: str, values: object, kind: type) -> None:
    """Raise ValueError unless the values are a tuple or list of one kind."""
    if not isinstance(values, tuple | list) or not all(isinstance(value, kind) for value in values):
        raise ValueError(f"{what} must be a tuple of {kind.__name__}, got {quoted(values)}")
