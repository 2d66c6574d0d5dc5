"""Which GANs converge in the smallest game there is: one parameter against one parameter?

Question: Mescheder et al. 2018 reduce a GAN to ``G(z) = theta``, ``D(x) = psi x`` and data at the point 0, where every
claim of convergence can be computed by hand. Their conclusion: without regularisation no GAN converges, nor do WGAN
and WGAN-GP with finitely many updates of D; instance noise and zero-centred gradient penalties do. Do our losses,
penalties and update orders agree, in the loop that trains everything else?

A replica has converged if ``|theta| < 0.1`` at each of the last ten snapshots. They span 50 steps, more than half a
turn around the equilibrium, so that an orbit does not pass by crossing 0. The other outcomes mean: ``not_learned`` is
an orbit or a spiral that is still too wide, ``diverged`` one that grew out of all bounds. Replicas differ in their
starting point: theta and -psi are uniform in [0.5, 1.5], around the authors' (1, 1); the profile ``paper`` starts
there.

The penalties' weights are half of the authors' numbers, whose code writes the *gradient*: of ``w (|psi| - 1)^2`` it is
``2 w (|psi| - 1) sign(psi)``. The non-saturating GAN narrows, but at a rate that falls with the distance: in 500 steps
it does not arrive. With alternating updates it has arrived after 5,000 from every start; simultaneous ones keep it on
an orbit of radius 0.63, at which the step of 0.2 outweighs the narrowing, for good. From about half of the starts the
sixth power of WGAN-div, at its paper's (k, p) = (2, 6), is too stiff for a step of 0.2; from the others it narrows
slowly.

Cost: quick about 3 minutes on two CPU cores: a stack of 120 costs little more than one of 30.
"""

from dataclasses import replace

from search_spaces import Factor, Level
from search_spaces.factors import JsonValue
from study.design.hypotheses import Hypothesis, MoreSuccess, Share
from study.design.study import Contrast, Profile, Study
from study.outcomes.outcome import Outcome
from study.outcomes.rule import OutcomeRule
from trainables.config import Evaluation, GanConfig, Latent
from trainables.data import Point
from trainables.networks import Dirac
from trainables.networks.init import Constant, Uniform
from trainables.optim import Sgd

_PAPER = "Mescheder et al. 2018"
_NOTHING: JsonValue = {"kind": "none"}


def _method(
    label: str, objective: str, *, penalty: JsonValue = _NOTHING, clip: float | None = None, noise: float = 0.0
) -> Level:
    paths = {"objective": {"kind": objective}, "penalty": penalty, "clip": clip, "instance_noise": noise}
    return Level(label=label, assign=paths)


_R1: JsonValue = {"kind": "zero_centered", "weight": 0.15}

METHOD = Factor(
    name="method",
    levels=(
        _method("minimax", "minimax"),
        _method("ns", "non_saturating"),
        _method("wgan clip", "wasserstein", clip=1.0),
        _method("wgan-gp", "wasserstein", penalty={"kind": "wgan_gp", "weight": 0.35}),
        _method("wgan-lp", "wasserstein", penalty={"kind": "wgan_lp", "weight": 0.35}),
        _method("wgan-div", "wasserstein", penalty={"kind": "wgan_div", "k": 2.0, "p": 6.0}),
        _method("instance noise", "minimax", noise=0.7),
        _method("r1", "minimax", penalty=_R1),
        _method("ns r1", "non_saturating", penalty=_R1),
    ),
    source="Mescheder et al. 2018, section 2 and 3, with the numbers of the authors' Dirac-GAN code; WGAN-LP (Petzka et"
    " al. 2018, eq. 8) and WGAN-div (Wu et al. 2018, eq. 11) are added",
)


def _order(label: str, order: str, d_steps: int) -> Level:
    return Level(label=label, assign={"updates.order": order, "updates.d_steps": d_steps})


ORDER = Factor(
    name="order",
    levels=(
        _order("simultaneous", "simultaneous", 1),
        _order("alternating 1", "g_first", 1),
        _order("alternating 5", "g_first", 5),
    ),
    source="Mescheder et al. 2018, section 2 (authors' code updates G first)",
)


def _base(steps: int) -> GanConfig:
    return GanConfig(
        data=Point(),
        generator=Dirac(init=Uniform(low=0.5, high=1.5)),
        discriminator=Dirac(init=Uniform(low=-1.5, high=-0.5)),
        latent=Latent(dim=1),
        g_optimizer=Sgd(lr=0.2),
        d_optimizer=Sgd(lr=0.2),
        batch_size=1_000,
        steps=steps,
        evaluation=Evaluation(every=5, samples=2),
    )


RULE = OutcomeRule(name="dirac", window=10, radius="r10", coverage_min=1.0, quality_min=1.0)
"""All generated points (they are one) within 0.1 of the data, ten snapshots in a row."""


def _fails(name: str, claim: str, source: str, method: str) -> Share:
    return Share(
        name=name,
        claim=claim,
        source=f"{_PAPER}, {source}",
        where={"method": method},
        outcomes=(Outcome.CONVERGED,),
        side="below",
        threshold=0.05,
    )


def _converges(name: str, claim: str, source: str, method: str) -> Share:
    return replace(_fails(name, claim, source, method), side="above", threshold=0.95)


HYPOTHESES: tuple[Hypothesis, ...] = (
    _fails("minimax-orbits", "The unregularised GAN does not converge.", "section 2", "minimax"),
    replace(
        _fails(
            "ns-orbits-simultaneously",
            "The non-saturating GAN does not arrive with simultaneous updates.",
            "section 2, and the step size of the authors' code",
            "ns",
        ),
        where={"method": "ns", "order": "simultaneous"},
    ),
    _fails("clipped-wgan-orbits", "The WGAN with clipping does not converge.", "section 3.1", "wgan clip"),
    _fails("wgan-gp-orbits", "WGAN-GP does not converge, with one or five updates of D.", "section 3.1", "wgan-gp"),
    _converges("noise-converges", "Instance noise makes the GAN converge.", "section 3.2", "instance noise"),
    _converges("r1-converges", "A zero-centred penalty on D makes the GAN converge.", "section 3.3", "r1"),
    _converges("ns-r1-converges", "So it does with the non-saturating loss.", "section 3.3", "ns r1"),
    MoreSuccess(
        name="r1-beats-wgan-gp",
        claim="A penalty centred at 0 converges more often than one centred at 1.",
        source=f"{_PAPER}, sections 3.1 and 3.3",
        better={"method": "r1"},
        worse={"method": "wgan-gp"},
    ),
)


def _profile(base: GanConfig, factors: tuple[Factor, ...], seeds: int, note: str) -> Profile:
    return Profile(base=base, factors=factors, seeds=seeds, block=seeds, rule=RULE, note=note)


_ALL = (METHOD, ORDER)
_AUTHORS = replace(
    _base(steps=500), generator=Dirac(init=Constant(at=1.0)), discriminator=Dirac(init=Constant(at=-1.0))
)

STUDY = Study(
    name="dirac",
    title="The Dirac-GAN: which methods converge",
    question=__doc__.splitlines()[0],
    sources=(
        "Mescheder et al., Which Training Methods for GANs do actually Converge?, ICML 2018 (arXiv 1801.04406)",
        "the authors' code, LMescheder/GAN_stability, folder notebooks/diracgan",
    ),
    hypotheses=HYPOTHESES,
    contrasts=(
        Contrast(factor="method", a="r1", b="minimax"),
        Contrast(factor="method", a="instance noise", b="minimax"),
        Contrast(factor="method", a="r1", b="wgan-gp"),
    ),
    profiles={
        "smoke": _profile(
            _base(steps=200),
            (METHOD.pick("minimax", "wgan-gp", "r1"), ORDER.pick("simultaneous", "alternating 1")),
            seeds=2,
            note="Shows the whole path in under a minute; 200 steps are enough for zero-centred penalties.",
        ),
        "quick": _profile(
            _base(steps=500),
            _ALL,
            seeds=120,
            note="The authors' step size, number of steps and regularisation; starts around theirs instead of one.",
        ),
        "standard": _profile(
            _base(steps=5_000),
            _ALL,
            seeds=120,
            note="Ten times the authors' steps, by which the non-saturating GAN has arrived with alternating updates.",
        ),
        "paper": _profile(
            _AUTHORS,
            _ALL,
            seeds=1,
            note="The authors' start and numbers. Nothing is random but instance noise: one replica says it all.",
        ),
    },
)
