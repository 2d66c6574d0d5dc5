"""Stacked digits: one classifier reads each channel, and a thousand ids are counted. Digits are scikit-learn's."""

from math import log
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from tests.trainables.rounding import assert_same, largest
from trainables import features as module
from trainables.data import Digits, ImageSource, ImageTruth
from trainables.features import WIDTH, Features, Spelled, as_floats, fit, obtain
from trainables.phases import View
from trainables.probes import ImageFit

CPU = torch.device("cpu")


def stacked(count: int, seed: int = 0) -> ImageTruth:
    digits = Digits().load(device=CPU, dtype=torch.float32).truth
    assert isinstance(digits, ImageTruth)
    assert digits.labels is not None
    picks = torch.randint(len(digits.images), (count, 3), generator=torch.Generator().manual_seed(seed))
    labels = (digits.labels[picks] * torch.tensor([100, 10, 1])).sum(1)
    return ImageTruth(images=digits.images[picks, 0], labels=labels, classes=1000, channel_classes=10)


@pytest.fixture(scope="module")
def truth() -> ImageTruth:
    return stacked(3_000)


@pytest.fixture(scope="module")
def source(truth: ImageTruth) -> ImageSource:
    return ImageSource(truth, device=CPU, dtype=torch.float32)


@pytest.fixture(scope="module")
def trained(truth: ImageTruth, tmp_path_factory: pytest.TempPathFactory) -> Features:
    return obtain(truth, "0123", tmp_path_factory.getbasetemp() / "stacked")


@pytest.fixture(scope="module")
def probe(source: ImageSource, truth: ImageTruth, trained: Features) -> ImageFit:
    return ImageFit(source, truth, trained, device=CPU)


def measure(probe: ImageFit, images: Tensor, labels: Tensor | None = None) -> dict[str, Tensor]:
    return probe.measure(View(samples=images, labels=labels, columns={}))


# The classifier


def test_the_class_is_what_the_channels_say_one_by_one() -> None:
    """The features of channel c are a one at what it shows; the head is a scaled identity."""
    head = nn.Linear(WIDTH, 10, bias=False)
    with torch.no_grad():
        head.weight.copy_(3 * torch.eye(10, WIDTH))
    shown = torch.tensor([[7, 0, 4], [0, 0, 0], [9, 9, 9]])
    logits = Spelled(head)(nn.functional.one_hot(shown, WIDTH).float().flatten(1))
    assert logits.shape == (3, 1000)
    assert logits.argmax(1).tolist() == [704, 0, 999]
    one = torch.tensor([3.0] + [0.0] * 9).softmax(0)[0]
    torch.testing.assert_close(logits.softmax(1).amax(1), one.pow(3).expand(3))
    torch.testing.assert_close(logits.exp().sum(1), torch.ones(3))


def test_features_of_an_image_are_those_of_its_channels(trained: Features, truth: ImageTruth) -> None:
    images = as_floats(truth.images[:4])
    swapped = trained.net(images.flip(1)).unflatten(1, (3, WIDTH)).flip(1).flatten(1)
    assert trained.net(images).shape == (4, 3 * WIDTH)
    torch.testing.assert_close(trained.net(images), swapped)


def test_digits_are_told_apart_channel_by_channel(trained: Features) -> None:
    fresh = stacked(500, seed=1)
    read = trained.head(trained.net(as_floats(fresh.images))).argmax(1)
    assert 0.9 < trained.accuracy <= 1
    assert trained.accuracy**3 - 0.1 < (read == fresh.labels).double().mean() <= 1


def test_no_digit_is_learned_from_and_held_out(truth: ImageTruth) -> None:
    images, labels, task = module._examples(truth)
    assert task == "labels"
    assert images.shape[1:] == (1, 16, 16)
    assert 1_700 < len(images) == len(labels) == len(torch.unique(images.flatten(1), dim=0)) <= 1_797
    known = Digits().load(device=CPU, dtype=torch.float32).truth
    names = {image.numpy().tobytes(): int(label) for image, label in zip(known.images, known.labels, strict=True)}
    assert labels.tolist() == [names[image.numpy().tobytes()] for image in images]


def test_the_cache_gives_the_same_classifier(
    trained: Features, truth: ImageTruth, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "fit", lambda *_: trained)
    obtain(truth, "0123", tmp_path)
    monkeypatch.setattr(module, "fit", lambda *_: pytest.fail("trained again"))
    loaded = obtain(truth, "0123", tmp_path)
    images = as_floats(truth.images[:20])
    assert torch.equal(loaded.head(loaded.net(images)), trained.head(trained.net(images)))


def test_other_sets_are_read_as_whole_images() -> None:
    images = torch.randint(0, 256, (60, 3, 8, 8), generator=torch.Generator().manual_seed(1)).to(torch.uint8)
    found = fit(ImageTruth(images=images, labels=torch.arange(60) % 4, classes=4), "x")
    assert found.net(torch.zeros(2, 3, 8, 8)).shape == (2, WIDTH)


# What is counted


def test_real_images_hit_the_ids_they_show(probe: ImageFit, trained: Features) -> None:
    fresh = stacked(2_000, seed=2)
    found = measure(probe, as_floats(fresh.images)[None], fresh.labels[None])
    hit = len(fresh.labels.unique())
    assert 850 < hit < 880  # 1000 (1 - exp(-2)) = 865
    assert found["modes_hit"].item() == pytest.approx(hit, abs=25)
    share = torch.bincount(fresh.labels, minlength=1000).double() / 2_000
    expected = (share * (1000 * share).clamp_min(1e-9).log()).sum().item()
    assert found["mode_kl"].item() == pytest.approx(expected, abs=0.03)
    assert found["label_accuracy"].item() > trained.accuracy**3 - 0.1


def test_one_image_over_and_over_hits_one_id(probe: ImageFit, truth: ImageTruth) -> None:
    found = measure(probe, as_floats(truth.images[:1]).expand(1, 64, 3, 16, 16))
    assert found["modes_hit"].tolist() == [1]
    assert found["mode_kl"].item() == pytest.approx(log(1000), abs=1e-9) == pytest.approx(6.908, abs=5e-4)


def test_modes_are_counted_by_hand(probe: ImageFit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ids 5, 5, 5 and 999: KL = log 1000 + 3/4 log 3/4 + 1/4 log 1/4."""
    ids = torch.tensor([[5, 5, 5, 999], [0, 1, 2, 3]])
    monkeypatch.setattr(probe, "_read", lambda features: (ids, torch.ones(2, 4)))
    found = measure(probe, torch.zeros(2, 4, 3, 16, 16))
    assert found["modes_hit"].tolist() == [2, 4]
    expected = [log(1000) + 0.75 * log(0.75) + 0.25 * log(0.25), log(1000) - log(4)]
    assert found["mode_kl"].tolist() == pytest.approx(expected, rel=1e-12)
    assert found["class_share"][0, [5, 999]].tolist() == [0.75, 0.25]


def test_the_weights_of_the_ids_are_uniform(probe: ImageFit) -> None:
    assert probe.reference["class_weights"].tolist() == [1 / 1000] * 1000


def test_parts_give_what_the_whole_gives(probe: ImageFit, monkeypatch: pytest.MonkeyPatch) -> None:
    """Up to float32, in which the net runs: a Fréchet distance is what is left of variances of its features."""
    images = as_floats(stacked(100).images).unflatten(0, (2, 50))
    whole = measure(probe, images)
    monkeypatch.setattr("trainables.probes._CHUNK", 7)
    for name, value in measure(probe, images).items():
        scale = largest(probe.reference["feature_variance"] if "frechet" in name else value)
        assert_same(value.float(), whole[name].float(), scale, roundings=30, name=name)


def test_a_dead_replica_is_nan_and_alone(probe: ImageFit) -> None:
    images = as_floats(stacked(60).images).unflatten(0, (2, 30))
    clean = measure(probe, images)
    images[0, 3] = torch.nan
    for name, value in measure(probe, images).items():
        assert bool(value[0].isnan().all()), name
        assert torch.equal(value[1], clean[name][1]), name


def test_labels_must_be_all_that_the_channels_can_spell() -> None:
    images = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    with pytest.raises(ValueError, match="all combinations of 10 classes in each of 3 channels, got 100"):
        ImageTruth(images=images, labels=torch.tensor([0, 1]), classes=100, channel_classes=10)
