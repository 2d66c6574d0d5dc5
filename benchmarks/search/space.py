"""The space of the benchmark: clip, optimiser with its own numbers, learning rate and d_steps of a WGAN on the ring."""

from search_spaces import Float, Int, Level, Options, Range, Space

_SOURCE = "ours: wide enough that most of the space does not train"
_ADAM, _RMSPROP = {"optimizer": ("adam",)}, {"optimizer": ("rmsprop",)}


def _both(name: str) -> tuple[str, str]:
    """One value for both players."""
    return f"g_optimizer.{name}", f"d_optimizer.{name}"


SPACE = Space(
    name="ring-clip",
    title="Clip, optimiser and learning rate of a WGAN on the ring",
    axes=(
        Options(
            name="optimizer",
            levels=tuple(
                Level(label=kind, assign={path: kind for path in _both("kind")}) for kind in ("adam", "rmsprop")
            ),
            default="rmsprop",
            source="Arjovsky et al. 2017, section 4.3",
        ),
        Range(
            name="clip",
            domain=Float(low=1e-3, high=1.0, log=True),
            paths=("clip",),
            default=0.01,
            source="Lucic et al. 2018, appendix, and Arjovsky et al. 2017 for the default",
        ),
        Range(
            name="lr",
            domain=Float(low=1e-5, high=1e-2, log=True),
            paths=_both("lr"),
            default=5e-5,
            source="Lucic et al. 2018, appendix, and Arjovsky et al. 2017 for the default",
        ),
        Range(
            name="beta1",
            domain=Float(low=0.0, high=0.95),
            paths=_both("beta1"),
            default=0.5,
            when=_ADAM,
            source=_SOURCE,
        ),
        Range(
            name="beta2",
            domain=Float(low=0.5, high=0.999),
            paths=_both("beta2"),
            default=0.999,
            when=_ADAM,
            source=_SOURCE,
        ),
        Range(
            name="alpha",
            domain=Float(low=0.5, high=0.999),
            paths=_both("alpha"),
            default=0.99,
            when=_RMSPROP,
            source=_SOURCE,
        ),
        Range(
            name="momentum",
            domain=Float(low=0.0, high=0.95),
            paths=_both("momentum"),
            default=0.0,
            when=_RMSPROP,
            source=_SOURCE,
        ),
        Range(name="d_steps", domain=Int(low=1, high=5), paths=("updates.d_steps",), default=5, source=_SOURCE),
    ),
    source="ours, for this benchmark",
)
