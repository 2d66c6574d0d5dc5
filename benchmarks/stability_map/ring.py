"""Where does success on the ring depend on objective, batch norm and optimizer at all? An exploration, not a test.

Every combination of learning rate and depth has a place on the map, each combination of objective and batch norm a
panel, and each optimizer a profile. What it shows decides nothing: hypotheses that it suggests are declared in a study
and tested on other seeds.

    study run benchmarks/stability_map/ring.py --profile adam
    study run benchmarks/stability_map/ring.py --profile rmsprop
"""

from search_spaces import BN, OBJECTIVE, Factor, Level
from study import MIXTURE_RULE, Profile, Study
from trainables.config import Evaluation, GanConfig, Latent
from trainables.data import Ring
from trainables.networks import Mlp
from trainables.optim import Adam, RMSprop

LEARNING_RATE = Factor(
    name="learning rate",
    levels=tuple(
        Level(label=label, assign={"g_optimizer.lr": float(label), "d_optimizer.lr": float(label)})
        for label in ("1e-4", "3e-4", "1e-3", "3e-3", "1e-2")
    ),
    source="around the papers' 1e-4 to 1e-3",
)
DEPTH = Factor(
    name="hidden layers",
    levels=tuple(
        Level(label=str(layers), assign={f"{net}.hidden": [128] * layers for net in ("generator", "discriminator")})
        for layers in (2, 4)
    ),
    source="Mao et al. 2017, section 4.4 (authors' mixture code): 2",
)


def _profile(rule: Adam | RMSprop) -> Profile:
    return Profile(
        base=GanConfig(
            data=Ring(),
            generator=Mlp(),
            discriminator=Mlp(),
            latent=Latent(dim=64, distribution="normal"),
            g_optimizer=rule,
            d_optimizer=rule,
            batch_size=128,
            steps=2_000,
            evaluation=Evaluation(every=100, samples=2_500),
        ),
        factors=(BN.pick("full", "no_bn_g", "no_bn_gd"), OBJECTIVE.pick("ls(0,1,1)", "ns"), DEPTH, LEARNING_RATE),
        seeds=4,
        block=4,
        rule=MIXTURE_RULE,
        note="An exploration: no test uses its seeds.",
    )


STUDY = Study(
    name="ring-stability-map",
    title="Where success on the ring depends on objective, batch norm and optimizer",
    question="At which rates and depths does success on the ring depend on objective, batch norm or optimizer?",
    sources=("Mao et al., Least Squares Generative Adversarial Networks, ICCV 2017 (arXiv 1611.04076), section 4.4",),
    hypotheses=(),
    contrasts=(),
    profiles={"adam": _profile(Adam(lr=1e-3)), "rmsprop": _profile(RMSprop(lr=1e-3))},
)
