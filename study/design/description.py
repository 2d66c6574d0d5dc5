"""What a configuration trains, as statements: formulas with their numbers, the layers that are built, the updates.

Nothing here repeats a default. Formulas come from the values themselves (``formula``), layers from the built modules,
the order of the updates from the game's phases, and an optimiser's numbers from the optimiser that torch makes of it.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import torch
from torch import nn

from study.design.values import exact
from trainables import games, replicas
from trainables.autoencoding import Variational
from trainables.conditioning import AuxiliaryClassifier, Unconditional
from trainables.config import AaeConfig, Config, GanConfig, Trained, trained
from trainables.data import Remarked
from trainables.networks.norm import RunningStatistics
from trainables.phases import Phase, Player, Rounds

_LOOKED_AT = 1_001
"""Steps whose phases are listed: what a burn-in does differently shows within."""
_RANGES = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One line of an explanation: a named statement, of one or more lines, in a section."""

    section: str
    name: str
    text: str


def statements(config: Config, seeds: str = "") -> tuple[Statement, ...]:
    """Everything that a configuration trains, in reading order; a name occurs once per section.

    Args:
        seeds: with which seeds, in words, where that is decided.
    """
    game = games.build(config)
    sections = {
        "Losses": _losses(config, [term for group in game.rounds(0) for phase in group for term in phase.terms]),
        "A step": _steps(game.rounds, config.steps),
        "Optimisers": _optimizers(game.rounds(0)),
        "Population": _population(config) if isinstance(config, GanConfig) else (),
        "Batches": _batches(config) if isinstance(config, GanConfig) else (),
        "Networks": _networks(config, game.players),
        "Data": _data(config),
        "Run": (*_run(trained(config)), *([("replicas", seeds)] if seeds else [])),
        "Settings": _settings(config),
    }
    return tuple(Statement(section=name, name=own, text=text) for name, rows in sections.items() for own, text in rows)


# Losses


def _losses(config: Config, terms: Sequence[str]) -> Iterator[tuple[str, str]]:
    yield "notation", "D(.): the raw score of a sample; E[.]: mean over the batch; softplus(u) = log(1 + e^u)"
    if isinstance(config, AaeConfig):
        yield from ((name, text) for name, text in _autoencoder(config).items() if name in terms)
    for path, value in _formulated(config, ""):
        if not path.endswith("optimizer"):
            yield path, "\n".join((*_formulas(value), *_equilibrium(value), _origin(value)))
    if isinstance(config, GanConfig) and config.instance_noise:
        yield "instance noise", f"every input of D, in training, plus N(0, {config.instance_noise:g}^2) per entry"
    if isinstance(config, GanConfig) and config.packing > 1:
        yield "packing", f"x and G(z) stand for {config.packing} samples side by side along the channels"


def _autoencoder(config: AaeConfig) -> dict[str, str]:
    """Yield the terms of an autoencoder's phases; the discriminators' are those of an objective, on other samples."""
    beta = config.regularizer.beta if isinstance(config.regularizer, Variational) else 0
    return {
        "reconstruction_loss": f"{config.reconstruction_weight:g} E[(x - dec(enc(x)))^2], a mean over pixels too",
        "kl_loss": f"{beta:g} E[KL(q(z|x) || p(z))], summed over the code's entries",
        "d_loss": "d and g below; x is a draw of the prior, G(z) the encoder's code",
        "d_cat_loss": "d and g below; x is a one-hot class, uniformly drawn, G(z) the encoder's class probabilities",
        "class_loss": "E[-log p(label)] of the encoder's class probabilities, on labelled images",
    }


def _formulated(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    """All values inside a configuration that have formulas, by their dotted path."""
    for field in dataclasses.fields(value):
        inner = getattr(value, field.name)
        if dataclasses.is_dataclass(inner):
            own = f"{path}{field.name}"
            if hasattr(inner, "formula") or hasattr(inner, "formulas"):
                yield own, inner
            yield from _formulated(inner, f"{own}.")


def _formulas(value: Any) -> tuple[str, ...]:
    if hasattr(value, "formulas"):
        return tuple(value.formulas())
    return tuple(str(value.formula()).split("; "))


def _equilibrium(value: Any) -> Iterator[str]:
    if hasattr(value, "equilibrium"):
        d, g = value.equilibrium()
        if d is not None:
            yield f"at p_g = p_d with the best D: d = {d:g}, g = {'any' if g is None else f'{g:g}'}"


def _origin(value: Any) -> str:
    """``(least_squares(a=0, b=1, c=1), Mao et al. 2017, eq. 2)``: what to set, and where it comes from."""
    source = getattr(value, "source", "-")
    return f"({exact(value)}{'' if source == '-' else f', {source}'})"


# Updates


def _steps(rounds: Any, steps: int) -> Iterator[tuple[str, str]]:
    """Yield the order of the phases, for each kind of step, and what each phase does."""
    kinds: dict[str, list[int]] = {}
    for step in range(min(steps, _LOOKED_AT)):
        kinds.setdefault(_order(rounds(step)), []).append(step)
    more = steps > _LOOKED_AT
    for order, own in sorted(kinds.items(), key=lambda item: -len(item[1])):
        yield "order" if len(kinds) == 1 else f"in steps {_ranges(own, more)}", order
    for phase in {phase.name: phase for group in rounds(0) for phase in group}.values():
        yield f"phase {phase.name}", "\n".join(_phase(phase))


def _order(rounds: Rounds) -> str:
    """``5 x d, then g``; phases that see the same parameters are joined by "and"."""
    parts = []
    for names, own in groupby(tuple(phase.name for phase in group) for group in rounds):
        count, together = len(list(own)), " and ".join(names)
        text = f"{together}, gradients at the same parameters" if len(names) > 1 else together
        parts.append(text if count == 1 else f"{count} x {text}")
    return ", then ".join(parts)


def _phase(phase: Phase) -> Iterator[str]:
    clamp = f"every parameter clamped to [-{phase.clip:g}, {phase.clip:g}]" if phase.clip is not None else ""
    yield f"updates {' and '.join(phase.updates)}, minimises {' + '.join(phase.terms)}"
    if clamp:
        yield f"{clamp} {phase.clip_when} each of these updates"


def _ranges(steps: Sequence[int], more: bool) -> str:
    """``0 to 24, 500``; what comes after the first few is dots."""
    starts = [step for step in steps if step - 1 not in steps]
    ends = [step for step in steps if step + 1 not in steps]
    parts = [f"{a} to {b}" if b > a else str(a) for a, b in zip(starts, ends, strict=True)]
    return ", ".join(parts[:_RANGES]) + (", ..." if more or len(parts) > _RANGES else "")


def _optimizers(rounds: Rounds) -> Iterator[tuple[str, str]]:
    for phase in {phase.name: phase for group in rounds for phase in group}.values():
        yield f"phase {phase.name}", "\n".join((effective(phase.optimizer), *_formulas(phase.optimizer)))


def effective(optimizer: Any) -> str:
    """Return the numbers that the built optimiser works with: its true defaults, not what its configuration names."""
    built = optimizer.build([torch.zeros(1, requires_grad=True)])
    (group,) = built.param_groups
    numbers = {name: value for name, value in group.items() if name != "params" and _is_number(value)}
    return f"{type(built).__name__.lstrip('_')}: " + ", ".join(
        f"{name} {exact(value)}" for name, value in numbers.items()
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | tuple) and not isinstance(value, bool)


def _population(config: GanConfig) -> Iterator[tuple[str, str]]:
    plan = config.population
    if plan is None:
        return
    yield "members", f"{plan.members} networks per replica, each from its own seed; the replica is one observation"
    losers = f"the last {plan.copied} by fitness, and all that are not finite,"
    selection = f"every {plan.every} steps {losers} copy weights, moments and factors of one of the first {plan.copied}"
    yield "selection", selection if plan.every < config.steps else "none: the steps end before the first"
    images = len(config.data.shape) == 3
    yield "fitness", "V / (V + F), F the Frechet distance" if images else "sum over modes of min(share, true weight)"
    start = f"log-uniform in [{1 / plan.spread:g}, {plan.spread:g}]" if plan.spread > 1 else "1"
    varied = " or ".join(map(exact, plan.factors))
    yield "factors", f"on {', '.join(plan.scales)}: at first {start}, times {varied} with each copy"
    yield "reported", "the member that is the fittest at the report"


# Batches


def _batches(config: GanConfig) -> Iterator[tuple[str, str]]:
    updates, latent = config.updates, config.latent
    span = "uniform on [-1, 1]" if latent.distribution == "uniform" else "standard normal"
    yield "z", f"{span} in {latent.dim} dimensions"
    yield "z of G's update", "that of D's last update" if updates.reuse_latents else "fresh"
    walk = "; a fresh permutation of the images per epoch" if len(config.data.shape) == 3 else ""
    yield "real", f"a fresh batch for every update of D{walk}"
    passes = "in one pass, as one batch" if updates.d_batches == "joined" else "in two passes, each a batch of its own"
    yield "real and generated", f"through D {passes}"
    yield (
        "size",
        f"{config.batch_size} inputs of D of each kind"
        + (f", {config.batch_size * config.packing} samples" if config.packing > 1 else ""),
    )


# Networks


def _networks(config: Config, players: Mapping[str, Player]) -> Iterator[tuple[str, str]]:
    for name, player in players.items():
        layers = list(_leaves(player.module))
        yield name, f"{_count(player.module):,} parameters, start {exact(player.init)}"
        if player.build is not None and isinstance(config, GanConfig):
            yield f"{name} of a stack", _way(config, name, player.module)
        yield f"{name} norm", _norms(layers)
        width = max(len(path) for path, _ in layers)
        yield f"{name} layers", "\n".join(f"{path:<{width}}  {_layer(layer)}" for path, layer in layers)


def _way(config: GanConfig, name: str, module: nn.Module) -> str:
    """Say how a plugin's network runs for several seeds at once on a CPU, and what that costs."""
    inputs = (config.latent.dim,) if name == "generator" else config.data.shape
    way = replicas.way(module, (config.batch_size, *inputs), on_cpu=True)
    return f"{way}: {_PRICES[way]}"


_PRICES = {
    "one kernel per layer": "several seeds cost less than one after the other, as of the built-in networks",
    "vmap": "one pass for all seeds; for small networks two to four times slower than the built-in ones",
    "replica by replica": "several seeds cost what they cost one after the other",
}


def _leaves(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Modules without children, and those that have parameters beside their children's."""
    for path, own in module.named_modules():
        if not list(own.children()) or _count(own, inside=False):
            yield path or "0", own


def _count(module: nn.Module, *, inside: bool = True) -> int:
    return sum(parameter.numel() for parameter in module.parameters(recurse=inside))


def _layer(layer: nn.Module) -> str:
    """``Linear(in_features=2, out_features=128, bias=True)  384``, with square pairs as one number."""
    text = type(layer).__name__ if list(layer.children()) else re.sub(r"\((\d+), \1\)", r"\1", repr(layer))
    if hasattr(layer, "eps"):
        text = f"{type(layer).__name__}(eps={layer.eps:g}, {_affine(layer)})"
    own = _count(layer, inside=False)
    return f"{text}  {own:,}" if own else text


def _affine(layer: nn.Module) -> str:
    return "scale and offset" if _count(layer) else "no scale"


def _norms(layers: Sequence[tuple[str, nn.Module]]) -> str:
    """Which normalisation stands behind which layers, with its eps; statistics are those of the batch at hand."""
    places: dict[str, list[str]] = {}
    for (before, _), (path, layer) in zip((("the input", None), *layers), layers, strict=False):
        if hasattr(layer, "eps"):
            places.setdefault(f"{type(layer).__name__}, eps {layer.eps:g}, {_affine(layer)}, behind", []).append(before)
        elif type(layer).__name__.startswith("Spectral"):
            kind = "weights over their largest singular value (one power iteration per update) in"
            places.setdefault(kind, []).append(path)
    return "\n".join(f"{kind} {', '.join(own)}" for kind, own in places.items()) or "none"


# The rest


def _data(config: Config) -> Iterator[tuple[str, str]]:
    data = config.data
    yield "data", _origin(data)[1:-1]
    size = " x ".join(map(str, data.shape))
    images = len(data.shape) == 3
    yield "sample", f"{size}, in [-1, 1] (a byte v is v / 127.5 - 1)" if images else f"in R^{size}, as it is drawn"
    labels = f"{data.classes} classes" if data.classes else "none"
    if isinstance(config, GanConfig):
        used = not isinstance(config.conditioning, Unconditional)
        labels += ", used" if used else ", not used in training" if data.classes else ""
        if isinstance(config.conditioning, AuxiliaryClassifier):
            labels += " (G reads them, D names them)"
    yield "labels", labels
    judged = "; `study data check` says whether they can be judged" if isinstance(data, Remarked) else ""
    yield "here", _missing(data) or f"yes{judged}"


def _missing(data: Any) -> str:
    """Say which files are missing and how to get them; "" if none are."""
    try:
        data.check()
    except ValueError as error:
        return str(error)
    return ""


def _run(config: Trained) -> Iterator[tuple[str, str]]:
    seen = config.evaluation
    yield "length", f"{config.steps:,} steps of batches of {config.batch_size}, {config.dtype}"
    samples = f"{seen.samples:,} samples in chunks of the batch size"
    yield "measured", f"at step 0, every {seen.every} steps on average (jittered) and at the end, on {samples}"
    if isinstance(seen.batch_norm, RunningStatistics):
        drawn = f"running ones of momentum {seen.batch_norm.momentum:g} when sampling"
        yield "statistics", f"batch norm uses those of the batch at hand in training, {drawn}"
    else:
        yield "statistics", "batch norm always uses those of the batch at hand, when sampling too"
    if config.held.groups:
        words = {"init": "first weights", "data": "data and their order", "noise": "noise"}
        seeds = ", ".join(f"{words[group]} of seed {getattr(config.held, group)}" for group in config.held.groups)
        yield "held", f"the same for all replicas: {seeds}"


def _settings(config: Config) -> Iterator[tuple[str, str]]:
    """Yield the fields that no formula shows, under the names that ``--set`` takes."""
    told = {path for path, _ in _formulated(config, "")} | {"data"}
    for field in dataclasses.fields(config):
        if field.name not in told:
            yield field.name, exact(getattr(config, field.name))
