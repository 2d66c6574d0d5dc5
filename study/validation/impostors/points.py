"""Impostors of a mixture in the plane: points without modes, beside them, or with few of them."""

from collections.abc import Callable
from functools import partial

import numpy as np
import numpy.typing as npt

from study.outcomes.outcome import Outcome
from study.validation.impostors.impostor import Array, Draw, Impostor, every, from_row
from trainables import modeless
from trainables.data.source import MixtureTruth

_OFF, _FEW, _LATE = Outcome.NOT_LEARNED, Outcome.MODE_COLLAPSED, Outcome.LATE_COLLAPSE
_WORSE, _SWINGS, _HOPS = Outcome.DEGRADED, Outcome.OSCILLATING, Outcome.MODE_HOPPING
Integers = npt.NDArray[np.int64]
_JITTER = 0.2
"""Of the modes' standard deviation: copies of points are this much apart."""


def _truth(draw: Draw) -> MixtureTruth:
    truth = draw.source.truth
    assert isinstance(truth, MixtureTruth)
    return truth


def _at(draw: Draw, modes: Integers, deviation: float) -> Array:
    """Return normal points of a deviation around the centres with these numbers."""
    centers = _truth(draw).centers[modes]
    points: Array = centers + deviation * draw.rng("noise").standard_normal(centers.shape)
    return points


def _drawn(draw: Draw, weights: Array | None = None) -> Integers:
    """Return numbers of modes ``[count]``, by weights relative to their true ones."""
    truth = _truth(draw)
    shares = truth.weights * (1.0 if weights is None else weights)
    picks: Integers = draw.rng("modes").choice(len(shares), size=draw.count, p=shares / shares.sum())
    return picks


def data(draw: Draw) -> Array:
    """Return points of the data."""
    return _at(draw, _drawn(draw), _truth(draw).std)


def _polar(draw: Draw, radius: Array) -> Array:
    angle = draw.rng("angle").uniform(0, 2 * np.pi, draw.count)
    points: Array = _middle(draw) + (_reach(draw) * radius)[:, None] * np.stack([np.cos(angle), np.sin(angle)], 1)
    return points


def _middle(draw: Draw) -> Array:
    truth = _truth(draw)
    middle: Array = truth.weights @ truth.centers
    return middle


def _reach(draw: Draw) -> float:
    """Return the mean distance of the centres from their middle."""
    return float(np.linalg.norm(_truth(draw).centers - _middle(draw), axis=1).mean())


def _ring(draw: Draw) -> Array:
    return _polar(draw, 1 + draw.dose * draw.rng().standard_normal(draw.count))


def _disc(draw: Draw) -> Array:
    return _polar(draw, draw.dose * np.sqrt(draw.rng().uniform(size=draw.count)))


def _box(draw: Draw) -> Array:
    half = draw.dose * _reach(draw)
    return _middle(draw) + draw.rng().uniform(-half, half, (draw.count, 2))


def _normal(draw: Draw) -> Array:
    truth = _truth(draw)
    centered = truth.centers - _middle(draw)
    covariance = (centered.T * truth.weights) @ centered + truth.std**2 * np.eye(len(centered.T))
    return draw.rng().multivariate_normal(_middle(draw), draw.dose**2 * covariance, draw.count)


def _mixed(draw: Draw, others: Callable[[Draw], Array]) -> Array:
    """Return the data, of which a share of ``dose`` are others."""
    chosen = draw.rng("share").uniform(size=(draw.count, 1)) < draw.dose
    return np.where(chosen, others(draw), data(draw))


def _lines(draw: Draw) -> Array:
    return modeless.lines(_truth(draw), draw.rng("lines"), draw.count)


def _square(draw: Draw) -> Array:
    half = 1.5 * _reach(draw)
    return _middle(draw) + draw.rng("square").uniform(-half, half, (draw.count, 2))


def _blobs(draw: Draw) -> Array:
    truth = _truth(draw)
    return _at(draw, _drawn(draw), max(truth.std, draw.dose * modeless.spacing(truth)))


def _turned(draw: Draw, angle: float) -> Array:
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    turned: Array = (data(draw) - _middle(draw)) @ turn + _middle(draw)
    return turned


def _beside(draw: Draw, steps: float = 1) -> Array:
    return _turned(draw, steps * draw.dose * 2 * np.pi / len(_truth(draw).centers))


def _turning(draw: Draw) -> Array:
    return _beside(draw, draw.row)


def _copies(draw: Draw) -> Array:
    truth, rng = _truth(draw), draw.fixed()
    modes = rng.choice(len(truth.weights), size=round(draw.dose), p=truth.weights)
    points = truth.centers[modes] + truth.std * rng.standard_normal((len(modes), truth.centers.shape[1]))
    chosen = points[draw.rng("pick").integers(len(points), size=draw.count)]
    moved: Array = chosen + _JITTER * truth.std * draw.rng("noise").standard_normal(chosen.shape)
    return moved


def _halved(draw: Draw) -> Array:
    modes = len(_truth(draw).weights)
    weights = np.where(draw.fixed().permutation(modes) < modes // 2, draw.dose, 1.0)
    return _at(draw, _drawn(draw, weights), _truth(draw).std)


def _greedy(draw: Draw) -> Array:
    """Give one mode a share of ``dose``, and the others equal parts of the rest."""
    truth = _truth(draw)
    place = draw.fixed().integers(len(truth.weights))
    rest = 1 - truth.weights[place]
    weights = np.where(np.arange(len(truth.weights)) == place, draw.dose / (1 - draw.dose) * rest, truth.weights[place])
    return _at(draw, _drawn(draw, weights), truth.std)


def _some(draw: Draw, rng: np.random.Generator, modes: float) -> Array:
    kept = rng.permutation(len(_truth(draw).weights)) < round(modes)
    return _at(draw, _drawn(draw, kept.astype(float)), _truth(draw).std)


def _few(draw: Draw) -> Array:
    return _some(draw, draw.fixed(), draw.dose)


def _hops(draw: Draw) -> Array:
    return _some(draw, draw.rng("kept"), draw.dose)


def _collapsed(draw: Draw) -> Array:
    return _some(draw, draw.fixed(), 2)


_make = partial(Impostor, kind="mixture")
_WIDTHS = (0.03, 0.05, 0.07, 0.08, 0.09, 0.1, 0.12, 0.15, 0.2, 0.3)
_BACK = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0)
_OFFSETS = (0.0, 0.05, 0.1, 0.12, 0.14, 0.2, 0.3, 0.5)
_SPEEDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.25)
_COUNTS = (1, 2, 4, 8, 16, 32, 64, 128)
_HALVES = (0.0, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0)
_MOST = (0.125, 0.2, 0.3, 0.4, 0.5, 0.78, 0.9)
_MODES = (1, 2, 3, 4, 5, 6, 7, 8)

POINTS = (
    _make(
        name="bare ring", does="uniform angle, no mode", dose="sd of the radius / radius",
        doses=(0.0, 0.01, 0.03, 0.1, 0.2), make=_ring, labels=(_OFF,), plain=(0.0, 0.01, 0.03, 0.1, 0.2),
    ),
    _make(
        name="disc", does="uniform in a disc", dose="radius / ring's",
        doses=(0.5, 1.0, 1.5), make=_disc, labels=(_OFF, _FEW), plain=(0.5, 1.0, 1.5),
    ),
    _make(
        name="box", does="uniform in a square", dose="half side / ring's radius",
        doses=(0.5, 1.0, 1.5), make=_box, labels=(_OFF, _FEW), plain=(0.5, 1.0, 1.5),
    ),
    _make(
        name="normal", does="normal with the data's moments", dose="deviation / the data's",
        doses=(0.5, 1.0, 1.5), make=_normal, labels=(_OFF, _FEW), plain=(0.5, 1.0, 1.5),
    ),
    _make(
        name="lines", does="data, and points on the lines between neighboring modes", dose="share on the lines",
        doses=_BACK, make=partial(_mixed, others=_lines), labels=(_OFF,), plain=(0.4, 0.5, 0.6, 0.8, 1.0),
        sound=(0.1,),
    ),
    _make(
        name="background", does="data, and points all over a square", dose="share in the square",
        doses=_BACK, make=partial(_mixed, others=_square), labels=(_OFF, _WORSE),
        plain=(0.5, 0.6, 0.8, 1.0), sound=(0.1,),
    ),
    _make(
        name="wide blobs", does="modes of growing width (data with noise)", dose="sd / distance of modes",
        doses=_WIDTHS, make=_blobs, labels=(_OFF,), plain=(0.12, 0.15, 0.2, 0.3), sound=(0.03,),
    ),
    _make(
        name="beside", does="modes turned away from their places", dose="offset / distance of modes",
        doses=_OFFSETS, make=_beside, labels=(_OFF,), plain=(0.2, 0.3, 0.5), sound=(0.0, 0.05),
    ),
    _make(
        name="turning", does="modes that turn at every row", dose="advance / distance of modes",
        doses=_SPEEDS, make=_turning, labels=(_OFF, _WORSE, _SWINGS), plain=(0.05, 0.1, 0.25), sound=(0.005,),
    ),
    _make(
        name="copies", does="k points of the data, each with a jitter of a fifth of a mode's sd", dose="points",
        doses=_COUNTS, make=_copies, labels=(_FEW,), plain=(1, 2, 4), sound=(128,),
    ),
    _make(
        name="light modes", does="half of the modes at less weight", dose="their weight / others'",
        doses=_HALVES, make=_halved, labels=(_FEW,), plain=(0.0, 0.1), sound=(0.75, 1.0),
    ),
    _make(
        name="heavy mode", does="one mode has more than its share", dose="its share",
        doses=_MOST, make=_greedy, labels=(_FEW,), plain=(0.5, 0.78, 0.9), sound=(0.125, 0.2),
    ),
    _make(
        name="few modes", does="m of 8 modes, always the same", dose="modes",
        doses=_MODES, make=_few, labels=(_FEW,), plain=(1, 2, 3, 4, 5), sound=(8,),
    ),
    _make(
        name="hopping modes", does="m of 8 modes, others at each row", dose="modes",
        doses=_MODES, make=_hops, labels=(_HOPS,), plain=(1, 2, 3, 4, 5, 6), sound=(8,),
    ),
    _make(
        name="alternating", does="data, but every n-th row shows two modes", dose="n",
        doses=(2, 3, 4, 5), make=every(data, _collapsed), labels=(_SWINGS,), plain=(2, 3, 4, 5), rows=20,
    ),
    _make(
        name="degraded", does="data for 15 rows, then wide blobs for 10", dose="sd / distance of modes",
        doses=(0.03, 0.07, 0.09, 0.12, 0.2, 0.5), make=from_row(data, _blobs), labels=(_WORSE,),
        plain=(0.12, 0.2, 0.5), sound=(0.03,), rows=25,
    ),
    _make(
        name="late collapse", does="data for 15 rows, then m of 8 modes for 10", dose="modes",
        doses=_MODES, make=from_row(data, _few), labels=(_LATE,), plain=(1, 2, 3, 4, 5), sound=(8,), rows=25,
    ),
)  # fmt: skip
"""In the order of the tables. A share, a width or an offset is called plain from where the eye sees it in a scatter of
1,000 points beside the data's; between sound and plain the label is a matter of taste, and no error. After a look at
the sheet of samples the lines became plain from 0.4 on instead of 0.6."""
