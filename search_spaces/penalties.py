"""Axes of the gradient penalty on the discriminator."""

from collections.abc import Mapping, Sequence
from math import isfinite

from search_spaces.domain import Float, Param
from search_spaces.factors import Factor, JsonValue, Level, label_of, levels_of


def _penalty(label: str, kind: str, *, points: str | None = None, **fields: JsonValue) -> Level:
    place = {} if points is None else {"points": {"kind": points}}
    return Level(label=label, assign={"penalty": {"kind": kind, **fields, **place}})


PENALTY = Factor(
    name="penalty",
    levels=(
        _penalty("none", "none"),
        _penalty("wgan-gp", "wgan_gp", weight=10.0, points="interpolates"),
        _penalty("wgan-lp", "wgan_lp", weight=5.0, points="interpolates"),
        _penalty("wgan-lp-around-data", "wgan_lp", weight=5.0, points="around_real"),
        _penalty("wgan-div", "wgan_div", k=2.0, p=6.0, points="interpolates"),
        _penalty("dragan", "dragan", weight=10.0, points="around_real"),
        _penalty("r1", "zero_centered", weight=10.0, points="real"),
        _penalty("r2", "zero_centered", weight=10.0, points="fake"),
        _penalty("zero-centered", "zero_centered", weight=10.0, points="interpolates"),
        _penalty("lsgan-gp", "lsgan_gp", weight=150 / 64, scale=30.0),
    ),
    source="Gulrajani et al. 2017; Petzka et al. 2018; Wu et al. 2018; Kodali et al. 2017; Mescheder et al. 2018;"
    " Mao et al. 2019 (TPAMI)",
)
"""What is added to D's loss, with each paper's weight and place (``lsgan-gp``: beside a *mean* loss).

The objective is an axis of its own: the papers put ``wgan-*`` beside the Wasserstein loss, ``dragan``, ``r1`` and
``r2`` beside the non-saturating one, ``lsgan-gp`` beside least squares. ``zero-centered`` is R1's formula between real
and generated samples. All but ``none`` want a D without batch norm and without clipping.
"""

LAMBDA = Param(
    path="penalty.weight",
    domain=Float(low=0.1, high=100.0, log=True),
    source="Lucic et al. 2018 (compare_gan, wide range of WGAN-GP and DRAGAN: 10^-1 to 10^2)",
)
"""The range of weights to search, for a base configuration whose penalty has a ``weight``."""

WEIGHTS = (0.1, 1.0, 5.0, 10.0, 100.0, 500.0)
"""Petzka et al. 2018 (authors' code, CIFAR10): the weights that both WGAN-GP and WGAN-LP are run with."""


def gp_weight(values: Sequence[float] = WEIGHTS) -> Factor:
    """Return the factor ``lambda``: the weight of the base configuration's penalty, any >= 0, also outside LAMBDA.

    Raises:
        ValueError: if a value is not finite and >= 0, one is repeated, or there is none.
    """
    _check("weight", values)
    source = "Petzka et al. 2018 (authors' code: 0.1 to 500); Lucic et al. 2018 (compare_gan: 10^-1 to 10^2)"
    return Factor(name="lambda", levels=levels_of(LAMBDA.path, [float(value) for value in values]), source=source)


def weighted(*labels: str, values: Sequence[float] = WEIGHTS) -> tuple[Level, ...]:
    """Return levels of :data:`PENALTY` at other weights: ``wgan-gp 0.1``, ``wgan-gp 1``, ..., method by method.

    Tagged ``method`` and ``lambda``, so that a hypothesis can pool a method over its weights.

    Raises:
        ValueError: if a label is unknown or names a penalty without a ``weight``, or a value is not finite and >= 0.
    """
    _check("weight", values)
    methods = PENALTY.pick(*labels).levels
    return tuple(_varied(level, label_of(float(v)), {"weight": float(v)}) for level in methods for v in values)


def divergences(pairs: Sequence[tuple[float, float]]) -> tuple[Level, ...]:
    """Return levels of WGAN-div at the pairs (k, p): ``wgan-div k=2 p=6``; tagged as by :func:`weighted`.

    Raises:
        ValueError: if k is not finite and >= 0, or p not finite and >= 1.
    """
    _check("k", [k for k, _ in pairs])
    _check("p", [p for _, p in pairs], least=1)
    (level,) = PENALTY.pick("wgan-div").levels
    return tuple(
        _varied(level, f"k={label_of(float(k))} p={label_of(float(p))}", {"k": float(k), "p": float(p)})
        for k, p in pairs
    )


def _varied(level: Level, value: str, fields: Mapping[str, JsonValue]) -> Level:
    penalty = level.assign["penalty"]
    assert isinstance(penalty, dict)
    if missing := fields.keys() - penalty.keys():
        raise ValueError(f"penalty must have a {', '.join(sorted(missing))} to vary, got {level.label}")
    tags = {"method": level.label, "lambda": value}
    return Level(label=f"{level.label} {value}", assign={"penalty": {**penalty, **fields}}, tags=tags)


def _check(name: str, values: Sequence[float], *, least: float = 0) -> None:
    for value in values:
        if not (isfinite(value) and value >= least):
            raise ValueError(f"{name} must be >= {least:g}, got {value}")
