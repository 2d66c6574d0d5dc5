"""What makes one autoencoder differ from another, as values: the prior on codes, the use of labels, the regularizer.

Values only, like objectives and penalties: the configuration holds them, and the room ``trainables.autoencoder`` does
what they say.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, log, pi, sqrt
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from trainables.later import torch
from trainables.objectives import FAMILY, NonSaturating, Objective

if TYPE_CHECKING:
    from torch import Tensor

    from trainables.shapes import Labels, Latents, Loss


@dataclass(frozen=True, slots=True, kw_only=True)
class NormalPrior:
    """``z ~ N(0, std^2 I)`` in ``dim`` dimensions.

    Makhzani et al. 2015 have std 5 in 2 and 8 dimensions (figure 2, section 3); their figure 3 and later ones do not
    say. The default is the unit normal.
    """

    kind: Literal["normal"] = "normal"
    dim: int
    std: float = 1.0
    modes: ClassVar[int] = 0
    noise: ClassVar[Literal["uniform", "normal"]] = "normal"
    source: ClassVar[str] = "Makhzani et al. 2015, section 2"

    def __post_init__(self) -> None:
        if self.dim < 1:
            raise ValueError(f"dim must be >= 1, got {self.dim}")
        _check_positive(std=self.std)

    @property
    def deviation(self) -> float:
        """Root mean square of a coordinate."""
        return self.std

    def points(self, noise: Latents, modes: Labels | None) -> Latents:
        """Return draws of the prior from standard normal noise of the same shape; there are no modes to choose from."""
        return self.std * noise


@dataclass(frozen=True, slots=True, kw_only=True)
class Petals:
    """A mixture of Gaussians in the plane, long along the ray from the origin: the petals of a flower.

    Mode k: ``z = Rot(2 pi k / modes) (distance + radial n_0, tangential n_1)`` with n standard normal. Makhzani et al.
    2015, figures 2 and 4, show ten petals and print no numbers: those here are of widespread implementations.
    """

    kind: Literal["petals"] = "petals"
    dim: int = 2
    modes: int = 10
    distance: float = 1.4
    radial: float = 0.5
    tangential: float = 0.05
    noise: ClassVar[Literal["uniform", "normal"]] = "normal"
    source: ClassVar[str] = "Makhzani et al. 2015, figures 2 and 4"

    def __post_init__(self) -> None:
        _check_plane(self.dim, self.modes)
        _check_positive(distance=self.distance, radial=self.radial, tangential=self.tangential)

    @property
    def deviation(self) -> float:
        return sqrt((self.distance**2 + self.radial**2 + self.tangential**2) / 2)

    def points(self, noise: Latents, modes: Labels | None) -> Latents:
        """Return draws ``[..., 2]`` of the modes ``[...]``."""
        assert modes is not None
        x, y = self.distance + self.radial * noise[..., 0], self.tangential * noise[..., 1]
        return _polar(x, y, modes * (2 * pi / self.modes))


@dataclass(frozen=True, slots=True, kw_only=True)
class SwissRoll:
    """A spiral in the plane, cut along its length into ``modes`` pieces.

    Piece k: ``t = sqrt((k + u) / modes)`` with u uniform on [0, 1), at radius ``size t`` and angle ``2 pi turns t``:
    no width, evenly dense in u. Makhzani et al. 2015, figure 4, show one and print no numbers.
    """

    kind: Literal["swiss_roll"] = "swiss_roll"
    dim: int = 2
    modes: int = 10
    size: float = 3.0
    turns: float = 2.0
    noise: ClassVar[Literal["uniform", "normal"]] = "uniform"
    source: ClassVar[str] = "Makhzani et al. 2015, figure 4"

    def __post_init__(self) -> None:
        _check_plane(self.dim, self.modes)
        _check_positive(size=self.size, turns=self.turns)

    @property
    def deviation(self) -> float:
        return self.size / 2

    def points(self, noise: Latents, modes: Labels | None) -> Latents:
        """Return draws ``[..., 2]`` of pieces ``[...]``; the first entry of the noise, uniform on [-1, 1], counts."""
        assert modes is not None
        t = ((modes + (noise[..., 0] + 1) / 2) / self.modes).sqrt()
        return _polar(self.size * t, torch.zeros_like(t), 2 * pi * self.turns * t)


Prior = NormalPrior | Petals | SwissRoll


def lattice(prior: Prior, columns: int) -> Latents:
    """Return codes over the bulk of a prior ``[N, dim]``, row by row, for a picture of what they decode to.

    With modes: a row for each, with the quantiles ``(i + 1/2) / columns`` along it. Without: quantiles of the first two
    coordinates, ``columns`` rows of them, all others 0.
    """
    levels = (torch.arange(columns) + 0.5) / columns
    line = torch.special.ndtri(levels) if prior.noise == "normal" else 2 * levels - 1
    rows = prior.modes or (columns if prior.dim > 1 else 1)
    noise = torch.zeros(rows * columns, prior.dim)
    noise[:, 0] = line.repeat(rows)
    if not prior.modes:
        if prior.dim > 1:
            noise[:, 1] = line.flip(0).repeat_interleave(columns)  # up is up
        return prior.points(noise, None)
    return prior.points(noise, torch.arange(rows).repeat_interleave(columns))


def _polar(x: Tensor, y: Tensor, angle: Tensor) -> Tensor:
    cos, sin = angle.cos(), angle.sin()
    return torch.stack([x * cos - y * sin, x * sin + y * cos], -1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unlabeled:
    """No labels: the code is z alone."""

    kind: Literal["unlabeled"] = "unlabeled"
    source: ClassVar[str] = "Makhzani et al. 2015, section 2"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecoderLabels:
    """Every label goes to the decoder, as a one-hot vector beside z, and to nobody else: z is left with the style."""

    kind: Literal["decoder_labels"] = "decoder_labels"
    source: ClassVar[str] = "Makhzani et al. 2015, section 4"


@dataclass(frozen=True, slots=True, kw_only=True)
class PriorLabels:
    """Each class gets a mode of the prior of its own.

    D receives beside z a one-hot vector with an entry per class and one more for "unlabelled". For a labelled image
    the draw of the prior comes from the mode of its class, for an unlabelled one from any mode; code and draw of one
    place in the batch carry the same vector, so the vectors themselves tell D nothing.

    Attributes:
        labeled_share: share of the training images whose label is used, in (0, 1]; which ones depends on the seed.
    """

    kind: Literal["prior_labels"] = "prior_labels"
    labeled_share: float = 1.0
    source: ClassVar[str] = "Makhzani et al. 2015, section 2.3"

    def __post_init__(self) -> None:
        if not 0 < self.labeled_share <= 1:
            raise ValueError(f"labeled_share must be in (0, 1], got {self.labeled_share}")


@dataclass(frozen=True, slots=True, kw_only=True)
class SemiSupervised:
    """The encoder emits z and, through a softmax, the class probabilities y; the decoder gets both.

    A second discriminator tells y from one-hot vectors of uniformly drawn classes, so that y becomes a choice of one
    class, and each step ends with a step of the encoder on the cross-entropy of y for labelled images. The decoder sees
    y itself, not its largest entry.

    Attributes:
        labeled: images whose labels are used: so many, the same number of each class (the first classes get the
            rest), picked from the training images by the seed. A step sees ``min(batch_size, labeled)`` of them.
    """

    kind: Literal["semi_supervised"] = "semi_supervised"
    labeled: int = 100
    source: ClassVar[str] = "Makhzani et al. 2015, section 5"

    def __post_init__(self) -> None:
        _check_labeled(self.labeled)


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisedOnly:
    """The baseline of :class:`SemiSupervised`: its encoder, trained by the cross-entropy on the labelled images alone.

    Same start, same labelled images in the same order. No other phase runs, so the decoder stays as it starts and its
    samples mean nothing.
    """

    kind: Literal["supervised_only"] = "supervised_only"
    labeled: int = 100
    source: ClassVar[str] = "Makhzani et al. 2015, section 5 (the baseline of table 2)"

    def __post_init__(self) -> None:
        _check_labeled(self.labeled)


LabelUse = Unlabeled | DecoderLabels | PriorLabels | SemiSupervised | SupervisedOnly


@dataclass(frozen=True, slots=True, kw_only=True)
class Adversarial:
    """A discriminator tells draws of the prior ("real") from codes ("fake"), and the encoder learns to deceive it.

    ``d = objective.d_loss(D(z), D(q(x)))``, then ``g = objective.g_loss(D(q(x)))`` for the encoder alone. The paper
    writes the minimax game and, like its followers' code, is taken with the non-saturating loss here.

    Attributes:
        clip: every parameter of the discriminators is clamped to [-clip, clip] after its step, as a Wasserstein
            objective needs; absent for no clipping.
    """

    kind: Literal["adversarial"] = "adversarial"
    objective: Annotated[Objective, FAMILY] = NonSaturating()
    clip: float | None = None
    source: ClassVar[str] = "Makhzani et al. 2015, section 2"

    def __post_init__(self) -> None:
        if self.clip is not None:
            _check_positive(clip=self.clip)


@dataclass(frozen=True, slots=True, kw_only=True)
class Variational:
    """A variational autoencoder: the encoder emits mean and log variance, and ``beta KL(q(z|x) || p(z))`` is added.

    z is drawn by ``z = mean + exp(log_variance / 2) n``, one n per image and step. The KL is summed over the code's
    entries and a mean over the batch, in nats; the reconstruction loss beside it is a mean over pixels. The bound of
    Kingma & Welling 2014 with a decoder of variance ``s^2`` is ``beta = 2 s^2 / (number of pixels)`` at reconstruction
    weight 1; a beta of 1 would leave the codes nothing to say.
    """

    kind: Literal["variational"] = "variational"
    beta: float
    source: ClassVar[str] = "Kingma & Welling 2014, eqs. 7 and 10"

    def __post_init__(self) -> None:
        _check_positive(beta=self.beta)

    def kl(self, mean: Tensor, log_variance: Tensor, std: float) -> Loss:
        """Return ``KL(N(mean, exp(log_variance)) || N(0, std^2))`` in nats, >= 0: ``[R, B, dim] -> [R]``.

        ``1/2 sum ((mean^2 + v) / std^2 - 1 - log(v / std^2))`` over the entries, mean over the batch.
        """
        ratio = (mean.square() + log_variance.exp()) / std**2
        each = ratio - 1 - log_variance + 2 * log(std)
        return 0.5 * each.sum(-1).mean(-1)


@dataclass(frozen=True, slots=True, kw_only=True)
class NoRegularizer:
    """A plain autoencoder: nothing pulls the codes towards the prior."""

    kind: Literal["none"] = "none"
    source: ClassVar[str] = "Makhzani et al. 2015, section 2 (the reconstruction phase alone)"


Regularizer = Adversarial | Variational | NoRegularizer


def _check_positive(**values: float) -> None:
    for name, value in values.items():
        if not (isfinite(value) and value > 0):
            raise ValueError(f"{name} must be > 0, got {value}")


def _check_plane(dim: int, modes: int) -> None:
    if dim != 2:
        raise ValueError(f"dim must be 2 for a prior in the plane, got {dim}")
    if modes < 2:
        raise ValueError(f"modes must be >= 2, got {modes}")


def _check_labeled(labeled: int) -> None:
    if labeled < 2:
        raise ValueError(f"labeled must be >= 2, got {labeled}")
