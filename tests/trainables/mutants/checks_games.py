"""Checks of games, loop, optimisers, norms and data as plain functions; see ``checks_losses``.

The Dirac-GAN (Mescheder et al. 2018, definition 2.1) under Wasserstein losses has its steps in closed form: with
``D(x) = psi x``, ``G(z) = theta`` and data at 0, D's gradient is ``theta`` and G's is ``-psi``.
"""

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from search_spaces import architecture
from tests.trainables.mutants.checks_losses import F64, SEEDS, Check, close
from trainables import optim, phases, replicas
from trainables.conditioning import AuxiliaryClassifier, ByLabel
from trainables.config import BurnIn, Evaluation, GanConfig, Latent, Updates
from trainables.data import Point, Ring
from trainables.data.source import ImageSource, ImageTruth
from trainables.gan.draws import Draws
from trainables.gan.game import Gan
from trainables.gan.play import Play
from trainables.loop import Loop
from trainables.networks import Dirac, Mlp
from trainables.networks.init import Constant, He
from trainables.networks.layers import BatchNorm
from trainables.objectives import LeastSquares, Wasserstein
from trainables.penalties import WganGp
from trainables.streams import Streams

CPU = torch.device("cpu")
PSI, THETA, D_LR, G_LR = 0.75, 1.0, 0.25, 0.125
DIRAC = GanConfig(
    data=Point(),
    generator=Dirac(init=Constant(at=THETA)),
    discriminator=Dirac(init=Constant(at=PSI)),
    objective=Wasserstein(),
    latent=Latent(dim=1),
    g_optimizer=optim.Sgd(lr=G_LR),
    d_optimizer=optim.Sgd(lr=D_LR),
    batch_size=2,
    steps=4,
    evaluation=Evaluation(every=2, samples=2),
    dtype="float64",
)
RING = GanConfig(
    data=Ring(),
    generator=Mlp(hidden=(4,), activation="relu", init=He()),
    discriminator=Mlp(hidden=(4, 4), activation="leaky_relu", init=He()),
    objective=LeastSquares(),
    latent=Latent(dim=3),
    g_optimizer=optim.Sgd(lr=0.05),
    d_optimizer=optim.Sgd(lr=0.1),
    batch_size=6,
    steps=4,
    evaluation=Evaluation(every=2, samples=15),
    dtype="float64",
)


class Spy:
    """Networks that write down what they were given."""

    def __init__(self, nets: phases.Nets) -> None:
        self._nets = nets
        self.calls: list[tuple[str, tuple[Tensor, ...]]] = []

    def run(self, network: str, *inputs: Tensor, frozen: bool = False) -> Any:
        self.calls.append((network, inputs))
        return self._nets.run(network, *inputs, frozen=frozen)

    def seen(self, network: str, place: int = 0) -> list[Tensor]:
        return [inputs[place] for name, inputs in self.calls if name == network]


def nets_of(config: GanConfig) -> phases.Nets:
    players, streams = Gan(config).players, Streams(SEEDS)
    params = {
        name: replicas.initialize(p.module, p.init, streams, name, device=CPU, dtype=F64) for name, p in players.items()
    }
    return phases.Nets({name: p.module for name, p in players.items()}, params)


def draws_of(config: GanConfig, step: int = 0) -> Draws:
    return Draws(config, config.data.load(device=CPU, dtype=F64), Streams(SEEDS), step)


def one_step(config: GanConfig) -> tuple[Spy, list[dict[str, Tensor]]]:
    """The losses of all phases of step 0 at the first weights, and what the networks saw."""
    spy, draws = Spy(nets_of(config)), draws_of(config)
    rounds = Gan(config).rounds(0)
    return spy, [dict(phase.loss(spy, draws)) for group in rounds for phase in group]  # type: ignore[arg-type]


def dirac_after(steps: int = 1, **fields: Any) -> tuple[Tensor, Tensor]:
    """(psi, theta) of every replica after some steps."""
    config = replace(DIRAC, **fields)
    loop = Loop(config, SEEDS, config.data.load(device=CPU, dtype=F64), [], device=CPU)
    for _ in range(steps):
        loop.advance()
    params = loop.state_dict()["params"]
    return tuple(next(iter(params[name].values())).flatten() for name in ("discriminator", "generator"))  # type: ignore[return-value]


def d_first_by_hand() -> None:
    psi, theta = dirac_after()
    close(psi, PSI - D_LR * THETA)
    close(theta, THETA + G_LR * (PSI - D_LR * THETA))


def g_first_by_hand() -> None:
    psi, theta = dirac_after(updates=Updates(order="g_first"))
    close(theta, THETA + G_LR * PSI)
    close(psi, PSI - D_LR * (THETA + G_LR * PSI))


def simultaneous_by_hand() -> None:
    psi, theta = dirac_after(updates=Updates(order="simultaneous"))
    close(psi, PSI - D_LR * THETA)
    close(theta, THETA + G_LR * PSI)


def a_step_is_one_update_of_g() -> None:
    """With so many of D: a budget of steps is one of G's updates."""
    psi, theta = dirac_after(updates=Updates(d_steps=3))
    close(psi, PSI - 3 * D_LR * THETA)
    close(theta, THETA + G_LR * (PSI - 3 * D_LR * THETA))


def a_burn_in_has_its_steps() -> None:
    """Arjovsky et al. 2017 (authors' code): 100 in each of the first 25 steps and in every 500th."""
    game = Gan(replace(RING, updates=Updates(d_steps=5, burn_in=BurnIn())))
    counts = [[p.name for group in game.rounds(step) for p in group].count("d") for step in (0, 24, 25, 499, 500, 501)]
    assert counts == [100, 100, 5, 5, 100, 5], counts


def clipping_after_clamps_the_stepped_weights() -> None:
    psi, theta = dirac_after(clip=0.3)
    close(psi, 0.3)
    close(theta, THETA + G_LR * 0.3)


def clipping_before_clamps_the_first_weights() -> None:
    psi, theta = dirac_after(clip=0.1, clip_when="before")
    close(psi, 0.1 - D_LR * THETA)
    close(theta, THETA + G_LR * (0.1 - D_LR * THETA))


def a_penalty_is_of_the_raw_score_and_moves_d_alone() -> None:
    """``3 (|psi| - 1)^2`` has the gradient ``6 (psi - 1)``."""
    psi, theta = dirac_after(penalty=WganGp(weight=3.0))
    close(psi, PSI - D_LR * (THETA + 6 * (PSI - 1)))
    close(theta, THETA + G_LR * psi)


def penalty_and_batch_norm_exclude_each_other() -> None:
    try:
        replace(RING, discriminator=Mlp(norm="batch"), penalty=WganGp())
    except ValueError:
        return
    raise AssertionError("a penalty beside batch norm in D was accepted")


def d_trains_on_constants() -> None:
    """No gradient of D's losses reaches G, none of G's reaches D's weights."""
    for reuse in (True, False):
        config = replace(RING, updates=Updates(reuse_latents=reuse))
        nets, draws = nets_of(config), draws_of(config)
        for (phase,) in Gan(config).rounds(0):
            other = "generator" if phase.name == "d" else "discriminator"
            total = torch.stack(list(phase.loss(nets, draws).values())).sum()
            found = torch.autograd.grad(total, replicas.leaves(nets.params[other]), allow_unused=True)
            assert all(gradient is None for gradient in found), phase.name


def latents_are_reused_if_so_configured() -> None:
    for reuse in (True, False):
        draws = draws_of(replace(RING, updates=Updates(d_steps=2, reuse_latents=reuse)))
        assert torch.equal(draws.generator_latents(), draws.discriminator_latents(1)) == reuse
        assert not torch.equal(draws.discriminator_latents(0), draws.discriminator_latents(1))


def every_d_update_has_a_fresh_batch() -> None:
    draws = draws_of(replace(RING, updates=Updates(d_steps=2)))
    assert not torch.equal(draws.real(0), draws.real(1))
    assert not torch.equal(draws.real(0), draws_of(RING, 1).real(0))


def latents_follow_their_distribution() -> None:
    uniform = phases.latents(Latent(dim=50), Streams(SEEDS), "latent", 0, 100)
    assert -1 <= uniform.min() < -0.99
    assert 0.99 < uniform.max() <= 1
    normal = phases.latents(Latent(dim=50, distribution="normal"), Streams(SEEDS), "latent", 0, 100)
    assert normal.max() > 2.5
    assert 0.95 < normal.std() < 1.05


def penalties_draw_anew_at_every_step() -> None:
    first, second = (draws_of(RING, step).penalty_noise(0).uniform("entry", (4,)) for step in (0, 1))
    assert not torch.equal(first, second)


def apart_real_scores_do_not_see_fakes() -> None:
    """With batch norm in D, each pass has one kind of sample; joined, one pass has both."""
    for how, sizes in (("apart", [6, 6]), ("joined", [12])):
        config = replace(RING, updates=Updates(d_batches=how))  # type: ignore[arg-type]
        spy, draws = Spy(nets_of(config)), draws_of(config)
        Gan(config).rounds(0)[0][0].loss(spy, draws)  # type: ignore[arg-type]
        assert [batch.shape[1] for batch in spy.seen("discriminator")] == sizes, how
        assert torch.equal(spy.seen("discriminator")[0][:, :6], draws.real(0))


def packs_are_of_one_kind() -> None:
    config = replace(RING, packing=2)
    spy, draws = Spy(nets_of(config)), draws_of(config)
    Gan(config).rounds(0)[0][0].loss(spy, draws)  # type: ignore[arg-type]
    close(spy.seen("discriminator")[0], draws.real(0).reshape(2, 6, 4))


def labels_go_with_their_samples() -> None:
    """D judges real samples with their own classes (the nearest mode), made ones with those they were made from."""
    for how in ("apart", "joined"):
        updates = Updates(d_batches=how)  # type: ignore[arg-type]
        config = replace(RING, conditioning=ByLabel(fake_labels="uniform"), updates=updates)
        spy, _ = one_step(config)
        real = spy.seen("discriminator")[0][:, :6]
        centers = torch.from_numpy(config.data.load(device=CPU, dtype=F64).truth.centers)  # type: ignore[union-attr]
        labels = torch.cat(spy.seen("discriminator", 1), 1)
        assert torch.equal(labels[:, :6], torch.cdist(real, centers.expand(2, -1, -1)).argmin(2))
        assert torch.equal(labels[:, 6:12], spy.seen("generator", 1)[0])
        assert torch.equal(labels[:, 12:], spy.seen("generator", 1)[-1])


def class_terms_are_in_both_losses() -> None:
    """Each is the cross-entropy of D's class head on the samples and labels of its phase, with a positive sign."""
    config = replace(RING, conditioning=AuxiliaryClassifier())
    nets, draws = nets_of(config), draws_of(config)
    (d,), (g,) = Gan(config).rounds(0)
    d_terms, g_terms = d.loss(nets, draws), g.loss(nets, draws)
    made = draws.discriminator_labels(0)
    fake = nets.run("generator", draws.discriminator_latents(0), made)

    def entropy(samples: Tensor, labels: Tensor) -> Tensor:
        chances = nets.run("discriminator", samples)[1].softmax(-1)
        return -chances.gather(2, labels[..., None]).log()[..., 0].mean(1)

    assert "d_class_loss" in d_terms, "D is not told the classes"
    assert "g_class_loss" in g_terms, "G is not told the classes"
    close(d_terms["d_class_loss"], entropy(draws.real(0), draws.labels(0)) + entropy(fake, made))
    close(g_terms["g_class_loss"], entropy(fake, made))


def sampling_uses_batches_of_training_size() -> None:
    """Batch norm in G then sees at evaluation what it saw in training."""
    spy = Spy(nets_of(RING))
    play = Play(RING, RING.data.load(device=CPU, dtype=F64), Streams(SEEDS))
    samples, _ = play.sample(spy, 15)  # type: ignore[arg-type]
    assert samples.shape == (2, 15, 2)
    assert [z.shape[1] for z in spy.seen("generator")] == [6, 6, 6]


def batch_norm_by_hand() -> None:
    """On a batch of small variance, where an eps of 0.8 is all of the denominator."""
    x = 0.1 * Streams((5,)).normal("test", 0, (32, 4))[0].to(F64)
    (layer,) = (m for m in Mlp(hidden=(4,), norm="batch").generator(4, (2,)) if isinstance(m, BatchNorm))
    with torch.no_grad():
        layer.to(F64).weight.fill_(1)  # type: ignore[union-attr]
        layer.bias.zero_()  # type: ignore[union-attr]
    wanted = (x - x.mean(0)) / (x.var(0, correction=0) + 1e-5).sqrt()
    close(layer(x), wanted)
    both = replicas.apply(
        torch.nn.Sequential(layer),
        {"0.weight": torch.ones(2, 4), "0.bias": torch.zeros(2, 4)},
        torch.stack([x, 3 * x]).float(),
    )
    torch.testing.assert_close(both[0].to(F64), wanted, rtol=1e-4, atol=1e-4)


def the_ring_is_open() -> None:
    """So many distinct modes, equally likely and equally far from their neighbours."""
    truth = Ring().load(device=CPU, dtype=F64).truth
    gaps = np.linalg.norm(truth.centers - np.roll(truth.centers, 1, 0), axis=1)
    np.testing.assert_allclose(gaps, 2 * np.sin(np.pi / 8), rtol=1e-9)
    np.testing.assert_allclose(truth.weights, 1 / 8)


def images_lie_between_minus_one_and_one() -> None:
    bytes_ = torch.tensor([0, 255], dtype=torch.uint8).view(2, 1, 1, 1)
    source = ImageSource(ImageTruth(images=bytes_, labels=None, classes=0), device=CPU, dtype=F64)
    assert sorted(source.reference(2).flatten().tolist()) == [-1, 1]


def _stepped(config: optim.OptimizerConfig, gradients: list[float]) -> list[float]:
    """The moves of one weight under a row of gradients."""
    weight = torch.zeros(1, dtype=F64, requires_grad=True)
    optimizer, moves = config.build([weight]), []
    for gradient in gradients:
        before = weight.item()
        weight.grad = torch.tensor([gradient], dtype=F64)
        optimizer.step()
        moves.append(before - weight.item())
    return moves


def tf1_rmsprop_by_hand() -> None:
    """The accumulator starts at one, decays by 0.9, and eps stands inside the root."""
    for eps in (1e-10, 0.5):
        s, wanted = 1.0, []
        for g in (0.3, -2.0):
            s = 0.9 * s + 0.1 * g * g
            wanted.append(0.01 * g / (s + eps) ** 0.5)
        close(torch.tensor(_stepped(optim.RMSpropTf1(lr=0.01, eps=eps), [0.3, -2.0]), dtype=F64), torch.tensor(wanted))
    assert optim.RMSpropTf1(lr=1).decay == 0.9


def torch_rmsprop_by_hand() -> None:
    s, wanted = 0.0, []
    for g in (0.3, -2.0):
        s = 0.99 * s + 0.01 * g * g
        wanted.append(0.01 * g / (s**0.5 + 0.1))
    close(torch.tensor(_stepped(optim.RMSprop(lr=0.01, eps=0.1), [0.3, -2.0]), dtype=F64), torch.tensor(wanted))


def bn_g_is_read_as_the_paper_means_it() -> None:
    """The paper's names say where batch norm is *left out*; ours say so in words."""
    levels = {level.label: level.assign for level in architecture.BN.levels}
    assert levels["no_bn_g"] == {"generator.norm": "none", "discriminator.norm": "batch"}


CHECKS: tuple[Check, ...] = (
    d_first_by_hand,
    g_first_by_hand,
    simultaneous_by_hand,
    a_step_is_one_update_of_g,
    a_burn_in_has_its_steps,
    clipping_after_clamps_the_stepped_weights,
    clipping_before_clamps_the_first_weights,
    a_penalty_is_of_the_raw_score_and_moves_d_alone,
    penalty_and_batch_norm_exclude_each_other,
    d_trains_on_constants,
    latents_are_reused_if_so_configured,
    every_d_update_has_a_fresh_batch,
    latents_follow_their_distribution,
    penalties_draw_anew_at_every_step,
    apart_real_scores_do_not_see_fakes,
    packs_are_of_one_kind,
    labels_go_with_their_samples,
    class_terms_are_in_both_losses,
    sampling_uses_batches_of_training_size,
    batch_norm_by_hand,
    the_ring_is_open,
    images_lie_between_minus_one_and_one,
    tf1_rmsprop_by_hand,
    torch_rmsprop_by_hand,
    bn_g_is_read_as_the_paper_means_it,
)
