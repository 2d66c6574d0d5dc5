"""Spaces that others have searched, as far as a configuration can say them; ``source`` tells what differs.

Networks, batches, noise, data and steps are the base configuration's, unless a space is about them.
"""

from search_spaces.axes import Axis, Options, Range
from search_spaces.blocks import LR
from search_spaces.domain import Float
from search_spaces.factors import JsonValue, Level, Role, levels_of
from search_spaces.space import Space

_PLAYERS = ("g_optimizer", "d_optimizer")
_ADAM: dict[str, JsonValue] = {f"{player}.kind": "adam" for player in _PLAYERS}
_PLAIN = ("gan", "gan-minimax", "lsgan", "wgan")
_BELOW_ONE = 0.9999
_TO_ONE = f"; there to 1, here to {_BELOW_ONE}, as at 1 the average would never move"


def _both(field: str) -> tuple[str, ...]:
    return tuple(f"{player}.{field}" for player in _PLAYERS)


def _log(low: float, high: float) -> Float:
    return Float(low=low, high=high, log=True)


def _method(label: str, objective: str, penalty: str = "none", **more: JsonValue) -> Level:
    return Level(label=label, assign={"objective.kind": objective, "penalty.kind": penalty, **more})


_CG = "Lucic et al. 2018 (compare_gan v1)"
_CG_DIFFERS = (
    f"{_CG}. Without VAE and BEGAN; least squares on raw scores, where theirs squares a sigmoid; their nets are the"
    " family infogan, their batch 64 and their noise uniform in 64 dimensions, which belong to the base configuration;"
    " their steps count updates of D"
)
_METHODS = Options(
    name="method",
    levels=(
        _method("gan", "non_saturating", clip=None),
        _method("gan-minimax", "minimax", clip=None),
        _method("lsgan", "least_squares", clip=None),
        _method("wgan", "wasserstein"),
        _method("wgan-gp", "wasserstein", "wgan_gp", clip=None, **{"discriminator.norm": "none"}),
        _method("dragan", "non_saturating", "dragan", clip=None, **{"discriminator.norm": "none"}),
    ),
    default="gan",
    source=f"{_CG}: six of their eight methods",
)


def _compare_gan(column: str, lr: Float, clip: Float, weight: Float, *more: Axis) -> tuple[Axis, ...]:
    """Return the axes of both columns, which differ in their ranges; ``more`` has what only the wide one varies."""
    source = f"{_CG}, {column} range"
    return (
        _METHODS,
        Range(name="lr", domain=lr, paths=_both("lr"), default=1e-4, source=source),
        *more,
        Options(
            name="d_norm",
            levels=levels_of("discriminator.norm", ("batch", "none")),
            default="batch",
            when={"method": _PLAIN},
            source=f"{source}; none beside a penalty, as there",
        ),
        Range(name="clip", domain=clip, paths=("clip",), default=0.01, when={"method": ("wgan",)}, source=source),
        Range(
            name="lambda",
            domain=weight,
            paths=("penalty.weight",),
            default=10.0,
            when={"method": ("wgan-gp", "dragan")},
            source=source,
        ),
    )


COMPARE_GAN_WIDE = Space(
    name="compare-gan-wide",
    title="Are GANs created equal? The wide ranges of six methods",
    axes=_compare_gan(
        "wide",
        LR,
        _log(1e-3, 1.0),
        _log(0.1, 100.0),
        Range(
            name="beta1",
            domain=Float(low=0.0, high=_BELOW_ONE),
            paths=_both("beta1"),
            default=0.5,
            source=f"{_CG}, wide range{_TO_ONE}",
        ),
        Options(
            name="d_steps",
            levels=levels_of("updates.d_steps", (1, 5)),
            default="1",
            source=f"{_CG}, wide range (disc_iters)",
        ),
    ),
    assign={**_ADAM, **dict.fromkeys(_both("beta2"), 0.999), "generator.norm": "batch"},
    source=_CG_DIFFERS,
)

COMPARE_GAN_NARROW = Space(
    name="compare-gan-narrow",
    title="Are GANs created equal? The narrow ranges of six methods",
    axes=_compare_gan("narrow", _log(1e-4, 1e-3), _log(0.01, 1.0), _log(0.1, 10.0)),
    assign={
        **_ADAM,
        **dict.fromkeys(_both("beta1"), 0.5),
        **dict.fromkeys(_both("beta2"), 0.999),
        "generator.norm": "batch",
        "updates.d_steps": 1,
    },
    source=_CG_DIFFERS,
)

_LSS = "Kurach et al. 2019 (1807.04720)"
_LSS_DIFFERS = (
    f"{_LSS}. Without L2, a loss on the weights; least squares on raw scores, where theirs squares a sigmoid; no batch"
    " norm in D beside a penalty; their nets are the families sndcgan and resnet, their batch 64, which belong to the"
    " base configuration; their steps count updates of D"
)
_LSS_METHODS: tuple[Axis, ...] = (
    Options(
        name="loss",
        levels=(
            Level(label="ns", assign={"objective.kind": "non_saturating"}),
            Level(label="ls", assign={"objective.kind": "least_squares"}),
            Level(label="wgan", assign={"objective.kind": "wasserstein"}),
        ),
        default="ns",
        source=f"{_LSS}, section 2",
    ),
    Options(
        name="d_norm",
        levels=(
            *levels_of("discriminator.norm", ("none", "layer", "spectral")),
            Level(label="batch", assign={"discriminator.norm": "batch", "penalty.kind": "none"}),
        ),
        default="none",
        source=f"{_LSS}, section 2",
    ),
    Options(
        name="regularizer",
        levels=(
            Level(label="none", assign={"penalty.kind": "none"}),
            Level(label="gp", assign={"penalty.kind": "wgan_gp"}),
            Level(label="dragan", assign={"penalty.kind": "dragan"}),
        ),
        default="none",
        when={"d_norm": ("none", "layer", "spectral")},
        source=f"{_LSS}, section 2; without L2",
    ),
)
_PENALIZED = {"regularizer": ("gp", "dragan")}

KURACH = Space(
    name="kurach",
    title="Large-scale study of regularisation and normalisation: its ranges",
    axes=(
        *_LSS_METHODS,
        Range(
            name="lambda",
            domain=_log(0.1, 100.0),
            paths=("penalty.weight",),
            default=10.0,
            when=_PENALIZED,
            source=f"{_LSS}: 10^-1 to 10^2",
        ),
        Range(name="lr", domain=LR, paths=_both("lr"), default=2e-4, source=f"{_LSS}: 10^-5 to 10^-2"),
        *(
            Range(
                name=name,
                domain=Float(low=0.0, high=_BELOW_ONE),
                paths=_both(name),
                default=default,
                role=Role.NUISANCE,
                source=f"{_LSS}: 0 to 1{_TO_ONE}",
            )
            for name, default in (("beta1", 0.5), ("beta2", 0.999))
        ),
        Options(name="d_steps", levels=levels_of("updates.d_steps", (1, 5)), default="1", source=f"{_LSS}: 1 and 5"),
    ),
    assign={**_ADAM, "clip": None},
    source=_LSS_DIFFERS,
)


def _schedule(beta1: float, beta2: float, d_steps: int) -> Level:
    betas = {"beta1": beta1, "beta2": beta2}
    return Level(
        label=f"({beta1:g}, {beta2:g}, {d_steps})",
        assign={f"{player}.{name}": beta for player in _PLAYERS for name, beta in betas.items()}
        | {"updates.d_steps": d_steps},
    )


KURACH_GRID = Space(
    name="kurach-grid",
    title="Large-scale study of regularisation and normalisation: its fixed grid",
    axes=(
        *_LSS_METHODS,
        Options(
            name="lambda",
            levels=levels_of("penalty.weight", (1.0, 10.0)),
            default="10",
            when=_PENALIZED,
            source=f"{_LSS}, fixed grid",
        ),
        Options(
            name="lr",
            levels=tuple(Level(label=f"{lr:g}", assign=dict.fromkeys(_both("lr"), lr)) for lr in (2e-4, 1e-4, 1e-3)),
            default="0.0002",
            source=f"{_LSS}, fixed grid",
        ),
        Options(
            name="betas_d_steps",
            levels=(
                _schedule(0.5, 0.9, 5),
                _schedule(0.5, 0.999, 1),
                _schedule(0.5, 0.999, 5),
                _schedule(0.9, 0.999, 5),
            ),
            default="(0.5, 0.999, 1)",
            source=f"{_LSS}, fixed grid: (beta1, beta2, updates of D)",
        ),
    ),
    assign={**_ADAM, "clip": None},
    source=_LSS_DIFFERS,
)

_GP = "Gulrajani et al. 2017, section 5.1 and appendix"


def _gp_method(label: str, objective: str, penalty: str, d_steps: int, **adam: float) -> Level:
    return Level(
        label=label,
        assign={"objective.kind": objective, "penalty.kind": penalty, "updates.d_steps": d_steps}
        | {f"{player}.{name}": value for player in _PLAYERS for name, value in adam.items()},
    )


def _d_norm(name: str, method: str, norm: str) -> Options:
    """Return the axis of D's normalisation, by what suits the method; a normalised D has weight decay."""
    levels = (
        Level(label=norm, assign={"discriminator.norm": norm, "d_optimizer.weight_decay": 1e-3}),
        Level(label="none", assign={"discriminator.norm": "none", "d_optimizer.weight_decay": 0.0}),
    )
    return Options(name=name, levels=levels, default=norm, when={"method": (method,)}, source=f"{_GP}; decay 1e-3")


GP_ARCHITECTURES = Space(
    name="gp-architectures",
    title="Random architectures under the standard GAN and under WGAN-GP",
    axes=(
        Options(
            name="method",
            levels=(
                _gp_method("gan", "non_saturating", "none", 1, lr=2e-4, beta1=0.5, beta2=0.999),
                _gp_method("wgan-gp", "wasserstein", "wgan_gp", 5, lr=1e-4, beta1=0.0, beta2=0.9),
            ),
            default="wgan-gp",
            source=_GP,
        ),
        *(
            Options(
                name=f"{short}_{field}", levels=levels_of(f"{network}.{field}", values), default=default, source=_GP
            )
            for short, network in (("g", "generator"), ("d", "discriminator"))
            for field, values, default in (
                ("activation", ("relu", "leaky_relu", "softplus", "tanh"), "relu"),
                ("depth", (4, 8, 12, 20), "4"),
                ("filters", (32, 64, 128), "64"),
            )
        ),
        Options(name="g_norm", levels=levels_of("generator.norm", ("batch", "none")), default="batch", source=_GP),
        _d_norm("d_norm", "gan", "batch"),
        _d_norm("d_norm_gp", "wgan-gp", "layer"),
    ),
    assign={**_ADAM, "generator.kind": "deep_conv", "discriminator.kind": "deep_conv", "clip": None},
    source=f"{_GP}. The layout of the further layers is that of the family deep_conv, ours; data, noise and batch are"
    " the base configuration's",
)

_EB = "Zhao et al. 2017 (EBGAN), grid of the GANs on MNIST"


def _layers(network: str, units: tuple[int, ...]) -> tuple[Level, ...]:
    return tuple(
        Level(label=f"{layers}x{width}", assign={f"{network}.hidden": [width] * layers})
        for layers in (2, 3, 4, 5)
        for width in units
    )


EBGAN_GRID = Space(
    name="ebgan-grid",
    title="The grid of fully connected GANs that EBGAN was compared with",
    axes=(
        Options(name="g_layers", levels=_layers("generator", (400, 800, 1600, 3200)), default="2x400", source=_EB),
        Options(name="d_layers", levels=_layers("discriminator", (128, 256, 512, 1024)), default="2x128", source=_EB),
        *(
            Options(name=player, levels=levels_of(f"{player}.kind", ("adam", "sgd")), default="adam", source=_EB)
            for player in _PLAYERS
        ),
        Options(
            name="lr",
            levels=tuple(Level(label=f"{lr:g}", assign=dict.fromkeys(_both("lr"), lr)) for lr in (0.01, 0.001, 0.0001)),
            default="0.001",
            source=_EB,
        ),
    ),
    assign={
        "objective.kind": "non_saturating",
        "penalty.kind": "none",
        "clip": None,
        **{f"{network}.kind": "mlp" for network in ("generator", "discriminator")},
        **{f"{network}.activation": "relu" for network in ("generator", "discriminator")},
        **{f"{network}.norm": "batch" for network in ("generator", "discriminator")},
        "generator.output": "tanh",
    },
    source=f"{_EB}. Without dropout in D, half of its 6,144 settings; rectifiers, batch norm, beta1 0.5 and the output"
    " tanh, for images, are ours",
)

PUBLISHED = (COMPARE_GAN_WIDE, COMPARE_GAN_NARROW, KURACH, KURACH_GRID, GP_ARCHITECTURES, EBGAN_GRID)
