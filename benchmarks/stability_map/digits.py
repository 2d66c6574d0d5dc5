"""Where does success on digits depend on objective, batch norm and optimizer at all? An exploration, not a test.

Every combination of learning rate and number of stages has a place on the map, each combination of objective and batch
norm a panel, and each optimizer a profile. Two stages are the nets for 16x16 pixels, three those for 32x32. What it
shows decides nothing: hypotheses that it suggests are declared in a study and tested on other seeds.

    study run benchmarks/stability_map/digits.py --profile adam
    study run benchmarks/stability_map/digits.py --profile rmsprop
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
STAGES = Factor(
    name="stages",
    levels=tuple(
        Level(
            label=str(len(channels)),
            assign={"data.side": side} | {f"{net}.channels": list(channels) for net in ("generator", "discriminator")},
        )
        for side, channels in ((16, (16, 32)), (32, (16, 32, 64)))
    ),
    source="Mao et al. 2017, section 4.4: 4 for 64x64 pixels",
)


def _profile(rule: Adam | RMSprop) -> Profile:
    return Profile(
        base=GanConfig(
            data=Digits(),
            generator=Dcgan(channels=(16, 32)),
            discriminator=Dcgan(channels=(16, 32)),
            latent=Latent(dim=100),
            g_optimizer=rule,
            d_optimizer=rule,
            batch_size=64,
            steps=2_500,
            evaluation=Evaluation(every=125, samples=512),
        ),
        factors=(STAGES, BN.pick("full", "no_bn_g", "no_bn_gd"), OBJECTIVE.pick("ls(0,1,1)", "ns"), LEARNING_RATE),
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
    profiles={"adam": _profile(Adam(lr=1e-3)), "rmsprop": _profile(RMSprop(lr=1e-3))},
)
