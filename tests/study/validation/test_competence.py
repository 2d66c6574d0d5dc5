"""A judge that says what it can judge: bundled data pass, and four kinds of data are refused with what to change."""

import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from study.outcomes.rule import IMAGE_RULE, MIXTURE_RULE, OutcomeRule
from study.storage.store import Store
from study.validation import digits, ring
from study.validation.competence import Competence, Reach, competence
from trainables import features
from trainables.conditioning import Unconditional
from trainables.config import Evaluation, GanConfig
from trainables.data import Digits, Grid, ImageTruth, Point
from trainables.data.source import ImageSource
from trainables.features import WIDTH, Features
from trainables.networks.init import Normal

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Given:
    """Images made for a test, as a data set."""

    truth: ImageTruth
    kind: str = "given"

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.truth.images.shape[1:])

    @property
    def classes(self) -> int:
        return self.truth.classes

    def load(self, *, device: torch.device, dtype: torch.dtype) -> ImageSource:
        return ImageSource(self.truth, device=device, dtype=dtype)


def on(data: object, samples: int = 512) -> GanConfig:
    config = replace(digits.BASE, conditioning=Unconditional(), evaluation=Evaluation(samples=samples))
    object.__setattr__(config, "data", data)
    return config


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("features")


@pytest.fixture(scope="module")
def bundled(cache: Path) -> Competence:
    return competence(on(Digits(side=16)), IMAGE_RULE, cache)


def test_the_ring_can_be_judged() -> None:
    found = competence(ring.BASE, MIXTURE_RULE, None)
    assert found.passes
    assert found.real == {"converged": 5}
    assert found.nulls == dict.fromkeys(("box", "normal", "lines"), "not_learned")
    assert found.sentence.startswith("With 1,000 samples per row, this rule calls all 5 sets of real samples converged")


def test_a_grid_of_25_modes_can_be_judged() -> None:
    assert competence(replace(ring.BASE, data=Grid()), MIXTURE_RULE, None).passes


def test_digits_can_be_judged(bundled: Competence) -> None:
    assert bundled.passes, bundled.sentence
    assert set(bundled.nulls) == {"images without structure", "one image per class", "copies of 100 images", "noise"}
    assert bundled.label_accuracy[1] > 0.9 > 0.2 > bundled.label_accuracy[2]


def test_it_is_the_same_every_time(bundled: Competence, cache: Path) -> None:
    assert competence(on(Digits(side=16)), IMAGE_RULE, cache) == bundled


def test_it_survives_a_file(bundled: Competence, tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.write_judges({"digits": bundled.to_json()})
    assert store.judges(Competence) == {"digits": bundled}


def test_a_conditioned_rule_reads_the_labels_of_real_images(cache: Path) -> None:
    found = competence(digits.BASE, digits.RULE, cache)
    reach = {each.field: each for each in found.reaches}
    assert found.passes, found.sentence
    assert reach["label_accuracy_min"].worst > 0.9


def test_without_labels_clusters_stand_for_classes(cache: Path) -> None:
    truth = Digits(side=16).load(device=CPU, dtype=torch.float32).truth
    found = competence(on(Given(ImageTruth(images=truth.images, labels=None, classes=0))), IMAGE_RULE, cache)
    assert "one image per cluster" in found.nulls
    assert found.label_accuracy == ()
    assert found.rotation_accuracy[1] > 0.25
    assert found.passes, found.sentence


def many_classes() -> tuple[ImageTruth, Features]:
    """500 classes that a linear classifier tells apart without an error, and that classifier."""
    rng = np.random.default_rng(1)
    prototypes = rng.uniform(60, 200, (500, 1, 8, 8))
    images = np.repeat(prototypes, 8, axis=0) + rng.normal(0, 8, (4_000, 1, 8, 8))
    truth = ImageTruth(
        images=torch.from_numpy(images.round().clip(0, 255).astype(np.uint8)),
        labels=torch.arange(500).repeat_interleave(8),
        classes=500,
    )
    net = nn.Sequential(nn.Flatten(1), nn.Linear(64, WIDTH, bias=False))
    head = nn.Linear(WIDTH, 500)
    centers = net(torch.from_numpy(prototypes / 127.5 - 1).float()).detach()
    head.weight.data, head.bias.data = 100 * centers, -50 * centers.square().sum(1)
    return truth, Features(net=net, head=head, task="labels", accuracy=1.0, data_digest="x")


def test_too_few_samples_for_500_classes_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    truth, known = many_classes()
    monkeypatch.setattr(features, "obtain", lambda *arguments: known)
    found = competence(on(Given(truth)), IMAGE_RULE, None)
    assert not found.passes
    assert "coverage_min" in [each.field for each in found.reaches if not each.reached]
    assert "more samples or fewer classes" in found.sentence
    assert "evaluation.samples = 512" in found.sentence
    assert "coverage_min" not in competence(on(Given(truth), 4_000), IMAGE_RULE, None).sentence


def test_training_and_test_folders_are_no_classes(cache: Path) -> None:
    truth = Digits(side=8).load(device=CPU, dtype=torch.float32).truth
    part = torch.from_numpy((np.random.default_rng(0).uniform(size=len(truth.images)) < 0.2).astype(np.int64))
    found = competence(on(Given(ImageTruth(images=truth.images, labels=part, classes=2))), IMAGE_RULE, cache)
    assert not found.passes
    assert found.blind
    assert "check that the folders are classes." in found.sentence


def test_four_images_are_refused(cache: Path) -> None:
    truth = Digits(side=8).load(device=CPU, dtype=torch.float32).truth
    few = ImageTruth(images=truth.images[:4], labels=None, classes=0)
    found = competence(on(Given(few)), IMAGE_RULE, cache)
    assert not found.passes
    assert "images must be at least 5 to learn features from, got 4" in found.sentence


def test_a_dozen_images_have_no_neighbors(cache: Path) -> None:
    truth = Digits(side=8).load(device=CPU, dtype=torch.float32).truth
    few = ImageTruth(images=truth.images[:12], labels=None, classes=0)
    found = competence(on(Given(few)), IMAGE_RULE, cache)
    assert found.sentence == (
        "This rule cannot judge these data: 12 images are few, and 200 are usually enough; they are too few to look"
        " for nearest neighbors among them."
    )


def test_remedies_are_told_once_each() -> None:
    fields = ("coverage_min", "support_min", "spacing_max", "distinctness_min", "recall_min")
    reaches = tuple(Reach(field=name, threshold=0.5, worst=0.1, mean=0.2, reached=False) for name in fields)
    found = Competence(samples=512, real={"diverged": 5}, nulls={}, reaches=reaches, images=1)
    assert "judge these data: 1 image is few, and" in found.sentence
    assert found.sentence.endswith(": take more samples or fewer classes, and more images without doubles.")


def test_a_classifier_below_a_guess_is_blind() -> None:
    """One of eight held-out images of four equal classes is right."""
    found = Competence(samples=512, real={"converged": 5}, nulls={}, label_accuracy=(0.125, 0.0032, 0.25), images=40)
    assert found.blind
    assert not found.passes
    assert found.sentence.startswith(
        "This rule cannot judge these data: 40 images are few, and 200 are usually enough; the classifier of labels is"
        " right for 12% of held-out images (95 % limit 0%), and the largest class has 25%, so it cannot read the labels"
    )


def test_a_classifier_of_rotations_below_a_guess_is_told() -> None:
    found = Competence(
        samples=512, real={"converged": 5}, nulls={}, rotation_accuracy=(0.125, 0.0032, 0.25), images=400
    )
    assert found.passes
    assert found.sentence.endswith(
        "Its classifier of rotations is right for 12% of held-out images (95 % limit 0%), and a guess for 25%: its"
        " features know little of these images, and it judges by their pixels."
    )
    assert "rotations" not in replace(found, rotation_accuracy=(0.9, 0.8, 0.25)).sentence


def test_few_images_that_can_be_judged_are_not_called_few(cache: Path) -> None:
    assert Competence(samples=512, real={"converged": 5}, nulls={}, images=150).passes


def test_what_an_earlier_version_found_is_read(tmp_path: Path) -> None:
    stored = Competence(samples=512, real={"converged": 5}, nulls={}).to_json()
    del stored["images"], stored["rotation_accuracy"]
    store = Store(tmp_path)
    store.write_judges({"digits": stored})
    assert store.judges(Competence) == {"digits": Competence(samples=512, real={"converged": 5}, nulls={})}


def test_a_rule_that_a_cheat_passes_is_refused() -> None:
    """With hardly any quality asked for, a disc around every mode is passed by much of a box."""
    lax = replace(MIXTURE_RULE, radius="r30", quality_min=1e-9, coverage_min=0.5, balance_min=None, baseline_margin=0.0)
    found = competence(ring.BASE, lax, None)
    assert not found.passes
    assert "lines" in found.fooled_by
    assert "it calls " in found.sentence


def test_an_untrained_generator_on_a_mode_hides_no_progress() -> None:
    """G's first samples lie at the origin, where the grid has a mode: quality cannot rise, coverage can."""
    still = replace(ring.BASE, data=Grid(), generator=replace(ring.BASE.generator, init=Normal()))
    assert competence(still, MIXTURE_RULE, None).passes


def test_an_error_on_held_out_images_needs_no_test() -> None:
    rule = OutcomeRule(name="read", coverage_min=0.8, quality_min=0.9, classification_error_max=0.1)
    found = competence(digits.BASE, rule, None)
    assert found.passes
    assert "needs no test of its own" in found.sentence


def test_a_single_point_has_no_modes_to_lose() -> None:
    found = competence(replace(ring.BASE, data=Point()), replace(MIXTURE_RULE, radius="r3"), None)
    assert found.nulls == {}


def test_no_ray_is_loaded() -> None:
    command = "import sys, study.validation.competence; print('ray' in sys.modules, 'optuna' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", command], capture_output=True, text=True, timeout=120)
    assert done.stdout.split() == ["False", "False"], done.stderr
