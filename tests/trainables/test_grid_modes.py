"""WGAN-GP and WGAN-LP learn the grid of 25 Gaussians: every mode in most runs, and more than a blob over all of them.

The data and the shape of the nets are those of Gulrajani et al. 2017 (authors' toy script, penalty weight 0.1) and of a
reproduction of Petzka et al. 2018 by mikigom (weight 5): three rectified layers in both players, leaky ones for LP
there; a normal latent in the plane, five updates of D. To fit into a minute and a half of a core the nets are 128 wide
instead of 512, the batch is 128 instead of 256, the learning rate 1e-3 instead of 1e-4, and there are 1,500 updates of
G where the scripts make 100,000. Layers start from torch's default, whose biases spread the kinks of the first layer
over the plane: from He's rule with biases of 0, the share of good samples had not left that of a blob after 750
updates.
"""

import pytest
import torch

from trainables.config import Evaluation, GanConfig, Latent, Updates
from trainables.data import Grid
from trainables.loop import Loop
from trainables.networks import Mlp
from trainables.networks.init import TorchDefault
from trainables.objectives import Wasserstein
from trainables.optim import Adam
from trainables.penalties import Penalty, WganGp, WganLp
from trainables.probes import MixtureFit

CPU = torch.device("cpu")
STEPS = 1_500
NET = Mlp(hidden=(128, 128, 128), activation="relu", init=TorchDefault())
FLOOR = 0.2
"""A mode counts from this fraction of its part of the samples within ten standard deviations on."""
BLOB = 25 * 3.1416 * (10 * 0.05) ** 2 / 10**2
"""The share of those samples for a uniform density on the grid's square: 0.20. It covers all modes by that count."""


def config(penalty: Penalty) -> GanConfig:
    return GanConfig(
        data=Grid(divisor=2.828),
        generator=NET,
        discriminator=NET,
        objective=Wasserstein(),
        penalty=penalty,
        latent=Latent(dim=2, distribution="normal"),
        g_optimizer=Adam(lr=1e-3, beta1=0.5, beta2=0.9),
        d_optimizer=Adam(lr=1e-3, beta1=0.5, beta2=0.9),
        updates=Updates(d_steps=5, reuse_latents=False),
        batch_size=128,
        steps=STEPS,
        evaluation=Evaluation(samples=2_500),
    )


@pytest.mark.slow
@pytest.mark.parametrize("penalty", [WganGp(weight=0.1), WganLp(weight=5.0)], ids=["GP", "LP"])
def test_all_25_modes_are_learned(penalty: Penalty) -> None:
    source = config(penalty).data.load(device=CPU, dtype=torch.float32)
    loop = Loop(config(penalty), range(3), source, [MixtureFit(source.truth, device=CPU)], device=CPU)
    for _ in range(STEPS):
        loop.advance()
    rows = loop.report()
    modes = [sum(share >= FLOOR / 25 * row["hq_share_r10"] for share in row["mode_share_r10"]) for row in rows]
    good = [row["hq_share_r10"] for row in rows]
    # A net that has all of them may lose one for a while, and samples with it; rounding says when.
    assert all(row["finite"] for row in rows)
    assert sorted(modes)[1] == 25
    assert min(modes) >= 20
    assert sorted(good)[1] > 2 * BLOB
    assert min(good) > 1.5 * BLOB
