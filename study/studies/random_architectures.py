"""On how many randomly drawn architectures does WGAN-GP train where the standard GAN does not?

Question: Gulrajani et al. 2017 (section 5.1) draw 200 architectures, train each once with the standard GAN objective
and once with WGAN-GP, and count how many exceed an Inception Score, at 17 thresholds. Is the advantage there at every
threshold, and how sure are we?

An answer is the four-way table (only one, only the other, both, neither) over the thresholds, each with McNemar's exact
p-value: both methods train the same architectures with the same seed. Our number is the quality of the rule (1 is
the data), not an Inception Score.

Cost: quick about 5 minutes on two CPU cores; standard about 3 CPU days; paper about 400 GPU days.
"""

from dataclasses import replace

from search_spaces import Factor, JsonValue, Level
from search_spaces.domain import Choice, Param
from search_spaces.sampled import sampled
from study.design.hypotheses import MoreSuccess
from study.design.study import Profile, Study, Sweep
from study.outcomes.rule import IMAGE_RULE
from trainables.config import Evaluation, GanConfig, Latent, Updates, to_dict
from trainables.data import Cifar10, Digits
from trainables.networks import DeepConv
from trainables.objectives import NonSaturating, Wasserstein
from trainables.optim import Adam
from trainables.penalties import NoPenalty, WganGp

_SOURCE = "Gulrajani et al. 2017, section 5.1 and appendix"
_SEED = 1704


def _draws(count: int, depths: tuple[int, ...], filters: tuple[int, ...]) -> Factor:
    """Draw each network's nonlinearity, depth, filters and normalisation independently."""
    domains = {
        "activation": ("relu", "leaky_relu", "softplus", "tanh"),
        "depth": depths,
        "filters": filters,
        "normed": (True, False),
    }
    params = [
        Param(path=f"{network}.{name}", domain=Choice(values=values), source=_SOURCE)
        for network in ("generator", "discriminator")
        for name, values in domains.items()
    ]
    return sampled("architecture", params, count, seed=_SEED, source=_SOURCE)


def _runs(architectures: Factor, faster: float) -> Factor:
    """Return every architecture under both methods: with WGAN-GP a normalised D has layer norm instead of batch norm.

    A normalised D has a weight decay of 1e-3, as in the paper.
    """
    levels = []
    for drawn in architectures.levels:
        for method in ("gan", "wgan-gp"):
            tags = {"method": method, "architecture": drawn.label, **drawn.tags}
            levels.append(Level(label=f"{drawn.label} {method}", assign=_assigned(drawn, method, faster), tags=tags))
    return Factor(name="run", levels=tuple(levels), source=_SOURCE)


def _assigned(drawn: Level, method: str, faster: float) -> dict[str, JsonValue]:
    penalized = method == "wgan-gp"
    norms = {"generator": "batch", "discriminator": "layer" if penalized else "batch"}
    assign: dict[str, JsonValue] = {}
    for path, value in drawn.assign.items():
        network, _, field = path.partition(".")
        if field == "normed":
            assign[f"{network}.norm"] = norms[network] if value else "none"
        else:
            assign[path] = value
    adam = Adam(lr=1e-4 * faster, beta1=0.0, beta2=0.9) if penalized else Adam(lr=2e-4 * faster)
    decay = 1e-3 if drawn.assign["discriminator.normed"] else 0.0
    return assign | {
        "objective": to_dict(Wasserstein() if penalized else NonSaturating()),
        "penalty": to_dict(WganGp() if penalized else NoPenalty()),
        "g_optimizer": to_dict(adam),
        "d_optimizer": to_dict(replace(adam, weight_decay=decay)),
        "updates.d_steps": 5 if penalized else 1,
    }


def _base(steps: int, every: int) -> GanConfig:
    return GanConfig(
        data=Digits(),
        generator=DeepConv(),
        discriminator=DeepConv(),
        latent=Latent(dim=32, distribution="normal"),
        g_optimizer=Adam(lr=1e-3),
        d_optimizer=Adam(lr=1e-3),
        updates=Updates(reuse_latents=False),
        batch_size=64,
        steps=steps,
        evaluation=Evaluation(every=every, samples=512),
    )


STUDY = Study(
    name="random-architectures",
    title="Random architectures under the standard GAN and under WGAN-GP",
    question=__doc__.splitlines()[0],
    sources=(
        "Gulrajani et al., Improved Training of Wasserstein GANs, 2017 (arXiv 1704.00028), section 5.1, appendix",
    ),
    hypotheses=(
        MoreSuccess(
            name="wgan-gp-beats-gan-on-random-architectures",
            claim="Over randomly drawn architectures WGAN-GP trains more often than the standard GAN.",
            source=_SOURCE,
            better={"method": "wgan-gp"},
            worse={"method": "gan"},
            drawn=("architecture",),
        ),
    ),
    contrasts=(),
    sweeps=(
        Sweep(
            factor="method",
            a="gan",
            b="wgan-gp",
            paired_by=("architecture",),
            evidence="quality",
            thresholds=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.925, 0.95, 0.975),
        ),
    ),
    profiles={
        "smoke": Profile(
            base=_base(steps=4, every=1),
            factors=(_runs(_draws(2, (3, 4), (4,)), faster=5),),
            seeds=1,
            block=1,
            rule=IMAGE_RULE,
            note="Shows the whole path; 4 steps teach nothing.",
        ),
        "quick": Profile(
            base=_base(steps=250, every=25),
            factors=(_runs(_draws(16, (3, 4, 6), (4, 8)), faster=5),),
            seeds=1,
            block=1,
            rule=IMAGE_RULE,
            note="Changed against the paper: digits enlarged to 16x16 instead of ImageNet at 32x32, 16 architectures"
            " instead of 200, depths 3, 4 and 6 instead of 4 to 20, 4 or 8 base filters instead of 32 to 128, 32 noise"
            " dimensions, five times the learning rates, 250 steps; quality instead of Inception Score.",
        ),
        "standard": Profile(
            base=_base(steps=4_000, every=100),
            factors=(_runs(_draws(60, (4, 8, 12), (8, 16, 32)), faster=5),),
            seeds=3,
            block=3,
            rule=IMAGE_RULE,
            note="Digits at 16x16, 60 architectures of depth 4 to 12 with 8 to 32 base filters, three seeds each (the"
            " paper: one), five times the learning rates, 4,000 steps.",
        ),
        "paper": Profile(
            base=replace(
                _base(steps=100_000, every=1_000),
                data=Cifar10(),
                latent=Latent(dim=128, distribution="normal"),
                evaluation=Evaluation(every=1_000, samples=2_048),
            ),
            factors=(_runs(_draws(200, (4, 8, 12, 20), (32, 64, 128)), faster=1),),
            seeds=1,
            block=1,
            rule=IMAGE_RULE,
            note="200 architectures, 100,000 steps, the paper's optimisers. Stated differences: CIFAR10 instead of"
            " ImageNet at 32x32, the layout of the further layers is ours, quality instead of Inception Score.",
        ),
    },
)
