"""What stands in for the data while a launch's cost is measured."""

from dataclasses import replace

import pytest
import torch

from study.scheduling.cost import _stand_in
from tests.trainables.made_autoencoders import config as autoencoder
from trainables.autoencoder.split import Split
from trainables.config import Evaluation, GanConfig, Latent
from trainables.data import Digits
from trainables.networks import Dcgan
from trainables.optim import Adam
from trainables.streams import Streams

CPU = torch.device("cpu")
GAN = GanConfig(
    data=Digits(side=8),
    generator=Dcgan(),
    discriminator=Dcgan(),
    latent=Latent(dim=2),
    g_optimizer=Adam(lr=1e-3),
    d_optimizer=Adam(lr=1e-3),
    steps=1,
    evaluation=Evaluation(every=1, samples=16),
)


@pytest.mark.parametrize("size", [2, 16, 64, 77])
def test_a_whole_batch_fits_beside_what_is_held_out(size: int) -> None:
    own = replace(GAN, batch_size=size)
    assert _stand_in(own, CPU).batch(Streams([0]), 0, size).samples.shape == (1, size, 1, 8, 8)


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
@pytest.mark.parametrize("kind", ["basic", "semi-supervised"])
def test_an_autoencoder_finds_its_labels_and_batches_in_it(kind: str, share: float) -> None:
    own = autoencoder(kind, held_out=share, batch_size=50)
    Split(own, _stand_in(own, CPU), (0, 1)).check()
