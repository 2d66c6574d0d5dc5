"""Adversarial objectives as values: the fields are the hyperparameters, ``d_loss`` and ``g_loss`` are the formulas.

Conventions shared by all, and asserted by the conformance tests:

* scores are raw (no sigmoid), ``[R, B]``, high on real data;
* both losses are *minimised*, reduced by the *mean* over the batch and separate per replica, ``[R]``;
* real and fake batches may differ in size.

``formulas`` says the two losses with the numbers filled in: ``E[...]`` is the mean over the batch, ``x`` a real sample,
``G(z)`` a generated one. ``equilibrium`` gives their values at ``p_g = p_d`` with the best D.

To add an objective, write a class here and name it in ``Objective``: parsing, tests and records pick it up. In a file
of your own, :func:`trainables.plugins.objective` adds it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, log
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_args

from trainables.families import Family, first_line, kind_of
from trainables.later import functional

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainables.shapes import Loss, Scores


def _check(*scores: Scores) -> None:
    for score in scores:
        if score.ndim != 2:
            raise ValueError(f"scores must have the axes [replicas, batch], got shape {tuple(score.shape)}")


_CROSS_ENTROPY = "d = E[softplus(-D(x))] + E[softplus(D(G(z)))]"


def _minus(value: float) -> str:
    """Return ``" - 1"``, or ``" + 1"`` for -1: a label subtracted, as it is written in a formula."""
    return f" {'+' if value < 0 else '-'} {abs(value):g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Minimax:
    """The zero-sum game of the first GAN.

    ``d = E[softplus(-D(x))] + E[softplus(D(G(z)))]`` and ``g = -E[softplus(D(G(z)))]``, which are
    ``-E log s(D(x)) - E log(1 - s(D(G(z))))`` and ``E log(1 - s(D(G(z))))`` written on logits so that no score
    overflows. ``d >= 0``, ``g <= 0``; at ``p_g = p_d`` with the best D: ``d = 2 log 2``, ``g = -log 2``.

    Goodfellow et al. 2014, eq. 1. The paper's text trains G with the non-saturating form instead.
    """

    kind: Literal["minimax"] = "minimax"
    source: ClassVar[str] = "Goodfellow et al. 2014, eq. 1"
    label: ClassVar[str] = "minimax GAN"

    def d_loss(self, real: Scores, fake: Scores) -> Loss:
        _check(real, fake)
        return functional.softplus(-real).mean(-1) + functional.softplus(fake).mean(-1)

    def g_loss(self, fake: Scores) -> Loss:
        _check(fake)
        return -functional.softplus(fake).mean(-1)

    def formulas(self) -> tuple[str, str]:
        return _CROSS_ENTROPY, "g = -E[softplus(D(G(z)))]"

    def equilibrium(self) -> tuple[float | None, float | None]:
        return 2 * log(2), -log(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class NonSaturating:
    """Cross-entropy for both players; G maximises ``log s(D(G(z)))``.

    ``d`` as in :class:`Minimax`; ``g = E[softplus(-D(G(z)))]``. Both losses are ``>= 0``; at ``p_g = p_d`` with the
    best D: ``d = 2 log 2``, ``g = log 2``. Same fixed point as the minimax game, other dynamics: not zero-sum.

    Goodfellow et al. 2014, section 3. Some code halves ``d``; this does not.
    """

    kind: Literal["non_saturating"] = "non_saturating"
    source: ClassVar[str] = "Goodfellow et al. 2014, section 3"
    label: ClassVar[str] = "non-saturating cross-entropy"

    def d_loss(self, real: Scores, fake: Scores) -> Loss:
        _check(real, fake)
        return functional.softplus(-real).mean(-1) + functional.softplus(fake).mean(-1)

    def g_loss(self, fake: Scores) -> Loss:
        _check(fake)
        return functional.softplus(-fake).mean(-1)

    def formulas(self) -> tuple[str, str]:
        return _CROSS_ENTROPY, "g = E[softplus(-D(G(z)))]"

    def equilibrium(self) -> tuple[float | None, float | None]:
        return 2 * log(2), log(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeastSquares:
    """Least squares with labels a (fake, for D), b (real, for D) and c (G's target).

    ``d = 1/2 E[(D(x) - b)^2] + 1/2 E[(D(G(z)) - a)^2]`` and ``g = 1/2 E[(D(G(z)) - c)^2]``; both ``>= 0``.
    At ``p_g = p_d`` with the best D: (0,1,1) gives ``d = 1/4, g = 1/8``; (-1,1,0) gives ``d = 1, g = 0``.
    With ``b - c = 1`` and ``b - a = 2``, G minimises ``chi^2_Pearson(p_d + p_g || 2 p_g)``: (-1,1,0) does, the
    paper's default (0,1,1) does not.

    Mao et al. 2017, eqs. 2, 8 and 9. The authors' code takes half the *sum* over the batch where this takes half
    the mean: Adam and RMSProp hardly see the factor, SGD and an added penalty do. compare_gan's "least squares"
    squares the sigmoid of the score, which is another method.

    Raises:
        ValueError: if a label is not finite, or ``a == b`` (D could not tell real from fake).
    """

    kind: Literal["least_squares"] = "least_squares"
    a: float = 0.0
    b: float = 1.0
    c: float = 1.0
    source: ClassVar[str] = "Mao et al. 2017, eq. 2"
    label: ClassVar[str] = "least squares"

    def __post_init__(self) -> None:
        for name, value in (("a", self.a), ("b", self.b), ("c", self.c)):
            if not isfinite(value):
                raise ValueError(f"label {name} must be finite, got {value}")
        if self.a == self.b:
            raise ValueError(f"label a (fake) must differ from label b (real), got a = b = {self.a}")

    def d_loss(self, real: Scores, fake: Scores) -> Loss:
        _check(real, fake)
        return 0.5 * (real - self.b).square().mean(-1) + 0.5 * (fake - self.a).square().mean(-1)

    def g_loss(self, fake: Scores) -> Loss:
        _check(fake)
        return 0.5 * (fake - self.c).square().mean(-1)

    def formulas(self) -> tuple[str, str]:
        real, fake, own = (_minus(label) for label in (self.b, self.a, self.c))
        d = f"d = 1/2 E[(D(x){real})^2] + 1/2 E[(D(G(z)){fake})^2]"
        return d, f"g = 1/2 E[(D(G(z)){own})^2]"

    def equilibrium(self) -> tuple[float | None, float | None]:
        """Return the losses at the best D, ``(a + b)/2``: ``d = (b - a)^2 / 4`` and ``g = ((a + b) / 2 - c)^2 / 2``."""
        return (self.b - self.a) ** 2 / 4, ((self.a + self.b) / 2 - self.c) ** 2 / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Wasserstein:
    """Difference of mean scores; the discriminator (the papers' "critic") must be kept Lipschitz by other means.

    ``d = E[D(G(z))] - E[D(x)]`` and ``g = -E[D(G(z))]``; any sign. ``-d`` estimates the Wasserstein-1 distance up
    to the Lipschitz constant. Combine with ``clip`` (Arjovsky et al. 2017, algorithm 1).

    Arjovsky et al. 2017, eq. 2. The authors' code flips the sign of the score; this does not.
    """

    kind: Literal["wasserstein"] = "wasserstein"
    source: ClassVar[str] = "Arjovsky et al. 2017, eq. 2"
    label: ClassVar[str] = "Wasserstein"

    def d_loss(self, real: Scores, fake: Scores) -> Loss:
        _check(real, fake)
        return fake.mean(-1) - real.mean(-1)

    def g_loss(self, fake: Scores) -> Loss:
        _check(fake)
        return -fake.mean(-1)

    def formulas(self) -> tuple[str, str]:
        return "d = E[D(G(z))] - E[D(x)]", "g = -E[D(G(z))]"

    def equilibrium(self) -> tuple[float | None, float | None]:
        """Return None for G: any constant D is the best one, so G's loss has no value of its own."""
        return 0.0, None


Objective = Minimax | NonSaturating | LeastSquares | Wasserstein
OBJECTIVES: tuple[type[Objective], ...] = get_args(Objective)


def _in_words(member: type) -> Callable[[Any], tuple[str, ...]]:
    return lambda self: (first_line(member),)


FAMILY = Family(
    name="objective",
    built_in=OBJECTIVES,
    methods=("d_loss", "g_loss"),
    usual={
        "source": lambda member: "-",
        "label": kind_of,
        "formulas": _in_words,
        "equilibrium": lambda member: lambda self: (None, None),
    },
)
"""All objectives, with those of plugins."""
