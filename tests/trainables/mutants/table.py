"""Well-known slips of GAN code as patches of ours, one per row: what a careful reader would fear, done on purpose."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional
from torch.nn.functional import softplus

from search_spaces import architecture
from tests.trainables.mutants import checks_games, checks_losses
from trainables import conditioning, loop, objectives, optim, penalties, phases, tf1_rmsprop
from trainables.config import BurnIn, GanConfig
from trainables.data import Ring
from trainables.data.source import ImageSource, MixtureTruth
from trainables.gan import scoring
from trainables.gan.draws import Draws, PenaltyNoise
from trainables.gan.game import Gan
from trainables.gan.play import Play
from trainables.networks import layers

CHECKS = checks_losses.CHECKS + checks_games.CHECKS
LSQ, NS, ACGAN = objectives.LeastSquares, objectives.NonSaturating, conditioning.AuxiliaryClassifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Mutant:
    """One slip.

    Attributes:
        name: what is wrong.
        trap: where it is known from.
        target: the object that is patched, and the attribute.
        made: the wrong attribute from the right one.
    """

    name: str
    trap: str
    target: tuple[Any, str]
    made: Callable[[Any], Any]


def killers(mutant: Mutant) -> tuple[str, ...]:
    """The names of the checks that fail with the mutant in place."""
    owner, attribute = mutant.target
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(owner, attribute, mutant.made(getattr(owner, attribute)))
        return tuple(check.__name__ for check in CHECKS if not _passes(check))


def _passes(check: checks_losses.Check) -> bool:
    try:
        check()
    except AssertionError:
        return False
    return True


@cache
def verdict(place: int) -> tuple[str, ...]:
    """The same for the mutant in that place of the table, worked out once."""
    return killers(MUTANTS[place])


def verdicts() -> Mapping[str, tuple[str, ...]]:
    return {mutant.name: verdict(place) for place, mutant in enumerate(MUTANTS)}


def markdown() -> str:
    """The table of all mutants and of the checks that see them."""
    found = verdicts()
    rows = [f"| {m.name} | {m.trap} | {', '.join(found[m.name]) or 'SURVIVES'} |" for m in MUTANTS]
    return "\n".join(["| mutant | trap | killed by |", "| --- | --- | --- |", *rows])


# The wrong versions that need more than a line


def _sigmoid_score(right: Any) -> Any:
    def score(config: GanConfig, nets: Any, labels: Any) -> Any:
        own = right(config, nets, labels)
        return lambda points: own(points).sigmoid()

    return score


def _slope_per_pixel(score: Any, points: Any) -> Any:
    """Of axis 1 of the sample alone, averaged over the rest."""
    points = points.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(score(points).sum(), points, create_graph=True)
    squared = gradient.square().sum(2)
    return squared.flatten(2).mean(2) if squared.ndim > 2 else squared


def _attached_slope(score: Any, points: Any) -> Any:
    if not points.requires_grad:
        points = points.requires_grad_()
    (gradient,) = torch.autograd.grad(score(points).sum(), points, create_graph=True)
    return gradient.flatten(2).square().sum(2)


def _per_batch(noise: Any, name: str, batch: Any) -> Any:
    return noise.uniform(name, (1,) * (batch.ndim - 1)).to(batch)


def _per_entry(noise: Any, name: str, batch: Any) -> Any:
    return noise.uniform(name, tuple(batch.shape[1:])).to(batch)


def _normal_around(batch: Any, scale: float, noise: Any, name: str) -> Any:
    spread = batch.flatten(1).std(1, correction=0).view(-1, *[1] * (batch.ndim - 1))
    return batch + scale * spread * noise.normal(f"{name}_entry", tuple(batch.shape[1:])).to(batch)


def _closed_ring(right: Any) -> Any:
    def load(self: Ring, *, device: Any, dtype: Any) -> Any:
        source = right(self, device=device, dtype=dtype)
        angles = np.linspace(0, 2 * np.pi, self.modes)
        centers = self.radius * np.stack([np.sin(angles), np.cos(angles)], axis=1)
        source.truth = MixtureTruth(centers=centers, weights=source.truth.weights, std=self.std)
        return source

    return load


def _joined(config: GanConfig, nets: Any, real: Any, fake: Any, labels: Any) -> Any:
    inputs = [torch.cat([real, fake], 1)] + ([] if labels is None else [torch.cat(labels, 1)])
    found, count = nets.run("discriminator", *inputs), real.shape[1]
    if isinstance(found, tuple):
        return tuple(part[:, :count] for part in found), tuple(part[:, count:] for part in found)
    return found[:, :count], found[:, count:]


def _swapped_labels(right: Any) -> Any:
    return lambda config, nets, real, fake, labels: right(config, nets, real, fake, labels and labels[::-1])


def _rounds(change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Of the game, after a change."""
    return lambda right: lambda self, step: change(right(self, step))


def _g_seldom(right: Any) -> Any:
    """One of D's updates per step, however many there should be."""

    def rounds(self: Gan, step: int) -> Any:
        d_steps, found = self._config.updates.d_steps, right(self, step)
        return found if d_steps == 1 else (found[0], found[-1])

    return rounds


def _clip_gradients(right: Any) -> Any:
    def update(self: loop.Loop, phase: phases.Phase) -> None:
        for gradient in self._gradients[phase.name]:
            if phase.clip is not None:
                gradient.clamp_(-phase.clip, phase.clip)
        right(self, replace(phase, clip=None))

    return update


def _clip_all(right: Any) -> Any:
    def update(self: loop.Loop, phase: phases.Phase) -> None:
        right(self, phase)
        if phase.clip is not None:
            loop._clamp(self._leaves[phase.name], phase.clip)

    return update


def _attached_fakes(self: Draws, nets: Any, visit: int) -> Any:
    inputs = [self.discriminator_latents(visit)] + ([self.discriminator_labels(visit)] if self.labeled else [])
    return nets.run("generator", *inputs)


def _without_terms(player: str) -> Callable[[Any], Any]:
    """The class head is run and its loss forgotten."""

    def change(rounds: Any) -> Any:
        def forgetful(phase: phases.Phase) -> phases.Phase:
            if phase.name != player:
                return phase
            terms = lambda nets, draws: {k: v for k, v in phase.loss(nets, draws).items() if "class" not in k}  # noqa: E731
            return replace(phase, loss=terms, terms=tuple(t for t in phase.terms if "class" not in t))

        return tuple(tuple(map(forgetful, group)) for group in rounds)

    return _rounds(change)


def _tf1(*, start: float = 1.0, inside: bool = True) -> Callable[[Any], Any]:
    """TensorFlow's rule with another first value, or with eps beside the root."""

    def step(self: Any, closure: Any = None) -> None:
        for group in self.param_groups:
            for p in group["params"]:
                s = self.state[p].setdefault("square_mean", torch.full_like(p.detach(), start))
                s.mul_(group["decay"]).add_((1 - group["decay"]) * p.grad**2)
                root = (s + group["eps"]).sqrt() if inside else s.sqrt() + group["eps"]
                p.data.sub_(group["lr"] * p.grad / root)

    return lambda right: step


def _other_decay(right: Any) -> Any:
    return lambda self, leaves: tf1_rmsprop.Tf1RMSprop(list(leaves), lr=self.lr, decay=0.99, eps=self.eps)


def _unit_images(right: Any) -> Any:
    return lambda self, picks: (right(self, picks) + 1) / 2


def _frozen_not(right: Any) -> Any:
    return lambda self, network, *inputs, frozen=False, **how: right(self, network, *inputs, **how)


def _eps(right: Any) -> Any:
    def init(self: layers.BatchNorm, channels: int, *, eps: float, affine: bool) -> None:
        right(self, channels, eps=0.8, affine=affine)

    return init


def _merged_statistics(self: Any, x: torch.Tensor) -> torch.Tensor:
    """Sampling with fixed statistics (mean 0, variance 1) instead of the batch's."""
    return x if self.weight is None else x * self.weight + self.bias


def _one_chunk(right: Any) -> Any:
    def sample(self: Play, nets: Any, count: int, labels: Any = None) -> Any:
        other = Play(replace(self._config, batch_size=count), self._source, self._streams)
        return right(other, nets, count, labels)

    return sample


def _constant(**values: Any) -> Callable[[Any], Any]:
    """A method evaluated on the value with some fields changed."""
    return lambda right: lambda self, *args: right(replace(self, **values), *args)


def _with_default(name: str, value: float) -> Callable[[Any], Any]:
    return lambda right: lambda self, **fields: right(self, **{name: value, **fields})


def _times(factor: float) -> Callable[[Any], Any]:
    return lambda right: lambda *args: factor * right(*args)


def _always(value: Any) -> Callable[[Any], Any]:
    return lambda right: value


def _row(name: str, trap: str, owner: Any, attribute: str, made: Callable[[Any], Any]) -> Mutant:
    return Mutant(name=name, trap=trap, target=(owner, attribute), made=made)


NOTHING = _row("an unchanged copy", "-", LSQ, "d_loss", lambda right: lambda *args: right(*args))

_P = penalties
MUTANTS: tuple[Mutant, ...] = (
    # Objectives
    _row(
        "half sum in place of half mean",
        "7.1",
        LSQ,
        "d_loss",
        _always(lambda s, real, fake: 0.5 * (real - s.b).square().sum(-1) + 0.5 * (fake - s.a).square().sum(-1)),
    ),
    _row("half sum in G's loss", "7.1", LSQ, "g_loss", _always(lambda s, fake: 0.5 * (fake - s.c).square().sum(-1))),
    _row("least squares without the half", "7.1", LSQ, "g_loss", _times(2)),
    _row(
        "least squares of the sigmoid",
        "7.5",
        LSQ,
        "d_loss",
        lambda right: lambda s, real, fake: right(s, real.sigmoid(), fake.sigmoid()),
    ),
    _row(
        "labels a and b swapped",
        "7.7",
        LSQ,
        "d_loss",
        lambda right: lambda s, real, fake: right(replace(s, a=s.b, b=s.a), real, fake),
    ),
    _row("c tied to b", "7.7", LSQ, "g_loss", lambda right: lambda s, fake: right(replace(s, c=s.b), fake)),
    _row("(-1, 1, 0) whatever the labels", "7.7", LSQ, "g_loss", _constant(a=-1, b=1, c=0)),
    _row(
        "minimax written as non-saturating",
        "naming",
        objectives.Minimax,
        "g_loss",
        _always(lambda s, fake: softplus(-fake).mean(-1)),
    ),
    _row(
        "non-saturating written as minimax", "naming", NS, "g_loss", _always(lambda s, fake: -softplus(fake).mean(-1))
    ),
    _row("cross-entropy halved", "reduction", NS, "d_loss", _times(0.5)),
    _row(
        "cross-entropy of a sigmoid, no logits",
        "numerics",
        NS,
        "d_loss",
        _always(lambda s, real, fake: -real.sigmoid().log().mean(-1) - (1 - fake.sigmoid()).log().mean(-1)),
    ),
    _row(
        "sigmoid before a cross-entropy of logits",
        "7.5",
        NS,
        "d_loss",
        lambda right: lambda s, real, fake: right(s, real.sigmoid(), fake.sigmoid()),
    ),
    _row("critic with the sign flipped", "sign", objectives.Wasserstein, "d_loss", _times(-1)),
    # Penalties
    _row("DRAGAN and others on the sigmoid", "7.9", scoring, "scorer", _sigmoid_score),
    _row("gradient norm per pixel", "per sample", _P, "slope_squared", _always(_slope_per_pixel)),
    _row("one epsilon per batch", "per sample", _P, "_per_sample", _always(_per_batch)),
    _row("one epsilon per pixel", "per sample", _P, "_per_sample", _always(_per_entry)),
    _row(
        "plain root at zero", "7.11", _P, "slope", _always(lambda score, points: _P.slope_squared(score, points).sqrt())
    ),
    _row(
        "root with 1e-4 inside",
        "7.11",
        _P,
        "slope",
        _always(lambda score, points: (_P.slope_squared(score, points) + 1e-4).sqrt()),
    ),
    _row(
        "penalty at real samples for interpolates",
        "place",
        _P.Interpolates,
        "points",
        _always(lambda s, real, fake, noise: real),
    ),
    _row(
        "epsilon outside the segment",
        "place",
        _P.Interpolates,
        "points",
        _always(lambda s, real, fake, noise: real + _P._per_sample(noise, "mix", real) * real),
    ),
    _row("R1 at generated samples", "place", _P.Real, "points", _always(lambda s, real, fake, noise: fake)),
    _row(
        "both kinds read as real alone", "place", _P.RealAndFake, "points", _always(lambda s, real, fake, noise: real)
    ),
    _row("noise around data normal", "place", _P, "_around", _always(_normal_around)),
    _row("graph of the points kept", "leak", _P, "slope_squared", _always(_attached_slope)),
    _row("R1 with gamma / 2", "7.20", _P.ZeroCentered, "penalty", _times(0.5)),
    _row("WGAN-div with the coefficient 10", "7.13", _P.WganDiv, "penalty", _constant(k=10.0)),
    _row("WGAN-div as k / 2", "7.13", _P.WganDiv, "penalty", _times(0.5)),
    _row("WGAN-div with the exponent 2", "7.13", _P.WganDiv, "penalty", _constant(p=2.0)),
    _row(
        "WGAN-LP two-sided",
        "sides",
        _P.WganLp,
        "penalty",
        _always(lambda s, *args: _P.WganGp(weight=s.weight, points=s.points).penalty(*args)),
    ),
    _row(
        "WGAN-GP one-sided",
        "sides",
        _P.WganGp,
        "penalty",
        _always(lambda s, *args: _P.WganLp(weight=s.weight, points=s.points).penalty(*args)),
    ),
    _row(
        "penalty averaged over the stack",
        "stack",
        _P.WganGp,
        "penalty",
        lambda right: lambda *args: right(*args).mean().expand(len(args[2])),
    ),
    _row("LSGAN-GP with the scale 1", "7.23", _P.LsganGp, "penalty", _constant(scale=1.0)),
    _row("the weight 150 beside half means", "7.1", _P.LsganGp, "__init__", _with_default("weight", 150.0)),
    _row(
        "one noise for the whole run",
        "7.23",
        Draws,
        "penalty_noise",
        lambda right: lambda s, visit: PenaltyNoise(s._streams, 0),
    ),
    _row("penalty beside batch norm accepted", "7.10", GanConfig, "_check_penalty", _always(lambda s: None)),
    # Labels
    _row(
        "softmax before the cross-entropy",
        "7.4",
        conditioning,
        "cross_entropy",
        lambda right: lambda logits, labels: right(logits.softmax(-1), labels),
    ),
    _row(
        "class loss summed over the batch",
        "7.1",
        conditioning,
        "cross_entropy",
        _always(lambda x, y: functional.cross_entropy(x.mT, y, reduction="none").sum(1)),
    ),
    _row("class term of G with a minus", "sign", ACGAN, "g_loss", _times(-1)),
    _row(
        "class term of generated samples with a minus in D",
        "sign",
        ACGAN,
        "d_loss",
        _always(
            lambda s, x, y, fake, c: s.weight * (conditioning.cross_entropy(x, y) - conditioning.cross_entropy(fake, c))
        ),
    ),
    _row("class term missing for D", "missing", Gan, "rounds", _without_terms("d")),
    _row("class term missing for G", "missing", Gan, "rounds", _without_terms("g")),
    _row("real and generated labels swapped", "labels", scoring, "both", _swapped_labels),
    _row(
        "generated samples judged with the real labels",
        "labels",
        scoring,
        "both",
        lambda right: lambda c, n, x, g, labels: right(c, n, x, g, labels and (labels[0], labels[0])),
    ),
    # Order, clocks and clipping
    _row(
        "D first whatever the order",
        "7.19",
        Gan,
        "rounds",
        _rounds(lambda r: tuple(sorted(((p,) for g in r for p in g), key=lambda g: g[0].name))),
    ),
    _row(
        "G first whatever the order",
        "7.19",
        Gan,
        "rounds",
        _rounds(lambda r: tuple(sorted(((p,) for g in r for p in g), key=lambda g: g[0].name, reverse=True))),
    ),
    _row("one update of D per step, whatever d_steps", "7.12", Gan, "rounds", _g_seldom),
    _row("burn-in left out", "7.21", BurnIn, "holds", _always(lambda s, step: False)),
    _row("burn-in without every 500th", "7.21", BurnIn, "holds", _always(lambda s, step: step < s.first)),
    _row(
        "no clip after the step",
        "7.22",
        loop.Loop,
        "_update",
        lambda right: lambda s, p: right(s, replace(p, clip=None)),
    ),
    _row("clipped after the step as well as before", "7.22", loop.Loop, "_update", _clip_all),
    _row("gradients clipped, not weights", "7.22", loop.Loop, "_update", _clip_gradients),
    _row(
        "fresh noise for G where it is reused",
        "7.14",
        Draws,
        "generator_latents",
        _always(lambda s: s._noise("latent_g", s._step)),
    ),
    _row(
        "noise reused where it is fresh",
        "7.14",
        Draws,
        "generator_latents",
        _always(lambda s: s.discriminator_latents(s.d_steps - 1)),
    ),
    _row("one real batch for all of D's updates", "7.14", Draws, "real", lambda right: lambda s, visit: right(s, 0)),
    _row("noise in [0, 1)", "7.16", phases, "latents", lambda right: lambda *args: right(*args).abs()),
    _row("samples not detached for D", "leak", Draws, "fake_for_discriminator", _always(_attached_fakes)),
    _row("D not frozen in G's update", "leak", phases.Nets, "run", _frozen_not),
    # Networks, data, optimisers
    _row("batch norm with eps 0.8", "7.3", layers.BatchNorm, "__init__", _eps),
    _row("batch norm with fixed statistics", "7.17", layers.BatchNorm, "forward", _always(_merged_statistics)),
    _row("samples drawn in one large batch", "7.17", Play, "sample", _one_chunk),
    _row("real and generated in one batch", "7.18", scoring, "both", _always(_joined)),
    _row("packs of mixed neighbours", "packing", scoring, "pack", lambda right: lambda x, m: right(x.roll(1, 1), m)),
    _row("closed ring", "7.6", Ring, "load", _closed_ring),
    _row("images in [0, 1]", "7.15", ImageSource, "_floats", _unit_images),
    _row("TF1 RMSProp from zero", "7.2", tf1_rmsprop.Tf1RMSprop, "step", _tf1(start=0.0)),
    _row("TF1 RMSProp with eps outside the root", "7.2", tf1_rmsprop.Tf1RMSprop, "step", _tf1(inside=False)),
    _row("TF1 RMSProp with decay 0.99", "7.2", optim.RMSpropTf1, "build", _other_decay),
    _row(
        "TF1 RMSProp under torch's name",
        "7.2",
        optim.RMSprop,
        "build",
        _always(lambda s, leaves: optim.RMSpropTf1(lr=s.lr, eps=s.eps).build(leaves)),
    ),
    _row(
        "BN_G read as batch norm in G",
        "7.8",
        architecture,
        "BN",
        lambda right: replace(
            right,
            levels=tuple(
                replace(v, assign={"generator.norm": "batch", "discriminator.norm": "none"}) for v in right.levels
            ),
        ),
    ),
)
