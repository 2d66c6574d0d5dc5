"""Ranges of values, both ends included, and the fields of a configuration that range over them.

Other libraries disagree about the upper end of an integer range (excluded in Ray Tune, included in Optuna), so the
ranges here are our own values, and an adapter translates them where a library needs them.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import exp, isfinite, log
from typing import Literal, TypeVar

from search_spaces.factors import Factor, JsonValue, Role, check_path, is_json, label_of, levels_of

Number = TypeVar("Number", bound=float)


@dataclass(frozen=True, slots=True, kw_only=True)
class Float:
    """Real numbers from ``low`` to ``high``, both included; ``log`` spaces (and will sample) them evenly in log x.

    Raises:
        ValueError: if an end is not finite, ``low >= high``, or ``log`` and ``low <= 0``.
    """

    kind: Literal["float"] = "float"
    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        _check_ends(self.low, self.high, log_scale=self.log)

    def contains(self, value: JsonValue) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high

    def grid(self, n: int) -> tuple[float, ...]:
        """Return at most ``n`` ascending values, evenly spaced, with both ends exact.

        Inner values are rounded to 12 digits: ``exp`` differs in its last digit between machines, and digests of
        configurations must not. Values that rounding makes equal appear once.
        """
        inner = (float(f"{value:.12g}") for value in _between(self.low, self.high, n, log_scale=self.log))
        return _ascending(self.low, inner, self.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Int:
    """Whole numbers from ``low`` to ``high``, both included; ``log`` as for :class:`Float`, which see for errors."""

    kind: Literal["int"] = "int"
    low: int
    high: int
    log: bool = False

    def __post_init__(self) -> None:
        _check_ends(self.low, self.high, log_scale=self.log)

    def contains(self, value: JsonValue) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high

    def grid(self, n: int) -> tuple[int, ...]:
        """Return at most ``n`` ascending values with both ends; those that round to the same integer appear once."""
        return _ascending(self.low, map(round, _between(self.low, self.high, n, log_scale=self.log)), self.high)


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A finite set of JSON values, in no order that arithmetic knows.

    Raises:
        ValueError: if there is none, one is not JSON, or two are equal (``1`` and ``1.0`` are, ``1`` and ``true`` not).
    """

    kind: Literal["choice"] = "choice"
    values: tuple[JsonValue, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("values of a choice must name at least one value, got none")
        for value in self.values:
            if not is_json(value):
                raise ValueError(f"values of a choice must be finite JSON values, got {value!r}")
        for one, other in combinations(self.values, 2):
            if _same(one, other):
                raise ValueError(f"values of a choice must be unique, got {one!r} and {other!r}")

    def contains(self, value: JsonValue) -> bool:
        return any(_same(value, known) for known in self.values)

    def grid(self, n: int) -> tuple[JsonValue, ...]:
        """Return all values. Raises ValueError if there are more than ``n``, as there is no order to thin them by."""
        if n < len(self.values):
            raise ValueError(f"n must be >= {len(self.values)}, the number of values of the choice, got {n}")
        return self.values


Domain = Float | Int | Choice


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """One field of the configuration and the values it may take.

    Attributes:
        path: dotted path of the field, ``clip`` or ``g_optimizer.lr``.
        source: where the domain comes from: paper with section, or code.
    """

    path: str
    domain: Domain
    role: Role = Role.SCIENTIFIC
    source: str

    def __post_init__(self) -> None:
        check_path(self.path)

    def factor(self, values: int | Sequence[JsonValue], *, name: str | None = None) -> Factor:
        """Return a factor with one level per value.

        Args:
            values: the values in the order wanted, or how many (at most) to space over the domain.
            name: the factor's name; the path if absent.

        Raises:
            ValueError: if a value is outside the domain or repeated, or the number does not suit the domain.
        """
        chosen = self.domain.grid(values) if isinstance(values, int) else values
        for value in chosen:
            if not self.domain.contains(value):
                raise ValueError(f"{self.path} must be in {shown(self.domain)}, got {value!r}")
        return Factor(name=name or self.path, levels=levels_of(self.path, chosen), role=self.role, source=self.source)


def shown(domain: Domain) -> str:
    """Name a domain for messages and tables: ``[0.001, 1]``, ``{a, b}``."""
    if isinstance(domain, Choice):
        return "{" + ", ".join(map(label_of, domain.values)) + "}"
    return f"[{label_of(domain.low)}, {label_of(domain.high)}]"


def _check_ends(low: float, high: float, *, log_scale: bool) -> None:
    if not (isfinite(low) and isfinite(high)):
        raise ValueError(f"low and high must be finite, got low={low}, high={high}")
    if low >= high:
        raise ValueError(f"low must be < high, got low={low}, high={high}")
    if log_scale and low <= 0:
        raise ValueError(f"low must be > 0 on a log scale, got {low}")


def _same(one: JsonValue, other: JsonValue) -> bool:
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _between(low: float, high: float, n: int, *, log_scale: bool) -> Iterator[float]:
    """Return the ``n - 2`` evenly spaced values strictly between the ends, before rounding."""
    if n < 2:
        raise ValueError(f"n must be >= 2 to hold both ends, got {n}")
    if log_scale:
        return map(exp, _between(log(low), log(high), n, log_scale=False))
    return (low * ((n - 1 - i) / (n - 1)) + high * (i / (n - 1)) for i in range(1, n - 1))


def _ascending(low: Number, inner: Iterable[Number], high: Number) -> tuple[Number, ...]:
    return tuple(sorted({low, high, *(value for value in inner if low < value < high)}))
