"""Does least squares train more often than cross-entropy on data that hardly vary?

Question: Mao et al. 2019 make two sets of digits in one typeface, shifted sideways, or shifted and slightly rotated,
and find that data of such small variance make GANs unstable. Their code compares least squares (-1,1,0) with
cross-entropy, with and without batch norm. How often does each train, and does a little rotation help?

As in their code, samples are drawn with the running statistics of batch norm.

An answer is the success rate with its interval per objective, data set and batch norm, and the verdicts below.

Cost: quick about 4 minutes on two CPU cores; paper about 25 CPU days, or a day on a GPU.
"""

from search_spaces import BN, OBJECTIVE, Factor, Level
from study.design.hypotheses import MoreSuccess, Share
from study.design.study import Contrast, Profile, Study
from study.outcomes.outcome import Outcome
from study.outcomes.rule import ALIKE_RULE
from trainables.config import Evaluation, GanConfig, Latent
from trainables.data import LowVariabilityDigits
from trainables.networks import LowVariability
from trainables.networks.norm import RunningStatistics
from trainables.optim import Adam

_SOURCE = "Mao et al. 2019 (TPAMI), data sets with small variance; authors' code"

DIGITS = Factor(
    name="digits",
    levels=(
        Level(label="shifted", assign={"data.rotate": False}),
        Level(label="shifted and turned", assign={"data.rotate": True}),
    ),
    source=_SOURCE,
)


def _base(net: LowVariability, lr: float, steps: int, every: int) -> GanConfig:
    return GanConfig(
        data=LowVariabilityDigits(),
        generator=net,
        discriminator=net,
        latent=Latent(dim=100),
        g_optimizer=Adam(lr=lr),
        d_optimizer=Adam(lr=lr),
        batch_size=64,
        steps=steps,
        evaluation=Evaluation(every=every, samples=512, batch_norm=RunningStatistics()),
    )


_SMALL = LowVariability(features=(64, 32, 16), channels=(8, 16), units=64)
_OBJECTIVES = OBJECTIVE.pick("ls(-1,1,0)", "ns")
_BN = BN.pick("full", "no_bn_gd")

STUDY = Study(
    name="low-variability",
    title="Digits of very small variance: objective and batch norm",
    question=__doc__.splitlines()[0],
    sources=(
        "Mao et al., On the Effectiveness of Least Squares GANs, 2019 (arXiv 1712.06391)",
        "the authors' code, xudonmao/improved_LSGAN, folder small_variance_datasets",
    ),
    hypotheses=(
        MoreSuccess(
            name="ls-beats-ns-on-low-variability",
            claim="On digits of small variance, least squares (-1,1,0) trains more often than cross-entropy.",
            source=_SOURCE,
            better={"objective": "ls(-1,1,0)"},
            worse={"objective": "ns"},
        ),
        Share(
            name="ns-fails-on-low-variability",
            claim="On digits of small variance, cross-entropy succeeds in fewer than half of the runs.",
            source=_SOURCE,
            where={"objective": "ns"},
            outcomes=(Outcome.CONVERGED,),
            side="below",
            threshold=0.5,
        ),
    ),
    contrasts=(
        Contrast(factor="objective", a="ls(-1,1,0)", b="ns"),
        Contrast(factor="digits", a="shifted and turned", b="shifted"),
    ),
    first_seed=50_000,
    profiles={
        "smoke": Profile(
            base=_base(_SMALL, lr=1e-3, steps=6, every=2),
            factors=(DIGITS, _OBJECTIVES),
            seeds=2,
            block=2,
            rule=ALIKE_RULE,
            note="Shows the whole path; 6 steps teach nothing.",
        ),
        "quick": Profile(
            base=_base(_SMALL, lr=1e-3, steps=600, every=30),
            factors=(DIGITS.pick("shifted and turned"), _OBJECTIVES, _BN),
            seeds=5,
            block=5,
            rule=ALIKE_RULE,
            note="The turned set alone (the authors' default); an eighth of the maps and units, learning rate 1e-3"
            " instead of 2e-4, 600 steps instead of 50,000.",
        ),
        "standard": Profile(
            base=_base(_SMALL, lr=1e-3, steps=5_000, every=100),
            factors=(DIGITS, _OBJECTIVES, _BN),
            seeds=20,
            block=5,
            rule=ALIKE_RULE,
            note="An eighth of the maps and units, learning rate 1e-3 instead of 2e-4, 5,000 steps instead of 50,000.",
        ),
        "paper": Profile(
            base=_base(LowVariability(), lr=2e-4, steps=50_001, every=1_000),
            factors=(DIGITS, _OBJECTIVES, _BN),
            seeds=10,
            block=5,
            rule=ALIKE_RULE,
            note="The authors' nets, noise, optimiser and steps. Stated differences: the digits are rendered in STIX"
            " General, half-mean losses, scales of batch norm from N(1, 0.02) instead of 1, running statistics moved"
            " once per step instead of twice; the authors give no number of runs.",
        ),
    },
)
