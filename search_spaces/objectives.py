"""Axes of the adversarial objective."""

from collections.abc import Sequence
from math import isfinite

from search_spaces.domain import Float, Param
from search_spaces.factors import Factor, JsonValue, Level, levels_of


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

CLIP = Param(
    path="clip",
    domain=Float(low=1e-3, high=1.0, log=True),
    source="Lucic et al. 2018 (compare_gan, wide range of WGAN: 10^-3 to 10^0)",
)
"""The range of clip values to search."""


def clip(values: Sequence[float] = (0.001, 0.01, 0.1, 1.0)) -> Factor:
    """The factor ``clip``: D's parameters are kept in [-value, value]; any value > 0, also outside :data:`CLIP`.

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
