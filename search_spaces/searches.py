"""The named spaces for ``study search``: our own here, those of other papers in ``published``.

To ship a space under a name, add it to ``SEARCHES``.
"""

from collections.abc import Mapping
from difflib import get_close_matches

from search_spaces.axes import Axis, Options, Range
from search_spaces.blocks import (
    BN_AXIS,
    axis_of,
    batch_axis,
    d_steps_axis,
    latent_axis,
    normalization_axes,
    optimizer_axes,
    width_depth_axes,
)
from search_spaces.domain import Float, Param
from search_spaces.factors import JsonValue, Level, Role
from search_spaces.objectives import CLIP, TRIPLET
from search_spaces.penalties import LAMBDA, PENALTY
from search_spaces.published import PUBLISHED
from search_spaces.rules import Hidden, Triplet
from search_spaces.space import Space, compose

_UNCONSTRAINED: dict[str, JsonValue] = {"clip": None, "penalty.kind": "none"}
_LEAST_SQUARES: dict[str, JsonValue] = {"objective.kind": "least_squares", **_UNCONSTRAINED}
_LABELS = "Mao et al. 2017, section 3.2, for gamma 1/2 and 1; the range is ours"

GAMMA = Range(name="gamma", domain=Float(low=0.0, high=2.0), default=1.0, source=_LABELS)
"""Where G aims between the fake (0) and the real label (1) of least squares."""

SCALE = Range(
    name="scale",
    domain=Float(low=0.1, high=10.0, log=True),
    default=1.0,
    role=Role.NUISANCE,
    source="ours; holds 1 and 4, those of (0,1,1) and (-1,1,0)",
)
OFFSET = Range(
    name="offset",
    domain=Float(low=-1.0, high=2.0),
    default=0.0,
    role=Role.NUISANCE,
    source="ours; holds 0 and 1/2, those of (0,1,1) and (-1,1,0)",
)


def _label(name: str, low: float, high: float, default: float) -> Range:
    source = "ours; a < b throughout; holds (0,1,1), (-1,1,0) and (-1,1,1) of Mao et al. 2017"
    return Range(
        name=name, domain=Float(low=low, high=high), paths=(f"objective.{name}",), default=default, source=source
    )


WGAN_CLIP = Space(
    name="wgan-clip",
    title="WGAN: clip value, optimiser, learning rate, updates of D",
    axes=(
        axis_of(CLIP, default=0.01),
        *optimizer_axes("rmsprop", "adam", lr=5e-5),
        d_steps_axis(default=5),
    ),
    assign={"objective.kind": "wasserstein", "penalty.kind": "none"},
    source="Arjovsky et al. 2017, algorithm 1 (where it starts); Lucic et al. 2018 (ranges)",
)

_ADAM_FIRST = optimizer_axes("adam", "rmsprop", lr=2e-4)

LSGAN = Space(
    name="lsgan",
    title="LSGAN: gamma, scale and offset of its labels, batch norm, optimiser",
    axes=(GAMMA, SCALE, OFFSET, BN_AXIS, *_ADAM_FIRST),
    rules=(Triplet(gamma="gamma", scale="scale", offset="offset"),),
    assign=_LEAST_SQUARES,
    source="Mao et al. 2017, section 4.4 (where it starts)",
)

LSGAN_RAW = Space(
    name="lsgan-raw",
    title="LSGAN by its raw labels a, b, c: games that are one under Adam lie apart here",
    axes=(
        _label("a", -2.0, 0.0, 0.0),
        _label("b", 0.1, 2.0, 1.0),
        _label("c", -2.0, 2.0, 1.0),
        BN_AXIS,
        *_ADAM_FIRST,
    ),
    assign=_LEAST_SQUARES,
    source="Mao et al. 2017, eq. 2 and section 4.4",
)

LSGAN_TRIPLETS = Space(
    name="lsgan-triplets",
    title="LSGAN by named triplets, batch norm, optimiser",
    axes=(
        Options(name="triplet", levels=TRIPLET.levels, default="(0,1,1)", source=TRIPLET.source),
        BN_AXIS,
        *_ADAM_FIRST,
    ),
    assign=_UNCONSTRAINED,
    source="Mao et al. 2017, eqs. 8 and 9 and section 4.4",
)

LSGAN_BN = Space(
    name="lsgan-bn",
    title="LSGAN: gamma, batch norm, optimiser and learning rate",
    axes=(GAMMA, BN_AXIS, *_ADAM_FIRST[:2]),
    rules=(Triplet(gamma="gamma"),),
    assign=_LEAST_SQUARES,
    source="Mao et al. 2017, section 4.4 (where it starts)",
)

_K = Param(
    path="penalty.k",
    domain=Float(low=0.1, high=10.0, log=True),
    source="ours; holds the 2 of Wu et al. 2018, eq. 11, and the 10 of their code",
)
_P = Param(
    path="penalty.p", domain=Float(low=1.0, high=8.0), source="ours; holds 2 and the 6 of Wu et al. 2018, eq. 11"
)
_NUMBERS = (("lambda", LAMBDA, 10.0), ("k", _K, 2.0), ("p", _P, 6.0))


def penalty_axes(*labels: str, default: str | None = None) -> tuple[Axis, ...]:
    """Return ``penalty``, of the levels of :data:`search_spaces.PENALTY`, and its ``lambda``, or its ``k`` and ``p``.

    Args:
        labels: of the levels.
        default: the label to start from; the first if absent.

    Raises:
        ValueError: if there is no label, one is unknown or named twice, or the default is not among them.
    """
    levels = PENALTY.pick(*labels).levels
    numbers = (
        axis_of(param, name=name, default=usual, when={"penalty": own})
        for name, param, usual in _NUMBERS
        if (own := tuple(level.label for level in levels if param.path.partition(".")[2] in _fields(level)))
    )
    kind = Options(
        name="penalty",
        levels=tuple(_without_numbers(level) for level in levels),
        default=default or labels[0],
        source=PENALTY.source,
    )
    return (kind, *numbers)


def _fields(level: Level) -> Mapping[str, JsonValue]:
    penalty = level.assign["penalty"]
    assert isinstance(penalty, dict)
    return penalty


def _without_numbers(level: Level) -> Level:
    """Return the kind and the place of a penalty, without the numbers that have axes of their own."""
    fields = _fields(level)
    assign = {"penalty.kind": fields["kind"]}
    if isinstance(points := fields.get("points"), dict):
        assign["penalty.points.kind"] = points["kind"]
    return Level(label=level.label, assign=assign)


PENALTIES = Space(
    name="penalty",
    title="Gradient penalties beside the Wasserstein loss",
    axes=(
        *penalty_axes(*(level.label for level in PENALTY.levels if level.label != "lsgan-gp"), default="wgan-gp"),
        *normalization_axes(d_norms=("none", "layer", "spectral"))[1:],
        *optimizer_axes("adam", lr=1e-4, defaults={"beta1": 0.0, "beta2": 0.9})[1:],
        d_steps_axis(default=5),
    ),
    assign={
        "objective.kind": "wasserstein",
        "clip": None,
        "g_optimizer.kind": "adam",
        "d_optimizer.kind": "adam",
    },
    source="Gulrajani et al. 2017, algorithm 1 (where it starts); D without batch norm (their section 4)",
)

NORMALIZATION = Space(
    name="normalization",
    title="Normalisation of either network, its eps, the optimiser",
    axes=(*normalization_axes(eps=True), *_ADAM_FIRST),
    assign={"penalty.kind": "none"},
    source="Mao et al. 2017, section 4.4; Kurach et al. 2019, section 2; the objective is the base configuration's",
)

OPTIMIZERS = Space(
    name="optimizers",
    title="Every optimiser, a learning rate for each player, updates of D",
    axes=(*optimizer_axes("adam", "rmsprop", "rmsprop_tf1", "sgd", lr=1e-4, d_lr=4e-4), d_steps_axis()),
    source="Heusel et al. 2017 (two time scales); Zhang et al. 2019 (1e-4 and 4e-4); the objective is the base"
    " configuration's",
)

MLP_SIZE = Space(
    name="mlp-size",
    title="Width and depth of fully connected nets, batch size, noise dimensions",
    axes=(*width_depth_axes(), batch_axis(), latent_axis()),
    rules=(Hidden(width="width", depth="depth", paths=("generator.hidden", "discriminator.hidden")),),
    source="ours; for a base configuration with fully connected nets",
)

SEARCHES: dict[str, Space] = {
    space.name: space
    for space in (
        WGAN_CLIP,
        LSGAN_BN,
        LSGAN,
        LSGAN_RAW,
        LSGAN_TRIPLETS,
        PENALTIES,
        NORMALIZATION,
        OPTIMIZERS,
        MLP_SIZE,
        *PUBLISHED,
    )
}
"""Named spaces; the command ``study spaces`` shows them."""


def named(name: str, more: Mapping[str, Space] | None = None) -> Space:
    """Return the space of a name, or of several joined by ``+``: ``wgan-clip+mlp-size`` has the axes of both.

    Args:
        name: one name, or several.
        more: spaces that are known beside those of this package.

    Raises:
        ValueError: if there is none of a name, or spaces that are to be joined share an axis or a path.
    """
    known = {**SEARCHES, **(more or {})}
    parts = name.split("+")
    for part in parts:
        if part not in known:
            near = get_close_matches(part, known, n=1)
            meant = f": did you mean {near[0]}?" if near else ""
            raise ValueError(f"SPACE must be one of {', '.join(known)}, or several joined by +, got {part!r}{meant}")
    own = [known[part] for part in parts]
    joined = "+".join(space.name for space in own)
    return own[0] if len(own) == 1 else compose(joined, " + ".join(space.title for space in own), *own)
