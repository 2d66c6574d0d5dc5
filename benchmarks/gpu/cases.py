"""What is measured on a GPU, the most telling first: time may run out."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import torch

from benchmarks.speed import trainings
from trainables.config import GanConfig

Mode = Literal["float32", "tf32"]
NOT_MEASURED = {"bfloat16": "the loop trains in float32 and float64 alone"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One stack of one training.

    Attributes:
        family: which training.
        replicas: in the stack.
        mode: of matrix products and convolutions.
        profiled: whether the profile of a step is kept.
    """

    family: str
    config: GanConfig
    replicas: int
    mode: Mode = "float32"
    profiled: bool = False

    @property
    def name(self) -> str:
        return f"{self.family}, stack of {self.replicas}, {self.mode}"


def cases(*, dry: bool) -> list[Case]:
    """Return all cases; dry, each training with few samples in stacks of 1 and 2."""
    if dry:
        small = trainings.images(64, (4, 8, 8, 8), 16)
        families = {"ring": trainings.ring(), "dcgan 32x32": trainings.dcgan32(), "lsgan 64x64": small}
        tiny = {name: trainings.tiny(config) for name, config in families.items()}
        plain = [
            Case(family=name, config=own, replicas=n, profiled=n == 2) for name, own in tiny.items() for n in (1, 2)
        ]
        return [*plain, replace(plain[-1], mode="tf32", profiled=False)]
    ring, dcgan = _family("ring", trainings.ring), _family("dcgan 32x32", trainings.dcgan32)
    lsgan = _family("lsgan 64x64", trainings.lsgan64)
    return [
        *(ring(100, True), dcgan(16, True), lsgan(4, True), ring(1), dcgan(1), lsgan(1)),
        *(ring(1_000), dcgan(64), lsgan(8), ring(10), dcgan(4), lsgan(2), ring(500)),
        *(replace(own, mode="tf32") for own in (ring(100), dcgan(16), lsgan(4))),
    ]


def _family(name: str, config: Callable[[], GanConfig]) -> Callable[..., Case]:
    own = config()
    return lambda replicas, profiled=False: Case(family=name, config=own, replicas=replicas, profiled=profiled)


def set_mode(mode: Mode) -> None:
    """Let matrix products and convolutions on a GPU compute in float32, or round their operands to TF32."""
    precision = "tf32" if mode == "tf32" else "ieee"
    torch.backends.cuda.matmul.fp32_precision = precision
    torch.backends.cudnn.conv.fp32_precision = precision  # type: ignore[attr-defined]
    torch.backends.cudnn.rnn.fp32_precision = precision  # type: ignore[attr-defined]  # torch minds if they differ
