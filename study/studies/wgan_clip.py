"""For which clip values does a WGAN train on a ring of Gaussians, and does D's optimiser decide it?

Question: the clip value is the only hyperparameter that WGAN adds. Its paper uses 0.01 with RMSProp and warns of
momentum in D, its "critic" (section 4.2); Gulrajani et al. 2017 show that gradients vanish or explode as the value
changes. How wide is the range of clip values that train, and is it narrower with Adam in D? G has RMSProp throughout.

The paper clips *after* each of D's updates; its code clips before them, and makes 100 instead of 5 in each of the first
25 steps and in every 500th. ``standard`` follows the code, ``quick`` the paper.

An answer is the success rate with its interval along the clip axis for each optimiser of D, and the hypotheses'
verdicts.

Cost: quick about 3 minutes on two CPU cores, hour at most one; standard about 300 CPU hours.
"""

from dataclasses import replace

from search_spaces import Factor, Level, clip
from study.design.hypotheses import MoreSuccess, Share
from study.design.study import Contrast, Profile, Study
from study.outcomes.outcome import Outcome
from study.outcomes.rule import ANY_SCORE_RULE
from trainables.config import BurnIn, Evaluation, GanConfig, Latent, Updates
from trainables.data import Ring
from trainables.networks import Mlp
from trainables.networks.init import He
from trainables.objectives import Wasserstein
from trainables.optim import RMSprop


def _base(*, steps: int, every: int, width: int, batch: int) -> GanConfig:
    net = Mlp(hidden=(width, width, width), activation="relu", init=He())
    return GanConfig(
        data=Ring(std=0.02),
        generator=net,
        discriminator=net,
        objective=Wasserstein(),
        latent=Latent(dim=2, distribution="normal"),
        g_optimizer=RMSprop(lr=5e-4),
        d_optimizer=RMSprop(lr=5e-4),
        clip=0.01,
        updates=Updates(d_steps=5, reuse_latents=False),
        batch_size=batch,
        steps=steps,
        evaluation=Evaluation(every=every, samples=2_500),
    )


def _as_published(base: GanConfig) -> GanConfig:
    """Return the protocol of the authors' code, not algorithm 1: the clip before each update, and the burn-in."""
    return replace(base, clip_when="before", updates=replace(base.updates, burn_in=BurnIn()))


_RULES = Factor(
    name="optimizer",
    levels=(
        Level(label="rmsprop", assign={"d_optimizer": {"kind": "rmsprop", "lr": 5e-4}}),
        Level(label="adam", assign={"d_optimizer": {"kind": "adam", "lr": 5e-4, "beta1": 0.5}}),
    ),
    source="Arjovsky et al. 2017, section 4.2 (momentum in the critic)",
)
"""Of D alone, as the paper says it."""
_SMALL = (
    "Algorithm 1 of the paper: no burn-in, the clip after each update. Nets of 3x64 units, batch 128, learning rate"
    " 5e-4 instead of 5e-5 for {steps} steps."
)

STUDY = Study(
    name="wgan-clip",
    title="WGAN: clip value and D's optimiser on a ring of Gaussians",
    question=__doc__.splitlines()[0],
    sources=(
        "Arjovsky et al., Wasserstein GAN, 2017 (arXiv 1701.07875), algorithm 1, sections 4.2 and 4.3",
        "Gulrajani et al., Improved Training of Wasserstein GANs, 2017 (arXiv 1704.00028), section 3",
    ),
    hypotheses=(
        MoreSuccess(
            name="rmsprop-beats-adam",
            claim="Over all clip values, a clipped WGAN trains more often with RMSProp in D than with Adam at beta1 0.5"
            " there.",
            source="Arjovsky et al. 2017, section 4.2",
            better={"optimizer": "rmsprop"},
            worse={"optimizer": "adam"},
        ),
        Share(
            name="published-clip-trains",
            claim="With the published clip value 0.01 and RMSProp, more than half of the runs succeed.",
            source="Arjovsky et al. 2017, algorithm 1",
            where={"clip": "0.01", "optimizer": "rmsprop"},
            outcomes=(Outcome.CONVERGED,),
            side="above",
            threshold=0.5,
        ),
        Share(
            name="published-clip-does-not-collapse",
            claim="With the published clip value 0.01 and RMSProp, fewer than a quarter of the runs show mode collapse"
            " (the paper saw none).",
            source="Arjovsky et al. 2017, section 4.3",
            where={"clip": "0.01", "optimizer": "rmsprop"},
            outcomes=(Outcome.MODE_COLLAPSED, Outcome.LATE_COLLAPSE),
            side="below",
            threshold=0.25,
        ),
    ),
    contrasts=(Contrast(factor="optimizer", a="rmsprop", b="adam"),),
    first_seed=50_000,
    profiles={
        "smoke": Profile(
            base=_base(steps=40, every=10, width=64, batch=256),
            factors=(clip((0.01, 0.1)), _RULES),
            seeds=2,
            block=2,
            rule=ANY_SCORE_RULE,
            note="Shows the whole path in under a minute; 40 steps teach nothing.",
        ),
        "quick": Profile(
            base=_base(steps=2_500, every=100, width=64, batch=128),
            factors=(clip((0.001, 0.01, 0.1, 1.0)), _RULES),
            seeds=5,
            block=5,
            rule=ANY_SCORE_RULE,
            note=_SMALL.format(steps="2,500"),
        ),
        "hour": Profile(
            base=_base(steps=10_000, every=400, width=64, batch=128),
            factors=(clip((0.01, 0.1, 1.0)), _RULES),
            seeds=10,
            block=10,
            rule=ANY_SCORE_RULE,
            note=_SMALL.format(steps="10,000"),
        ).until_decided(most_seeds=40),
        "standard": Profile(
            base=_as_published(_base(steps=10_000, every=250, width=512, batch=256)),
            factors=(clip((0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0)), _RULES),
            seeds=20,
            block=10,
            rule=ANY_SCORE_RULE,
            note="The authors' code: burn-in, the clip before each update. Nets of 3x512 units and batch 256 as in"
            " Gulrajani et al.'s toy script; learning rate 5e-4 instead of 5e-5.",
        ),
    },
)
