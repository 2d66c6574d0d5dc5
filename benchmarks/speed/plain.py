"""The competitor: one replica of a configuration as a plain eager loop of PyTorch, written the usual way.

The same modules and the same start; parameters without a replica axis, torch's optimizer with its defaults,
``zero_grad``, ``backward``, ``step``, and random numbers of torch's generator on the device. No stacking, no compiler,
no fused optimizer.
"""

import copy
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from trainables import games, replicas
from trainables.config import GanConfig
from trainables.data import ImageSource, MixtureSource, Source
from trainables.objectives import LeastSquares, NonSaturating, Wasserstein
from trainables.optim import Adam, OptimizerConfig
from trainables.penalties import Interpolates, NoPenalty, WganGp
from trainables.streams import Streams


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a step draws: a batch of real samples, latents, and the places of a penalty between the samples, ``[B]``."""

    real: Callable[[], Tensor]
    latents: Callable[[], Tensor]
    places: Callable[[], Tensor]


class Plain:
    """Trains one replica; :meth:`step` is one update of the generator with the discriminator's.

    Raises:
        ValueError: if the configuration has what the loop is not written for.
    """

    def __init__(self, config: GanConfig, inputs: Inputs, device: torch.device, seed: int = 0) -> None:
        self._config, self._inputs = config, inputs
        self._check(config)
        dtype: torch.dtype = getattr(torch, config.dtype)
        self.generator, self.discriminator = networks(config, seed, device, dtype)
        self._g_optimizer = _optimizer(config.g_optimizer, self.generator)
        self._d_optimizer = _optimizer(config.d_optimizer, self.discriminator)

    @staticmethod
    def _check(config: GanConfig) -> None:
        updates, penalty = config.updates, config.penalty
        simple = (
            updates.order == "d_first" and updates.burn_in is None and updates.d_batches == "apart"
            and config.packing == 1 and config.clip is None and not config.instance_noise
            and (isinstance(penalty, NoPenalty) or (isinstance(penalty, WganGp) and penalty.points == Interpolates()))
        )  # fmt: skip
        if not simple:
            raise ValueError("the plain loop has D first, separate batches, and no penalty or WGAN-GP")

    def step(self) -> None:
        fake = torch.empty(0)
        for _ in range(self._config.updates.d_steps):
            fake = self.generator(self._inputs.latents())
            self._train_discriminator(self._inputs.real(), fake.detach())
        if not self._config.updates.reuse_latents:
            fake = self.generator(self._inputs.latents())
        self._g_optimizer.zero_grad()
        loss = self._g_loss(self.discriminator(fake))
        loss.backward()
        self._g_optimizer.step()

    def _train_discriminator(self, real: Tensor, fake: Tensor) -> None:
        self._d_optimizer.zero_grad()
        loss = self._d_loss(self.discriminator(real), self.discriminator(fake))
        penalty = self._config.penalty
        if isinstance(penalty, WganGp):
            loss = loss + penalty.weight * self._gradient_penalty(real, fake)
        loss.backward()
        self._d_optimizer.step()

    def _gradient_penalty(self, real: Tensor, fake: Tensor) -> Tensor:
        places = self._inputs.places().view(-1, *[1] * (real.ndim - 1))
        points = (fake + places * (real - fake)).requires_grad_()
        (gradient,) = torch.autograd.grad(self.discriminator(points).sum(), points, create_graph=True)
        steepness: Tensor = gradient.flatten(1).norm(2, dim=1)
        return ((steepness - 1) ** 2).mean()

    def _d_loss(self, real: Tensor, fake: Tensor) -> Tensor:
        match self._config.objective:
            case LeastSquares(a=a, b=b):
                return 0.5 * ((real - b) ** 2).mean() + 0.5 * ((fake - a) ** 2).mean()
            case NonSaturating():
                cross_entropy = functional.binary_cross_entropy_with_logits
                return cross_entropy(real, torch.ones_like(real)) + cross_entropy(fake, torch.zeros_like(fake))
            case Wasserstein():
                return fake.mean() - real.mean()
        raise ValueError(f"the plain loop has no objective {self._config.objective.kind}")

    def _g_loss(self, fake: Tensor) -> Tensor:
        match self._config.objective:
            case LeastSquares(c=c):
                return 0.5 * ((fake - c) ** 2).mean()
            case NonSaturating():
                return functional.binary_cross_entropy_with_logits(fake, torch.ones_like(fake))
            case _:
                return -fake.mean()


def networks(config: GanConfig, seed: int, device: torch.device, dtype: torch.dtype) -> tuple[nn.Module, nn.Module]:
    """Return generator and discriminator as ordinary modules with the values that the replica of ``seed`` starts at."""
    made = []
    for name, player in games.build(config).players.items():
        start = replicas.initialize(player.module, player.init, Streams([seed]), name, device=device, dtype=dtype)
        module = copy.deepcopy(player.module).to(dtype).to_empty(device=device)
        module.load_state_dict({key: value.detach()[0] for key, value in start.items()})
        made.append(module.train())
    generator, discriminator = made
    return generator, discriminator


def _optimizer(config: OptimizerConfig, module: nn.Module) -> torch.optim.Optimizer:
    if not isinstance(config, Adam):
        raise ValueError(f"the plain loop has Adam alone, got {config.kind}")
    return torch.optim.Adam(module.parameters(), lr=config.lr, betas=(config.beta1, config.beta2), eps=config.eps)


def drawn(config: GanConfig, source: Source, device: torch.device) -> Inputs:
    """Return inputs that torch draws on the device, from data that lie there as floats."""
    size, dtype = config.batch_size, getattr(torch, config.dtype)
    latent = config.latent

    def latents() -> Tensor:
        if latent.distribution == "normal":
            return torch.randn(size, latent.dim, device=device, dtype=dtype)
        return torch.rand(size, latent.dim, device=device, dtype=dtype) * 2 - 1

    def places() -> Tensor:
        return torch.rand(size, device=device, dtype=dtype)

    return Inputs(_real(source, size, device, dtype), latents, places)


def _real(source: Source, size: int, device: torch.device, dtype: torch.dtype) -> Callable[[], Tensor]:
    if isinstance(source, MixtureSource):
        std, centers = source.truth.std, torch.from_numpy(source.truth.centers).to(device=device, dtype=dtype)

        def points() -> Tensor:
            modes = torch.randint(len(centers), (size,), device=device)
            return centers[modes] + std * torch.randn(size, centers.shape[1], device=device, dtype=dtype)

        return points
    assert isinstance(source, ImageSource)
    images = source.reference(len(source.trained_on)).to(device)
    return lambda: images[torch.randint(len(images), (size,), device=device)]
