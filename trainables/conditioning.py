"""How labels enter a GAN, as values: not at all, as an input of both networks, or through a class head of D."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, ClassVar, Literal

from trainables.later import functional
from trainables.networks.later import wiring

if TYPE_CHECKING:
    from torch import Tensor

    from trainables.networks.wiring import Condition
    from trainables.shapes import Labels as LabelTensor
    from trainables.shapes import Loss

FakeLabels = Literal["batch", "uniform"]
"""Where the labels of generated samples come from: those of the real batch of the same update (the LSGAN authors'
code), or drawn uniformly over the classes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unconditional:
    """No labels."""

    kind: Literal["unconditional"] = "unconditional"
    source: ClassVar[str] = "Goodfellow et al. 2014"

    def formula(self) -> str:
        return "no labels: D(x), G(z)"


@dataclass(frozen=True, slots=True, kw_only=True)
class ByLabel:
    """Both networks read the label: ``D(x, y)`` and ``G(z, y)``, with any objective.

    D's loss is over real samples with their own labels and generated ones with the labels they were made from; there
    are no pairs with a wrong label. With ``embedding`` each network has a linear map of its own (weights and bias, no
    activation) from the one-hot label to so many numbers. Mao et al. 2017, section 3.3, eq. 10 (embedding 256 for
    3,740 Chinese characters, least squares (0, 1, 1)); Mirza & Osindero 2014 for cross-entropy.
    """

    kind: Literal["by_label"] = "by_label"
    embedding: int | None = None
    fake_labels: FakeLabels = "batch"
    source: ClassVar[str] = "Mao et al. 2017, section 3.3"

    def __post_init__(self) -> None:
        _check_embedding(self.embedding)

    def condition(self, classes: int) -> Condition:
        return wiring.Condition(classes=classes, embedding=self.embedding)

    def formula(self) -> str:
        return (
            f"D(x) is D(x, y), G(z) is G(z, y) and D(G(z)) is D(G(z, y), y), {_label(self.embedding, self.fake_labels)}"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class AuxiliaryClassifier:
    """D has a second head that names the class; G reads the label, D does not.

    Added to the objective's losses, for both players with the same sign:
    ``d += weight (CE(C(x), y) + CE(C(G(z, c)), c))`` and ``g += weight CE(C(G(z, c)), c)``, cross-entropies of logits,
    means over the batch, >= 0. Odena et al. 2017, eqs. 2 and 3, have weight 1 and write what is maximised
    (``L_S + L_C`` by D, ``L_C - L_S`` by G); read literally G would get the minimax source term, implementations use
    the non-saturating one: choose the objective. PyTorch-GAN applies a softmax before the cross-entropy; this does not.
    """

    kind: Literal["auxiliary_classifier"] = "auxiliary_classifier"
    weight: float = 1.0
    embedding: int | None = None
    fake_labels: FakeLabels = "uniform"
    source: ClassVar[str] = "Odena et al. 2017, eqs. 2 and 3"

    def __post_init__(self) -> None:
        _check_embedding(self.embedding)
        if not (isfinite(self.weight) and self.weight >= 0):
            raise ValueError(f"weight must be >= 0, got {self.weight}")

    def condition(self, classes: int) -> Condition:
        return wiring.Condition(classes=classes, embedding=self.embedding)

    def d_loss(self, real: Tensor, labels: LabelTensor, fake: Tensor, fake_labels: LabelTensor) -> Loss:
        """Return D's class loss from logits ``[R, B, K]`` and labels ``[R, B]``."""
        return self.weight * (cross_entropy(real, labels) + cross_entropy(fake, fake_labels))

    def g_loss(self, fake: Tensor, fake_labels: LabelTensor) -> Loss:
        return self.weight * cross_entropy(fake, fake_labels)

    def formula(self) -> str:
        d, g = f"d += {self.weight:g} (CE(C(x), y) + CE(C(G(z, c)), c))", f"g += {self.weight:g} CE(C(G(z, c)), c)"
        return f"{d}; {g}; C is D's class head, {_label(self.embedding, self.fake_labels)}"


Conditioning = Unconditional | ByLabel | AuxiliaryClassifier


def cross_entropy(logits: Tensor, labels: LabelTensor) -> Loss:
    """Return ``-E log softmax(logits)[label]`` per replica: ``[R, B, K], [R, B] -> [R]``, >= 0."""
    if logits.ndim != 3 or labels.shape != logits.shape[:2]:
        raise ValueError(
            f"logits and labels must be [R, B, K] and [R, B], got {tuple(logits.shape)} and {tuple(labels.shape)}"
        )
    each = functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none")
    return each.view(labels.shape).mean(1)


def _check_embedding(embedding: int | None) -> None:
    if embedding is not None and embedding < 1:
        raise ValueError(f"embedding must be >= 1, got {embedding}")


def _label(embedding: int | None, fake: FakeLabels) -> str:
    """Say how the label enters a network, and where those of generated samples come from."""
    enters = "one-hot" if embedding is None else f"through a linear map to {embedding}"
    return f"the label {enters}, of generated samples {'as in the real batch' if fake == 'batch' else 'uniform'}"
