"""The checks of plugins: each mistake is found by the check that is made for it, and a sound plugin passes them all."""

from pathlib import Path

import pytest

from study.validation import conformance
from tests.made_plugins import HEAD, HEIGHT, HINGE, PAIR, file
from trainables import plugins

pytestmark = pytest.mark.usefixtures("no_plugins")

PENALTY = f"""{HEAD}
@plugins.penalty
@dataclass(frozen=True, kw_only=True)
class Flat:
    '''w E[|grad D(x)|^2] at real samples.'''

    kind: Literal["flat"] = "flat"
    weight: float = 10.0
    source: ClassVar[str] = "a test"

    def penalty(self, score, real, fake, noise):
        points = real.detach().requires_grad_()
        (slope,) = torch.autograd.grad(score(points).sum(), points, create_graph=True)
        return self.weight * slope.flatten(2).square().sum(2).mean(1)
"""
OPTIMIZER = f"""{HEAD}
@plugins.optimizer
@dataclass(frozen=True, kw_only=True)
class Signs:
    '''w <- w - lr g.'''

    kind: Literal["signs"] = "signs"
    lr: float
    source: ClassVar[str] = "a test"

    def build(self, leaves):
        return torch.optim.SGD(list(leaves), lr=self.lr)
"""
NORMED = OPTIMIZER.replace(
    "        return torch",
    """
        class Normed(torch.optim.SGD):
            def step(self, closure=None):
                for group in self.param_groups:
                    for leaf in group["params"]:
                        leaf.grad = leaf.grad / leaf.grad.norm()
                return super().step(closure)

        return Normed(list(leaves), lr=self.lr)
        return torch""",
)
LINE = f"""{HEAD}
import numpy as np
from trainables.data import Batch, MixtureSource, MixtureTruth


class Moving(MixtureSource):
    calls = 0

    def batch(self, streams, counter, size):
        Moving.calls += 1
        return super().batch(streams, Moving.calls, size)


@plugins.data_set
@dataclass(frozen=True, kw_only=True)
class Line:
    '''Four Gaussians on a line.'''

    kind: Literal["line"] = "line"
    source: ClassVar[str] = "a test"
    shape: ClassVar[tuple[int, ...]] = (2,)

    def load(self, *, device, dtype):
        centers = np.stack([np.linspace(-1, 1, 4), np.zeros(4)], axis=1)
        truth = MixtureTruth(centers=centers, weights=np.full(4, 0.25), std=0.02)
        return MixtureSource(truth, centers, device=device, dtype=dtype)
"""


def failures(folder: Path, text: str, name: str) -> dict[str, str]:
    """Return what fails, by check."""
    module = plugins.load(file(folder, text, name))
    return {own.check: own.said for own in conformance.check(module.__name__) if not own.holds}


@pytest.mark.parametrize("text", [HINGE, PAIR, HEIGHT, PENALTY, OPTIMIZER, LINE], ids=str.split)
def test_a_sound_plugin_passes(tmp_path: Path, text: str) -> None:
    plugins.load(file(tmp_path, text, "sound_plugin"))
    findings = conformance.check("sound_plugin")
    assert findings
    assert [own for own in findings if not own.holds] == []


def test_a_plugin_that_adds_nothing_has_no_checks(tmp_path: Path) -> None:
    plugins.load(file(tmp_path, HEAD, "empty_plugin"))
    assert conformance.check("empty_plugin") == ()


@pytest.mark.parametrize(
    ("text", "old", "new", "check", "sentence"),
    [
        (HINGE, "    '''d = E[", "    x = '''", "docstring", "must have a docstring"),
        (HINGE, "source: ClassVar[str]", "origin: ClassVar[str]", "docstring", "must have a source: ClassVar"),
        (
            HINGE,
            "margin: float = 1.0",
            "margin: float",
            "fields",
            "every field must have a default to be checked, got none for margin",
        ),
        (
            HINGE,
            "-fake.mean(-1)",
            "-fake.mean()",
            "shapes",
            r"g_loss must return one number per replica, \[R\] = \(3,\), .* got \(\)",
        ),
        (HINGE, "-fake.mean(-1)", "-fake.sum(-1)", "mean", "g_loss must be a mean over the batch"),
        (HINGE, "-fake.mean(-1)", "fake.mean(-1)", "direction", "g_loss must fall when fake scores rise"),
        (HINGE, "(self.margin - real)", "(self.margin + real)", "direction", "d_loss must fall when real scores rise"),
        (
            HINGE,
            "-fake.mean(-1)",
            "-fake.mean(-1) - fake.mean()",
            "stack",
            "g_loss of a stack must be that of each replica alone",
        ),
        (HINGE, "-fake.mean(-1)", "(fake * torch.nan).mean(-1)", "shapes", "g_loss must be finite"),
        (
            HINGE,
            "-fake.mean(-1)",
            "-fake.mean(-1) * (1 + 0 * torch.rand(1))",
            "shapes",
            "must draw no global random numbers",
        ),
        (HINGE, "-fake.mean(-1)", "1 / 0", "shapes", "raises ZeroDivisionError: division by zero"),
        (
            PENALTY,
            "create_graph=True",
            "create_graph=False",
            "double backward",
            "must be differentiable in D's weights",
        ),
        (PENALTY, ".mean(1)", ".mean()", "shape", "penalty must return one number per replica"),
        (PENALTY, ".mean(1)", ".mean(1).cumsum(0)", "stack", "penalty of a stack must be that of each replica alone"),
        (
            PAIR,
            "torch.rand(width)",
            "torch.tensor(__import__('random').random())",
            "networks",
            "must start alike|no global",
        ),
        (
            PAIR,
            "self.scale * self.body(x)",
            "self.body(x).detach()",
            "networks",
            "must use all of its parameters, got no gradient of",
        ),
        (
            PAIR,
            "nn.Linear(latent, self.width)",
            "nn.Linear(7, self.width)",
            "networks",
            "must fit points or square images",
        ),
        (HEIGHT, ".mean(-1)", ".mean()", "values", r"must return \[R\] or \[R, K\] for R = 3, got \(\)"),
        (HEIGHT, ".mean(-1)", ".mean(-1).cumsum(0)", "values", "of a stack must be that of each replica alone"),
        (NORMED, "torch", "torch", "stack", "a step must be elementwise"),
        (
            OPTIMIZER,
            "torch.optim.SGD(list(leaves), lr=self.lr)",
            "3",
            "stack",
            "build must return a torch.optim.Optimizer, got int",
        ),
        (
            LINE,
            "shape: ClassVar[tuple[int, ...]] = (2,)",
            "shape: ClassVar[tuple[int, ...]] = (3,)",
            "batches",
            "samples of the shape that it states",
        ),
        (
            LINE,
            "return MixtureSource",
            "return Moving",
            "batches",
            "batch must be a function of seeds and counter alone",
        ),
    ],
)
def test_each_mistake_is_found_by_its_check(
    tmp_path: Path, text: str, old: str, new: str, check: str, sentence: str
) -> None:
    assert old in text
    found = failures(tmp_path, text.replace(old, new), "mistaken_plugin")
    assert check in found, found
    with pytest.raises(ValueError, match=sentence):
        raise ValueError(found[check])
