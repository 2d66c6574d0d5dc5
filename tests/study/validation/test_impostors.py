"""Impostors: pure functions, at doses, that are what their names say; and what a rule calls them."""

import numpy as np
import pytest
import torch

from study.outcomes.outcome import Outcome
from study.outcomes.rule import MIXTURE_RULE
from study.validation.impostors import panel
from study.validation.impostors.images import IMAGES
from study.validation.impostors.impostor import GOOD_ROWS, Impostor
from study.validation.impostors.panel import judged
from study.validation.impostors.points import POINTS
from trainables.data import Digits, ImageSource, Ring

CPU = torch.device("cpu")
RING = Ring().load(device=CPU, dtype=torch.float32)
DIGITS = ImageSource(
    Digits(side=16).load(device=CPU, dtype=torch.float32).truth,
    device=CPU,
    dtype=torch.float32,
    held_out=panel.HELD_OUT,
)
BY_NAME = {(each.kind, each.name): each for each in (*POINTS, *IMAGES)}
BENCH = panel.bench("mixture", None)


def points(name: str, dose: float, row: int = 1, count: int = 2_000) -> np.ndarray:
    return BY_NAME["mixture", name].samples(RING, 7, row, count, dose)


def images(name: str, dose: float, row: int = 1, count: int = 512) -> np.ndarray:
    return BY_NAME["images", name].samples(DIGITS, 7, row, count, dose)


def modes(samples: np.ndarray) -> np.ndarray:
    """Share of the samples at each mode."""
    nearest = np.linalg.norm(samples[:, None] - RING.truth.centers[None], axis=2).argmin(1)
    return np.bincount(nearest, minlength=8) / len(samples)


def distinct(samples: np.ndarray) -> int:
    return len(np.unique(samples.reshape(len(samples), -1).round(6), axis=0))


@pytest.mark.parametrize("impostor", POINTS, ids=lambda each: each.name)
def test_points_are_a_pure_function_of_seed_and_row(impostor: Impostor) -> None:
    dose = impostor.doses[0]
    made = impostor.samples(RING, 7, 3, 50, dose)
    assert made.shape == (50, 2)
    assert np.isfinite(made).all()
    assert (made == impostor.samples(RING, 7, 3, 50, dose)).all()
    assert (made != impostor.samples(RING, 8, 3, 50, dose)).any()


@pytest.mark.parametrize("impostor", IMAGES, ids=lambda each: each.name)
def test_images_are_a_pure_function_of_seed_and_row(impostor: Impostor) -> None:
    dose = impostor.doses[-1]
    made = impostor.samples(DIGITS, 7, 3, 40, dose)
    assert made.shape == (40, 1, 16, 16)
    assert np.abs(made).max() <= 1 + 1e-9
    assert (made == impostor.samples(DIGITS, 7, 3, 40, dose)).all()
    assert (made != impostor.samples(DIGITS, 8, 3, 40, dose)).any()


def test_a_bare_ring_has_no_mode() -> None:
    angle = np.arctan2(*points("bare ring", 0.0).T)
    assert np.histogram(angle, 32)[0] / 2_000 == pytest.approx(np.full(32, 1 / 32), abs=0.02)


def test_modes_stand_beside_their_places_by_the_dose() -> None:
    away = np.linalg.norm(points("beside", 0.5)[:, None] - RING.truth.centers[None], axis=2).min(1)
    assert away.mean() == pytest.approx(2 * np.sin(np.pi / 16), rel=0.02)


def test_modes_turn_by_the_dose_at_every_row() -> None:
    """A tenth of the distance per row: at their places again after ten rows."""
    away = [
        np.linalg.norm(points("turning", 0.1, row)[:, None] - RING.truth.centers, axis=2).min(1).mean()
        for row in (5, 10)
    ]
    assert away[0] > 0.3
    assert away[1] < 0.03


@pytest.mark.parametrize("count", [1, 3, 8])
def test_few_modes_are_so_many_and_always_the_same(count: int) -> None:
    first, later = modes(points("few modes", count)), modes(points("few modes", count, row=9))
    assert (first > 0).sum() == count
    assert ((first > 0) == (later > 0)).all()


def test_hopping_modes_are_so_many_and_others_at_some_row() -> None:
    shown = [tuple(modes(points("hopping modes", 3, row)) > 0) for row in range(1, 9)]
    assert {sum(row) for row in shown} == {3}
    assert len(set(shown)) > 4


def test_shares_of_modes_follow_the_dose() -> None:
    light = np.sort(modes(points("light modes", 0.5, count=20_000)))
    assert light == pytest.approx([1 / 12] * 4 + [1 / 6] * 4, abs=0.01)
    assert modes(points("heavy mode", 0.78, count=20_000)).max() == pytest.approx(0.78, abs=0.01)


def test_a_course_is_good_before_it_is_worse() -> None:
    assert (modes(points("late collapse", 1, GOOD_ROWS)) > 0).sum() == 8
    assert (modes(points("late collapse", 1, GOOD_ROWS + 1)) > 0).sum() == 1
    alternating = [(modes(points("alternating", 3, row)) > 0).sum() for row in range(1, 7)]
    assert alternating == [8, 8, 2, 8, 8, 2]


CHANGED = ("upside down", "mirrored", "halves swapped", "chimeras", "some noise")


@pytest.mark.parametrize("name", CHANGED)
def test_so_many_images_are_changed(name: str) -> None:
    whole, made = images(name, 0.0, count=1_000), images(name, 0.3, count=1_000)
    changed = (made != whole).any(axis=(1, 2, 3))
    assert changed.mean() == pytest.approx(0.3, abs=0.05)


def test_changed_images_are_what_their_names_say() -> None:
    whole, made = ({name: images(name, dose) for name in CHANGED} for dose in (0.0, 1.0))
    assert (made["upside down"][:, :, ::-1] == whole["upside down"]).all()
    assert (made["mirrored"][..., ::-1] == whole["mirrored"]).all()
    assert (made["halves swapped"][:, :, :8] == whole["halves swapped"][:, :, 8:]).all()
    assert np.abs(made["some noise"]).mean() == pytest.approx(0.5, abs=0.01)
    upper, lower = made["chimeras"][:, :, :8], made["chimeras"][:, :, 8:]
    assert (upper == whole["chimeras"][:, :, :8]).all()
    assert {each.tobytes() for each in lower} == {each.tobytes() for each in whole["chimeras"][:, :, 8:]}
    assert (lower != whole["chimeras"][:, :, 8:]).any(axis=(1, 2, 3)).mean() > 0.9


def test_images_over_and_over_are_so_many() -> None:
    noiseless = images("memorized", 0.0)
    assert distinct(noiseless) == 512
    trained = DIGITS.truth.images[DIGITS.trained_on].flatten(1).numpy() / 127.5 - 1
    few = images("k training images", 10).reshape(512, -1)
    nearest = np.linalg.norm(few[:, None] - trained[None, :], axis=2).argmin(1)
    assert len(np.unique(nearest)) == 10


def test_new_images_are_held_out_and_none_comes_twice() -> None:
    new = images("new with noise", 0.0)
    held = {image.tobytes() for image in DIGITS.truth.images[DIGITS.kept_back].numpy()}
    as_bytes = [((image + 1) * 127.5).round().astype(np.uint8).tobytes() for image in new]
    assert set(as_bytes) <= held
    assert len(set(as_bytes)) == 512


def off_means(samples: np.ndarray) -> float:
    """Root mean square distance to the nearest mean of a class of held-out images."""
    held, labels = DIGITS.truth.images[DIGITS.kept_back], DIGITS.truth.labels[DIGITS.kept_back]
    means = np.stack([(held[labels == k].flatten(1).double().numpy() / 127.5 - 1).mean(0) for k in range(10)])
    nearest = np.linalg.norm(samples.reshape(len(samples), 1, -1) - means, axis=2).min(1)
    return float(np.sqrt(np.mean(nearest**2)))


def test_averages_of_n_images_lie_nearer_to_the_means_of_classes_by_the_root_of_n() -> None:
    assert off_means(images("averaged", 20)) == pytest.approx(off_means(images("averaged", 5)) / 2, rel=0.1)


def test_blur_takes_detail_and_keeps_the_mean() -> None:
    sharp, blurred = images("new with noise", 0.0), images("blurred", 1.0)
    detail = [np.abs(np.diff(each, axis=-1)).mean() for each in (sharp, blurred)]
    assert detail[1] < 0.8 * detail[0]
    assert blurred.mean() == pytest.approx(sharp.mean(), abs=0.08)


@pytest.mark.parametrize(
    ("name", "dose", "outcome"),
    [
        ("bare ring", 0.1, Outcome.NOT_LEARNED),
        ("beside", 0.3, Outcome.NOT_LEARNED),
        ("few modes", 3, Outcome.MODE_COLLAPSED),
        ("few modes", 8, Outcome.CONVERGED),
        ("hopping modes", 4, Outcome.MODE_HOPPING),
        ("alternating", 2, Outcome.OSCILLATING),
        ("degraded", 0.5, Outcome.DEGRADED),
        ("late collapse", 2, Outcome.LATE_COLLAPSE),
    ],
)
def test_the_real_probes_and_the_real_rule_tell_them(name: str, dose: float, outcome: Outcome) -> None:
    (trial,) = judged(BENCH, BY_NAME["mixture", name], dose, [5], MIXTURE_RULE)
    assert (trial.impostor, trial.dose, trial.seed) == (name, dose, 5)
    assert trial.decided is outcome


def test_every_kind_has_the_impostors_of_the_panel() -> None:
    assert len({each.name for each in POINTS}) == len(POINTS)
    assert len({each.name for each in IMAGES}) == len(IMAGES)


def made(**changes: object) -> Impostor:
    fields = {
        "name": "x",
        "kind": "mixture",
        "does": "",
        "dose": "",
        "doses": (1.0, 2.0),
        "labels": (Outcome.NOT_LEARNED,),
    }
    return Impostor(**{**fields, "make": lambda draw: np.zeros((1, 2)), **changes})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"doses": (2.0, 1.0)}, r"doses of x must be ascending"),
        ({"plain": (3.0,)}, r"plain and sound doses of x must be doses, got 3"),
        ({"plain": (1.0,), "sound": (1.0,)}, r"a dose of x must not be both plain and sound, got 1"),
    ],
)
def test_an_impostor_that_contradicts_itself_is_refused(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        made(**changes)


def test_which_labels_are_true() -> None:
    impostor = made(doses=(1.0, 2.0, 3.0), plain=(3.0,), sound=(1.0,))
    good, off, other = Outcome.CONVERGED, Outcome.NOT_LEARNED, Outcome.DEGRADED
    assert [impostor.right(dose, good) for dose in (1, 2, 3)] == [True, True, False]
    assert [impostor.right(dose, off) for dose in (1, 2, 3)] == [False, True, True]
    assert [impostor.right(dose, other, borderline=True) for dose in (1, 2, 3)] == [False, True, False]
    assert not any(impostor.right(dose, other) for dose in (1, 2, 3))
