"""Does telling a GAN the classes improve what it draws, and how much weight may the classifier have?

Question: Odena et al. 2017 give the generator the label and the discriminator a second head that names it, with equal
weights, and report better images than without classes; they also find classes of low diversity that are hardly
recognised. Is the auxiliary classifier better than no labels, and than labels in both networks, and does its weight
matter?

An answer is the share of seeds that train per use of the labels, and the verdicts below. Success is the same for all of
them: good images of all classes, whatever was asked for. Whether a conditioned generator draws the class it was asked
for is another question; the trace has ``label_accuracy``, and ``study decide`` with a ``label_accuracy_min`` asks it.
``class_diversity``, the diversity of the samples of one class, shows if a weight trades one for the other. The paper
measures diversity by MS-SSIM, whose scales need larger images than these.

Cost: quick about 3 minutes on two CPU cores; standard about 12 CPU hours.
"""

from search_spaces import label_use
from study.design.hypotheses import MoreSuccess, Share
from study.design.study import Contrast, Profile, Study
from study.outcomes.outcome import Outcome
from study.outcomes.rule import IMAGE_RULE
from trainables.config import Evaluation, GanConfig, Latent, Updates
from trainables.data import Digits, Mnist
from trainables.networks import Dcgan
from trainables.objectives import NonSaturating
from trainables.optim import Adam

_PAPER = "Odena et al. 2017"

RULE = IMAGE_RULE
"""One success for generators with and without labels: they are compared."""


def _base(data: Digits | Mnist, channels: tuple[int, ...], lr: float, steps: int, every: int) -> GanConfig:
    """Return a configuration with the paper's objective, fresh noise for G, 1:1 updates and batch 100."""
    return GanConfig(
        data=data,
        generator=Dcgan(channels=channels),
        discriminator=Dcgan(channels=channels),
        objective=NonSaturating(),
        latent=Latent(dim=100),
        g_optimizer=Adam(lr=lr),
        d_optimizer=Adam(lr=lr),
        updates=Updates(reuse_latents=False),
        batch_size=100,
        steps=steps,
        evaluation=Evaluation(every=every, samples=512),
    )


_SMALL = (
    "Handwritten digits of 16x16 pixels and small DCGANs instead of CIFAR10 and ImageNet; learning rate 1e-3 instead of"
    " 2e-4, {steps} steps instead of 50,000; no dropout and no noise in the discriminator."
)

STUDY = Study(
    name="acgan",
    title="ACGAN: an auxiliary classifier, its weight, and the alternatives",
    question=__doc__.splitlines()[0],
    sources=("Odena et al., Conditional Image Synthesis with Auxiliary Classifier GANs, ICML 2017 (arXiv 1610.09585)",),
    hypotheses=(
        MoreSuccess(
            name="classes-improve-samples",
            claim="With an auxiliary classifier of weight 1, a GAN trains more often than without labels.",
            source=f"{_PAPER}, sections 1 and 4",
            better={"conditioning": "acgan 1"},
            worse={"conditioning": "none"},
        ),
        Share(
            name="published-weight-trains",
            claim="With weight 1, more than half of the runs succeed.",
            source=f"{_PAPER}, section 3",
            where={"conditioning": "acgan 1"},
            outcomes=(Outcome.CONVERGED,),
            side="above",
            threshold=0.5,
        ),
        MoreSuccess(
            name="weight-1-beats-weight-10",
            claim="The auxiliary classifier trains more often at the published weight than at ten times as much.",
            source="a question of ours; the paper has no other weight",
            better={"conditioning": "acgan 1"},
            worse={"conditioning": "acgan 10"},
        ),
    ),
    contrasts=(
        Contrast(factor="conditioning", a="acgan 1", b="none"),
        Contrast(factor="conditioning", a="acgan 1", b="by_label"),
    ),
    first_seed=50_000,
    profiles={
        "smoke": Profile(
            base=_base(Digits(), (8, 16), lr=1e-3, steps=20, every=5),
            factors=(label_use(),),
            seeds=2,
            block=2,
            rule=RULE,
            note="Shows the whole path; 20 steps teach nothing.",
        ),
        "quick": Profile(
            base=_base(Digits(), (16, 32), lr=1e-3, steps=400, every=40),
            factors=(label_use(),),
            seeds=5,
            block=5,
            rule=RULE,
            note=_SMALL.format(steps="400"),
        ),
        "hour": Profile(
            base=_base(Digits(), (16, 32), lr=1e-3, steps=2_000, every=100),
            factors=(label_use(),),
            seeds=10,
            block=10,
            rule=RULE,
            note=_SMALL.format(steps="2,000"),
        ).until_decided(most_seeds=40),
        "standard": Profile(
            base=_base(Mnist(), (16, 32, 64), lr=5e-4, steps=5_000, every=200),
            factors=(label_use(weights=(0.01, 0.1, 1.0, 10.0, 100.0)),),
            seeds=10,
            block=5,
            rule=RULE,
            note="MNIST and small DCGANs, learning rate 5e-4, 5,000 steps; no dropout and no noise in the"
            " discriminator.",
        ),
    },
)
