"""How much of what a seed decides is the initial weights, the data, or the noise?

Question: Bouthillier et al. 2021 vary one source of randomness at a time, all others held fixed, in five supervised
tasks, and find that the sampling of the data and the initial weights both move the results markedly. A GAN draws noise
at every step besides, and its outcome may jump between success and failure. We take a ring on which about half of the
seeds succeed and vary the initial weights, the data, or the noise alone. What they do depends on the numbers at which
the others are held, so that there are several of these.

An answer is ``study.variance_components``: the variance that is left when all but one source are held, averaged over
the held numbers, as a share of the whole variance. The paper is about other tasks and claims nothing about how often a
training succeeds, and whatever is held, success is as frequent on average: no hypothesis is declared.

The last cell holds everything: what differs there is evaluation alone. Its replicas train alike to the bit if their
kernels treat them alike, which holds for stacks of eight, so take a multiple of eight seeds. They are no independent
observations, and the interval of that cell's success rate means nothing.

Cost: quick about 11 minutes on two CPU cores; standard about 2 CPU hours.
"""

from collections.abc import Iterator

from search_spaces import Factor, Level
from study.design.study import Profile, Study
from study.outcomes.rule import MIXTURE_RULE
from trainables.config import Evaluation, GanConfig, Latent
from trainables.data import Ring
from trainables.networks import Mlp
from trainables.objectives import LeastSquares
from trainables.optim import Adam
from trainables.streams import GROUPS

_PAPER = "Bouthillier et al. 2021, section 2"
_FIRST_HELD = 31_001
"""The held seeds count up from here; they are those of no replica."""


def _level(varied: str, at: int | None) -> Level:
    """Return the level at which only ``varied`` differs between replicas; of all, with nothing held."""
    held = {f"held.{group}": None if varied in (group, "all") else at for group in GROUPS}
    tags = {"varied": varied, "held at": "none" if at is None else str(at)}
    return Level(label=varied if at is None else f"{varied}, held at {at}", assign=held, tags=tags)


def _levels(settings: int) -> Iterator[Level]:
    yield _level("all", None)
    for group in GROUPS:
        yield from (_level(group, at) for at in range(_FIRST_HELD, _FIRST_HELD + settings))
    yield _level("nothing", _FIRST_HELD)


def _sources(settings: int) -> Factor:
    """Return each source of randomness alone, the others held at so many seeds; all of them; and none."""
    return Factor(name="source", levels=tuple(_levels(settings)), source=_PAPER)


def _base(batch: int, steps: int, every: int) -> GanConfig:
    return GanConfig(
        data=Ring(),
        generator=Mlp(hidden=(128,) * 4),
        discriminator=Mlp(hidden=(128,) * 4, norm="batch"),
        objective=LeastSquares(a=0.0, b=1.0, c=1.0),
        latent=Latent(dim=64, distribution="normal"),
        g_optimizer=Adam(lr=1e-3),
        d_optimizer=Adam(lr=1e-3),
        batch_size=batch,
        steps=steps,
        evaluation=Evaluation(every=every, samples=2_500),
    )


STUDY = Study(
    name="variance",
    title="Initial weights, data and noise as sources of variance on the ring",
    question=__doc__.splitlines()[0],
    sources=(
        "Bouthillier et al., Accounting for Variance in Machine Learning Benchmarks, MLSys 2021 (arXiv 2103.03098)",
    ),
    hypotheses=(),
    contrasts=(),
    profiles={
        "smoke": Profile(
            base=_base(batch=64, steps=100, every=20),
            factors=(_sources(1),),
            seeds=2,
            block=2,
            rule=MIXTURE_RULE,
            note="Shows the whole path in under a minute; 100 steps teach nothing.",
        ),
        "quick": Profile(
            base=_base(batch=128, steps=2_000, every=100),
            factors=(_sources(6),),
            seeds=8,
            block=8,
            rule=MIXTURE_RULE,
            note="Six held settings. Changed against the source: a GAN on points that are drawn afresh instead of"
            " supervised training on a finite set, so that data are sample and order at once.",
        ),
        "standard": Profile(
            base=_base(batch=128, steps=2_000, every=100),
            factors=(_sources(10),),
            seeds=24,
            block=8,
            rule=MIXTURE_RULE,
            note="Ten held settings. Changed against the source: a GAN on points that are drawn afresh instead of"
            " supervised training on a finite set, so that data are sample and order at once.",
        ),
    },
    first_seed=30_000,
)
