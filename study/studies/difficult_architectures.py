"""Which GAN methods still train when the architecture is made difficult?

Question: Gulrajani et al. 2017 (figure 2) and Mao et al. 2019 train seven architectures on LSUN bedrooms, six of them
chosen to be hard: a G with constant filters and no batch norm, an MLP G, no normalisation, gated units, tanh
everywhere, a 101-layer residual net. Each method has one setting for all of them. The evidence is single sample grids:
only WGAN-GP (and, in the second paper, LSGAN-GP) trains all seven. How often does each pair of method and architecture
train?

An answer is the success rate with its interval for each method and architecture, and the verdicts on the claims below.

Cost: quick about 7 minutes on two CPU cores; paper about 200 GPU days (LSUN, 64x64, 200,000 steps, 350 replicas).
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeAlias

from search_spaces import Factor, JsonValue, Level
from study.design.hypotheses import Hypothesis, MoreSuccess, Share
from study.design.study import Profile, Study
from study.outcomes.outcome import Outcome
from study.outcomes.rule import IMAGE_RULE
from trainables.config import Evaluation, GanConfig, Latent, Updates, to_dict
from trainables.data import Digits, LsunBedroom
from trainables.networks import BottleneckResnet, Dcgan, Mlp, Network
from trainables.networks.init import He
from trainables.objectives import LeastSquares, NonSaturating, Wasserstein
from trainables.optim import Adam, OptimizerConfig, RMSprop, RMSpropTf1
from trainables.penalties import LsganGp, NoPenalty, WganGp

_GULRAJANI = "Gulrajani et al. 2017, section 5.2 and figure 2"
_ARJOVSKY = "Arjovsky et al. 2017, section 4.3 and figures 6 and 7"
_MAO = "Mao et al. 2019 (TPAMI), LSGANs-GP on difficult architectures"
Nets: TypeAlias = Mapping[str, tuple[Network, Network]]


def _architectures(channels: tuple[int, ...], units: int, widths: tuple[int, ...], blocks: tuple[int, ...]) -> Nets:
    """Return the generator and the discriminator of each architecture by name, in the paper's order."""
    base, bare = Dcgan(channels=channels), Dcgan(channels=channels, norm="none")
    constant = replace(bare, channels=(channels[0],) * len(channels))
    mlp = Mlp(hidden=(units,) * 4, activation="relu", output="tanh", init=He())
    gated, tanh = replace(base, activation="gated"), replace(base, activation="tanh")
    deep = BottleneckResnet(widths=widths, blocks=blocks)
    return {
        "dcgan": (base, base),
        "constant filters": (constant, base),
        "mlp": (mlp, base),
        "no norm": (bare, bare),
        "gated": (gated, gated),
        "tanh": (tanh, tanh),
        "resnet": (deep, deep),
    }


def _method(
    objective: LeastSquares | NonSaturating | Wasserstein,
    optimizer: OptimizerConfig,
    *,
    d_steps: int = 1,
    penalty: NoPenalty | WganGp | LsganGp = NoPenalty(),
    clip: float | None = None,
) -> dict[str, JsonValue]:
    return {
        "objective": to_dict(objective),
        "penalty": to_dict(penalty),
        "clip": clip,
        "g_optimizer": to_dict(optimizer),
        "d_optimizer": to_dict(optimizer),
        "updates.d_steps": d_steps,
    }


def _methods(*, tf1: bool, faster: float) -> Mapping[str, Mapping[str, JsonValue]]:
    """Return each method's one setting for all architectures, by name; learning rates times ``faster``."""

    def rmsprop(lr: float) -> OptimizerConfig:
        return RMSpropTf1(lr=lr * faster) if tf1 else RMSprop(lr=lr * faster)

    return {
        "dcgan": _method(NonSaturating(), Adam(lr=2e-4 * faster)),
        "lsgan": _method(LeastSquares(), rmsprop(1e-4)),
        "wgan": _method(Wasserstein(), rmsprop(5e-5), d_steps=5, clip=0.01),
        "wgan-gp": _method(Wasserstein(), Adam(lr=1e-4 * faster, beta1=0.0, beta2=0.9), d_steps=5, penalty=WganGp()),
        "lsgan-gp": _method(LeastSquares(), Adam(lr=1e-4 * faster, beta1=0.5, beta2=0.9), penalty=LsganGp()),
    }


def _runs(nets: Nets, methods: Mapping[str, Mapping[str, JsonValue]], *, published: bool = False) -> Factor:
    """Return every architecture with every method; a penalty turns D's batch norm to layer norm, as in both papers.

    Args:
        published: whether LSGAN-GP trains the residual net as its script for that net does, which neither divides D's
            score by 5 nor updates D once.
    """
    levels = []
    for architecture, (generator, discriminator) in nets.items():
        for method, assign in methods.items():
            normed, own = discriminator, dict(assign)
            if method.endswith("-gp") and discriminator.norm == "batch":
                normed = replace(discriminator, norm="layer")
            if published and method == "lsgan-gp" and isinstance(normed, BottleneckResnet):
                normed, own["updates.d_steps"] = replace(normed, score_divisor=1.0), 2
            own |= {"generator": to_dict(generator), "discriminator": to_dict(normed)}
            tags = {"architecture": architecture, "method": method}
            levels.append(Level(label=f"{architecture} / {method}", assign=own, tags=tags))
    return Factor(name="run", levels=tuple(levels), source=f"{_GULRAJANI}; {_MAO}")


def _beats(worse: str) -> MoreSuccess:
    return MoreSuccess(
        name=f"wgan-gp-beats-{worse}",
        claim=f"Over all seven architectures WGAN-GP trains more often than {worse}.",
        source=_GULRAJANI,
        better={"method": "wgan-gp"},
        worse={"method": worse},
    )


def _trains(method: str, source: str) -> Share:
    return Share(
        name=f"{method}-trains-difficult-architectures",
        claim=f"Over all seven architectures more than half of the {method} runs succeed (the paper: all of them).",
        source=source,
        where={"method": method},
        outcomes=(Outcome.CONVERGED,),
        side="above",
        threshold=0.5,
    )


def _clipped_beats_gan(architecture: str, words: str) -> MoreSuccess:
    return MoreSuccess(
        name=f"wgan-beats-gan-{architecture.replace(' ', '-')}",
        claim=f"{words}, a clipped WGAN trains more often than the standard GAN.",
        source=_ARJOVSKY,
        better={"architecture": architecture, "method": "wgan"},
        worse={"architecture": architecture, "method": "dcgan"},
    )


HYPOTHESES: tuple[Hypothesis, ...] = (
    _trains("wgan-gp", _GULRAJANI),
    *(_beats(worse) for worse in ("dcgan", "lsgan", "wgan")),
    _trains("lsgan-gp", _MAO),
    _clipped_beats_gan("constant filters", "With a G of constant filters and without batch norm"),
    _clipped_beats_gan("mlp", "With an MLP as G"),
)


def _small(steps: int, every: int) -> GanConfig:
    return GanConfig(
        data=Digits(),
        generator=Dcgan(channels=(16, 32)),
        discriminator=Dcgan(channels=(16, 32)),
        latent=Latent(dim=32, distribution="normal"),
        g_optimizer=Adam(lr=1e-3),
        d_optimizer=Adam(lr=1e-3),
        updates=Updates(reuse_latents=False),
        batch_size=64,
        steps=steps,
        evaluation=Evaluation(every=every, samples=512),
    )


_SMALL_NETS = _architectures((12, 24), 64, (24, 16, 8), (1, 1, 1))
_SMALL_NOTE = (
    "Changed against the papers: digits enlarged to 16x16 instead of LSUN bedrooms at 64x64, two stages of few maps, an"
    " MLP of 64 instead of 512 units, a residual net of 17 layers instead of 101, 32 noise dimensions, five times the"
    " learning rates, torch's RMSProp, {steps} steps."
)

STUDY = Study(
    name="difficult-architectures",
    title="Seven architectures, most of them difficult, under five methods",
    question=__doc__.splitlines()[0],
    sources=(
        "Gulrajani et al., Improved Training of Wasserstein GANs, 2017 (arXiv 1704.00028), section 5.2, figure 2",
        "Mao et al., On the Effectiveness of Least Squares GANs, 2019 (arXiv 1712.06391), authors' code",
    ),
    hypotheses=HYPOTHESES,
    contrasts=(),
    profiles={
        "smoke": Profile(
            base=_small(steps=6, every=2),
            factors=(_runs(_SMALL_NETS, _methods(tf1=False, faster=5)).pick("mlp / dcgan", "resnet / wgan-gp"),),
            seeds=2,
            block=2,
            rule=IMAGE_RULE,
            note="Shows the whole path; 6 steps teach nothing. " + _SMALL_NOTE.format(steps=6),
        ),
        "quick": Profile(
            base=_small(steps=200, every=20),
            factors=(_runs(_SMALL_NETS, _methods(tf1=False, faster=5)),),
            seeds=2,
            block=2,
            rule=IMAGE_RULE,
            note=_SMALL_NOTE.format(steps=200),
        ),
        "standard": Profile(
            base=_small(steps=4_000, every=100),
            factors=(_runs(_architectures((32, 64), 256, (64, 32, 16), (3, 3, 3)), _methods(tf1=False, faster=5)),),
            seeds=10,
            block=5,
            rule=IMAGE_RULE,
            note="Digits at 16x16 with 32 and 64 maps, a residual net of 35 layers, five times the learning rates,"
            " torch's RMSProp, 4,000 steps.",
        ),
        "paper": Profile(
            base=replace(
                _small(steps=200_000, every=2_000),
                data=LsunBedroom(),
                generator=Dcgan(),
                discriminator=Dcgan(),
                latent=Latent(dim=128, distribution="normal"),
                evaluation=Evaluation(every=2_000, samples=2_048),
            ),
            factors=(
                _runs(
                    _architectures((64, 128, 256, 512), 512, (512, 256, 128, 64, 32), (6, 6, 6, 6, 5)),
                    _methods(tf1=True, faster=1),
                    published=True,
                ),
            ),
            seeds=10,
            block=1,
            rule=IMAGE_RULE,
            note="The papers' nets, optimisers and 200,000 steps. Stated differences: fresh noise for every penalty of"
            " LSGAN-GP (there one array for the whole run), and its 200,000 steps (there 500,000).",
        ),
    },
)
