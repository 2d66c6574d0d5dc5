"""Initial values of parameters, as values: which distribution each kind of parameter starts from.

A rule sees the module that owns the parameter and the parameter's name ("weight" or "bias"). Every parameter draws
from a stream of its own, so adding a normalisation layer leaves the start of all others unchanged.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, sqrt
from typing import ClassVar, Literal, Protocol

import numpy as np

from trainables.later import nn
from trainables.networks.later import layers
from trainables.streams import Array


class InitialValue(Protocol):
    """A rule for the first value of every parameter of a network."""

    def value(self, module: nn.Module, name: str, shape: tuple[int, ...], rng: np.random.Generator) -> Array: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Normal:
    """DCGAN's rule as the LSGAN authors' code has it: every weight N(0, std^2), every bias 0.

    Convolutions draw from the normal *truncated* at two standard deviations, transposed convolutions and linear maps
    from the plain one. The scale of batch and layer norm is N(1, std^2), which in the LSGAN authors' code holds for the
    nets of the stability experiment alone: in their others it starts at 1.
    """

    kind: Literal["normal"] = "normal"
    std: float = 0.02
    source: ClassVar[str] = "Radford et al. 2016, section 3; Mao et al. 2017 (authors' code)"

    def __post_init__(self) -> None:
        if not (isfinite(self.std) and self.std > 0):
            raise ValueError(f"std must be > 0, got {self.std}")

    def value(self, module: nn.Module, name: str, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        if name == "bias":
            return np.zeros(shape, dtype=np.float32)
        draw = rng.standard_normal(shape, dtype=np.float32)
        if isinstance(module, nn.Conv2d):
            while (outside := np.abs(draw) > 2).any():
                draw[outside] = rng.standard_normal(int(outside.sum()), dtype=np.float32)
        return np.float32(self.std) * draw + np.float32(isinstance(module, layers.BatchNorm | layers.LayerNorm))


@dataclass(frozen=True, slots=True, kw_only=True)
class Orthogonal:
    """Weights with orthonormal rows or columns times ``gain``; biases 0; batch and layer norm at scale 1.

    The LSGAN authors' mixture nets use gain 1.4. Saxe et al. 2014.
    """

    kind: Literal["orthogonal"] = "orthogonal"
    gain: float = 1.4
    source: ClassVar[str] = "Saxe et al. 2014; Mao et al. 2017 (authors' mixture code) for the gain"

    def __post_init__(self) -> None:
        if not (isfinite(self.gain) and self.gain > 0):
            raise ValueError(f"gain must be > 0, got {self.gain}")

    def value(self, module: nn.Module, name: str, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        if name == "bias" or isinstance(module, layers.BatchNorm | layers.LayerNorm):
            return np.full(shape, float(name != "bias"), dtype=np.float32)
        rows, columns = shape[0], int(np.prod(shape[1:]))
        q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
        q *= np.sign(np.diag(r))  # makes the factorisation unique, hence the draw uniform (Haar)
        return (self.gain * (q if rows >= columns else q.T)).reshape(shape).astype(np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class He:
    """Weights N(0, 2 / fan_in), biases 0, norms at scale 1; for rectifiers. He et al. 2015, section 2.2.

    ``fan_in`` counts the inputs that an output reads on average: a transposed convolution's are its inputs times the
    kernel's size over the square of its stride, as in the WGAN-GP authors' code.
    """

    kind: Literal["he"] = "he"
    source: ClassVar[str] = "He et al. 2015, section 2.2"

    def value(self, module: nn.Module, name: str, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        if name == "bias" or isinstance(module, layers.BatchNorm | layers.LayerNorm):
            return np.full(shape, float(name != "bias"), dtype=np.float32)
        fan_in = np.prod(shape) / shape[0]
        if isinstance(module, nn.ConvTranspose2d):
            fan_in = np.prod(shape) / shape[1] / np.prod(module.stride)
        return np.float32(sqrt(2 / fan_in)) * rng.standard_normal(shape, dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class TorchDefault:
    """Weights *and biases* uniform on [-1, 1) / sqrt(fan_in), norms at scale 1: what torch's layers start from.

    Published torch code that names no rule has this one. With biases of 0 every kink of a first rectified layer passes
    through the origin, and Adam moves it by about its learning rate per step; here the kinks start spread out.
    """

    kind: Literal["torch_default"] = "torch_default"
    source: ClassVar[str] = "torch.nn.Linear and torch.nn.Conv2d (reset_parameters)"

    def value(self, module: nn.Module, name: str, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        if isinstance(module, layers.BatchNorm | layers.LayerNorm):
            return np.full(shape, float(name != "bias"), dtype=np.float32)
        weight = module.get_parameter("weight" if name == "bias" else name)
        # As torch counts it: a transposed convolution's fan_in is that of axis 1, which is its number of outputs.
        fan_in = int(np.prod(weight.shape[1:]))
        return (2 * rng.random(shape, dtype=np.float32) - 1) / np.float32(sqrt(fan_in))


@dataclass(frozen=True, slots=True, kw_only=True)
class Constant:
    """Every weight ``at``, biases 0, norms at scale 1.

    For nets whose start a theory names; the units of a wider layer would start alike and stay alike.
    """

    kind: Literal["constant"] = "constant"
    at: float = 1.0
    source: ClassVar[str] = "Mescheder et al. 2018, section 2 (authors' code: the Dirac-GAN starts at 1)"

    def __post_init__(self) -> None:
        if not isfinite(self.at):
            raise ValueError(f"at must be finite, got {self.at}")

    def value(self, module: nn.Module, name: str, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        if name == "bias" or isinstance(module, layers.BatchNorm | layers.LayerNorm):
            return np.full(shape, float(name != "bias"), dtype=np.float32)
        return np.full(shape, self.at, dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class Uniform:
    """Every weight uniform on [low, high), biases 0, norms at scale 1."""

    kind: Literal["uniform"] = "uniform"
    low: float = -0.05
    high: float = 0.05
    source: ClassVar[str] = "LeCun et al. 1998, section 4.6, for the form; the ends of Keras's default"

    def __post_init__(self) -> None:
        if not (isfinite(self.low) and isfinite(self.high) and self.low < self.high):
            raise ValueError(f"low must be < high, and both finite, got {self.low} and {self.high}")

    def value(self, module: nn.Module, name: str, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        if name == "bias" or isinstance(module, layers.BatchNorm | layers.LayerNorm):
            return np.full(shape, float(name != "bias"), dtype=np.float32)
        return np.float32(self.low) + np.float32(self.high - self.low) * rng.random(shape, dtype=np.float32)


@dataclass(frozen=True, slots=True, kw_only=True)
class AsBuilt:
    """What the network's own code makes when it is built, with torch's global generator seeded for the replica.

    For networks of plugins, whose layers the other rules do not know. Every parameter and buffer of a replica comes
    from one such building, so that a layer more changes the start of those that are made after it.
    """

    kind: Literal["as_built"] = "as_built"
    source: ClassVar[str] = "-"

    def value(self, module: nn.Module, name: str, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
        """Refuse: the network as a whole has its start, and no parameter of its own."""
        raise ValueError("init must be a rule for single parameters, got as_built")


Init = Normal | Orthogonal | He | TorchDefault | Constant | Uniform
"""What a configuration may name."""
