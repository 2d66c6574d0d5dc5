"""How many modes of a ring and of a grid of Gaussians does a GAN keep, and does packing help?

Question: two papers count modes on the same two data sets, the ring of 8 and the grid of 25: Srivastava et al. 2017
(VEEGAN, table 1) and Lin et al. 2018 (PacGAN, tables 1 and 2). For the plain GAN on the ring the first finds 1 mode,
the second 6.3: the setup decides, not the name. Within one setup, does showing D two, three or four samples at once
keep more modes, and how does that compare with least squares and WGAN-GP?

As in PacGAN's code, G is trained on the statistics of its batches and sampled with running ones.

Both call a sample good within 3 standard deviations of its nearest mode (``hq_share_r3``) and count a mode from one
good sample of 2,500 on. Here a mode counts if it has a fifth of its share of the good samples, and a replica succeeds
if nine tenths of the modes count (8 of 8, 23 of 25) *and* enough samples are good, through the last window; the shares
themselves stay in the traces (``mode_share_r3``).

An answer is the success rate of every method on each data set, and the hypotheses' verdicts.

Cost: quick about 3 minutes on two CPU cores, hour half of one; standard about 12 CPU hours; paper about two weeks of
one CPU core.
"""

from dataclasses import replace

from search_spaces import Factor, Level
from search_spaces.factors import JsonValue
from study.design.hypotheses import Hypothesis, MoreSuccess, Share
from study.design.study import Contrast, Profile, Study
from study.outcomes.outcome import Outcome
from study.outcomes.rule import OutcomeRule
from trainables.config import Evaluation, GanConfig, Latent, Updates
from trainables.data import Ring
from trainables.networks import Maxout, Mlp
from trainables.networks.init import He, Normal
from trainables.networks.norm import RunningStatistics
from trainables.optim import Adam

_PACGAN = "Lin et al. 2018, section 4.1"
_NOTHING: JsonValue = {"kind": "none"}

DATA = Factor(
    name="data",
    levels=(
        Level(label="ring", assign={"data": {"kind": "ring"}}),
        Level(label="grid", assign={"data": {"kind": "grid"}}),
    ),
    source="Srivastava et al. 2017, section 4.1; Lin et al. 2018, section 4.1",
)


def _method(
    label: str, objective: JsonValue, *, packing: int = 1, penalty: JsonValue = _NOTHING, d_steps: int = 1
) -> Level:
    paths = {"objective": objective, "packing": packing, "penalty": penalty, "updates.d_steps": d_steps}
    return Level(label=label, assign=paths)


_NS: JsonValue = {"kind": "non_saturating"}

METHOD = Factor(
    name="method",
    levels=(
        _method("gan", _NS),
        *(_method(f"packed {m}", _NS, packing=m) for m in (2, 3, 4)),
        _method("ls(0,1,1)", {"kind": "least_squares", "a": 0.0, "b": 1.0, "c": 1.0}),
        _method("wgan-gp", {"kind": "wasserstein"}, penalty={"kind": "wgan_gp", "weight": 0.1}, d_steps=5),
    ),
    source="Lin et al. 2018, section 4.1, for packing; Mao et al. 2017, eq. 9; Gulrajani et al. 2017, eq. 3"
    " (authors' toy script: weight 0.1, five updates of D)",
)


def _base(steps: int, every: int, width: int) -> GanConfig:
    return GanConfig(
        data=Ring(),
        generator=Mlp(hidden=(width,) * 3, activation="relu", norm="batch", init=He()),
        discriminator=Mlp(hidden=(width,) * 3, activation="leaky_relu", init=He()),
        latent=Latent(dim=2, distribution="normal"),
        g_optimizer=Adam(lr=1e-3),
        d_optimizer=Adam(lr=1e-3),
        batch_size=100,
        steps=steps,
        evaluation=Evaluation(every=every, samples=2_500, batch_norm=RunningStatistics(momentum=0.05)),
    )


_AUTHORS = replace(
    _base(steps=400_000, every=10_000, width=400),
    generator=Mlp(hidden=(400,) * 4, activation="relu", norm="batch", norm_eps=1e-4, init=Normal()),
    discriminator=Maxout(),
    g_optimizer=Adam(lr=1e-4, beta1=0.8),
    d_optimizer=Adam(lr=1e-4, beta1=0.8),
    updates=Updates(order="simultaneous"),
)

RULE = OutcomeRule(name="all-modes-r3", radius="r3", coverage_min=0.9, quality_min=0.5)
"""The literature's radius: 0.03 on the ring, 0.15 on the grid."""
QUICK_RULE = replace(RULE, name="all-modes", radius="eighth")
"""0.096 on the ring and 0.25 on the grid, an eighth of the modes' distance: short runs are less sharp."""

_SMALL = (
    "Nets of 3x128 units, leaky rectifiers instead of maxout in D, learning rate 1e-3 instead of 1e-4, D's update first"
    " instead of both at once, {steps} steps instead of 400,000; radius of ten standard deviations instead of three."
)

HYPOTHESES: tuple[Hypothesis, ...] = (
    *(
        MoreSuccess(
            name=f"packing-2-beats-gan-on-the-{data}",
            claim=f"On the {data}, a GAN whose D sees two samples at once keeps the modes more often than a plain one.",
            source=_PACGAN,
            better={"data": data, "method": "packed 2"},
            worse={"data": data, "method": "gan"},
        )
        for data in ("ring", "grid")
    ),
    Share(
        name="packing-4-keeps-the-grid",
        claim="On the grid, a GAN whose D sees four samples at once succeeds in more than half of the runs.",
        source=_PACGAN,
        where={"data": "grid", "method": "packed 4"},
        outcomes=(Outcome.CONVERGED,),
        side="above",
        threshold=0.5,
    ),
    Share(
        name="gan-loses-modes-of-the-grid",
        claim="On the grid, the plain GAN succeeds in fewer than half of the runs.",
        source=f"Srivastava et al. 2017, section 4.1; {_PACGAN}",
        where={"data": "grid", "method": "gan"},
        outcomes=(Outcome.CONVERGED,),
        side="below",
        threshold=0.5,
    ),
)

STUDY = Study(
    name="mode-coverage",
    title="Modes of a ring and of a grid of Gaussians, with and without packing",
    question=__doc__.splitlines()[0],
    sources=(
        "Srivastava et al., VEEGAN, NIPS 2017 (arXiv 1705.07761), section 4.1",
        "Lin et al., PacGAN: The power of two samples in generative adversarial networks, NeurIPS 2018"
        " (arXiv 1712.04086), section 4.1, and the authors' code",
    ),
    hypotheses=HYPOTHESES,
    contrasts=(
        Contrast(factor="method", a="packed 2", b="gan"),
        Contrast(factor="method", a="packed 4", b="gan"),
        Contrast(factor="method", a="ls(0,1,1)", b="gan"),
    ),
    first_seed=50_000,
    profiles={
        "smoke": Profile(
            base=_base(steps=60, every=20, width=64),
            factors=(DATA, METHOD.pick("gan", "packed 2")),
            seeds=2,
            block=2,
            rule=QUICK_RULE,
            note="Shows the whole path in under a minute; 60 steps teach nothing.",
        ),
        "quick": Profile(
            base=_base(steps=3_000, every=150, width=128),
            factors=(DATA, METHOD.pick("gan", "packed 2", "packed 4", "ls(0,1,1)")),
            seeds=5,
            block=5,
            rule=QUICK_RULE,
            note=_SMALL.format(steps="3,000"),
        ),
        "hour": Profile(
            base=_base(steps=12_000, every=400, width=128),
            factors=(DATA, METHOD.pick("gan", "packed 2", "packed 4")),
            seeds=10,
            block=10,
            rule=QUICK_RULE,
            note=_SMALL.format(steps="12,000"),
        ).until_decided(most_seeds=30),
        "standard": Profile(
            base=_base(steps=20_000, every=500, width=256),
            factors=(DATA, METHOD),
            seeds=20,
            block=10,
            rule=RULE,
            note="Nets of 3x256 units, leaky rectifiers instead of maxout in D, learning rate 1e-3 instead of 1e-4,"
            " D's update first instead of both at once, 20,000 steps instead of 400,000.",
        ),
        "paper": Profile(
            base=_AUTHORS,
            factors=(DATA, METHOD.pick("gan", "packed 2", "packed 3", "packed 4")),
            seeds=10,
            block=10,
            rule=RULE,
            note="PacGAN's nets, optimiser, batch, simultaneous updates, batch norm of 100 samples at a time and number"
            " of steps (400 epochs of 100,000 points). Stated differences: our points are fresh in every batch instead"
            " of a fixed set; the scales of batch norm start at N(1, 0.02) instead of 1; its running statistics average"
            " variances, once per member of a pack, where theirs average standard deviations, once per step.",
        ),
    },
)
