"""For which weights do WGAN-GP, WGAN-LP and WGAN-div train on a ring of Gaussians, and is the one-sided penalty easier?

Question: a gradient penalty adds one number, its weight lambda (WGAN-div: k, and the power p). WGAN-GP's
paper has 10, its 2-D script 0.1; WGAN-LP's 2-D script has 0.1 too (a reproduction by others 5), and its CIFAR10 code
runs both penalties with 0.1 to 500;
WGAN-div's paper has k = 2 and p = 6, its code k = 10. How wide is the range of weights that train, and is it wider if
only slopes above 1 are penalised?

An answer is the success rate with its interval along the weights of each method, and the hypotheses' verdicts. We
did not have WGAN-LP's text on its sensitivity: that hypothesis is a question of ours.

Cost: quick about 3 minutes on two CPU cores, hour at most one; standard about 80 CPU hours.
"""

from dataclasses import replace

from search_spaces import PENALTY, WEIGHTS, Factor, divergences, weighted
from study.design.hypotheses import MoreSuccess, Share
from study.design.study import Contrast, Profile, Study
from study.outcomes.outcome import Outcome
from study.outcomes.rule import ANY_SCORE_RULE
from trainables.config import Evaluation, GanConfig, Latent, Updates
from trainables.data import Ring
from trainables.networks import Mlp
from trainables.networks.init import He
from trainables.objectives import Wasserstein
from trainables.optim import Adam


def _base(*, width: int, batch: int, lr: float, d_steps: int, steps: int, every: int) -> GanConfig:
    """Return Gulrajani et al.'s 2-D script: three ReLU layers per net, 2-D normal noise, Adam (0.5, 0.9), no norm."""
    net = Mlp(hidden=(width, width, width), activation="relu", init=He())
    return GanConfig(
        data=Ring(std=0.02),
        generator=net,
        discriminator=net,
        objective=Wasserstein(),
        latent=Latent(dim=2, distribution="normal"),
        g_optimizer=Adam(lr=lr, beta1=0.5, beta2=0.9),
        d_optimizer=Adam(lr=lr, beta1=0.5, beta2=0.9),
        updates=Updates(d_steps=d_steps, reuse_latents=False),
        batch_size=batch,
        steps=steps,
        evaluation=Evaluation(every=every, samples=2_500),
    )


def _penalties(weights: tuple[float, ...], pairs: tuple[tuple[float, float], ...]) -> Factor:
    levels = (*weighted("wgan-gp", "wgan-lp", values=weights), *divergences(pairs))
    return replace(PENALTY, levels=levels)


_SMALL = (
    "Nets of 3x64 instead of 3x512 units, learning rate 1e-3 instead of 1e-4, batch 128 instead of 256, 3 instead of 5"
    " discriminator updates, {steps} steps instead of 100,000."
)

STUDY = Study(
    name="penalty-lambda",
    title="Gradient penalties: the weight of WGAN-GP, WGAN-LP and WGAN-div on a ring of Gaussians",
    question=__doc__.splitlines()[0],
    sources=(
        "Gulrajani et al., Improved Training of Wasserstein GANs, 2017 (arXiv 1704.00028), algorithm 1; authors' code",
        "Petzka et al., On the Regularization of Wasserstein GANs, 2018 (arXiv 1709.08894); authors' code",
        "Wu et al., Wasserstein Divergence for GANs, 2018 (arXiv 1712.01026); authors' code",
    ),
    hypotheses=(
        MoreSuccess(
            name="lp-less-sensitive-than-gp",
            claim="Over the same weights, WGAN-LP trains more often than WGAN-GP: it depends less on lambda.",
            source="a question of ours; the weights are Petzka et al. 2018's (authors' code)",
            better={"method": "wgan-lp"},
            worse={"method": "wgan-gp"},
        ),
        Share(
            name="gp-trains-at-0.1",
            claim="WGAN-GP with the weight of its authors' 2-D script, 0.1, succeeds in more than half of the runs.",
            source="Gulrajani et al. 2017 (authors' code)",
            where={"penalty": "wgan-gp 0.1"},
            outcomes=(Outcome.CONVERGED,),
            side="above",
            threshold=0.5,
        ),
        Share(
            name="gp-trains-at-10",
            claim="WGAN-GP with the paper's weight, 10, succeeds in more than half of the runs.",
            source="Gulrajani et al. 2017, algorithm 1",
            where={"penalty": "wgan-gp 10"},
            outcomes=(Outcome.CONVERGED,),
            side="above",
            threshold=0.5,
        ),
        Share(
            name="div-trains-as-published",
            claim="WGAN-div with the paper's k = 2 and p = 6 succeeds in more than half of the runs.",
            source="Wu et al. 2018, section 4",
            where={"penalty": "wgan-div k=2 p=6"},
            outcomes=(Outcome.CONVERGED,),
            side="above",
            threshold=0.5,
        ),
    ),
    contrasts=(
        Contrast(factor="penalty", a="wgan-lp 0.1", b="wgan-gp 0.1"),
        Contrast(factor="penalty", a="wgan-lp 10", b="wgan-gp 10"),
        Contrast(factor="penalty", a="wgan-lp 100", b="wgan-gp 100"),
    ),
    first_seed=50_000,
    profiles={
        "smoke": Profile(
            base=_base(width=64, batch=64, lr=1e-3, d_steps=2, steps=40, every=10),
            factors=(_penalties((0.1, 10.0), ((2.0, 6.0),)),),
            seeds=2,
            block=2,
            rule=ANY_SCORE_RULE,
            note="Shows the whole path in under a minute; 40 steps teach nothing.",
        ),
        "quick": Profile(
            base=_base(width=64, batch=128, lr=1e-3, d_steps=3, steps=1_500, every=100),
            factors=(_penalties((0.1, 1.0, 10.0, 100.0), ((2.0, 6.0),)),),
            seeds=5,
            block=5,
            rule=ANY_SCORE_RULE,
            note=_SMALL.format(steps="1,500"),
        ),
        "hour": Profile(
            base=_base(width=64, batch=128, lr=1e-3, d_steps=3, steps=5_000, every=250),
            factors=(_penalties((0.1, 10.0, 100.0), ((2.0, 6.0),)),),
            seeds=10,
            block=10,
            rule=ANY_SCORE_RULE,
            note=_SMALL.format(steps="5,000"),
        ).until_decided(most_seeds=40),
        "standard": Profile(
            base=_base(width=256, batch=256, lr=5e-4, d_steps=5, steps=5_000, every=250),
            factors=(_penalties(WEIGHTS, ((0.2, 6.0), (2.0, 6.0), (10.0, 6.0), (2.0, 2.0), (2.0, 4.0))),),
            seeds=20,
            block=10,
            rule=ANY_SCORE_RULE,
            note="Nets of 3x256 instead of 3x512 units, learning rate 5e-4 instead of 1e-4 for 5,000 steps.",
        ),
        "paper": Profile(
            base=replace(
                _base(width=512, batch=256, lr=1e-4, d_steps=5, steps=100_000, every=2_000),
                data=Ring(radius=2**0.5, std=0.02 / 2**0.5),
            ),
            factors=(_penalties(WEIGHTS, ((2.0, 6.0), (10.0, 6.0))),),
            seeds=10,
            block=10,
            rule=ANY_SCORE_RULE,
            note="Gulrajani et al.'s 2-D script: ring of radius 2 and standard deviation 0.02 over the root of 2, nets,"
            " noise, Adam 1e-4, 5 discriminator updates, 100,000 steps.",
        ),
    },
)
