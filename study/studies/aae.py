"""Which ways of tying an autoencoder's codes to a prior make its decoder a generator?

Question: an autoencoder decodes draws of a prior into images only where its codes fill the prior. Makhzani et al. 2015
use a discriminator for this, and show sheets of samples; how often does it work, with each of their four uses of
labels, and is it better than a variational autoencoder or no regularization?

An answer is the success rate of decoded draws per variant with its interval, and the hypotheses' verdicts. The
purpose of the semi-supervised variant, classification, is the question of ``aae-labels``.

Cost: quick about 2 minutes on two CPU cores.
"""

from collections.abc import Mapping

from search_spaces import Factor, Level
from study.design.hypotheses import MoreSuccess, Share
from study.design.study import Contrast, Profile, Study
from study.outcomes.outcome import Outcome
from study.outcomes.rule import IMAGE_RULE
from trainables.autoencoding import NormalPrior
from trainables.config import AaeConfig, Evaluation
from trainables.data import Digits
from trainables.networks import Mlp
from trainables.networks.init import He
from trainables.optim import Adam

_NORMAL = {"kind": "normal", "dim": 8}
_ADVERSARIAL = {"kind": "adversarial"}


def _variant(
    label: str, labels: Mapping[str, object], prior: Mapping[str, object], regularizer: Mapping[str, object]
) -> Level:
    return Level(label=label, assign={"labels": labels, "prior": prior, "regularizer": regularizer})


DECODER_VARIANCE = 0.064
"""Of a pixel in [-1, 1], given its code: what the variational autoencoder's beta stands for at every size of image."""


def variant(side: int) -> Factor:
    """Return the factor of what ties codes to the prior, for images of ``side`` pixels.

    Codes have eight dimensions under the unit normal, but for prior-labels: ten petals in the plane, one per class. The
    variational bound beside a mean over pixels has ``beta = 2 variance / pixels``.
    """
    beta = 2 * DECODER_VARIANCE / side**2
    return Factor(
        name="variant",
        levels=(
            _variant("adversarial", {"kind": "unlabeled"}, _NORMAL, _ADVERSARIAL),
            _variant("supervised", {"kind": "decoder_labels"}, _NORMAL, _ADVERSARIAL),
            _variant("prior-labels", {"kind": "prior_labels"}, {"kind": "petals"}, _ADVERSARIAL),
            _variant("semi-supervised", {"kind": "semi_supervised", "labeled": 100}, _NORMAL, _ADVERSARIAL),
            _variant("variational", {"kind": "unlabeled"}, _NORMAL, {"kind": "variational", "beta": beta}),
            _variant("plain", {"kind": "unlabeled"}, _NORMAL, {"kind": "none"}),
        ),
        source="Makhzani et al. 2015, sections 2 to 5; Kingma & Welling 2014 for variational (a decoder of variance"
        f" {DECODER_VARIANCE:g})",
    )


def base(*, width: int, steps: int, every: int, side: int = 8) -> AaeConfig:
    """Return the autoencoder that all variants share, on digits of ``side`` pixels, with nets of two hidden layers."""
    net = Mlp(hidden=(width, width), activation="relu", init=He())
    adam = Adam(lr=1e-3)
    return AaeConfig(
        data=Digits(side=side),
        encoder=net,
        decoder=Mlp(hidden=(width, width), activation="relu", output="tanh", init=He()),
        discriminator=net,
        prior=NormalPrior(dim=8),
        optimizer=adam,
        d_optimizer=adam,
        g_optimizer=adam,
        class_optimizer=adam,
        batch_size=100,
        steps=steps,
        evaluation=Evaluation(every=every, samples=512),
    )


_SMALL = (
    "Changed against the paper: 1,438 handwritten digits of 8x8 pixels instead of 60,000 of 28x28, nets of 2x{width}"
    " instead of 2x1,000 rectifiers, Adam at 1e-3 with beta1 0.5 instead of momentum, {steps} steps of 100 images."
)

_QUICK = Profile(
    base=base(width=128, steps=1_500, every=100),
    factors=(variant(8),),
    seeds=5,
    block=5,
    rule=IMAGE_RULE,
    note=_SMALL.format(width=128, steps="1,500"),
)

STUDY = Study(
    name="aae",
    title="Adversarial autoencoders and their baselines",
    question=__doc__.splitlines()[0],
    sources=(
        "Makhzani et al., Adversarial Autoencoders, 2015 (arXiv 1511.05644), sections 2 to 5",
        "Kingma & Welling, Auto-Encoding Variational Bayes, 2014 (arXiv 1312.6114)",
    ),
    hypotheses=(
        MoreSuccess(
            name="adversarial-beats-plain",
            claim="Decoded draws of the prior are good more often with adversarial codes than with unregularised ones.",
            source="Makhzani et al. 2015, section 2",
            better={"variant": "adversarial"},
            worse={"variant": "plain"},
        ),
        MoreSuccess(
            name="labels-in-the-decoder-help",
            claim="An adversarial autoencoder whose decoder is told the class succeeds more often than one without.",
            source="ours; Makhzani et al. 2015, section 4, show its samples by class",
            better={"variant": "supervised"},
            worse={"variant": "adversarial"},
        ),
        Share(
            name="adversarial-works",
            claim="Adversarial codes without labels succeed in more than half of the runs.",
            source="Makhzani et al. 2015, section 3",
            where={"variant": "adversarial"},
            outcomes=(Outcome.CONVERGED,),
            side="above",
            threshold=0.5,
        ),
    ),
    contrasts=(
        Contrast(factor="variant", a="adversarial", b="variational"),
        Contrast(factor="variant", a="adversarial", b="plain"),
    ),
    first_seed=50_000,
    profiles={
        "smoke": Profile(
            base=base(width=64, steps=60, every=10),
            factors=(variant(8),),
            seeds=2,
            block=2,
            rule=IMAGE_RULE,
            note="Shows the whole path in about a minute; 60 steps teach little. " + _SMALL.format(width=64, steps=60),
        ),
        "quick": _QUICK,
        "hour": _QUICK.until_decided(most_seeds=60),
        "standard": Profile(
            base=base(width=512, steps=6_000, every=200, side=16),
            factors=(variant(16),),
            seeds=20,
            block=10,
            rule=IMAGE_RULE,
            note=_SMALL.format(width=512, steps="6,000").replace("8x8", "8x8 enlarged to 16x16"),
        ),
    },
)
