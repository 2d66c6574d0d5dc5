"""Where does success on digits depend on objective, batch norm and optimizer at all? An exploration, not a test.

Every combination of learning rate, objective and batch norm has a place on the map, and each combination of optimizer
and size a profile: two stages for 16x16 pixels, three for 32x32. What it shows decides nothing: hypotheses that it
suggests are declared in a study and tested on other seeds.

    study run benchmarks/stability_map/digits.py --profile adam-16
    study run benchmarks/stability_map/digits.py --profile rmsprop-16
    study run benchmarks/stability_map/digits.py --profile adam-32
    study run benchmarks/stability_map/digits.py --profile rmsprop-32
"""

from search_spaces import BN, OBJECTIVE, Factor, Level
from study import IMAGE_RULE, Profile, Study
from trainables.config import Evaluation, GanConfig, Latent
from trainables.data import Digits
from trainables.networks import Dcgan
from trainables.optim import Adam, RMSprop

LEARNING_RATE = Factor(
    name="learning rate",
    levels=tuple(
        Level(label=label, assign={"g_optimizer.lr": float(label), "d_optimizer.lr": float(label)})
        for label in ("2e-4", "1e-3", "3e-3")
    ),
    source="Mao et al. 2017, sections 4.2 (1e-3 for scenes) and 4.4 (2e-4, authors' code)",
)
SIZES = {16: (16, 32), 32: (16, 32, 64)}
"""Pixels of a side to the maps of the stages."""


def _profile(rule: Adam | RMSprop, side: int) -> Profile:
    net = Dcgan(channels=SIZES[side])
    return Profile(
        base=GanConfig(
            data=Digits(side=side),
            generator=net,
            discriminator=net,
            latent=Latent(dim=100),
            g_optimizer=rule,
            d_optimizer=rule,
            batch_size=64,
            steps=2_500,
            evaluation=Evaluation(every=125, samples=512),
        ),
        factors=(BN.pick("full", "no_bn_g", "no_bn_gd"), OBJECTIVE.pick("ls(0,1,1)", "ns"), LEARNING_RATE),
        seeds=4,
        block=4,
        rule=IMAGE_RULE,
        note="An exploration: no test uses its seeds.",
    )


STUDY = Study(
    name="digits-stability-map",
    title="Where success on digits depends on objective, batch norm and optimizer",
    question="At which rates and depths does success on digits depend on objective, batch norm or optimizer?",
    sources=("Mao et al., Least Squares Generative Adversarial Networks, ICCV 2017 (arXiv 1611.04076), section 4.4",),
    hypotheses=(),
    contrasts=(),
    profiles={
        f"{rule.kind}-{side}": _profile(rule, side) for side in SIZES for rule in (Adam(lr=1e-3), RMSprop(lr=1e-3))
    },
)
