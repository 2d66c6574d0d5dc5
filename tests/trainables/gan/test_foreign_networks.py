"""Networks of plugins in a stack: each replica is what its seed alone is, whichever way the stack runs."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.made_plugins import HEAD, PAIR, file
from tests.trainables.made_gans import BASE, CPU
from tests.trainables.rounding import assert_same
from trainables import games, plugins, replicas
from trainables.config import GanConfig
from trainables.data import Digits
from trainables.loop import Loop
from trainables.networks.norm import RunningStatistics
from trainables.penalties import WganGp
from trainables.probes import Diversity

pytestmark = pytest.mark.usefixtures("no_plugins")
SEEDS = (3, 14, 15)
CONVOLUTIONS = f"""{HEAD}
@plugins.network
@dataclass(frozen=True, kw_only=True)
class Convolutions:
    '''Two convolutions and torch's own batch norm.'''

    kind: Literal["convolutions"] = "convolutions"
    source: ClassVar[str] = "a test"

    def generator(self, latent, shape):
        first = nn.Sequential(nn.Linear(latent, 4 * 8 * 8), nn.Unflatten(1, (4, 8, 8)), nn.BatchNorm2d(4), nn.ReLU())
        return nn.Sequential(first, nn.ConvTranspose2d(4, shape[0], 4, 2, 1), nn.Tanh())

    def discriminator(self, shape):
        return nn.Sequential(nn.Conv2d(shape[0], 4, 4, 2, 1), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(256, 1))
"""
BRANCHING = PAIR.replace(
    "return x + self.scale", "if x.sum() > 1e9:\n            x = -x\n        return x + self.scale"
).replace('"pair"', '"branching"')
TEXTS = {"pair": PAIR, "convolutions": CONVOLUTIONS, "branching": BRANCHING}
WAYS = {"pair": "vmap", "convolutions": "replica by replica", "branching": "replica by replica"}


def config_of(folder: Path, kind: str, **fields: Any) -> GanConfig:
    """A configuration with a plugin's networks, on points or small images."""
    plugins.load(file(folder, TEXTS[kind], f"nets_{kind}"))
    from trainables.networks import FAMILY

    nets = FAMILY.added[kind]()
    images = {"data": Digits(side=16)} if kind == "convolutions" else {}
    return dataclasses.replace(BASE, generator=nets, discriminator=nets, batch_size=6, **images, **fields)


def trained(config: GanConfig, seeds: tuple[int, ...], steps: int = 4) -> Loop:
    source = config.data.load(device=CPU, dtype=torch.float64)
    loop = Loop(config, seeds, source, [Diversity(source)], device=CPU)
    for _ in range(steps):
        loop.advance()
    return loop


@pytest.mark.parametrize("kind", TEXTS)
def test_a_stack_trains_as_its_seeds_alone(tmp_path: Path, kind: str) -> None:
    config = config_of(tmp_path, kind)
    stack = trained(config, SEEDS)
    for place, seed in enumerate(SEEDS):
        alone = trained(config, (seed,))
        for name, own in alone._params.items():
            for key, value in own.items():
                assert_same(stack._params[name][key][place], value[0])
        assert_same(stack.sample(12)[place], alone.sample(12)[0])
    generator = games.build(config).players["generator"].module
    assert replicas.way(generator, (6, config.latent.dim), on_cpu=True) == WAYS[kind]


@pytest.mark.parametrize("kind", ["pair", "convolutions"])
def test_a_penalty_differentiates_twice_through_it(tmp_path: Path, kind: str) -> None:
    config = config_of(tmp_path, kind, penalty=WganGp())
    assert bool(trained(config, SEEDS[:2]).finite.all())
    plain = trained(dataclasses.replace(config, penalty=type(BASE.penalty)()), SEEDS[:2])
    penalized = trained(config, SEEDS[:2])
    key = next(iter(plain._params["discriminator"]))
    assert not torch.equal(plain._params["discriminator"][key], penalized._params["discriminator"][key])


def test_a_seed_starts_alike_wherever_it_is_built_and_leaves_the_global_generator(tmp_path: Path) -> None:
    config = config_of(tmp_path, "pair")
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first = trained(config, SEEDS, 0)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    again = trained(config, SEEDS[::-1], 0)
    for key, value in first._params["generator"].items():
        assert torch.equal(value, again._params["generator"][key].flip(0))
        assert "weight" not in key or "1.body.1" in key or not torch.equal(value[0], value[1])


def test_its_batch_norm_follows_the_statistics_of_evaluation(tmp_path: Path) -> None:
    """By default it has no running statistics; with them, samples are normalised by what training has moved."""
    config = config_of(tmp_path, "pair")
    assert not any("running" in key for key in trained(config, SEEDS)._params["generator"])
    evaluation = dataclasses.replace(config.evaluation, batch_norm=RunningStatistics(momentum=0.5))
    running = trained(dataclasses.replace(config, evaluation=evaluation), SEEDS)
    moved = running._params["generator"]["1.body.1.running_mean"].clone()
    assert moved.shape == (3, 8)
    assert bool(moved.abs().gt(0).any())
    one, many = running.sample(1), running.sample(12)
    assert_same(one[:, 0], many[:, 0])
    assert torch.equal(running._params["generator"]["1.body.1.running_mean"], moved)


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        (
            "nn.Linear(self.width, *shape)",
            "nn.Linear(self.width, 3)",
            r"generator: pair must map \[B, 3\] to \[B, 2\], got \[B, 3\]",
        ),
        (
            "nn.Linear(self.width, 1)",
            "nn.Linear(self.width, 5)",
            r"discriminator: pair must map \[B, 2\] to \[B\], got \[15\] for B = 3",
        ),
        ("nn.Linear(latent, self.width)", "nn.Linear(7, self.width)", "generator: pair must map .*, got an error: "),
        (
            "nn.Linear(latent, self.width)",
            "nn.Linear(undefined)",
            "generator: pair must build one for 3, .*NameError: name 'undefined'",
        ),
        (
            "        return nn.Sequential(nn.Linear(latent",
            "        return 3\n        (nn.Linear(latent",
            "must build a torch.nn.Module, got int",
        ),
        ("nn.LeakyReLU(0.2)", "nn.Dropout(0.5)", "must draw no random numbers of its own, got Dropout"),
    ],
    ids=["output", "scores", "input", "raises", "number", "dropout"],
)
def test_networks_that_do_not_fit_are_refused_when_planned(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    assert old in PAIR
    plugins.load(file(tmp_path, PAIR.replace(old, new), "misfit_pair"))
    from trainables.networks import FAMILY

    nets = FAMILY.added["pair"]()
    with pytest.raises(ValueError, match=sentence):
        games.build(dataclasses.replace(BASE, generator=nets, discriminator=nets))


def test_a_start_that_is_drawn_from_another_generator_than_torchs_is_refused(tmp_path: Path) -> None:
    """It would be another one in every process, whatever the seed."""
    text = PAIR.replace("torch.rand(width)", "torch.tensor(__import__('random').random()).expand(width).clone()")
    plugins.load(file(tmp_path, text, "drawing_pair"))
    from trainables.networks import FAMILY

    nets = FAMILY.added["pair"]()
    with pytest.raises(ValueError, match="must draw no global random numbers, got draws from Python's"):
        trained(dataclasses.replace(BASE, generator=nets, discriminator=nets), SEEDS, 0)
