"""The memory that a plan needs at least."""

from dataclasses import replace

import pytest
import torch

from study import plan
from study.scheduling import cost, memory
from tests.study.scheduling.test_cost import GAN
from trainables import games
from trainables.config import Evaluation
from trainables.data import Digits
from trainables.networks import Dcgan
from trainables.replicas import initialize
from trainables.streams import Streams

PLAN = plan("mixture-modes", "smoke")


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_weights_count_with_their_gradients_and_the_larger_of_batch_and_report(dtype: str) -> None:
    nets = Dcgan(channels=(8, 16))
    own = replace(
        GAN,
        data=Digits(side=16),
        generator=nets,
        discriminator=nets,
        dtype=dtype,
        batch_size=64,
        evaluation=Evaluation(every=1, samples=100),
    )
    made = [
        initialize(
            player.module,
            player.init,
            Streams([0]),
            player.short,
            device=torch.device("cpu"),
            dtype=getattr(torch, dtype),
        )
        for player in games.build(own).players.values()
    ]
    weights = sum(value.numel() * value.element_size() for params in made for value in params.values())
    size = {"float32": 4, "float64": 8}[dtype]
    assert memory.least_bytes(own) == 2 * weights + 100 * 256 * size
    assert memory.least_bytes(replace(own, batch_size=1_000)) == 2 * weights + 1_000 * 256 * size


@pytest.mark.parametrize("path", ["latent.dim", "batch_size", "evaluation.samples"])
def test_a_cell_beyond_the_memory_is_named_with_what_it_needs(path: str) -> None:
    own = plan("mixture-modes", "smoke", set={path: 2**42})
    sentence = (
        r"^a block must fit .* of [\d,.]+ GiB, got at least [\d,]+\.0 GiB of .* for 2 replicas of cell official .*"
    )
    with pytest.raises(ValueError, match=rf"{sentence}\(study mixture-modes\)$"):
        cost.estimate(own)


def test_replicas_add_up() -> None:
    cell = PLAN.cells[0]
    memory.check([cell], 100, PLAN.study)
    with pytest.raises(ValueError, match=r"for 10.000.000.000 replicas"):
        memory.check([cell], 10**10, PLAN.study)
