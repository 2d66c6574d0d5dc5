"""How large a part of its search range does each GAN method train in?

Question: Lucic et al. 2018 search wide ranges for each of several methods, 100 settings with one seed each, take the
best setting, and find that with enough search most methods come to similar scores. That compares the best runs. How
*often* does a random setting of each method train, that is, how much search does a method need? Kurach et al. 2019 run
a fixed grid of 24 settings over losses, penalties and normalisations of D.

An answer is the share of settings that train, per method, with its interval, and the verdicts below. The claim that
enough tuning makes most methods equal is tested in this form: of 100 random settings, the paper's budget for each
method, at least one trains with probability 0.95 if more than 1 - 0.05^(1/100), about 3 %, of all settings do.

Cost: quick about 5 minutes on two CPU cores, hour half of one; standard about 2 CPU days; wide (MNIST) and grid
(CIFAR10) need a GPU.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import product
from random import Random

from search_spaces import CLIP, LAMBDA, Factor, JsonValue, Level, label_of
from search_spaces.domain import Choice, Float
from search_spaces.sampled import draw
from study.design.hypotheses import MoreSuccess, Share
from study.design.study import Profile, Study
from study.outcomes.outcome import Outcome
from study.outcomes.rule import IMAGE_RULE
from trainables.config import Evaluation, GanConfig, Latent, Updates, to_dict
from trainables.data import Cifar10, Digits, Mnist
from trainables.networks import Dcgan, Infogan, Sndcgan
from trainables.networks.norm import RunningStatistics
from trainables.objectives import LeastSquares, Minimax, NonSaturating, Objective, Wasserstein
from trainables.optim import Adam
from trainables.penalties import Dragan, NoPenalty, WganGp

_LUCIC = "Lucic et al. 2018 (compare_gan, wide ranges)"
_KURACH = "Kurach et al. 2019 (compare_gan, fixed settings)"
_RATE, _BETA = Float(low=1e-5, high=1e-2, log=True), Float(low=0.0, high=0.999)
_D_STEPS, _NORMED = Choice(values=(1, 5)), Choice(values=(True, False))

METHODS: Mapping[str, tuple[Objective, str]] = {
    "mm": (Minimax(), ""),
    "ns": (NonSaturating(), ""),
    "ls": (LeastSquares(), ""),
    "wgan": (Wasserstein(), "clip"),
    "wgan-gp": (Wasserstein(), "gp"),
    "dragan": (NonSaturating(), "dragan"),
}
"""Those of compare_gan that are GANs with a score; BEGAN and the VAE are not. Its "LSGAN" squares the sigmoid of the
score, which is another method: ours is linear."""


_BUDGET = 100
_DRAWN = ("place",)
"""A setting of the same place is one draw, which all methods share as far as they have its fields."""


def _found(method: str) -> Share:
    return Share(
        name=f"tuning-finds-{method}",
        claim=f"Enough tuning finds a setting with which {method} trains: more than 3 % of its random settings do, so"
        f" that of {_BUDGET} at least one does with probability 0.95.",
        source=f"{_LUCIC}: with enough search most models reach similar scores",
        where={"method": method, "settings": "random"},
        drawn=_DRAWN,
        outcomes=(Outcome.CONVERGED,),
        side="above",
        threshold=1 - 0.05 ** (1 / _BUDGET),
    )


def _settings(count: int) -> Factor:
    """Return each method with ``count`` random settings; setting 001 is the same for all methods in shared fields."""
    levels = [_setting(method, place) for method in METHODS for place in range(1, count + 1)]
    return Factor(name="setting", levels=tuple(levels), source=_LUCIC)


def _setting(method: str, place: int) -> Level:
    rng = Random(f"compare_gan/{place}")
    rate, beta1, d_steps, normed, extra = (rng.random() for _ in range(5))
    objective, constraint = METHODS[method]
    weight = draw(LAMBDA.domain, extra)
    adam: dict[str, JsonValue] = {"kind": "adam", "lr": draw(_RATE, rate), "beta1": draw(_BETA, beta1)}
    penalties = {"gp": {**to_dict(WganGp()), "weight": weight}, "dragan": {**to_dict(Dragan()), "weight": weight}}
    batch_norm = draw(_NORMED, normed) and constraint not in penalties
    assign: dict[str, JsonValue] = {
        "objective": to_dict(objective),
        "penalty": penalties.get(constraint, to_dict(NoPenalty())),
        "clip": draw(CLIP.domain, extra) if constraint == "clip" else None,
        "g_optimizer": adam,
        "d_optimizer": adam,
        "updates.d_steps": draw(_D_STEPS, d_steps),
        "discriminator.norm": "batch" if batch_norm else "none",
    }
    tags = {"method": method, "settings": "random", "place": f"{place:03d}"}
    tags |= {"lr": label_of(adam["lr"]), "beta1": label_of(adam["beta1"])}
    tags |= {"d_steps": label_of(assign["updates.d_steps"]), "d_norm": str(assign["discriminator.norm"])}
    return Level(label=f"{method} {place:03d}", assign=assign, tags=tags)


def _grid() -> Factor:
    """Return Kurach et al.'s 24 settings per method and norm: 3 learning rates x 2 weights x 4 of betas and D steps.

    Methods without a penalty have 12, because the weight does not apply to them.
    """
    levels: dict[str, Level] = {}
    betas: Sequence[tuple[float, float, int]] = ((0.5, 0.9, 5), (0.5, 0.999, 1), (0.5, 0.999, 5), (0.9, 0.999, 5))
    variants: dict[str, tuple[Objective, str, type[WganGp] | type[Dragan] | None]] = {
        "ns": (NonSaturating(), "none", None),
        "ns + bn": (NonSaturating(), "batch", None),
        "ns + ln": (NonSaturating(), "layer", None),
        "ns + sn": (NonSaturating(), "spectral", None),
        "ns + gp": (NonSaturating(), "none", WganGp),
        "ns + dragan": (NonSaturating(), "none", Dragan),
        "ls": (LeastSquares(), "none", None),
        "ls + sn": (LeastSquares(), "spectral", None),
        "ls + gp": (LeastSquares(), "none", WganGp),
        "wgan + sn": (Wasserstein(), "spectral", None),
        "wgan + gp": (Wasserstein(), "none", WganGp),
    }
    for (method, (objective, norm, penalty)), lr, weight, (beta1, beta2, d_steps) in product(
        variants.items(), (2e-4, 1e-4, 1e-3), (1.0, 10.0), betas
    ):
        adam = to_dict(Adam(lr=lr, beta1=beta1, beta2=beta2))
        place = f"lr {lr:g} betas {beta1:g} {beta2:g} d_steps {d_steps}"
        if penalty is not None:
            place += f" weight {weight:g}"
        label = f"{method} / {place}"
        levels[label] = Level(
            label=label,
            assign={
                "objective": to_dict(objective),
                "penalty": to_dict(NoPenalty() if penalty is None else penalty(weight=weight)),
                "g_optimizer": adam,
                "d_optimizer": adam,
                "updates.d_steps": d_steps,
                "discriminator.norm": norm,
            },
            tags={"method": method, "settings": "fixed", "place": place},
        )
    return Factor(name="setting", levels=tuple(levels.values()), source=_KURACH)


_RUNNING = RunningStatistics(momentum=0.001)
"""compare_gan's. The profiles of few steps draw with the batch's: 1,000 passes leave a third of the start in these."""


def _base(steps: int, every: int) -> GanConfig:
    net = Dcgan(channels=(16, 32))
    return GanConfig(
        data=Digits(),
        generator=net,
        discriminator=net,
        latent=Latent(dim=64),
        g_optimizer=Adam(lr=1e-3),
        d_optimizer=Adam(lr=1e-3),
        updates=Updates(reuse_latents=False),
        batch_size=64,
        steps=steps,
        evaluation=Evaluation(every=every, samples=512),
    )


_SMALL = (
    "compare_gan's wide ranges, {settings} settings per method instead of 100; digits enlarged to 16x16, DCGAN nets"
    " with 16 and 32 maps, {steps} steps of G"
)

STUDY = Study(
    name="large-scale",
    title="The share of each method's search range that trains",
    question=__doc__.splitlines()[0],
    sources=(
        "Lucic et al., Are GANs Created Equal? A Large-Scale Study, 2018 (arXiv 1711.10337), authors' code",
        "Kurach et al., A Large-Scale Study on Regularization and Normalization in GANs, 2019 (arXiv 1807.04720)",
    ),
    hypotheses=(
        MoreSuccess(
            name="ns-trains-wider-than-mm",
            claim="Over random settings the non-saturating GAN trains more often than the minimax GAN.",
            source=_LUCIC,
            better={"method": "ns"},
            worse={"method": "mm"},
            drawn=_DRAWN,
        ),
        MoreSuccess(
            name="wgan-gp-trains-wider-than-wgan",
            claim="Over random settings WGAN-GP trains more often than WGAN with clipping.",
            source=_LUCIC,
            better={"method": "wgan-gp"},
            worse={"method": "wgan"},
            drawn=_DRAWN,
        ),
        Share(
            name="most-settings-fail",
            claim="Over all methods fewer than half of the random settings train: a wide range needs search.",
            source=_LUCIC,
            where={"settings": "random"},
            drawn=_DRAWN,
            outcomes=(Outcome.CONVERGED,),
            side="below",
            threshold=0.5,
        ),
        *(_found(method) for method in METHODS),
        MoreSuccess(
            name="spectral-norm-trains-wider-than-batch-norm",
            claim="Over the fixed settings a D with spectral norm trains more often than one with batch norm.",
            source=_KURACH,
            better={"method": "ns + sn"},
            worse={"method": "ns + bn"},
        ),
    ),
    contrasts=(),
    first_seed=50_000,
    profiles={
        "smoke": Profile(
            base=_base(steps=4, every=1),
            factors=(_settings(1),),
            seeds=1,
            block=1,
            rule=IMAGE_RULE,
            note="Shows the whole path; 4 steps teach nothing.",
        ),
        "quick": Profile(
            base=_base(steps=300, every=25),
            factors=(_settings(8),),
            seeds=1,
            block=1,
            rule=IMAGE_RULE,
            note=_SMALL.format(settings=8, steps="300") + " whatever the D steps (there the budget counts D's).",
        ),
        "hour": Profile(
            base=_base(steps=1_500, every=75),
            factors=(_settings(12),),
            seeds=1,
            block=1,
            rule=IMAGE_RULE,
            note=_SMALL.format(settings=12, steps="1,500") + ".",
        ),
        "standard": Profile(
            base=_base(steps=4_000, every=100),
            factors=(_settings(50),),
            seeds=1,
            block=1,
            rule=IMAGE_RULE,
            note="compare_gan's wide ranges, 50 settings per method; digits enlarged to 16x16, DCGAN nets with 16 and"
            " 32 maps, 4,000 steps of G.",
        ),
        "wide": Profile(
            base=replace(
                _base(steps=18_740, every=937),
                data=Mnist(),
                generator=Infogan(),
                discriminator=Infogan(),
                evaluation=Evaluation(every=937, samples=2_048, batch_norm=_RUNNING),
            ),
            factors=(_settings(100),),
            seeds=1,
            block=1,
            rule=IMAGE_RULE,
            note="compare_gan's wide ranges, nets and 20 epochs on MNIST, 100 settings per method. Differences: linear"
            " least squares, images in [-1, 1] with tanh, steps counted in updates of G. Samples are drawn with running"
            " statistics of batch norm, as there.",
        ),
        "grid": Profile(
            base=replace(
                _base(steps=100_000, every=2_000),
                data=Cifar10(),
                generator=Sndcgan(),
                discriminator=Sndcgan(),
                latent=Latent(dim=128, distribution="normal"),
                evaluation=Evaluation(every=2_000, samples=2_048, batch_norm=_RUNNING),
            ),
            factors=(_grid(),),
            seeds=5,
            block=1,
            rule=IMAGE_RULE,
            note="Kurach et al.'s 24 settings (12 without a penalty) per loss, penalty and norm with 5 seeds, CIFAR10"
            " and SNDCGAN nets; 100,000 steps of G (there of D); quality instead of FID. Samples are drawn with running"
            " statistics of batch norm, as there.",
        ),
    },
)
