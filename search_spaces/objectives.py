"""Axes of the adversarial objective."""

from collections.abc import Sequence
from fractions import Fraction
from math import isfinite, sqrt

from search_spaces.domain import Float, Param
from search_spaces.factors import Factor, JsonValue, Level, label_of, levels_of


def _objective(label: str, kind: str, **fields: JsonValue) -> Level:
    return Level(label=label, assign={"objective": {"kind": kind, **fields}})


OBJECTIVE = Factor(
    name="objective",
    levels=(
        _objective("ls(0,1,1)", "least_squares", a=0.0, b=1.0, c=1.0),
        _objective("ls(-1,1,0)", "least_squares", a=-1.0, b=1.0, c=0.0),
        _objective("ns", "non_saturating"),
        _objective("minimax", "minimax"),
        _objective("wasserstein", "wasserstein"),
    ),
    source="Mao et al. 2017, eqs. 9 and 8; Goodfellow et al. 2014, section 3 and eq. 1; Arjovsky et al. 2017, eq. 2",
)
"""What the two players minimise; least squares by its labels (a, b, c) = (fake for D, real for D, G's target).

``ls(0,1,1)`` is the triplet of the LSGAN paper's experiments, ``ls(-1,1,0)`` the one that meets its chi-square
condition, ``ns`` the non-saturating cross-entropy, which that paper calls the regular GAN. ``wasserstein`` means little
without a constraint on D: combine it with :func:`clip`.
"""


def _short(value: float) -> str:
    """Write a number as ``1``, ``1/2`` or ``-1``; what is no simple fraction in the fewest digits."""
    fraction = Fraction(value)
    return str(fraction) if fraction.denominator <= 16 else label_of(value)


def triplet(gamma: float, scale: float = 1.0, offset: float = 0.0) -> Level:
    """Return least squares as what its labels (a, b, c) decide: ``gamma = (c - a) / (b - a)``, ``scale``, ``offset``.

    With ``D = a + (b - a) D'`` both losses are ``scale = (b - a)^2`` times those of the triplet (0, 1, gamma) at D'. A
    linear last layer makes every such D: triplets of one gamma are *one game*, at another scale of the loss (which an
    added penalty, weight decay and plain gradient descent see, Adam and RMSProp hardly) and from another start of D.
    ``offset = -a / (b - a)`` says where an output of 0, at which a D with small weights starts, lies between the fake
    (0) and the real label (1).

    Gamma 1 makes G aim at the real label: (0,1,1), (-1,1,1). Gamma 1/2 makes it aim midway, and the game minimises
    Pearson's chi-square (Mao et al. 2017, section 3.2): (-1,1,0), and equally (0,1,1/2). The level is named by its
    labels and tagged ``gamma``, ``scale`` and ``offset``.

    Raises:
        ValueError: if a number is not finite or ``scale <= 0``.
    """
    for name, value in (("gamma", gamma), ("offset", offset)):
        if not isfinite(value):
            raise ValueError(f"{name} must be finite, got {value}")
    if not (isfinite(scale) and scale > 0):
        raise ValueError(f"scale must be > 0, got {scale}")
    width = sqrt(scale)
    labels = {"a": 0.0 - offset * width, "b": width - offset * width, "c": (gamma - offset) * width}
    return Level(
        label=f"({','.join(map(_short, labels.values()))})",
        assign={"objective": {"kind": "least_squares", **labels}},
        tags={"gamma": _short(gamma), "scale": _short(scale), "offset": _short(offset)},
    )


def triplets(gammas: Sequence[float], scales: Sequence[float] = (1.0,), offsets: Sequence[float] = (0.0,)) -> Factor:
    """Return the factor ``triplet`` with all combinations, gamma slowest. Raises ValueError as :func:`triplet`."""
    levels = tuple(triplet(gamma, scale, offset) for gamma in gammas for scale in scales for offset in offsets)
    return Factor(name="triplet", levels=levels, source=_TRIPLETS)


_TRIPLETS = "Mao et al. 2017, eqs. 8 and 9 for (-1,1,0) and (0,1,1); the others have the same gamma"

TRIPLET = Factor(
    name="triplet",
    levels=(
        triplet(1.0, scale=1.0, offset=0.0),
        triplet(1.0, scale=4.0, offset=0.5),
        triplet(0.5, scale=4.0, offset=0.5),
        triplet(0.5, scale=1.0, offset=0.0),
    ),
    source=_TRIPLETS,
)
"""The named triplets: (0,1,1) and (-1,1,1) of gamma 1, (-1,1,0) and (0,1,1/2) of gamma 1/2."""

CLIP = Param(
    path="clip",
    domain=Float(low=1e-3, high=1.0, log=True),
    source="Lucic et al. 2018 (compare_gan, wide range of WGAN: 10^-3 to 10^0)",
)
"""The range of clip values to search."""


def clip(values: Sequence[float] = (0.001, 0.01, 0.1, 1.0)) -> Factor:
    """Return the factor ``clip``: D's parameters are kept in [-value, value]; any value > 0, also outside :data:`CLIP`.

    Arjovsky et al. 2017, algorithm 1, use 0.01; Lucic et al. 2018 (compare_gan) search 10^-3 to 10^0, whose decades are
    the default; Gulrajani et al. 2017 show vanishing and exploding gradients at 0.001, 0.01 and 0.1.

    Raises:
        ValueError: if a value is not finite and > 0, one is repeated, or there is none.
    """
    for value in values:
        if not (isfinite(value) and value > 0):
            raise ValueError(f"clip must be > 0, got {value}")
    source = "Arjovsky et al. 2017, algorithm 1 (0.01); Lucic et al. 2018 (compare_gan: 10^-3 to 10^0)"
    return Factor(name="clip", levels=levels_of("clip", [float(value) for value in values]), source=source)
