"""The dense measurement, on samples whose state is known."""

import numpy as np
import pytest
import torch

from study.outcomes.outcome import Outcome
from study.validation.ground_truth import (
    State,
    confirms,
    expected_from,
    image_state,
    mixture_state,
    peakedness,
    places,
    wasserstein,
)
from trainables.data import Digits, Ring

RNG = np.random.default_rng(0)
CPU = torch.device("cpu")
RING = Ring().load(device=CPU, dtype=torch.float64)
CENTERS = RING.truth.centers
REAL = RING.reference(2_000).numpy()
TRUTH = Digits(side=8).load(device=CPU, dtype=torch.float32).truth
IMAGES, LABELS = TRUTH.images.flatten(1).numpy() / 127.5 - 1, TRUTH.labels.numpy()


ANGLES = RNG.uniform(0, 2 * np.pi, 2_000)
ON_RING = np.stack([np.cos(ANGLES), np.sin(ANGLES)], 1)


def on_modes(modes: int, spread: float = 0.05) -> np.ndarray:
    return CENTERS[np.arange(2_000) % modes] + spread * RNG.standard_normal((2_000, 2))


HALF = np.pi / 8
TURNED = on_modes(8) @ np.array([[np.cos(HALF), np.sin(HALF)], [-np.sin(HALF), np.cos(HALF)]])


@pytest.mark.parametrize("modes", [1, 2, 3, 5, 6, 8])
def test_places_of_equally_likely_points_are_their_number(modes: int) -> None:
    assert places(on_modes(modes), 0.3) == pytest.approx(modes, rel=0.01)


def test_the_distance_of_a_shifted_sample_is_the_shift() -> None:
    assert wasserstein(REAL[:50], REAL[:50][::-1] + np.array([0.3, 0.4])) == pytest.approx(0.5, abs=1e-9)


@pytest.mark.parametrize(
    ("samples", "state"),
    [
        (on_modes(8), State.GOOD),
        (on_modes(8)[::-1], State.GOOD),
        (on_modes(5), State.NARROW),
        (on_modes(1, 0.0), State.NARROW),
        (RNG.standard_normal((2_000, 2)) * 2, State.OFF),
        (on_modes(8) + 3, State.OFF),
        (on_modes(8)[np.arange(2_000) % 4 != 3], State.GOOD),  # six modes, opposite ones missing
        (ON_RING, State.OFF),
        (on_modes(8, 0.1), State.OFF),
        (TURNED, State.OFF),
        (on_modes(8) * 1_000, State.BROKEN),
        (np.where(np.arange(2_000)[:, None] == 7, np.nan, on_modes(8)), State.BROKEN),
    ],
)
def test_the_state_of_points(samples: np.ndarray, state: State) -> None:
    assert mixture_state(samples, REAL) is state


def image(samples: np.ndarray, asked: np.ndarray | None = None) -> State:
    return image_state(samples, asked, IMAGES, LABELS)


def slightly(images: np.ndarray) -> np.ndarray:
    return images + 0.1 * RNG.standard_normal(images.shape)


PICKS = RNG.permutation(len(IMAGES))[:1_000]


@pytest.mark.parametrize(
    ("samples", "state"),
    [
        (slightly(IMAGES[PICKS]), State.GOOD),
        (IMAGES[PICKS], State.COPIED),
        (slightly(IMAGES[LABELS < 7][:1_000]), State.NARROW),
        (IMAGES[:3][np.arange(999) % 3], State.NARROW),
        (np.tile(RNG.uniform(-1, 1, 64), (500, 1)), State.NARROW),
        (RNG.uniform(-1, 1, (1_000, 64)), State.OFF),
        (np.full((10, 64), np.inf), State.BROKEN),
    ],
)
def test_the_state_of_images(samples: np.ndarray, state: State) -> None:
    assert image(samples) is state


def test_images_of_another_class_than_asked_for_are_off() -> None:
    samples, asked = slightly(IMAGES[PICKS]), LABELS[PICKS]
    assert image(samples, asked) is State.GOOD
    assert image(samples, (asked + 1) % 10) is State.OFF


GOOD, NARROW, OFF, BROKEN, COPIED = State


@pytest.mark.parametrize(
    ("states", "outcome"),
    [
        ((GOOD,), Outcome.CONVERGED),
        ((NARROW, GOOD), Outcome.CONVERGED),
        ((NARROW,), Outcome.MODE_COLLAPSED),
        ((OFF, NARROW), Outcome.MODE_COLLAPSED),
        ((GOOD, NARROW), Outcome.LATE_COLLAPSE),
        ((OFF,), Outcome.NOT_LEARNED),
        ((GOOD, OFF), Outcome.DEGRADED),
        ((GOOD, COPIED), Outcome.MEMORIZED),
        ((GOOD, BROKEN), Outcome.DIVERGED),
    ],
)
def test_what_two_moments_say(states: tuple[State, ...], outcome: Outcome) -> None:
    assert expected_from(states) is outcome
    assert confirms(outcome, states)
    assert not any(
        confirms(other, states) for other in set(Outcome) - {outcome, Outcome.OSCILLATING, Outcome.MODE_HOPPING}
    )


@pytest.mark.parametrize(("states", "found"), [((GOOD, NARROW, GOOD), True), ((GOOD, GOOD), False), ((NARROW,), False)])
def test_an_oscillation_has_a_good_and_a_narrow_moment(states: tuple[State, ...], found: bool) -> None:
    assert confirms(Outcome.OSCILLATING, states) is found


@pytest.mark.parametrize(("states", "found"), [((NARROW, NARROW), True), ((GOOD, NARROW), False), ((GOOD,), False)])
def test_hopping_between_modes_is_narrow_at_every_moment(states: tuple[State, ...], found: bool) -> None:
    assert confirms(Outcome.MODE_HOPPING, states) is found


def test_modes_are_peaked_and_a_bare_ring_is_not() -> None:
    assert peakedness(REAL) == 1
    assert peakedness(ON_RING) == pytest.approx(1 / 3, abs=0.02)
