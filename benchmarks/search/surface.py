"""Simulated GANs: what would become of a replica, drawn from a response surface instead of trained.

A *surface* gives each point x of the space the success probability

    p(x) = (1 - t) sigmoid(steepness * (b + w . f(x')) - offset) + t * 0.3,

with f the terms of ``fitted.json`` (optimiser, learning rate and clip with squares and product, and so on), w fitted to
the traces of ``measured.json`` by ``fit.py``, x' the point moved by the surface's ``shift``, and t in [0, 1] how deep x
lies in the surface's trap (0 without one). A replica converges with that probability, independently given x; if it does
not, its outcome is drawn from the fitted shares of the failures (in the trap: diverged). Its final quality is normal
around a fitted mean, its course to that quality is one of the measured ones of the same outcome, rescaled; step of
divergence likewise.

Numpy and the standard library alone: other libraries' environments run it, too.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import blake2b
from math import exp, inf, isfinite, log, log10, nan
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
from space import SPACE

from search_spaces import Float, Range, Value

Point = Mapping[str, Value]
Numbers = Any  # a float, or an array of many points

FITTED = Path(__file__).parent / "fitted.json"
REPORTS = 10
GOOD = 0.9
"""The success probability from which a cell counts as found."""
UNSTABLE = 0.5
"""The success probability below which a cell's replicas count as spent in the unstable region."""
CONVERGED, DIVERGED = "converged", "diverged"
_BLOWN = "blown"
"""In the fitted model: a planted divergence, to NaN. The few measured ones blew up in finite numbers."""
_TRAPPED = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Trap:
    """A region in which single runs reach the best quality of all, and most runs diverge.

    Attributes:
        center: knob to its scaled value in [-1, 1].
        radius: of the ball around it, in the same units.
        gain: added to the quality of those that converge in it.
    """

    center: Mapping[str, float]
    radius: float
    gain: float

    def depth(self, scaled: Mapping[str, Numbers]) -> Numbers:
        """1 well inside, 0 well outside, 1/2 on the edge."""
        distance = sum((scaled[knob] - middle) ** 2 for knob, middle in self.center.items()) ** 0.5
        return _sigmoid(20 * (self.radius - distance))


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """One simulated GAN.

    Attributes:
        shift: knob to how far its optimum is moved, in scaled units (the range of a knob is 2 long).
        mirror: exchanges the optimisers' effects.
        steepness, offset: of the logit; they set how large the good region is.
        share: of the space's volume with p >= 0.9, by Monte Carlo.
    """

    name: str
    shift: Mapping[str, float] = field(default_factory=dict)
    mirror: bool = False
    steepness: float = 1.0
    offset: float = 0.0
    trap: Trap | None = None
    share: float = nan

    def probability(self, point: Mapping[str, Numbers]) -> Numbers:
        """The true success probability of a point, or of arrays of points."""
        depth = self.trap.depth(scale(point)) if self.trap else 0.0
        return (1 - depth) * _sigmoid(self.logit(point)) + depth * _TRAPPED

    def logit(self, point: Mapping[str, Numbers]) -> Numbers:
        """Of the success probability outside the trap."""
        return self.steepness * linear(model()["success"], self._moved(scale(point))) - self.offset

    def site(self, point: Point) -> "Site":
        """All that is needed to draw replicas of a point."""
        scaled = scale(point)
        moved, depth = self._moved(scaled), float(self.trap.depth(scaled)) if self.trap else 0.0
        weights = {name: exp(linear(terms, moved)) for name, terms in model()["failures"].items()}
        total = sum(weights.values())
        shares = {name: (1 - depth) * weight / total for name, weight in weights.items()}
        shares[_BLOWN] = depth
        gain = depth * self.trap.gain if self.trap else 0.0
        means = {name: _sigmoid(linear(own["terms"], moved)) for name, own in model()["quality"].items()}
        means[CONVERGED] += gain
        return Site(p=float(self.probability(point)), failures=shares, quality=means)

    def _moved(self, scaled: Mapping[str, Numbers]) -> dict[str, Numbers]:
        moved = {knob: value - self.shift.get(knob, 0.0) for knob, value in scaled.items()}
        if self.mirror:
            moved["adam"] = -moved["adam"]
        return moved


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A point of a surface: success probability, shares of the failures, and mean final quality by outcome."""

    p: float
    failures: Mapping[str, float]
    quality: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What became of one simulated replica.

    Attributes:
        quality: at each of the ten reports, in [0, 1]; NaN from the divergence on.
        lost: number of the report, from 1, from which on it was certain that it would not converge; absent if it did.
            Of a diverged one, that at which it was not finite any more.
    """

    outcome: str
    quality: tuple[float, ...]
    lost: int | None = None

    @property
    def success(self) -> bool:
        return self.outcome == CONVERGED

    @property
    def final(self) -> float:
        """``window`` of the whole course."""
        return self.window(REPORTS)

    def window(self, length: int) -> float:
        """Mean quality of the last three of the first reports, as in the evidence of a decision."""
        last = self.quality[max(0, length - 3) : length]
        return sum(last) / len(last)


class World:
    """A surface and the luck of one repetition: the same point and seed always give the same course."""

    def __init__(self, surface: Surface, repetition: int) -> None:
        self.surface, self.repetition = surface, repetition
        self._sites: dict[str, Site] = {}

    def site(self, point: Point) -> Site:
        name = key(point)
        if name not in self._sites:
            self._sites[name] = self.surface.site(point)
        return self._sites[name]

    def train(self, point: Point, seed: int) -> Course:
        """The whole course of a replica; who stops it early looks at the first reports alone."""
        site = self.site(point)
        digest = blake2b(f"{self.surface.name}/{self.repetition}/{seed}/{key(point)}".encode(), digest_size=8)
        rng = Random(int.from_bytes(digest.digest()))
        kind = CONVERGED if rng.random() < site.p else _drawn(site.failures, rng.random())
        templates = model()["courses"][kind]
        template = templates[int(rng.random() * len(templates))]
        # A run that blows up rises like the successes of its place until it does.
        like = CONVERGED if kind == _BLOWN else kind
        final = site.quality[like] + model()["quality"][like]["sd"] * rng.gauss(0.0, 1.0)
        quality = tuple(min(1.0, max(0.0, final * ratio)) for ratio in template["ratios"])
        return Course(
            outcome=DIVERGED if kind == _BLOWN else kind,
            quality=quality + (nan,) * (REPORTS - len(quality)),
            lost=template["lost"],
        )


def _drawn(shares: Mapping[str, float], uniform: float) -> str:
    for name, share in shares.items():
        uniform -= share
        if uniform < 0:
            return name
    return max(shares, key=lambda name: shares[name])


def key(point: Point) -> str:
    return "/".join(f"{name}={point[name]}" for name in sorted(point))


@cache
def model() -> dict[str, Any]:
    """What ``fit.py`` has fitted."""
    fitted: dict[str, Any] = json.loads(FITTED.read_text())
    return fitted


def surfaces() -> dict[str, Surface]:
    """All surfaces by name. Defaults of the search may be chosen on ``dev-...``; ``report-...`` is for the report."""
    return {own["name"]: _surface(own) for own in model()["surfaces"]}


def _surface(own: Mapping[str, Any]) -> Surface:
    trap = Trap(**own["trap"]) if own.get("trap") else None
    return Surface(**{**own, "trap": trap})


_RANGES = {axis.name: axis for axis in SPACE.axes if isinstance(axis, Range)}


def scale(point: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """Each knob in [-1, 1], 0 where it does not exist; beta2 and alpha by ``log10(1 - x)``; ``adam`` is 1 or -1."""
    adam = 2.0 * (np.asarray(point["optimizer"]) == "adam") - 1
    scaled: dict[str, Numbers] = {"adam": adam if adam.ndim else float(adam)}
    for name, axis in _RANGES.items():
        value = point.get(name)
        scaled[name] = 0.0 if value is None else _unit(axis, value)
    return scaled


def _unit(axis: Range, value: Numbers) -> Numbers:
    """NaN, in an array, stands for a knob that does not exist there: 0."""
    ends = [_axis(axis, end) for end in (axis.domain.low, axis.domain.high)]
    unit = 2 * (_axis(axis, value) - ends[0]) / (ends[1] - ends[0]) - 1
    return np.nan_to_num(unit) if isinstance(unit, np.ndarray) else unit


def _axis(axis: Range, value: Numbers) -> Numbers:
    logarithm = np.log10 if isinstance(value, np.ndarray) else log10
    if axis.name in ("beta2", "alpha"):
        return -logarithm(1 - value)
    return logarithm(value) if isinstance(axis.domain, Float) and axis.domain.log else value


def linear(terms: Mapping[str, float], scaled: Mapping[str, Numbers]) -> Numbers:
    """``sum of weight * product of the knobs``; a term is ``1``, a knob, or knobs joined by ``*``."""
    return sum(weight * term(name, scaled) for name, weight in terms.items())


def term(name: str, scaled: Mapping[str, Numbers]) -> Numbers:
    if name == "1":
        return 1.0
    value: Numbers = 1.0
    for knob in name.split("*"):
        value = value * scaled[knob]
    return value


def _sigmoid(x: Numbers) -> Numbers:
    if isinstance(x, np.ndarray):
        return 1 / (1 + np.exp(-np.clip(x, -500, 500)))
    return 1 / (1 + exp(-x)) if x > -500 else 0.0


def drawn(count: int, seed: int) -> dict[str, np.ndarray]:
    """``count`` uniform points of the space as arrays; NaN where a knob does not exist."""
    rng = np.random.default_rng(seed)
    points: dict[str, np.ndarray] = {"optimizer": np.where(rng.random(count) < 0.5, "adam", "rmsprop")}
    for name, axis in _RANGES.items():
        low, high, uniform = axis.domain.low, axis.domain.high, rng.random(count)
        if not isinstance(axis.domain, Float):
            values = low + np.floor(uniform * (high - low + 1))
        elif axis.domain.log:
            values = np.exp(log(low) + uniform * (log(high) - log(low)))
        else:
            values = low + uniform * (high - low)
        for options in axis.when.values():
            values = np.where(np.isin(points["optimizer"], options), values, nan)
        points[name] = values
    return points


def finite(value: float) -> float:
    """For comparisons: what is not finite is below everything."""
    return value if isfinite(value) else -inf
