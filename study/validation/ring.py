"""Injections on the ring of eight Gaussians, with nets of two hidden layers of 64 units and 3,200 steps.

The base trains: cross-entropy with instance noise, and pairs of samples for D (Lin et al. 2018), was good at nearly
every report from step 2,200 on in all six inspected replicas (seeds below 4,000), at a quality of 0.8 to 0.95 where
0.65 is asked: a fault that sets in afterwards meets a good replica. With a batch of 128 and four noise dimensions the
quality was 0.5 to 0.8, beside the threshold. Without pairs one replica in eight lost modes for good. Each function says
why the outcome is certain, or that the truth is measured. No injection leaves six of eight modes, because six is the
threshold of the rule.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from study.outcomes.outcome import Outcome
from study.outcomes.rule import MIXTURE_RULE
from study.validation.anywhere import FROZEN, frozen_generator, healthy, not_a_number, wasserstein
from study.validation.fault import Fault
from study.validation.interventions import Copies, KeepModes, Noise, RateStep, Span
from trainables.config import BurnIn, Evaluation, GanConfig, Latent, Updates
from trainables.data import Ring
from trainables.networks import Mlp
from trainables.networks.init import He
from trainables.objectives import LeastSquares, Minimax
from trainables.optim import Adam, Sgd

STEPS = 3_200
SETTLED = 2_400
FOUND = 1_300
"""Steps after which samples lie near the modes."""
BRIEF = 400
"""Steps of a training in which nothing changes."""
_NET = Mlp(hidden=(64, 64), activation="relu", init=He())
_LEAKY = replace(_NET, activation="leaky_relu")

BASE = GanConfig(
    data=Ring(),
    generator=_NET,
    discriminator=_NET,
    latent=Latent(dim=8, distribution="normal"),
    g_optimizer=Adam(lr=3e-3),
    d_optimizer=Adam(lr=3e-3),
    instance_noise=0.05,
    packing=2,
    batch_size=512,
    steps=STEPS,
    evaluation=Evaluation(every=50, samples=1_000),
)
_LS = replace(BASE, objective=LeastSquares())
_WGAN = wasserstein(BASE)
_PLAYED = {"cross-entropy": BASE, "least squares": _LS}
_HEALTHY = {
    "cross-entropy": BASE,
    "least squares": _LS,
    "4 noise dimensions": replace(BASE, latent=Latent(dim=4, distribution="normal")),
}

_injection = partial(Fault, config=BASE, rule=MIXTURE_RULE)
_broken = partial(_injection, premise=True)
"""An injection in a replica that is good before."""


def _tolerated() -> Iterable[Fault]:
    """Yield trainings that lose one of eight modes: converged, by definition of the rule."""
    yield _injection("one mode lost", "7 of 8 left", Outcome.CONVERGED, sampling=KeepModes(modes=7))


def _recovered() -> Iterable[Fault]:
    """Yield trainings that are good, collapse once, and are good again to the end: converged by definition."""
    for modes, end in ((1, SETTLED + 200), (3, SETTLED + 300)):
        sampling = KeepModes(modes=modes, span=Span(start=SETTLED, end=end))
        severity = f"{modes} of 8 for {end - SETTLED} steps"
        yield _injection("one recovery", severity, Outcome.CONVERGED, sampling=sampling)


def _partial() -> Iterable[Fault]:
    """Yield trainings whose samples of lost modes are moved to kept ones from the start: never more than m modes."""
    config = replace(BASE, steps=FOUND)
    for modes in (1, 2, 3, 5):
        sampling, severity = KeepModes(modes=modes), f"{modes} of 8 left"
        yield _injection("partial collapse", severity, Outcome.MODE_COLLAPSED, config=config, sampling=sampling)


def _hopping() -> Iterable[Fault]:
    """Yield trainings whose samples are of m modes, others at every report."""
    config = replace(BASE, steps=FOUND)
    for modes in (2, 3, 4, 5):
        sampling, severity = KeepModes(modes=modes, hops=True), f"{modes} of 8 at a time"
        yield _injection("hopping", severity, Outcome.MODE_HOPPING, config=config, sampling=sampling)


def _copies() -> Iterable[Fault]:
    """Yield generators of k repeated training points: at most k modes."""
    config = replace(BASE, steps=BRIEF)
    for points in (1, 2, 3, 4):
        sampling, severity = Copies(points=points), f"{points} points"
        yield _injection("copies", severity, Outcome.MODE_COLLAPSED, config=config, sampling=sampling)


def _late() -> Iterable[Fault]:
    """Yield settled replicas whose samples from one step on are of m modes, or k repeated training points."""
    for start, modes in ((SETTLED + 100, 1), (SETTLED + 200, 3), (SETTLED + 300, 5)):
        change = KeepModes(modes=modes, span=Span(start=start))
        severity = f"{modes} of 8 from {start}"
        yield _broken("late collapse", severity, Outcome.LATE_COLLAPSE, sampling=change, looks=(start - 1,))
    copies, start = Copies(points=3, span=Span(start=SETTLED + 150)), SETTLED + 150
    yield _broken("late collapse", f"3 points from {start}", Outcome.LATE_COLLAPSE, sampling=copies, looks=(start - 1,))


def _degraded() -> Iterable[Fault]:
    """Yield settled replicas whose samples get noise from one step on that fills the room between the modes."""
    for start, deviation in ((SETTLED + 100, 0.12), (SETTLED + 200, 0.2), (SETTLED + 300, 0.4)):
        change = Noise(deviation=deviation, span=Span(start=start))
        severity = f"noise of {deviation:g} from {start}"
        yield _broken("degraded", severity, Outcome.DEGRADED, sampling=change, looks=(start - 1,))


def _rate_step() -> Iterable[Fault]:
    """Yield trainings whose G, once good, gets a multiple of its learning rate. The outcome is measured."""
    for start, factor in ((SETTLED, 300.0), (SETTLED + 100, 1e3)):
        change, config = RateStep(of="g", start=start, factor=factor), replace(BASE, steps=SETTLED + 350)
        yield _injection("rate step", f"x{factor:g} at {start}", None, config=config, training=change, looks=(start,))


def _oscillation() -> Iterable[Fault]:
    """Yield settled replicas whose samples are of m modes for whole windows, periodically."""
    for modes, half in ((1, 150), (2, 200), (4, 200)):
        change = KeepModes(modes=modes, span=Span(start=SETTLED, half=half))
        looks = (SETTLED - 1, SETTLED)
        severity = f"{modes} of 8 every {2 * half} steps"
        yield _broken("oscillation", severity, Outcome.OSCILLATING, sampling=change, looks=looks)


def _tiny_clip() -> Iterable[Fault]:
    """Yield a tiny clip: D's gradients, a product of three weights, are far below the optimizer's eps, so G stays."""
    for clip in (1e-5, 1e-7):
        yield _injection(
            "clip too small", f"{clip:g}", Outcome.NOT_LEARNED, config=replace(_WGAN, clip=clip, steps=BRIEF)
        )


def _frozen_discriminator() -> Iterable[Fault]:
    """Yield trainings in which D's updates round to zero and G follows random weights. The outcome is measured."""
    for severity, config in (("cross-entropy", BASE), ("least squares", _LS)):
        yield _injection("D frozen", severity, None, config=replace(config, d_optimizer=Adam(lr=FROZEN), steps=1_000))


def _swapped() -> Iterable[Fault]:
    """Yield a D that learns 1 for generated and 0 for real samples, while G still aims at 1: the data repel G.

    So it ends off the data; whether spread out or in one place is measured.
    """
    config = replace(_LS, objective=LeastSquares(a=1.0, b=0.0, c=1.0), g_optimizer=Adam(lr=1e-3), steps=1_000)
    yield _injection("label swap", "real and fake", None, config=config)


def _vanishing() -> Iterable[Fault]:
    """Yield a D that stays far ahead; the minimax G gets ``s(D(G(z)))`` times D's slope, by plain SGD."""
    updates = Updates(d_steps=3, burn_in=BurnIn(d_steps=300, first=1, every=None))
    config = replace(BASE, objective=Minimax(), instance_noise=0.0, updates=updates, g_optimizer=Sgd(lr=1e-4))
    yield _injection("D over-trained", "300 steps ahead", Outcome.NOT_LEARNED, config=replace(config, steps=BRIEF))


def _steep() -> Iterable[Fault]:
    """Yield SGD on least squares at hundreds of times 2 / curvature, with no unit that could die: it explodes."""
    for factor in (100, 300, 1_000):
        rule = Sgd(lr=0.02 * factor)
        config = replace(_LS, generator=_LEAKY, discriminator=_LEAKY, d_optimizer=rule, g_optimizer=rule)
        yield _injection("lr x100", f"0.02 x {factor}", Outcome.DIVERGED, config=config)


def _huge_clip() -> Iterable[Fault]:
    """Yield a Wasserstein D with a huge clip under SGD: scores and G's gradients grow with the product of weights."""
    for clip in (30.0, 100.0, 1_000.0):
        rule = Sgd(lr=0.1)
        config = replace(_WGAN, clip=clip, d_optimizer=rule, g_optimizer=rule, generator=_LEAKY, discriminator=_LEAKY)
        yield _injection("clip too large", f"{clip:g}", Outcome.DIVERGED, config=config)


INJECTIONS = (
    *healthy(_injection, _HEALTHY),
    *_tolerated(),
    *_recovered(),
    *_partial(),
    *_hopping(),
    *_copies(),
    *_late(),
    *_degraded(),
    *_rate_step(),
    *_oscillation(),
    *_tiny_clip(),
    *frozen_generator(_injection, _PLAYED, BRIEF),
    *_frozen_discriminator(),
    *_swapped(),
    *_vanishing(),
    *_steep(),
    *_huge_clip(),
    *not_a_number(_injection, BASE, BRIEF, (("d", 10), ("g", 200), ("d", 390))),
)
