"""Gradient penalties on the discriminator as values: each says in its docstring what is averaged, and where.

Conventions shared by all, and asserted by the conformance tests:

* the gradient is that of the raw *score* (never of its sigmoid) with respect to the discriminator's input, one norm per
  sample over all of its axes, ``n(x) = |grad_x D(x)|_2``;
* the penalty is a mean over the points, separate per replica, ``[R]``; it is added to D's loss alone;
* every random number comes from the caller, so that a stack penalises at the points of its solo runs;
* the points are constants: no gradient reaches the generator through them.

A weight belongs to the scale of the loss beside it. Ours are means over the batch; the LSGAN authors' losses are half
*sums*, which is why their weight 150 is 150 / 64 here (:class:`LsganGp`).

``formula`` says what is added, or where, with the numbers filled in: ``E[...]`` is the mean over the points p.

To add a penalty, write a class here and name it in ``Penalty``: parsing, tests and records pick it up.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, get_args

from trainables.families import Family, first_line, kind_of
from trainables.later import torch

if TYPE_CHECKING:
    from torch import Tensor

    from trainables.shapes import Loss, Samples, ScoreFn


def _require(holds: bool, name: str, rule: str, value: float) -> None:
    if not (isfinite(value) and holds):
        raise ValueError(f"{name} must be {rule}, got {value}")


class Noise(Protocol):
    """The random numbers of one penalty evaluation; the same name gives the same numbers."""

    def uniform(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """Draw uniform numbers on [0, 1), ``[R, *shape]``."""

    def normal(self, name: str, shape: tuple[int, ...]) -> Tensor:
        """Draw standard normal numbers, ``[R, *shape]``."""


_MIXED_NOISE = "e ~ U(0, 1) per sample, u ~ U(0, 1) per entry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpolates:
    """``e x + (1 - e) G(z)`` with ``e ~ U(0, 1)``, *one per sample*. Gulrajani et al. 2017, algorithm 1."""

    kind: Literal["interpolates"] = "interpolates"

    def points(self, real: Samples, fake: Samples, noise: Noise) -> Samples:
        _same_shape(real, fake)
        return torch.lerp(fake, real, _per_sample(noise, "mix", real))

    def formula(self) -> str:
        return "p = e x + (1 - e) G(z), e ~ U(0, 1) per sample"


@dataclass(frozen=True, slots=True, kw_only=True)
class InterpolatesWithin:
    """Half of the points between pairs of real samples, half between pairs of generated ones.

    The pairs are neighbours in the batch, whose order is random. Wu et al. 2018, section 4 (sampling strategies).
    """

    kind: Literal["interpolates_within"] = "interpolates_within"

    def points(self, real: Samples, fake: Samples, noise: Noise) -> Samples:
        _same_shape(real, fake)
        mix = _per_sample(noise, "mix", real)
        half = (real.shape[1] + 1) // 2
        within = [torch.lerp(batch, batch.roll(1, 1), mix) for batch in (real, fake)]
        return torch.cat([within[0][:, :half], within[1][:, half:]], 1)

    def formula(self) -> str:
        return "half p = e x + (1 - e) x', half p = e G(z) + (1 - e) G(z'), e ~ U(0, 1) per sample"


@dataclass(frozen=True, slots=True, kw_only=True)
class InterpolatesMixed:
    """Between pairs drawn from real and generated samples thrown together: a pair may be of one kind or of both.

    Wu et al. 2018, section 4 (sampling strategies).
    """

    kind: Literal["interpolates_mixed"] = "interpolates_mixed"

    def points(self, real: Samples, fake: Samples, noise: Noise) -> Samples:
        _same_shape(real, fake)
        mix = _per_sample(noise, "mix", real)
        ends = [torch.where(_per_sample(noise, name, real) < 0.5, real, fake.roll(1, 1)) for name in ("one", "other")]
        return torch.lerp(ends[0], ends[1].roll(1, 1), mix)

    def formula(self) -> str:
        return "p = e u + (1 - e) v, u and v each x or G(z) with probability 1/2, e ~ U(0, 1) per sample"


@dataclass(frozen=True, slots=True, kw_only=True)
class RealAndFake:
    """The real and the generated samples themselves. Wu et al. 2018, section 4 (sampling strategies)."""

    kind: Literal["real_and_fake"] = "real_and_fake"

    def points(self, real: Samples, fake: Samples, noise: Noise) -> Samples:
        return torch.cat([real, fake], 1)

    def formula(self) -> str:
        return "p = x and p = G(z)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Real:
    """The real samples. Mescheder et al. 2018, eq. 9 (R1)."""

    kind: Literal["real"] = "real"

    def points(self, real: Samples, fake: Samples, noise: Noise) -> Samples:
        return real

    def formula(self) -> str:
        return "p = x"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fake:
    """The generated samples. Mescheder et al. 2018, eq. 10 (R2)."""

    kind: Literal["fake"] = "fake"

    def points(self, real: Samples, fake: Samples, noise: Noise) -> Samples:
        return fake

    def formula(self) -> str:
        return "p = G(z)"


@dataclass(frozen=True, slots=True, kw_only=True)
class AroundReal:
    """``x + e scale std(x) u``: noise around the data, ``e ~ U(0, 1)`` per sample, ``u ~ U[0, 1)`` per entry.

    ``std`` is one number over all entries of the batch. Kodali et al. 2017, as in compare_gan (scale 0.5). A
    reproduction of WGAN-LP by mikigom offers it too, with one u per sample and one std over real and generated samples
    together.
    """

    kind: Literal["around_real"] = "around_real"
    scale: float = 0.5

    def __post_init__(self) -> None:
        _require(self.scale > 0, "scale", "> 0", self.scale)

    def points(self, real: Samples, fake: Samples, noise: Noise) -> Samples:
        return _around(real, self.scale, noise, "real")

    def formula(self) -> str:
        return f"p = x + e {self.scale:g} std(x) u, {_MIXED_NOISE}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AroundBoth:
    """As :class:`AroundReal`, around the real and around the generated samples.

    From a reproduction of WGAN-LP by mikigom, which draws it as said there; the authors' code interpolates alone.
    """

    kind: Literal["around_both"] = "around_both"
    scale: float = 0.5

    def __post_init__(self) -> None:
        _require(self.scale > 0, "scale", "> 0", self.scale)

    def points(self, real: Samples, fake: Samples, noise: Noise) -> Samples:
        return torch.cat([_around(real, self.scale, noise, "real"), _around(fake, self.scale, noise, "fake")], 1)

    def formula(self) -> str:
        return f"p = s + e {self.scale:g} std(s) u for s = x and s = G(z), {_MIXED_NOISE}"


Points = Interpolates | InterpolatesWithin | InterpolatesMixed | RealAndFake | Real | Fake | AroundReal | AroundBoth
POINTS: tuple[type[Points], ...] = get_args(Points)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoPenalty:
    """Nothing is added."""

    kind: Literal["none"] = "none"
    source: ClassVar[str] = "-"
    label: ClassVar[str] = "no penalty"

    def penalty(self, score: ScoreFn, real: Samples, fake: Samples, noise: Noise) -> Loss:
        return real.new_zeros(len(real))

    def formula(self) -> str:
        return "d += 0"


@dataclass(frozen=True, slots=True, kw_only=True)
class WganGp:
    """``weight E[(n(x) - 1)^2]``, two-sided, between real and generated samples.

    Gulrajani et al. 2017, eq. 3 (weight 10; 0.1 in the authors' 2-D script). No batch norm in D: the penalty is per
    sample. Value >= 0.
    """

    kind: Literal["wgan_gp"] = "wgan_gp"
    weight: float = 10.0
    points: Points = Interpolates()
    source: ClassVar[str] = "Gulrajani et al. 2017, eq. 3"
    label: ClassVar[str] = "WGAN-GP"

    def __post_init__(self) -> None:
        _require(self.weight >= 0, "weight", ">= 0", self.weight)

    def penalty(self, score: ScoreFn, real: Samples, fake: Samples, noise: Noise) -> Loss:
        return self.weight * (slope(score, self.points.points(real, fake, noise)) - 1).square().mean(1)

    def formula(self) -> str:
        return f"d += {self.weight:g} E[(|grad D(p)| - 1)^2], two-sided"


@dataclass(frozen=True, slots=True, kw_only=True)
class WganLp:
    """``weight E[max(0, n(x) - 1)^2]``, one-sided: only slopes above 1 are penalised.

    "LP" stands for Lipschitz penalty; there is no p-norm. Petzka et al. 2018, eq. 8; their code interpolates and has
    the weight 0.1 in its 2-D script, 10 in the others, 0.1 to 500 for CIFAR10. The default of 5, and points around the
    samples, are those of a reproduction by mikigom. Value >= 0.
    """

    kind: Literal["wgan_lp"] = "wgan_lp"
    weight: float = 5.0
    points: Points = Interpolates()
    source: ClassVar[str] = "Petzka et al. 2018, eq. 8"
    label: ClassVar[str] = "WGAN-LP"

    def __post_init__(self) -> None:
        _require(self.weight >= 0, "weight", ">= 0", self.weight)

    def penalty(self, score: ScoreFn, real: Samples, fake: Samples, noise: Noise) -> Loss:
        return self.weight * (slope(score, self.points.points(real, fake, noise)) - 1).clamp_min(0).square().mean(1)

    def formula(self) -> str:
        return f"d += {self.weight:g} E[max(0, |grad D(p)| - 1)^2], one-sided"


@dataclass(frozen=True, slots=True, kw_only=True)
class WganDiv:
    """``k E[n(x)^p]``: not centred at 1, and no Lipschitz constraint is meant.

    Wu et al. 2018, eq. 11 (k = 2, p = 6). The authors' code has the coefficient 10; PyTorch-GAN takes k/2 for the real
    and for the generated samples, which is ``points = real_and_fake`` here at the same k. Stiff: plain gradient
    descent with a large step explodes. Value >= 0.
    """

    kind: Literal["wgan_div"] = "wgan_div"
    k: float = 2.0
    p: float = 6.0
    points: Points = Interpolates()
    source: ClassVar[str] = "Wu et al. 2018, eq. 11"
    label: ClassVar[str] = "WGAN-div"

    def __post_init__(self) -> None:
        _require(self.k >= 0, "k", ">= 0", self.k)
        _require(self.p >= 1, "p", ">= 1", self.p)

    def penalty(self, score: ScoreFn, real: Samples, fake: Samples, noise: Noise) -> Loss:
        return self.k * slope(score, self.points.points(real, fake, noise)).pow(self.p).mean(1)

    def formula(self) -> str:
        return f"d += {self.k:g} E[|grad D(p)|^{self.p:g}]"


@dataclass(frozen=True, slots=True, kw_only=True)
class Dragan:
    """``weight E[(n(x) - 1)^2]`` around the data; meant beside the non-saturating loss.

    Kodali et al. 2017, as in compare_gan (weight 10, noise of half the batch's standard deviation), whose first
    version, that of Lucic et al. 2018, differentiates the *sigmoid* of the score: a slope of at most a quarter of ours.
    Later versions take the score, as here, and centre the noise. Value >= 0.
    """

    kind: Literal["dragan"] = "dragan"
    weight: float = 10.0
    points: Points = AroundReal()
    source: ClassVar[str] = "Kodali et al. 2017, section 2.3"
    label: ClassVar[str] = "DRAGAN"

    def __post_init__(self) -> None:
        _require(self.weight >= 0, "weight", ">= 0", self.weight)

    def penalty(self, score: ScoreFn, real: Samples, fake: Samples, noise: Noise) -> Loss:
        return self.weight * (slope(score, self.points.points(real, fake, noise)) - 1).square().mean(1)

    def formula(self) -> str:
        return f"d += {self.weight:g} E[(|grad D(p)| - 1)^2], two-sided"


@dataclass(frozen=True, slots=True, kw_only=True)
class ZeroCentered:
    """``weight E[n(x)^2]``; R1 on the real samples, R2 on the generated ones, or on any other points.

    Mescheder et al. 2018, eqs. 9 and 10, write ``gamma / 2``: our weight is half of their gamma. The authors' code has
    the weight 10 without the half, as here. Value >= 0.
    """

    kind: Literal["zero_centered"] = "zero_centered"
    weight: float = 10.0
    points: Points = Real()
    source: ClassVar[str] = "Mescheder et al. 2018, eq. 9"
    label: ClassVar[str] = "zero-centred"

    def __post_init__(self) -> None:
        _require(self.weight >= 0, "weight", ">= 0", self.weight)

    def penalty(self, score: ScoreFn, real: Samples, fake: Samples, noise: Noise) -> Loss:
        return self.weight * slope_squared(score, self.points.points(real, fake, noise)).mean(1)

    def formula(self) -> str:
        return f"d += {self.weight:g} E[|grad D(p)|^2]"


@dataclass(frozen=True, slots=True, kw_only=True)
class LsganGp:
    """``weight E[(n(x) - 1)^2]`` at ``x + e scale u``: very large positive noise on the data.

    ``e ~ U(0, 1)`` per sample, ``u ~ U[0, 1)`` per entry, scale 30 for images in [-1, 1]. The authors' code has weight
    150 beside *half sums* over 64 samples; beside our half means the same game has ``150 / 64``. Their ``u`` is drawn
    once for the whole run (the graph is built once); ours is fresh at every step. Mao et al. 2019 (authors' code,
    difficult_architectures). Value >= 0.
    """

    kind: Literal["lsgan_gp"] = "lsgan_gp"
    weight: float = 150 / 64
    scale: float = 30.0
    source: ClassVar[str] = "Mao et al. 2019 (TPAMI), LSGANs-GP; authors' code"
    label: ClassVar[str] = "LSGAN-GP"

    def __post_init__(self) -> None:
        _require(self.weight >= 0, "weight", ">= 0", self.weight)
        _require(self.scale > 0, "scale", "> 0", self.scale)

    def penalty(self, score: ScoreFn, real: Samples, fake: Samples, noise: Noise) -> Loss:
        shift = noise.uniform("entry", tuple(real.shape[1:])).to(real)
        points = real + _per_sample(noise, "mix", real) * self.scale * shift
        return self.weight * (slope(score, points) - 1).square().mean(1)

    def formula(self) -> str:
        noise = f"p = x + e {self.scale:g} u, {_MIXED_NOISE}"
        return f"d += {self.weight:g} E[(|grad D(p)| - 1)^2], two-sided, {noise}"


Penalty = NoPenalty | WganGp | WganLp | WganDiv | Dragan | ZeroCentered | LsganGp
PENALTIES: tuple[type[Penalty], ...] = get_args(Penalty)
FAMILY = Family(
    name="penalty",
    built_in=PENALTIES,
    methods=("penalty",),
    usual={
        "source": lambda member: "-",
        "label": kind_of,
        "formula": lambda member: lambda self: first_line(member),
    },
)
"""All penalties, with those of plugins."""


def slope_squared(score: ScoreFn, points: Samples) -> Tensor:
    """Return ``|grad_x D(x)|^2`` at every point, ``[R, B]``, differentiable in the weights of D.

    The sum of all scores is differentiated: a sample's score depends on that sample alone (unless D has batch norm,
    which is why a penalty refuses it), so each gradient is its own, per replica too.
    """
    points = points.detach().requires_grad_()
    (gradient,) = torch.autograd.grad(score(points).sum(), points, create_graph=True)
    return gradient.flatten(2).square().sum(2)


def slope(score: ScoreFn, points: Samples) -> Tensor:
    """Return ``|grad_x D(x)|`` at every point, ``[R, B]``.

    The root has no derivative at 0: there the value is 0 and so is the gradient that is passed on, where a plain root
    gives NaN (a flat D, dead rectifiers) and compare_gan's ``sqrt(1e-4 + .)`` another value everywhere.
    """
    squared = slope_squared(score, points)
    steep = squared > 0
    return torch.where(steep, squared, 1.0).sqrt() * steep


def _around(batch: Samples, scale: float, noise: Noise, name: str) -> Samples:
    spread = batch.flatten(1).std(1, correction=0).view(-1, *[1] * (batch.ndim - 1))
    entry = noise.uniform(f"{name}_entry", tuple(batch.shape[1:])).to(batch)
    return batch + _per_sample(noise, f"{name}_mix", batch) * scale * spread * entry


def _per_sample(noise: Noise, name: str, batch: Samples) -> Tensor:
    """Draw uniform numbers, one per sample, with axes to multiply ``batch``."""
    return noise.uniform(name, (batch.shape[1], *[1] * (batch.ndim - 2))).to(batch)


def _same_shape(real: Samples, fake: Samples) -> None:
    if real.shape != fake.shape:
        raise ValueError(
            f"real and fake samples must have one shape to be mixed, got {tuple(real.shape)} and {tuple(fake.shape)}"
        )
