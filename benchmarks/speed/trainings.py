"""The trainings that speed is measured on, made of ``trainables`` alone: a GPU machine may have nothing else."""

from dataclasses import replace

import torch

from trainables.config import Evaluation, GanConfig, Latent
from trainables.data import ImageArray, ImageSource, ImageTruth, Ring, Source
from trainables.data.handed import digest_of
from trainables.loop import Loop
from trainables.networks import Dcgan, Mlp
from trainables.objectives import LeastSquares
from trainables.optim import Adam


def ring() -> GanConfig:
    """Return the ring with the nets 64-128-128-2 and 2-128-128-1, batch norm in both, Adam, batches of 256."""
    return GanConfig(
        data=Ring(),
        generator=Mlp(norm="batch"),
        discriminator=Mlp(norm="batch"),
        objective=LeastSquares(),
        latent=Latent(dim=64, distribution="normal"),
        g_optimizer=Adam(lr=1e-3),
        d_optimizer=Adam(lr=1e-3),
        batch_size=256,
        steps=1_000,
        evaluation=Evaluation(every=50, samples=2_500),
    )


def images(side: int, channels: tuple[int, ...], latent: int) -> GanConfig:
    """Return a DCGAN on random RGB images, batch norm in both nets, Adam, batches of 64."""
    digest = digest_of(_random(side).numpy())
    return GanConfig(
        data=ImageArray(digest=digest, count=_IMAGES, channels=3, side=side),
        generator=Dcgan(channels=channels),
        discriminator=Dcgan(channels=channels),
        objective=LeastSquares(),
        latent=Latent(dim=latent, distribution="normal"),
        g_optimizer=Adam(lr=2e-4),
        d_optimizer=Adam(lr=2e-4),
        batch_size=64,
        steps=1_000,
    )


def dcgan32() -> GanConfig:
    """Return DCGAN for 32 x 32 pixels with 32, 64 and 128 maps."""
    return images(32, (32, 64, 128), 100)


def lsgan64() -> GanConfig:
    """Return the 64-pixel nets of the LSGAN paper: 12.7 and 4.3 million parameters."""
    return images(64, (64, 128, 256, 512), 1_024)


def without_batch_norm(config: GanConfig) -> GanConfig:
    return replace(
        config,
        generator=replace(config.generator, norm="none"),
        discriminator=replace(config.discriminator, norm="none"),
    )


def tiny(config: GanConfig) -> GanConfig:
    """Return the same training with few samples, to show that a measurement runs."""
    return replace(config, batch_size=8, evaluation=replace(config.evaluation, samples=32))


def source(config: GanConfig, device: torch.device) -> Source:
    """Load the data of a configuration, or make them if they are random images."""
    dtype = getattr(torch, config.dtype)
    if isinstance(config.data, ImageArray):
        truth = ImageTruth(images=_random(config.data.side), labels=None, classes=0)
        return ImageSource(truth, device=device, dtype=dtype)
    return config.data.load(device=device, dtype=dtype)


def stacked(config: GanConfig, data: Source, replicas: int, device: torch.device) -> Loop:
    """Return the project's own loop for so many replicas, without probes."""
    return Loop(config, range(replicas), data, (), device=device)


_IMAGES = 1_024


def _random(side: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randint(256, (_IMAGES, 3, side, side), dtype=torch.uint8, generator=generator)
