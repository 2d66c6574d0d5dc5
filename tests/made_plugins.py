"""Plugins in files of a test, and a process that knows none of them afterwards."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

import pytest

from study.outcomes import own_rule
from trainables import data, families, networks, objectives, optim, penalties, plugins

FAMILIES = (
    objectives.FAMILY,
    penalties.FAMILY,
    optim.FAMILY,
    networks.FAMILY,
    data.FAMILY,
    own_rule.FAMILY,
)
HEAD = """
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import nn

from trainables import plugins
"""

HINGE = f"""{HEAD}
__version__ = "1.2"


@plugins.objective
@dataclass(frozen=True, kw_only=True)
class Hinge:
    '''d = E[max(0, m - D(x))] + E[max(0, m + D(G(z)))], g = -E[D(G(z))].'''

    kind: Literal["hinge"] = "hinge"
    margin: float = 1.0
    source: ClassVar[str] = "Lim & Ye 2017, eq. 3"

    def d_loss(self, real, fake):
        return (self.margin - real).relu().mean(-1) + (self.margin + fake).relu().mean(-1)

    def g_loss(self, fake):
        return -fake.mean(-1)
"""

SEARCHED = f"""{HINGE}

from search_spaces import Float, Level, Options, Range, Space

SPACE = Space(
    name="hinges",
    title="Hinge or least squares",
    axes=(
        Options(
            name="loss",
            levels=tuple(
                Level(label=label, assign={{"objective.kind": kind}})
                for label, kind in (("ls", "least_squares"), ("hinge", "hinge"))
            ),
            default="ls",
            source="a test",
        ),
        Range(
            name="margin",
            domain=Float(low=0.1, high=10.0, log=True),
            paths=("objective.margin",),
            default=1.0,
            when={{"loss": ("hinge",)}},
            source="a test",
        ),
    ),
    source="a test",
)
"""

STUDIED = """
from dataclasses import replace

from study.studies.mixture_modes import STUDY as BASE

STUDY = replace(BASE, name="my-modes", question="Do my modes stay?")
"""

PAIR = f"""{HEAD}
class Branch(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(width, width), nn.BatchNorm1d(width), nn.ReLU())
        self.register_buffer("scale", torch.rand(width))

    def forward(self, x):
        return x + self.scale * self.body(x)


@plugins.network
@dataclass(frozen=True, kw_only=True)
class Pair:
    '''A generator and a discriminator that know nothing of stacks.'''

    kind: Literal["pair"] = "pair"
    width: int = 8
    source: ClassVar[str] = "a test"

    def generator(self, latent, shape):
        return nn.Sequential(nn.Linear(latent, self.width), Branch(self.width), nn.Linear(self.width, *shape))

    def discriminator(self, shape):
        return nn.Sequential(nn.Linear(*shape, self.width), nn.LeakyReLU(0.2), nn.Linear(self.width, 1))
"""

STEADY = """
from dataclasses import dataclass
from typing import ClassVar, Literal

from study.outcomes.own_rule import outcome_rule


@outcome_rule
@dataclass(frozen=True, kw_only=True)
class Steady:
    '''Converged if the last rows all have a quality of `floor`.'''

    kind: Literal["steady"] = "steady"
    floor: float = 0.5
    last: int = 3
    source: ClassVar[str] = "a test"

    def __post_init__(self):
        if self.floor > 1:
            raise ValueError(f"floor must be <= 1, got {self.floor}")

    def decide(self, rows):
        if len(rows["step"]) <= self.last:
            return "undecided"
        return "converged" if (rows["quality"][-self.last :] >= self.floor).all() else "not_learned"
"""

HEIGHT = f"""{HEAD}
@plugins.measurement
def height(samples, real):
    return samples[..., 1].abs().mean(-1)
"""


def file(folder: Path, text: str, name: str) -> Path:
    """Write a plugin and return its path; names must differ between tests that run in one process."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.py"
    path.write_text(dedent(text), encoding="utf-8")
    return path


@contextmanager
def forgotten() -> Iterator[None]:
    """Forget every plugin that is loaded meanwhile."""
    for name in plugins._texts:
        sys.modules.pop(name, None)
    with pytest.MonkeyPatch.context() as patch:
        for family in FAMILIES:
            patch.setattr(family, "added", {})
        for name in ("_loaded", "_kinds", "_measurements", "_texts"):
            patch.setattr(plugins, name, {})
        families._generation += 1  # what was parsed before knew them
        yield
        for name in plugins._texts:
            sys.modules.pop(name, None)
    families._generation += 1  # what was parsed with them is parsed anew
