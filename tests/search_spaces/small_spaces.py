"""Spaces of a few axes, and their parts in short."""

from search_spaces import Float, Hidden, Int, Options, Range, Space, Triplet, Value, levels_of
from search_spaces.axes import Axis

SOURCE = "a test"


def options(name: str, path: str, *values: object, **more: object) -> Options:
    levels = levels_of(path, values)
    return Options(**{"name": name, "levels": levels, "default": levels[0].label, "source": SOURCE, **more})


def number(name: str, *paths: str, low: float = 0.0, high: float = 1.0, **more: object) -> Range:
    domain = Float(low=low, high=high)
    return Range(**{"name": name, "domain": domain, "paths": paths, "default": low, "source": SOURCE, **more})


def space(*axes: Axis, **more: object) -> Space:
    return Space(**{"name": "s", "title": "A space", "axes": axes, "source": SOURCE, **more})


RULE = options("rule", "opt.kind", "adam", "sgd", "rms")
NESTED = space(
    RULE,
    number("lr", "opt.lr", "d_opt.lr", low=1e-5, high=1e-2),
    number("beta1", "opt.beta1", when={"rule": ("adam",)}),
    options("nesterov", "opt.nesterov", False, True, when={"rule": ("sgd", "rms")}),
    number("momentum", "opt.momentum", when={"nesterov": ("true",)}),
)


def adam(**changes: Value) -> dict[str, Value]:
    return {"rule": "adam", "lr": 1e-3, "beta1": 0.5, **changes}


TRIPLET = space(
    number("gamma", high=2.0),
    number("scale", low=0.1, high=10.0),
    number("offset", low=-1.0, high=2.0),
    rules=(Triplet(gamma="gamma", scale="scale", offset="offset"),),
)


NET = space(
    Range(name="width", domain=Int(low=16, high=64), default=32, source=SOURCE),
    Range(name="depth", domain=Int(low=1, high=3), default=2, source=SOURCE),
    rules=(Hidden(width="width", depth="depth", paths=("g.hidden", "d.hidden")),),
)
