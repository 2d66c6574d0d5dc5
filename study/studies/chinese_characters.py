"""Does conditioning on the label make a GAN draw readable characters when there are many classes?

Question: Mao et al. 2017, sections 3.3 and 4.5, train least squares on 3,740 classes of handwritten Chinese characters.
Without labels the characters are unreadable; with the label in both networks, through a linear map, they are readable
and of the intended class. The paper shows pictures without a measurement. How often does each train?

An answer is the share of seeds that train with and without labels. A conditioned replica succeeds only if a classifier
reads the intended character in at least 80 % of its samples (column ``label_accuracy``), in addition to the conditions
for all: the samples cover the classes, are as diverse as the data, and are close to them in the classifier's
features. The trace holds the classifier's accuracy on held-out images.

As in the authors' code, samples are drawn with the running statistics of batch norm.

The characters are rendered from installed fonts and slightly deformed, and so vary less than handwritten ones.

Cost: quick about 3 minutes on two CPU cores; standard about 10 CPU hours; paper weeks on a CPU, days on a GPU.
"""

from dataclasses import replace

from search_spaces import Factor, label_use
from study.design.hypotheses import MoreSuccess, Share
from study.design.study import Contrast, Profile, Study
from study.outcomes.outcome import Outcome
from study.outcomes.rule import IMAGE_RULE
from trainables import networks
from trainables.config import Evaluation, GanConfig, Latent
from trainables.data import Characters
from trainables.networks.norm import RunningStatistics
from trainables.objectives import LeastSquares
from trainables.optim import Adam

_PAPER = "Mao et al. 2017, sections 3.3 and 4.5"

RULE = replace(IMAGE_RULE, name="image-read", label_accuracy_min=0.8)
"""Images are also good only if they show what was asked for, where something was."""


def _base(data: Characters, net: networks.Characters, latent: int, lr: float, steps: int, every: int) -> GanConfig:
    """Return the authors' protocol: least squares (0, 1, 1), Adam at beta1 0.5, batch 64, labels of the real batch."""
    return GanConfig(
        data=data,
        generator=net,
        discriminator=net,
        objective=LeastSquares(),
        latent=Latent(dim=latent),
        g_optimizer=Adam(lr=lr),
        d_optimizer=Adam(lr=lr),
        batch_size=64,
        steps=steps,
        evaluation=Evaluation(every=every, samples=max(512, 5 * data.classes), batch_norm=RunningStatistics()),
    )


def _labels(embedding: int) -> tuple[Factor, ...]:
    return (label_use(embedding=embedding).pick("none", "by_label"),)


_SMALL = networks.Characters(features=(64, 64), channels=(48, 64), units=256)

STUDY = Study(
    name="chinese-characters",
    title="Chinese characters: labels with many classes",
    question=__doc__.splitlines()[0],
    sources=(
        "Mao et al., Least Squares Generative Adversarial Networks, ICCV 2017 (arXiv 1611.04076), sections 3.3 and 4.5",
        "the authors' code, xudonmao/LSGAN",
    ),
    hypotheses=(
        MoreSuccess(
            name="labels-make-characters-readable",
            claim="With many classes, least squares trains more often with labels than without, although with labels"
            " the characters must also be the ones asked for.",
            source=_PAPER,
            better={"conditioning": "by_label"},
            worse={"conditioning": "none"},
        ),
        Share(
            name="conditional-reads",
            claim="With labels, more than half of the runs draw the intended characters readably.",
            source=_PAPER,
            where={"conditioning": "by_label"},
            outcomes=(Outcome.CONVERGED,),
            side="above",
            threshold=0.5,
        ),
        Share(
            name="unconditional-fails",
            claim="Without labels, fewer than half of the runs succeed (the paper: the characters are unreadable).",
            source=_PAPER,
            where={"conditioning": "none"},
            outcomes=(Outcome.CONVERGED,),
            side="below",
            threshold=0.5,
        ),
    ),
    contrasts=(Contrast(factor="conditioning", a="by_label", b="none"),),
    first_seed=50_000,
    profiles={
        "smoke": Profile(
            base=_base(
                Characters(classes=10, fonts=2, variations=60),
                networks.Characters(features=(8, 8), channels=(8, 8), units=16),
                latent=8,
                lr=1e-3,
                steps=6,
                every=2,
            ),
            factors=_labels(8),
            seeds=2,
            block=2,
            rule=RULE,
            note="Shows the whole path; 6 steps teach nothing.",
        ),
        "quick": Profile(
            base=_base(
                Characters(classes=20, fonts=4, variations=15),
                networks.Characters(features=(32, 32), channels=(24, 32), units=96),
                latent=32,
                lr=1e-3,
                steps=500,
                every=50,
            ),
            factors=_labels(24),
            seeds=5,
            block=5,
            rule=RULE,
            note="20 classes in up to 4 fonts instead of 3,740 in the hands of hundreds; a quarter of G's maps and"
            " a tenth of D's, 32 instead of 1,024 noise dimensions, a label map to 24 instead of 256, learning rate"
            " 1e-3 instead of 2e-4, 500 steps.",
        ),
        "standard": Profile(
            base=_base(Characters(classes=100, variations=20), _SMALL, latent=64, lr=1e-3, steps=20_000, every=500),
            factors=_labels(64),
            seeds=10,
            block=5,
            rule=RULE,
            note="100 classes in all installed fonts; a quarter of the maps and units, 64 noise dimensions, a label map"
            " to 64, learning rate 1e-3, 20,000 steps.",
        ),
        "paper": Profile(
            base=_base(
                Characters(classes=3_740, variations=20),
                networks.Characters(),
                latent=1_024,
                lr=2e-4,
                steps=1_000_000,
                every=10_000,
            ),
            factors=_labels(256),
            seeds=5,
            block=1,
            rule=RULE,
            note="The authors' nets, label map, noise, optimiser, batch and (most) steps. Stated differences: rendered"
            " fonts instead of HWDB 1.0, images in [-1, 1] behind tanh instead of [0, 1] behind a sigmoid, half-mean"
            " losses, scales of batch norm from N(1, 0.02) instead of 1, running statistics moved once per step instead"
            " of twice.",
        ),
    },
)
