"""What a plugin must hold to be trained in a stack: checked on small tensors in float64, before any training.

A check is a function of a member that raises :class:`Failed` with one sentence, or returns what it has seen.
"""

import dataclasses
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from study.outcomes import own_rule
from study.outcomes.decision import decide, rows_of, undecidable
from study.outcomes.outcome import Outcome
from study.outcomes.own_rule import OwnRule, outcome_of
from study.outcomes.rule import IMAGE_RULE, MIXTURE_RULE, OutcomeRule
from study.validation.bench import Bench, Sampled
from study.validation.judges import untrained
from trainables import data, networks, objectives, optim, penalties, plugins, replicas
from trainables.config import Evaluation
from trainables.data import Digits, Ring
from trainables.families import Family
from trainables.gan.game import built
from trainables.networks import outside
from trainables.networks.init import AsBuilt
from trainables.streams import Streams, generator
from trainables.trace import ReplicaTrace

_R, _B, _OTHER = 3, 6, 4
_CLOSE = 1e-9
_SHAPES = ((2,), (1, 16, 16), (3, 32, 32), (1, 28, 28), (3, 64, 64))
_LATENT = 8
_STEPS = 4


class Failed(ValueError):
    """What a member does not hold, in one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check of one member.

    Attributes:
        member: name and family, ``hinge (objective)``.
        check: what was checked.
        said: what was seen, or what is wrong.
        holds: whether the check holds.
    """

    member: str
    check: str
    said: str
    holds: bool


Checks = Mapping[str, Callable[[Any], str]]


def check(module: str) -> tuple[Finding, ...]:
    """Return every check of everything that a loaded plugin adds; empty if it adds nothing.

    Args:
        module: the plugin's name.
    """
    return tuple(_findings(module))


def _findings(module: str) -> Iterator[Finding]:
    for family, checks in _FAMILIES:
        for kind, member in family.added.items():
            if member.__module__ == module:
                yield from _of_member(f"{kind} ({family.name})", member, checks)
    for name, function in plugins.measurements().items():
        if function.__module__ == module:
            yield from _each(f"{name} (measurement)", function, _MEASUREMENT)


def _of_member(name: str, member: type, checks: Checks) -> Iterator[Finding]:
    yield from _each(name, member, {"docstring": _documented})
    lacking = [own.name for own in dataclasses.fields(member) if _has_no_default(own)]
    usual: dict[str, Any] = {"lr": 1e-3} if "lr" in lacking else {}
    if lacking := [field for field in lacking if field not in usual]:
        said = f"every field must have a default to be checked, got none for {', '.join(lacking)}"
        yield Finding(member=name, check="fields", said=said, holds=False)
        return
    yield from _each(name, member(**usual), checks)


def _has_no_default(own: Any) -> bool:
    return own.default is dataclasses.MISSING and own.default_factory is dataclasses.MISSING


def _each(name: str, value: Any, checks: Checks) -> Iterator[Finding]:
    for what, own in checks.items():
        try:
            with plugins.no_global_draws():
                said = own(value)
        except ValueError as error:
            yield Finding(member=name, check=what, said=str(error), holds=False)
        except Exception as error:  # whatever a plugin's code raises is what is wrong with it
            told = " ".join(str(error).split()) or "no message"
            yield Finding(member=name, check=what, said=f"raises {type(error).__name__}: {told}", holds=False)
        else:
            yield Finding(member=name, check=what, said=said, holds=True)


def _documented(member: type) -> str:
    text = inspect.getdoc(member) or ""
    if not text or text.startswith(f"{member.__name__}("):  # which a dataclass writes itself
        raise Failed("must have a docstring that says what it is, with its formula and paper, got none")
    if getattr(member, "source", "-") == "-":
        raise Failed('must have a source: ClassVar[str] = "Author et al. year, eq. 1", got none')
    return f"source: {member.source}"  # type: ignore[attr-defined]


def _numbers(name: str, *shape: int) -> Tensor:
    return torch.from_numpy(generator(0, f"conformance/{name}").standard_normal(shape))


def _losses(value: Any, got: Any, what: str) -> Tensor:
    if not isinstance(got, Tensor) or tuple(got.shape) != (_R,):
        shape = tuple(got.shape) if isinstance(got, Tensor) else type(got).__name__
        raise Failed(f"{what} must return one number per replica, [R] = ({_R},), for scores [R, B], got {shape}")
    if not bool(got.isfinite().all()):
        raise Failed(f"{what} must be finite for scores about 0, got {got.tolist()}")
    return got


def _same(a: Tensor, b: Tensor, what: str) -> None:
    if not bool(a.isfinite().all()):
        raise Failed(f"{what}, got numbers that are not finite")
    gap = float((a - b).detach().abs().max())
    if not gap <= _CLOSE * (1 + float(b.detach().abs().max())):
        raise Failed(f"{what}, got a difference of {gap:.3g}")


# Objectives


def _objective_shapes(value: Any) -> str:
    _losses(value, value.d_loss(_numbers("real", _R, _B), _numbers("fake", _R, _OTHER)), "d_loss")
    _losses(value, value.g_loss(_numbers("fake", _R, _OTHER)), "g_loss")
    return "losses [R]; real and fake batches may differ in size"


def _objective_mean(value: Any) -> str:
    real, fake = _numbers("real", _R, _B), _numbers("fake", _R, _B)
    twice = value.d_loss(real.repeat(1, 2), fake.repeat(1, 2))
    _same(
        twice,
        value.d_loss(real, fake),
        "d_loss must be a mean over the batch: the same batch twice must change nothing",
    )
    _same(value.g_loss(fake.repeat(1, 2)), value.g_loss(fake), "g_loss must be a mean over the batch")
    return "a batch twice gives the same losses"


def _objective_alone(value: Any) -> str:
    real, fake = _numbers("real", _R, _B), _numbers("fake", _R, _B)
    alone = torch.cat([value.d_loss(real[i : i + 1], fake[i : i + 1]) for i in range(_R)])
    _same(value.d_loss(real, fake), alone, "d_loss of a stack must be that of each replica alone")
    alone = torch.cat([value.g_loss(fake[i : i + 1]) for i in range(_R)])
    _same(value.g_loss(fake), alone, "g_loss of a stack must be that of each replica alone")
    return "a stack equals its replicas alone"


def _objective_direction(value: Any) -> str:
    real = torch.zeros(1, _B, dtype=torch.float64, requires_grad=True)
    fake = torch.zeros(1, _B, dtype=torch.float64, requires_grad=True)
    slopes = torch.autograd.grad(value.d_loss(real, fake).sum(), (real, fake))
    if not (bool((slopes[0] <= 0).all()) and bool((slopes[1] >= 0).all()) and bool(slopes[0].any() or slopes[1].any())):
        raise Failed("d_loss must fall when real scores rise and fake ones fall (scores are high on real data)")
    (slope,) = torch.autograd.grad(value.g_loss(fake).sum(), fake)
    if not bool((slope < 0).all()):
        raise Failed("g_loss must fall when fake scores rise: both losses are minimized")
    return "D prefers high scores on real data, G on generated"


_OBJECTIVE = {
    "shapes": _objective_shapes,
    "mean": _objective_mean,
    "stack": _objective_alone,
    "direction": _objective_direction,
}


# Penalties


class _Noise:
    """Random numbers of a stack; replica i has those of seed ``first + i``."""

    def __init__(self, first: int, count: int) -> None:
        self._seeds = range(first, first + count)

    def uniform(self, name: str, shape: tuple[int, ...]) -> Tensor:
        return torch.stack([torch.from_numpy(generator(seed, name).random(shape)) for seed in self._seeds])

    def normal(self, name: str, shape: tuple[int, ...]) -> Tensor:
        return torch.stack([torch.from_numpy(generator(seed, name).standard_normal(shape)) for seed in self._seeds])


def _penalized(value: Any, weight: Tensor, first: int = 0) -> Tensor:
    """Return the penalty of ``D(x) = tanh(w . x)^2``, whose gradient depends on its weights."""
    count = len(weight)
    real, fake = _numbers("real", _R, _B, 2)[first : first + count], _numbers("fake", _R, _B, 2)[first : first + count]

    def score(x: Tensor) -> Tensor:
        return (x @ weight[..., None]).squeeze(-1).tanh().square()

    result: Tensor = value.penalty(score, real, fake, _Noise(first, count))
    return result


def _penalty_shape(value: Any) -> str:
    _losses(value, _penalized(value, _numbers("weight", _R, 2)), "penalty")
    return "[R], finite"


def _penalty_twice(value: Any) -> str:
    weight = _numbers("weight", _R, 2).requires_grad_()
    found = _penalized(value, weight)
    if not found.requires_grad:
        raise Failed("penalty must be differentiable in D's weights: make the gradient with create_graph=True")
    (slope,) = torch.autograd.grad(found.sum(), weight)
    if not bool(slope.isfinite().all()) or not bool(slope.any()):
        raise Failed(f"penalty must have a gradient in D's weights that is finite and not 0, got {slope.tolist()}")
    return "differentiable in D's weights"


def _penalty_alone(value: Any) -> str:
    weight = _numbers("weight", _R, 2)
    alone = torch.cat([_penalized(value, weight[i : i + 1], i) for i in range(_R)])
    _same(_penalized(value, weight), alone, "penalty of a stack must be that of each replica alone")
    return "a stack equals its replicas alone"


_PENALTY = {"shape": _penalty_shape, "double backward": _penalty_twice, "stack": _penalty_alone}


# Optimizers


def _stepped(value: Any, start: Tensor, gradients: list[Tensor]) -> Tensor:
    leaf = start.clone().requires_grad_()
    built = value.build([leaf])
    if not isinstance(built, torch.optim.Optimizer):
        raise Failed(f"build must return a torch.optim.Optimizer, got {type(built).__name__}")
    for gradient in gradients:
        leaf.grad = gradient.clone()
        built.step()
    return leaf.detach()


def _optimizer_alone(value: Any) -> str:
    start, gradients = _numbers("start", _R, 5, 4), [_numbers(f"gradient{i}", _R, 5, 4) for i in range(_STEPS)]
    stack = _stepped(value, start, gradients)
    alone = [_stepped(value, start[i : i + 1], [own[i : i + 1] for own in gradients]) for i in range(_R)]
    _same(stack, torch.cat(alone), "a step must be elementwise: a stack must step as its replicas alone")
    if torch.equal(stack, start):
        raise Failed("a step must change the weights, got none")
    return f"{_STEPS} steps of a stack equal those of its replicas alone"


_OPTIMIZER = {"stack": _optimizer_alone}


# Networks


def _network(value: Any) -> str:
    said, refused = [], []
    for shape in _SHAPES:
        try:
            with torch.device("meta"):
                modules = built(value, _LATENT, shape)
            outside.check(value.kind, "generator", modules["generator"], (_LATENT,), shape)
            outside.check(value.kind, "discriminator", modules["discriminator"], shape, ())
        except ValueError as error:
            refused.append(str(error))
            continue
        ways = [_player(value, shape, name, module) for name, module in modules.items()]
        said.append(f"{'x'.join(map(str, shape))} ({' and '.join(dict.fromkeys(ways))})")
    if not said:
        raise Failed(f"must fit points or square images of 16 to 64 pixels, got {refused[0]}")
    return f"a stack equals its replicas alone on {', '.join(said)}"


def _player(value: Any, shape: tuple[int, ...], name: str, module: nn.Module) -> str:
    inputs = (_LATENT,) if name == "generator" else shape
    streams, device = Streams(range(_R)), torch.device("cpu")

    def start(own: Streams) -> dict[str, Tensor]:
        make = None if not isinstance(value.init, AsBuilt) else lambda: built(value, _LATENT, shape)[name]
        return replicas.initialize(module, value.init, own, name, device=device, dtype=torch.float64, build=make)

    params, again = start(streams), start(streams)
    if any(not torch.equal(params[key], again[key]) for key in params):
        raise Failed(f"{name} must start alike for one seed: what its code draws must come from torch's generator")
    if len(replicas.leaves(params)) and all(bool((leaf[0] == leaf[1]).all()) for leaf in replicas.leaves(params)):
        raise Failed(f"{name} must start from other weights for another seed, got the same")
    x = _numbers(f"{name}{shape}", _R, _B, *inputs).requires_grad_()
    out = replicas.apply(module, params, x)
    alone = [
        replicas.apply(module, {key: own[i : i + 1] for key, own in start(streams).items()}, x[i : i + 1])
        for i in range(_R)
    ]
    _same(out.detach(), torch.cat(alone).detach(), f"{name} of a stack must be that of each replica alone")
    leaves = {key: own for key, own in params.items() if own.requires_grad}
    slopes: Sequence[Tensor | None] = torch.autograd.grad(
        out.square().sum(), [x, *leaves.values()], allow_unused=True, create_graph=True
    )
    unused = [key for key, slope in zip(leaves, slopes[1:], strict=True) if slope is None]
    if unused:
        raise Failed(f"{name} must use all of its parameters, got no gradient of {', '.join(unused)}")
    if name == "discriminator" and slopes[0] is not None:  # as a gradient penalty does
        torch.autograd.grad(slopes[0].square().sum(), list(leaves.values()), allow_unused=True)
    return replicas.way(module, (_B, *inputs), on_cpu=True)


_NETWORK = {"networks": _network}


# Data sets


def _data_set(value: Any) -> str:
    value.check()
    source = value.load(device=torch.device("cpu"), dtype=torch.float32)
    if tuple(source.shape) != tuple(value.shape):
        raise Failed(
            f"load must give samples of the shape that it states, {tuple(value.shape)}, got {tuple(source.shape)}"
        )
    streams = Streams([0, 1])
    batch, again = source.batch(streams, 3, _B), source.batch(streams, 3, _B)
    if tuple(batch.samples.shape) != (2, _B, *value.shape):
        raise Failed(f"batch must give [R, B, *shape] = (2, {_B}, ...), got {tuple(batch.samples.shape)}")
    if not torch.equal(batch.samples, again.samples):
        raise Failed("batch must be a function of seeds and counter alone, got another one at the second call")
    alone = source.batch(Streams([1]), 3, _B).samples
    if not torch.equal(batch.samples[1:], alone):
        raise Failed("batch must give each replica what its seed alone is given")
    if len(value.shape) == 3 and not bool((batch.samples.abs() <= 1).all()):
        raise Failed(
            f"images must lie in [-1, 1], got {float(batch.samples.min()):g} to {float(batch.samples.max()):g}"
        )
    if value.load(device=torch.device("cpu"), dtype=torch.float32).digest != source.digest:
        raise Failed("digest must be the same at every load")
    reference = source.reference(10)
    if reference.shape[1:] != batch.samples.shape[2:] or not torch.equal(reference, source.reference(10)):
        raise Failed("reference must give [size, *shape], the same at every call")
    return f"batches of {' x '.join(map(str, value.shape))}, digest {source.digest}"


_DATA = {"batches": _data_set}


# Measurements


def _measured(function: Any, shape: tuple[int, ...]) -> Tensor:
    samples, real = _numbers("samples", _R, 64, *shape).tanh(), _numbers("real", 64, *shape).tanh()
    found = function(samples, real)
    if not isinstance(found, Tensor) or found.ndim not in (1, 2) or len(found) != _R:
        got = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
        raise Failed(f"must return [R] or [R, K] for R = {_R}, got {got}")
    alone = torch.cat([function(samples[i : i + 1], real) for i in range(_R)])
    _same(found, alone, "of a stack must be that of each replica alone")
    return found


def _measurement(function: Any) -> str:
    refused = []
    for shape in _SHAPES[:2]:
        try:
            found = _measured(function, shape)
        except (RuntimeError, IndexError) as error:  # made for the other kind of data
            refused.append(" ".join(str(error).split()))
            continue
        return f"[R{', K' * (found.ndim - 1)}] on samples of {'x'.join(map(str, shape))}"
    raise Failed(f"must measure points or images, got {refused[0]}")


_MEASUREMENT: Checks = {"values": _measurement}


# Outcome rules


def _trace(shape: tuple[int, ...]) -> ReplicaTrace:
    """Return rows of an untrained generator and of samples near the real ones, of points or of images."""
    data = Ring(modes=2) if len(shape) == 1 else Digits()
    config = untrained(data, Evaluation(samples=64))
    with TemporaryDirectory() as folder:
        where = Bench(config, cache=Path(folder))
        rows = (Sampled(_numbers(f"row{row}", 1, 64, *data.shape).float().tanh()) for row in range(_STEPS))
        found = where.trace(rows, [0]).replica(0)
    players = {f"{player}_{name}": np.ones(_STEPS) for player in ("d", "g") for name in ("loss", "grad_norm")}
    return replace(found, columns={**players, **found.columns})


def _rule(value: Any) -> str:
    own = OwnRule(kind=value.kind, settings={own.name: getattr(value, own.name) for own in _settings(value)})
    refused = []
    for shape in _SHAPES[:2]:
        trace = _trace(shape)
        rule = replace(MIXTURE_RULE if len(shape) == 1 else IMAGE_RULE, own_rule=own)
        if why := undecidable(trace, rule):
            refused.append(why)  # made for the other kind of data, perhaps
            continue
        _try_rule(own, rule, trace)
        kind = "points" if len(shape) == 1 else "images"
        return f"rows of {kind}, in any order, NaN and none; calls samples without a structure {_said(trace, rule)}"
    raise Failed(refused[0])


def _settings(value: Any) -> list[Any]:
    return [own for own in dataclasses.fields(value) if own.name != "kind"]


def _said(trace: ReplicaTrace, rule: OutcomeRule) -> str:
    return str(decide(trace, rule).outcome.value)


def _try_rule(own: OwnRule, rule: OutcomeRule, trace: ReplicaTrace) -> None:
    said = _said(trace, rule)
    turned = replace(trace, columns={name: values[::-1] for name, values in trace.columns.items()})
    if _said(trace, rule) != said or _said(turned, rule) != said:
        raise Failed("decide must say the same of the same rows: it must keep nothing between calls, and draw nothing")
    rows = rows_of(trace, rule)
    none = outcome_of(own, {name: values[:0] for name, values in rows.items()})
    if none.decided:
        raise Failed(f"decide must call a replica without rows undecided, got {none.value}")
    lost = outcome_of(own, {name: _unknown(values, name) for name, values in rows.items()})
    if lost is Outcome.CONVERGED:
        raise Failed("decide must not call a replica converged of which nothing could be measured (NaN), got converged")


def _unknown(values: Any, name: str) -> Any:
    return values if name == "step" or values.dtype.kind != "f" else np.full_like(values, np.nan)


_RULE: Checks = {"rows": _rule}
_FAMILIES: tuple[tuple[Family, Checks], ...] = (
    (objectives.FAMILY, _OBJECTIVE),
    (penalties.FAMILY, _PENALTY),
    (optim.FAMILY, _OPTIMIZER),
    (networks.FAMILY, _NETWORK),
    (data.FAMILY, _DATA),
    (own_rule.FAMILY, _RULE),
)
