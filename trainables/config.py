"""The resolved configuration of one cell: everything that decides what is trained, and nothing else.

Values only; parsing from outside (command line, stored specs) is ``study.parsing``'s work. The digest hashes the
*resolved* configuration, defaults included, so a changed default is a changed digest.
"""

import dataclasses
import json
from dataclasses import dataclass
from hashlib import blake2b
from math import isfinite
from typing import Any, Literal

from trainables.data import DataConfig
from trainables.networks import Network
from trainables.objectives import NonSaturating, Objective
from trainables.optim import OptimizerConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Latent:
    """G's input noise: ``uniform`` on [-1, 1]^dim (LSGAN, DCGAN) or standard ``normal`` in dim dimensions."""

    dim: int
    distribution: Literal["uniform", "normal"] = "uniform"

    def __post_init__(self) -> None:
        if self.dim < 1:
            raise ValueError(f"dim must be >= 1, got {self.dim}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Updates:
    """In which order and from which draws the two players are updated. The defaults are the LSGAN authors' code.

    Attributes:
        order: ``d_first`` (Goodfellow et al. 2014, algorithm 1; LSGAN), ``g_first`` (the order of PyTorch-GAN, whose D
            then sees samples from before G's update; ours come from after it), or ``simultaneous`` (both gradients at
            the same parameters; LSGAN's mixture script).
        d_steps: discriminator updates per generator update, each on a fresh real batch.
        reuse_latents: the generator's update uses the noise of the last discriminator update (LSGAN's code) instead
            of fresh noise (Goodfellow et al. 2014); with ``g_first`` and one D step, both use the same noise too.
        d_batches: ``apart`` scores real and fake in two passes, so batch norm in D sees one kind at a time (LSGAN's
            code); ``joined`` concatenates them.
    """

    order: Literal["d_first", "g_first", "simultaneous"] = "d_first"
    d_steps: int = 1
    reuse_latents: bool = True
    d_batches: Literal["apart", "joined"] = "apart"

    def __post_init__(self) -> None:
        if self.d_steps < 1:
            raise ValueError(f"d_steps must be >= 1, got {self.d_steps}")
        if self.order == "simultaneous" and self.d_steps != 1:
            raise ValueError(f"d_steps must be 1 when order is simultaneous, got {self.d_steps}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """What is measured and how often; changes no weight and no random number of the training.

    Attributes:
        every: steps between two rows of the trace; step 0 and the last step are always measured.
        samples: generated samples per row, drawn in chunks of the training batch size.
    """

    every: int = 100
    samples: int = 512

    def __post_init__(self) -> None:
        if self.every < 1:
            raise ValueError(f"every must be >= 1, got {self.every}")
        if self.samples < 2:
            raise ValueError(f"samples must be >= 2, got {self.samples}")


@dataclass(frozen=True, slots=True, kw_only=True)
class GanConfig:
    """A GAN, completely.

    Attributes:
        steps: *generator* updates; the discriminator gets ``d_steps`` times as many.
        clip: every discriminator parameter is clamped to [-clip, clip] after each of its updates (Arjovsky et al. 2017,
            algorithm 1; the first update sees unclipped initial weights); absent for no clipping.
        dtype: precision of parameters and arithmetic.

    Raises:
        ValueError: if a number is out of its range. That the networks fit the data's shape is ``games.build``'s check.
    """

    data: DataConfig
    generator: Network
    discriminator: Network
    objective: Objective = NonSaturating()
    latent: Latent
    g_optimizer: OptimizerConfig
    d_optimizer: OptimizerConfig
    clip: float | None = None
    updates: Updates = Updates()
    batch_size: int = 64
    steps: int
    evaluation: Evaluation = Evaluation()
    dtype: Literal["float32", "float64"] = "float32"

    def __post_init__(self) -> None:
        if self.batch_size < 2:
            raise ValueError(f"batch_size must be >= 2, got {self.batch_size}")
        if self.steps < 1:
            raise ValueError(f"steps must be >= 1, got {self.steps}")
        if self.clip is not None and not (isfinite(self.clip) and self.clip > 0):
            raise ValueError(f"clip must be > 0, got {self.clip}")


def to_dict(config: GanConfig) -> dict[str, Any]:
    """The configuration as plain JSON values; unions are told apart by their ``kind``."""
    plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(config)))
    return plain


def digest(config: GanConfig) -> str:
    """16 hex digits that identify the resolved configuration."""
    # Integers as floats: -1 and -1.0 make equal configurations.
    values = json.loads(json.dumps(to_dict(config)), parse_int=float)
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return blake2b(canonical.encode(), digest_size=8).hexdigest()
