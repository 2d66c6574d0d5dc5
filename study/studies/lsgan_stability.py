"""Does least squares make a GAN train more often than cross-entropy when batch norm is taken away?

Question: section 4.4 of the LSGAN paper removes batch norm from G, or from G and D, trains with Adam and with RMSProp,
and judges by eye that least squares is the more stable objective. It reports one count (5 of 10 runs in one cell).
Which of its statements hold, how often does each cell train, and how do the other replicas fail?

The paper's ``BN_G`` is *without* batch norm in G, our ``no_bn_g``; its ``BN_GD`` is our ``no_bn_gd``. ``full`` and
``no_bn_d`` are not in the paper and complete the factorial.

An answer is a verdict on each hypothesis below; all were written down before the seeds that test them were run.
"Relatively good quality" was a human judgement in the paper; ours is the outcome ``converged`` of the profile's rule,
an operationalisation.

The scale of quick was chosen by an exploration on other seeds (``benchmarks/stability_map/digits.py``): there Adam at
1e-3 trains always with batch norm in both nets, in 5 of 8 without it in G, and without any in 3 of 4 with cross-entropy
and in none of 4 with least squares. Five minutes have room for the two cells in which the objective seems to matter.

Profile ``hour`` asks every claim at that scale, and trains quick's replicas again: what it says of quick's three claims
is no second test of them.

Cost: quick about 5 minutes on two CPU cores, hour at most an hour; standard about 10 CPU hours (480 replicas); paper
about 10 GPU days at the paper's image size and 200,000 steps.
"""

from dataclasses import replace

from search_spaces import BN, OBJECTIVE, Factor, optimizer
from study.design.hypotheses import Hypothesis, MoreSuccess, Share
from study.design.study import Contrast, Profile, Study
from study.outcomes.outcome import Outcome
from study.outcomes.rule import ALIKE_RULE, IMAGE_RULE
from trainables.config import Evaluation, GanConfig, Latent, Updates
from trainables.data import Digits, LowVariabilityDigits, LsunBedroom
from trainables.networks import Dcgan
from trainables.optim import Adam

_PAPER = "Mao et al. 2017, section 4.4"
_COLLAPSED = (Outcome.MODE_COLLAPSED, Outcome.LATE_COLLAPSE, Outcome.OSCILLATING, Outcome.MODE_HOPPING)


def _where(bn: str, rule: str, objective: str | None = None) -> dict[str, str]:
    levels = {"bn": bn, "optimizer": rule}
    return levels if objective is None else {**levels, "objective": objective}


HYPOTHESES: tuple[Hypothesis, ...] = (
    MoreSuccess(
        name="full-beats-no_bn_gd",
        claim="With batch norm in both nets a GAN trains more often than without any, over objectives and optimizers.",
        source="Radford et al. 2016, section 3 (batch norm was critical for deep generators to begin learning)",
        better={"bn": "full"},
        worse={"bn": "no_bn_gd"},
    ),
    MoreSuccess(
        name="ls-beats-ns-no_bn_g-adam",
        claim="Without batch norm in G and with Adam, least squares trains more often than cross-entropy.",
        source=_PAPER,
        better=_where("no_bn_g", "adam", "ls(0,1,1)"),
        worse=_where("no_bn_g", "adam", "ns"),
    ),
    Share(
        name="ns-fails-no_bn_g-adam",
        claim="Without batch norm in G and with Adam, cross-entropy succeeds in fewer than half of the runs"
        " (the paper saw no success).",
        source=_PAPER,
        where=_where("no_bn_g", "adam", "ns"),
        outcomes=(Outcome.CONVERGED,),
        side="below",
        threshold=0.5,
    ),
    Share(
        name="ls-learns-no_bn_g-rmsprop",
        claim="Without batch norm in G and with RMSProp, least squares succeeds in more than half of the runs.",
        source=_PAPER,
        where=_where("no_bn_g", "rmsprop", "ls(0,1,1)"),
        outcomes=(Outcome.CONVERGED,),
        side="above",
        threshold=0.5,
    ),
    Share(
        name="ns-learns-no_bn_g-rmsprop",
        claim="Without batch norm in G and with RMSProp, cross-entropy succeeds in more than half of the runs.",
        source=_PAPER,
        where=_where("no_bn_g", "rmsprop", "ns"),
        outcomes=(Outcome.CONVERGED,),
        side="above",
        threshold=0.5,
    ),
    *(
        Share(
            name=f"{short}-collapses-no_bn_gd-adam",
            claim=f"Without any batch norm and with Adam, {words} shows mode collapse in more than half of the runs"
            " (the paper: slight mode collapse with both objectives).",
            source=_PAPER,
            where=_where("no_bn_gd", "adam", objective),
            outcomes=_COLLAPSED,
            side="above",
            threshold=0.5,
        )
        for short, words, objective in (("ls", "least squares", "ls(0,1,1)"), ("ns", "cross-entropy", "ns"))
    ),
    MoreSuccess(
        name="ls-beats-ns-no_bn_gd-adam",
        claim="Without any batch norm and with Adam, least squares trains more often than cross-entropy.",
        source=f"{_PAPER} (least squares is the more stable; of this place the paper says that both collapse slightly)",
        better=_where("no_bn_gd", "adam", "ls(0,1,1)"),
        worse=_where("no_bn_gd", "adam", "ns"),
    ),
    MoreSuccess(
        name="ls-beats-ns-no_bn_gd-rmsprop",
        claim="Without any batch norm and with RMSProp, least squares trains more often than cross-entropy.",
        source=_PAPER,
        better=_where("no_bn_gd", "rmsprop", "ls(0,1,1)"),
        worse=_where("no_bn_gd", "rmsprop", "ns"),
    ),
    MoreSuccess(
        name="rmsprop-beats-adam-no_bn_g-ns",
        claim="Without batch norm in G, cross-entropy trains more often with RMSProp than with Adam.",
        source=_PAPER,
        better=_where("no_bn_g", "rmsprop", "ns"),
        worse=_where("no_bn_g", "adam", "ns"),
    ),
)


def _base(data: Digits | LowVariabilityDigits, channels: tuple[int, ...], steps: int, every: int) -> GanConfig:
    """Return the paper's protocol (1:1 updates, D first, noise reused, batch 64, lr as given) at a smaller scale."""
    return GanConfig(
        data=data,
        generator=Dcgan(channels=channels),
        discriminator=Dcgan(channels=channels),
        latent=Latent(dim=100),
        g_optimizer=Adam(lr=1e-3),
        d_optimizer=Adam(lr=1e-3),
        updates=Updates(),
        batch_size=64,
        steps=steps,
        evaluation=Evaluation(every=every, samples=512),
    )


_RULES = optimizer(g_lr=1e-3).pick("adam", "rmsprop")
_PAPER_CELLS = (BN.pick("no_bn_g", "no_bn_gd"), _RULES, OBJECTIVE.pick("ls(0,1,1)", "ns"))
_SMALL = (
    "Changed against the paper: handwritten digits enlarged to 16x16 instead of LSUN bedrooms at 64x64, a quarter of"
    " the maps and half of the stages, 100 instead of 1,024 noise dimensions, learning rate 1e-3 (the paper's for"
    " scenes) instead of 2e-4, torch's RMSProp, {steps} steps; 1:1 updates, noise reuse, batch size and the places of"
    " batch norm are the paper's."
)
_SMALL_NET = (16, 32)


def _tf1() -> Factor:
    """Return the authors' optimisers under the names of the paper, whose "RMSProp" is TensorFlow 1's."""
    rules = optimizer(g_lr=2e-4).pick("adam", "rmsprop_tf1")
    adam, rmsprop = rules.levels
    return replace(rules, levels=(adam, replace(rmsprop, label="rmsprop")))


STUDY = Study(
    name="lsgan-stability",
    title="LSGAN: batch norm, optimiser and objective",
    question=__doc__.splitlines()[0],
    sources=(
        "Mao et al., Least Squares Generative Adversarial Networks, ICCV 2017 (arXiv 1611.04076), section 4.4",
        "the authors' code, xudonmao/LSGAN, folder stability_comparison",
    ),
    hypotheses=HYPOTHESES,
    contrasts=(Contrast(factor="objective", a="ls(0,1,1)", b="ns"), Contrast(factor="bn", a="full", b="no_bn_g")),
    first_seed=50_000,
    profiles={
        "smoke": Profile(
            base=_base(Digits(), _SMALL_NET, steps=60, every=10),
            factors=_PAPER_CELLS,
            seeds=2,
            block=2,
            rule=IMAGE_RULE,
            note="Shows the whole path in about a minute; 60 steps teach nothing. " + _SMALL.format(steps=60),
        ),
        "quick": Profile(
            base=_base(Digits(), _SMALL_NET, steps=2_500, every=125),
            factors=(BN.pick("no_bn_gd"), _RULES.pick("adam"), OBJECTIVE.pick("ls(0,1,1)", "ns")),
            seeds=20,
            block=5,
            rule=IMAGE_RULE,
            most_seeds=40,
            budget=240.0,
            note="The two cells without any batch norm and with Adam; seeds are added until their claims are decided,"
            " for four minutes. " + _SMALL.format(steps="2,500"),
        ),
        "hour": Profile(
            base=_base(Digits(), _SMALL_NET, steps=2_500, every=125),
            factors=(BN.pick("full", "no_bn_g", "no_bn_gd"), _RULES, OBJECTIVE.pick("ls(0,1,1)", "ns")),
            seeds=10,
            block=10,
            rule=IMAGE_RULE,
            note=_SMALL.format(steps="2,500") + " Added: bn = full.",
        ).until_decided(most_seeds=40),
        "standard": Profile(
            base=_base(LowVariabilityDigits(), (16, 32, 64), steps=5_000, every=100),
            factors=(BN, _RULES, OBJECTIVE.pick("ls(0,1,1)", "ls(-1,1,0)", "ns")),
            seeds=20,
            block=5,
            rule=ALIKE_RULE,
            note="Changed against the paper: low-variability digits of 28x28 pixels, a quarter of the maps, three"
            " stages, 100 noise dimensions, learning rate 1e-3, torch's RMSProp, 5,000 steps. Added: bn = full and"
            " no_bn_d, and the triplet (-1,1,0).",
        ),
        "paper": Profile(
            base=GanConfig(
                data=LsunBedroom(fit="squeeze"),  # the authors' conversion scales whole images
                generator=Dcgan(),
                discriminator=Dcgan(),
                latent=Latent(dim=1_024),
                g_optimizer=Adam(lr=2e-4),
                d_optimizer=Adam(lr=2e-4),
                updates=Updates(),
                batch_size=64,
                steps=200_000,
                evaluation=Evaluation(every=1_000, samples=2_048),
            ),
            factors=(BN.pick("no_bn_g", "no_bn_gd"), _tf1(), OBJECTIVE.pick("ls(0,1,1)", "ns")),
            seeds=10,
            block=2,
            rule=IMAGE_RULE,
            note="The authors' code protocol: nets, noise, learning rates, TensorFlow 1's RMSProp, noise reuse,"
            " separate batches, LSUN bedroom at 64x64. Stated differences: 200,000 steps (the authors stopped by hand),"
            " half-mean instead of half-sum losses, (0,1,1) in every least-squares cell (the authors' folder without"
            " any batch norm has (-1,1,0)).",
        ),
    },
)
