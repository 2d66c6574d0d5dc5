"""Injections on the bundled digits at 8x8, with a conditioned GAN of fully connected nets and 1,296 steps.

The base trains: cross-entropy with batch norm in G made all ten digits, on demand, within 600 steps in all inspected
replicas (seeds below 4,000). Partial collapse is exact because every sample is made for a class: samples of lost
classes are left out. No injection leaves eight of ten classes, because eight is the threshold of the rule.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from study.outcomes.outcome import Outcome
from study.outcomes.rule import IMAGE_RULE
from study.validation.anywhere import FROZEN, frozen_generator, healthy, not_a_number, wasserstein
from study.validation.fault import Fault
from study.validation.interventions import Copies, KeepClasses, Noise, RateStep, Relabel, Span
from trainables.conditioning import ByLabel
from trainables.config import BurnIn, Evaluation, GanConfig, Latent, Updates
from trainables.data import Digits
from trainables.networks import Mlp
from trainables.networks.init import He
from trainables.objectives import LeastSquares, Minimax
from trainables.optim import Adam, Sgd

STEPS = 1_296
SETTLED = 864
BRIEF = 288
"""Steps of a training in which nothing changes."""
RULE = replace(IMAGE_RULE, name="image-read", label_accuracy_min=0.8)
"""The rule for conditioned generators, as in the studies of labels."""
_G = Mlp(hidden=(128, 128), activation="relu", norm="batch", output="tanh", init=He())
_D = Mlp(hidden=(128, 128), activation="leaky_relu", init=He())
_PLAIN = replace(_G, norm="none", activation="leaky_relu", output="linear")

BASE = GanConfig(
    data=Digits(side=8),
    generator=_G,
    discriminator=_D,
    conditioning=ByLabel(),
    latent=Latent(dim=16, distribution="normal"),
    g_optimizer=Adam(lr=1e-3),
    d_optimizer=Adam(lr=1e-3),
    batch_size=64,
    steps=STEPS,
    evaluation=Evaluation(every=36, samples=512),
)
_LS = replace(BASE, objective=LeastSquares())
_WGAN = wasserstein(BASE)
_PLAYED = {"cross-entropy": BASE, "least squares": _LS}
_HEALTHY = {
    "cross-entropy": BASE,
    "least squares": _LS,
    "instance noise": replace(BASE, instance_noise=0.3),
}

_injection = partial(Fault, config=BASE, rule=RULE)
_broken = partial(_injection, premise=True)
"""An injection in a replica that is good before."""


def _tolerated() -> Iterable[Fault]:
    """Yield trainings that lose one of ten classes: converged, by definition of the rule."""
    for first in (3, 8):
        sampling = KeepClasses(classes=9, first=first)
        yield _injection("one class lost", f"without {(first + 9) % 10}", Outcome.CONVERGED, sampling=sampling)


def _recovered() -> Iterable[Fault]:
    """Yield trainings that are good, collapse once, and are good again to the end: converged by definition."""
    for classes, end in ((1, SETTLED + 108), (3, SETTLED + 144)):
        sampling = KeepClasses(classes=classes, first=classes, span=Span(start=SETTLED, end=end))
        severity = f"{classes} of 10 for {end - SETTLED} steps"
        yield _injection("one recovery", severity, Outcome.CONVERGED, sampling=sampling)


def _partial() -> Iterable[Fault]:
    """Yield trainings that show only samples of m classes, from the first report on."""
    for classes, first in ((1, 4), (2, 7), (3, 0), (5, 2), (7, 6)):
        change = KeepClasses(classes=classes, first=first)
        severity = f"{classes} of 10 left, from {first}"
        yield _injection("partial collapse", severity, Outcome.MODE_COLLAPSED, sampling=change)


def _hopping() -> Iterable[Fault]:
    """Yield trainings that show only samples of m classes, others at every report."""
    for classes in (2, 3, 5):
        change, severity = KeepClasses(classes=classes, hops=True), f"{classes} of 10 at a time"
        yield _injection("hopping", severity, Outcome.MODE_HOPPING, sampling=change)


def _memorized() -> Iterable[Fault]:
    """Yield generators of training images, each once in a report."""
    config = replace(BASE, steps=BRIEF)
    for points in (600, 1_400):
        change, severity = Copies(points=points), f"{points:,} images"
        yield _injection("memorized", severity, Outcome.MEMORIZED, config=config, sampling=change)


def _degraded() -> Iterable[Fault]:
    """Yield settled replicas whose samples get noise from one step on in which the digits are hard to read."""
    for start, deviation in ((SETTLED + 108, 0.6), (SETTLED + 144, 0.8), (SETTLED + 180, 1.2)):
        change = Noise(deviation=deviation, span=Span(start=start))
        severity = f"noise of {deviation:g} from {start}"
        yield _broken("degraded", severity, Outcome.DEGRADED, sampling=change, looks=(start - 1,))


def _copies() -> Iterable[Fault]:
    """Yield generators of k repeated training images: at most k classes."""
    for points in (1, 2, 3, 5):
        yield _injection("copies", f"{points} images", Outcome.MODE_COLLAPSED, sampling=Copies(points=points))


def _late() -> Iterable[Fault]:
    """Yield settled replicas whose samples from one step on are of m classes, or k repeated training images."""
    for start, classes, first in ((SETTLED + 108, 1, 6), (SETTLED + 144, 4, 1), (SETTLED + 180, 6, 3)):
        change = KeepClasses(classes=classes, first=first, span=Span(start=start))
        severity = f"{classes} of 10 from {start}"
        yield _broken("late collapse", severity, Outcome.LATE_COLLAPSE, sampling=change, looks=(start - 1,))
    for start, points in ((SETTLED + 108, 1), (SETTLED + 144, 3)):
        copies = Copies(points=points, span=Span(start=start))
        severity = f"{points} images from {start}"
        yield _broken("late collapse", severity, Outcome.LATE_COLLAPSE, sampling=copies, looks=(start - 1,))


def _rate_step() -> Iterable[Fault]:
    """Yield trainings whose G, once good, gets a multiple of its learning rate. The outcome is measured."""
    for start, factor in ((SETTLED + 36, 300.0), (SETTLED + 72, 1e3)):
        change, config = RateStep(of="g", start=start, factor=factor), replace(BASE, steps=SETTLED + 252)
        yield _injection("rate step", f"x{factor:g} at {start}", None, config=config, training=change, looks=(start,))


def _oscillation() -> Iterable[Fault]:
    """Yield settled replicas whose samples are of m classes for whole windows, periodically."""
    for classes, half, first in ((1, 108, 0), (2, 144, 4), (4, 144, 8), (5, 108, 5)):
        change = KeepClasses(classes=classes, first=first, span=Span(start=SETTLED, half=half))
        looks = (SETTLED - 1, SETTLED)
        severity = f"{classes} of 10 every {2 * half} steps"
        yield _broken("oscillation", severity, Outcome.OSCILLATING, sampling=change, looks=looks)


def _tiny_clip() -> Iterable[Fault]:
    """Yield a tiny clip: D's gradients, a product of three weights, are far below the optimizer's eps, so G stays."""
    config = replace(_WGAN, clip=1e-6, steps=BRIEF)
    yield _injection("clip too small", "1e-06", Outcome.NOT_LEARNED, config=config)


def _frozen_discriminator() -> Iterable[Fault]:
    """Yield trainings in which D's updates round to zero and G follows random weights, fast or slowly. Measured."""
    for severity, config, lr in (("cross-entropy", BASE, 5e-3), ("least squares", _LS, 3e-4)):
        config = replace(config, d_optimizer=Adam(lr=FROZEN), g_optimizer=Adam(lr=lr), steps=648)
        yield _injection("D frozen", f"{severity}, lr {lr:g}", None, config=config)


def _swapped() -> Iterable[Fault]:
    """Yield a D that learns 1 for generated and 0 for real samples, while G still aims at 1: the data repel G.

    So it ends off the data; whether its samples are diverse or alike is measured.
    """
    config = replace(_LS, objective=LeastSquares(a=1.0, b=0.0, c=1.0), steps=648)
    yield _injection("label swap", "real and fake", None, config=config)


def _relabeled() -> Iterable[Fault]:
    """Yield generators with permuted labels: good images of digits, but never of the intended class."""
    for shift in (1, 4):
        yield _injection("labels permuted", f"by {shift}", Outcome.NOT_LEARNED, sampling=Relabel(shift=shift))


def _vanishing() -> Iterable[Fault]:
    """Yield a D that stays far ahead; the minimax G gets ``s(D(G(z)))`` times D's slope, by plain SGD."""
    updates = Updates(d_steps=2, burn_in=BurnIn(d_steps=200, first=1, every=None))
    config = replace(BASE, objective=Minimax(), updates=updates, g_optimizer=Sgd(lr=1e-4), steps=BRIEF)
    yield _injection("D over-trained", "200 steps ahead", Outcome.NOT_LEARNED, config=config)


def _steep() -> Iterable[Fault]:
    """Yield SGD on least squares at hundreds of times 2 / curvature, with no unit that could die: it explodes."""
    for factor in (100, 1_000):
        rule = Sgd(lr=0.02 * factor)
        config = replace(_LS, generator=_PLAIN, d_optimizer=rule, g_optimizer=rule)
        yield _injection("lr x100", f"0.02 x {factor}", Outcome.DIVERGED, config=config)


def _huge_clip() -> Iterable[Fault]:
    """Yield a Wasserstein D with a huge clip under SGD: scores and G's gradients grow with the product of weights."""
    for clip in (30.0, 1_000.0):
        rule = Sgd(lr=0.1)
        config = replace(_WGAN, clip=clip, generator=_PLAIN, d_optimizer=rule, g_optimizer=rule)
        yield _injection("clip too large", f"{clip:g}", Outcome.DIVERGED, config=config)


INJECTIONS = (
    *healthy(_injection, _HEALTHY),
    *_tolerated(),
    *_recovered(),
    *_partial(),
    *_hopping(),
    *_copies(),
    *_memorized(),
    *_late(),
    *_degraded(),
    *_rate_step(),
    *_oscillation(),
    *_tiny_clip(),
    *frozen_generator(_injection, _PLAYED, BRIEF),
    *_frozen_discriminator(),
    *_swapped(),
    *_relabeled(),
    *_vanishing(),
    *_steep(),
    *_huge_clip(),
    *not_a_number(_injection, BASE, BRIEF, (("d", 10), ("g", 100), ("d", 280))),
)
