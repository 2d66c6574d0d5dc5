"""Ready axes to build spaces from: optimisers, normalisation, sizes, updates. Every range says where it comes from.

Each function returns axes; join them with others in a ``Space``, or with ``compose``.
"""

from collections.abc import Mapping, Sequence

from search_spaces.architecture import BN, D_NORM
from search_spaces.axes import Axis, Options, Range
from search_spaces.domain import Choice, Float, Int, Param, shown
from search_spaces.factors import Level, Role, levels_of

LR = Float(low=1e-5, high=1e-2, log=True)
"""Learning rates: Lucic et al. 2018 (compare_gan, wide) and Kurach et al. 2019 search 10^-5 to 10^-2."""

_LR = "Lucic et al. 2018 (compare_gan, wide) and Kurach et al. 2019: 10^-5 to 10^-2"
_PLAYERS = ("g_optimizer", "d_optimizer")

_PARAMETERS = (
    # name, kinds that have it, domain, default, source
    ("beta1", ("adam",), Float(low=0.0, high=0.9), 0.5, "holds 0 (Gulrajani et al. 2017), 0.5 (Radford et al. 2016)"
     " and 0.9 (Kingma & Ba 2015); Lucic et al. 2018 search 0 to 1"),
    ("beta2", ("adam",), Float(low=0.9, high=0.999), 0.999, "holds 0.9 (Gulrajani et al. 2017) and 0.999"
     " (Kingma & Ba 2015); Kurach et al. 2019 search 0 to 1"),
    ("alpha", ("rmsprop",), Float(low=0.9, high=0.999), 0.99, "ours; holds 0.9 (Tieleman & Hinton 2012) and torch's"
     " default 0.99"),
    ("decay", ("rmsprop_tf1",), Float(low=0.9, high=0.999), 0.9, "ours; holds TensorFlow 1's default 0.9"),
    ("momentum", ("rmsprop", "sgd"), Float(low=0.0, high=0.9), 0.0, "ours; holds 0, the libraries' default, and 0.9"
     " (Sutskever et al. 2013)"),
)  # fmt: skip


def optimizer_axes(
    *kinds: str,
    lr: float = 2e-4,
    d_lr: float | None = None,
    lr_range: Float = LR,
    default: str | None = None,
    defaults: Mapping[str, float] | None = None,
) -> tuple[Axis, ...]:
    """Return the axes of one rule for both players: ``optimizer``, its learning rate, and the parameters of each kind.

    Args:
        kinds: of ``adam``, ``rmsprop``, ``rmsprop_tf1``, ``sgd``; adam and rmsprop if none is named.
        lr: where to start.
        d_lr: where D's own rate starts; with it the axes are ``g_lr`` and ``d_lr`` instead of one ``lr`` for both.
        lr_range: of every learning rate.
        default: the kind to start from; the first if absent.
        defaults: parameter to another start than the library's or DCGAN's: ``{"beta1": 0.0}``.

    Raises:
        ValueError: if a kind is unknown or a start is outside its range.
    """
    kinds = kinds or ("adam", "rmsprop")
    known = ("adam", "rmsprop", "rmsprop_tf1", "sgd")
    if unknown := [kind for kind in kinds if kind not in known]:
        raise ValueError(f"kinds must be of {', '.join(known)}, got {unknown[0]!r}")
    optimizer = Options(
        name="optimizer",
        levels=tuple(Level(label=kind, assign=dict.fromkeys(_both("kind"), kind)) for kind in kinds),
        default=default or kinds[0],
        source="Mao et al. 2017, section 4.4 (Adam, RMSProp); Arjovsky et al. 2017, section 4.2 (RMSProp for WGAN)",
    )
    return (optimizer, *_rates(lr, d_lr, lr_range), *_parameters(kinds, defaults or {}))


def _rates(lr: float, d_lr: float | None, domain: Float) -> tuple[Range, ...]:
    if d_lr is None:
        return (Range(name="lr", domain=domain, paths=_both("lr"), default=lr, source=_LR),)
    rates = zip(("g_lr", "d_lr"), _PLAYERS, (lr, d_lr), strict=True)
    return tuple(
        Range(name=name, domain=domain, paths=(f"{player}.lr",), default=own, source=_LR) for name, player, own in rates
    )


def _parameters(kinds: Sequence[str], defaults: Mapping[str, float]) -> tuple[Range, ...]:
    return tuple(
        Range(
            name=name,
            domain=domain,
            paths=_both(name),
            default=defaults.get(name, default),
            when={} if len(own) == len(kinds) else {"optimizer": own},
            role=Role.NUISANCE,
            source=source,
        )
        for name, having, domain, default, source in _PARAMETERS
        if (own := tuple(kind for kind in kinds if kind in having))
    )


def _both(field: str) -> tuple[str, ...]:
    return tuple(f"{player}.{field}" for player in _PLAYERS)


def axis_of(
    param: Param, *, default: float, name: str | None = None, when: Mapping[str, tuple[str, ...]] | None = None
) -> Range:
    """Turn a field with a range, such as :data:`search_spaces.CLIP`, into an axis, named by its path if not otherwise.

    Raises:
        ValueError: if the field ranges over a choice, or the default is outside.
    """
    if isinstance(param.domain, Choice):
        raise ValueError(f"domain of axis {name or param.path} must be a range of numbers, got {shown(param.domain)}")
    return Range(
        name=name or param.path,
        domain=param.domain,
        paths=(param.path,),
        default=default,
        when=when or {},
        role=param.role,
        source=param.source,
    )


BN_AXIS = Options(name="bn", levels=BN.levels, default="full", source=BN.source)
"""Batch norm in both networks, without it in G, in D, in both: :data:`search_spaces.BN` as an axis."""


def normalization_axes(
    g_norms: Sequence[str] = ("none", "batch"),
    d_norms: Sequence[str] = ("none", "batch", "layer", "spectral"),
    *,
    g_default: str = "batch",
    d_default: str = "none",
    eps: bool = False,
) -> tuple[Axis, ...]:
    """Return ``g_norm`` and ``d_norm``; with ``eps`` also the ``eps`` of each, where the norm divides by one.

    Beside a gradient penalty leave ``batch`` out of ``d_norms``.
    """
    axes: list[Axis] = []
    networks = (
        (
            "g",
            "generator",
            g_norms,
            g_default,
            "Radford et al. 2016, section 3 (batch norm); Mao et al. 2017, section 4.4",
        ),
        ("d", "discriminator", d_norms, d_default, D_NORM.source),
    )
    for short, network, norms, default, source in networks:
        levels = levels_of(f"{network}.norm", norms)
        axes.append(Options(name=f"{short}_norm", levels=levels, default=default, source=source))
    for short, network, norms, _, _ in networks:
        if eps and (dividing := tuple(norm for norm in norms if norm in ("batch", "layer"))):
            axes.append(_eps(short, network, dividing))
    return tuple(axes)


def _eps(short: str, network: str, norms: tuple[str, ...]) -> Range:
    return Range(
        name=f"{short}_norm_eps",
        domain=Float(low=1e-5, high=0.8, log=True),
        paths=(f"{network}.norm_eps",),
        default=1e-5,
        when={f"{short}_norm": norms},
        role=Role.NUISANCE,
        source="torch's 1e-5, compare_gan's 1e-3 (Lucic et al. 2018), and the 0.8 of much copied code, where a momentum"
        " stands in the place of eps",
    )


def d_steps_axis(high: int = 5, default: int = 1) -> Range:
    """Return the axis of D's updates per update of G; the base's update order must not be simultaneous."""
    return Range(
        name="d_steps",
        domain=Int(low=1, high=high),
        paths=("updates.d_steps",),
        default=default,
        source="Goodfellow et al. 2014, algorithm 1 (1); Arjovsky et al. 2017, algorithm 1 (5)",
    )


def batch_axis(low: int = 16, high: int = 512, default: int = 64) -> Range:
    """Return the axis of samples per batch."""
    return Range(
        name="batch",
        domain=Int(low=low, high=high, log=True),
        paths=("batch_size",),
        default=default,
        role=Role.NUISANCE,
        source="ours; holds 64 (Mao et al. 2017, Lucic et al. 2018) and 256 (Gulrajani et al. 2017, toy code)",
    )


def latent_axis(low: int = 2, high: int = 1024, default: int = 100) -> Range:
    """Return the axis of dimensions of G's input noise."""
    return Range(
        name="z",
        domain=Int(low=low, high=high, log=True),
        paths=("latent.dim",),
        default=default,
        role=Role.NUISANCE,
        source="ours; holds 2 (Gulrajani et al. 2017, toy code), 100 (Radford et al. 2016) and 1024 (Mao et al. 2017)",
    )


def width_depth_axes(prefix: str = "") -> tuple[Range, Range]:
    """Return ``width`` and ``depth`` of fully connected nets, for a rule ``Hidden``; named with the prefix."""
    source = "ours; holds the nets of Mao et al. 2017 (2 of 128) and Gulrajani et al. 2017, toy code (3 of 512)"
    width = Range(name=f"{prefix}width", domain=Int(low=16, high=512, log=True), default=128, source=source)
    depth = Range(name=f"{prefix}depth", domain=Int(low=1, high=4), default=2, source=source)
    return width, depth
