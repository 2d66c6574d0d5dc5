"""Modules made of modules: how labels enter a network, and how a class head leaves one.

A :class:`Wired` module says once how its children are connected, on axes counted from the end, so that the same lines
serve one replica and a stack of them (``replicas.apply``).
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

Outputs: TypeAlias = Tensor | tuple[Tensor, ...]
Run: TypeAlias = Callable[..., Tensor]
"""``run("child", inputs)``: the named child's output, for one replica or for a stack."""


class Wired(nn.Module, ABC):
    """A network of named children. ``wire`` may use ``run``, elementwise arithmetic and negative axes."""

    @abstractmethod
    def wire(self, run: Run, *inputs: Tensor) -> Outputs:
        """Compute the module's output, each child run by its dotted name."""

    def forward(self, *inputs: Tensor) -> Outputs:
        return self.wire(lambda name, *own: self.get_submodule(name)(*own), *inputs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What a network learns of a label.

    Attributes:
        classes: number of classes K, >= 1.
        embedding: width of a linear map of the one-hot label (weights and bias, no activation); absent for the one-hot
            label itself. Mao et al. 2017, section 3.3, map 3,740 classes to 256.
    """

    classes: int
    embedding: int | None = None

    @property
    def width(self) -> int:
        """Entries of the vector that the label becomes."""
        return self.classes if self.embedding is None else self.embedding

    def module(self) -> nn.Module:
        """Map labels ``[B]`` to vectors ``[B, width]``."""
        return OneHot(self.classes) if self.embedding is None else LabelMap(self.classes, self.embedding)


class OneHot(nn.Module):
    """Labels ``[B]`` to one-hot vectors ``[B, classes]`` of integers."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.classes = classes

    def forward(self, labels: Tensor) -> Tensor:
        return functional.one_hot(labels, self.classes)


class LabelMap(nn.Module):
    """A linear map of the one-hot label, ``W y + b``, computed by picking a column: ``[B] -> [B, width]``."""

    def __init__(self, classes: int, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(width, classes))
        self.bias = nn.Parameter(torch.empty(width))

    def forward(self, labels: Tensor) -> Tensor:
        return self.weight.mT[labels] + self.bias


class ConditionedGenerator(Wired):
    """``G(z, y) = body(concat(z, map(y)))``: noise ``[B, latent]`` and labels ``[B]`` to samples."""

    def __init__(self, condition: Condition, body: nn.Module) -> None:
        super().__init__()
        self.label = condition.module()
        self.body = body

    def wire(self, run: Run, *inputs: Tensor) -> Tensor:
        noise, labels = inputs
        return run("body", torch.cat([noise, run("label", labels).to(noise.dtype)], -1))


class ConditionedDiscriminator(Wired):
    """Stages in order; before each but those in ``plain`` the label's vector is concatenated to the input.

    To images ``[B, C, H, W]`` it is added as constant maps, to vectors as entries: the stage must take so many more.

    Args:
        condition: the label's vector.
        stages: the network in pieces.
        plain: places of the stages that do not see the label.
    """

    def __init__(
        self, condition: Condition, stages: Sequence[nn.Module], *, plain: frozenset[int] = frozenset()
    ) -> None:
        super().__init__()
        self.label = condition.module()
        self.stages = nn.ModuleList(stages)
        self.plain = plain

    def wire(self, run: Run, *inputs: Tensor) -> Tensor:
        x, labels = inputs
        vector = run("label", labels).to(x.dtype)
        for place in range(len(self.stages)):
            x = run(f"stages.{place}", x if place in self.plain else beside(x, vector, labels.ndim))
        return x


def beside(x: Tensor, vector: Tensor, leading: int) -> Tensor:
    """Return ``x`` with ``vector`` as further channels; ``leading`` axes come before the channels in both."""
    space = x.shape[leading + 1 :]
    maps = vector.view(*vector.shape, *[1] * len(space)).expand(*vector.shape, *space)
    return torch.cat([x, maps], leading)


class TwoHeads(Wired):
    """A discriminator's trunk with its source head and a linear class head: ``x -> (scores [B], logits [B, K])``."""

    def __init__(self, trunk: nn.Module, source: nn.Module, classes: nn.Module) -> None:
        super().__init__()
        self.trunk, self.source, self.classes = trunk, source, classes

    def wire(self, run: Run, *inputs: Tensor) -> Outputs:
        features = run("trunk", *inputs)
        return run("source", features), run("classes", features)


class Residual(Wired):
    """``shortcut(x) + scale * branch(x)``."""

    def __init__(self, branch: nn.Module, shortcut: nn.Module, *, scale: float = 1.0) -> None:
        super().__init__()
        self.branch, self.shortcut, self.scale = branch, shortcut, scale

    def wire(self, run: Run, *inputs: Tensor) -> Tensor:
        return run("shortcut", *inputs) + self.scale * run("branch", *inputs)


def with_class_head(discriminator: nn.Module, classes: int) -> TwoHeads:
    """Give a discriminator a class head on the features that its last linear map reads.

    Raises:
        ValueError: if the discriminator is no sequence that ends in a linear map to one score.
    """
    layers = list(discriminator) if isinstance(discriminator, nn.Sequential) else []
    last = layers[-2:]
    if len(last) < 2 or not isinstance(last[0], nn.Linear) or not isinstance(last[1], nn.Flatten):
        raise ValueError(
            f"discriminator must end in one linear map for a class head, got {type(discriminator).__name__}"
        )
    head = type(last[0])(last[0].in_features, classes)
    return TwoHeads(nn.Sequential(*layers[:-2]), nn.Sequential(*last), head)
