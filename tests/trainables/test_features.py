"""The classifier whose features images are compared in. One training on the digits serves all tests here."""

import io
import pickle
from pathlib import Path

import pytest
import torch
from torch import Tensor

from trainables import features as module
from trainables.data import Digits, ImageSource, ImageTruth
from trainables.features import VERSION, WIDTH, Features, as_floats, fit, obtain

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def digits() -> ImageSource:
    return Digits().load(device=CPU, dtype=torch.float32)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("features") / "new"


@pytest.fixture(scope="module")
def trained(digits: ImageSource, cache: Path) -> Features:
    assert isinstance(digits.truth, ImageTruth)
    return obtain(digits.truth, digits.digest, cache)


def few(count: int = 60, *, labels: bool = True) -> ImageTruth:
    rng = torch.Generator().manual_seed(1)
    images = torch.randint(0, 256, (count, 1, 8, 8), generator=rng).to(torch.uint8)
    return ImageTruth(images=images, labels=torch.arange(count) % 3 if labels else None, classes=3 if labels else 0)


def weights(features: Features) -> dict[str, Tensor]:
    return {**features.net.state_dict(), **{f"head.{k}": v for k, v in features.head.state_dict().items()}}


def same(one: Features, other: Features) -> bool:
    mine, theirs = weights(one), weights(other)
    return mine.keys() == theirs.keys() and all(torch.equal(mine[name], theirs[name]) for name in mine)


def test_tells_handwritten_digits_apart(trained: Features) -> None:
    assert trained.task == "labels"
    assert 0.9 < trained.accuracy <= 1


def test_the_accuracy_is_that_of_the_net_it_describes(trained: Features, digits: ImageSource) -> None:
    assert isinstance(digits.truth, ImageTruth)
    guesses = trained.head(trained.net(as_floats(digits.truth.images))).argmax(1)
    right = (guesses == digits.truth.labels).float().mean().item()
    assert trained.accuracy - 0.02 < right <= 1


def test_meta_says_what_the_distances_rest_on(trained: Features, digits: ImageSource) -> None:
    expected = {"task": "labels", "accuracy": trained.accuracy, "data": digits.digest, "version": VERSION}
    assert trained.meta() == expected


def test_the_cache_gives_identical_weights_without_training(
    trained: Features, digits: ImageSource, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "fit", lambda *_: pytest.fail("trained again"))
    assert isinstance(digits.truth, ImageTruth)
    loaded = obtain(digits.truth, digits.digest, cache)
    assert same(loaded, trained)
    assert loaded.meta() == trained.meta()


@pytest.mark.parametrize("way", ["trained", "loaded"])
def test_nothing_is_left_to_differentiate(way: str, tmp_path: Path) -> None:
    found = obtain(few(), "0123", tmp_path)
    if way == "loaded":
        found = obtain(few(), "0123", tmp_path)
    assert not any(p.requires_grad for p in (*found.net.parameters(), *found.head.parameters()))
    assert not found.net(torch.zeros(2, 1, 8, 8)).requires_grad


@pytest.mark.parametrize("place", [0, 40, 5_000, 30_000])
def test_a_damaged_file_is_trained_again_with_a_warning(
    place: int, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One bit, in the headers and the weights."""
    first = obtain(few(), "0123", tmp_path)
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    damaged = bytearray(whole)
    damaged[place] ^= 1
    path.write_bytes(damaged)
    assert same(obtain(few(), "0123", tmp_path), first)
    assert caplog.messages == [f"the classifier in {path} is damaged: it is trained again"]
    assert path.read_bytes() == whole
    assert same(obtain(few(), "0123", tmp_path), first)
    assert len(caplog.messages) == 1


def test_a_file_cut_short_is_trained_again(tmp_path: Path) -> None:
    first = obtain(few(), "0123", tmp_path)
    (path,) = tmp_path.iterdir()
    for size in (0, 10, 2_000):
        path.write_bytes(path.read_bytes()[:size])
        assert same(obtain(few(), "0123", tmp_path), first)


class Trap:
    """What a pickle would execute."""

    def __reduce__(self) -> tuple[object, ...]:
        return (pytest.fail, ("executed",))


def test_what_is_no_weights_is_not_executed(tmp_path: Path) -> None:
    first = obtain(few(), "0123", tmp_path)
    (path,) = tmp_path.iterdir()
    written = io.BytesIO()
    torch.save({"net": Trap()}, written)
    for content in (written.getvalue(), pickle.dumps(Trap(), protocol=2)):
        path.write_bytes(content)
        assert same(obtain(few(), "0123", tmp_path), first)


def test_the_cache_holds_whole_files_only(trained: Features, cache: Path, digits: ImageSource) -> None:
    assert [path.name for path in cache.iterdir()] == [f"features-{digits.digest}-v{VERSION}.pt"]


def test_other_data_have_another_place_in_the_cache(tmp_path: Path) -> None:
    obtain(few(), "0123", tmp_path)
    obtain(few(70), "4567", tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


def test_training_is_deterministic() -> None:
    assert same(fit(few(), "x"), fit(few(), "x"))


@pytest.mark.parametrize("way", ["trained", "loaded"])
def test_torchs_global_random_numbers_are_left_alone(way: str, tmp_path: Path) -> None:
    if way == "loaded":
        obtain(few(), "x", tmp_path)
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    obtain(few(), "x", tmp_path)
    assert torch.equal(torch.rand(3), expected)


def test_unlabeled_images_are_told_apart_by_rotation() -> None:
    """Images that are bright on one side only: rotation is easy to see."""
    images = torch.zeros(200, 1, 8, 8, dtype=torch.uint8)
    images[:, :, :3] = torch.randint(100, 256, (200, 1, 3, 8), generator=torch.Generator().manual_seed(2)).to(
        torch.uint8
    )
    found = fit(ImageTruth(images=images, labels=None, classes=0), "x")
    assert found.task == "rotations"
    assert found.accuracy > 0.9
    assert found.head.out_features == 4


def test_features_have_one_width() -> None:
    found = fit(few(), "x")
    assert found.net(torch.zeros(5, 1, 8, 8)).shape == (5, WIDTH)
    assert found.head.out_features == 3


def test_training_leaves_the_images_alone() -> None:
    truth = few(labels=False)
    before = truth.images.clone()
    fit(truth, "x")
    assert torch.equal(truth.images, before)


def test_too_few_images_are_refused() -> None:
    with pytest.raises(ValueError, match="images must be at least 5 to learn features from, got 4"):
        fit(few(4), "x")
    assert fit(few(5), "x").accuracy in (0.0, 1.0)


def test_bytes_become_floats_between_minus_one_and_one() -> None:
    assert as_floats(torch.tensor([0, 255], dtype=torch.uint8)).tolist() == pytest.approx([-1, 1])


@pytest.mark.parametrize(
    ("classes", "images", "epochs"),
    [(4, 100, 12), (10, 1_438, 12), (11, 9_600, 12), (50, 2_400, 53), (100, 9_600, 27)],
)
def test_many_classes_get_40_updates_each(classes: int, images: int, epochs: int) -> None:
    assert module._epochs(classes, images) == epochs


def test_an_untrained_classifier_is_the_one_that_training_begins_with(monkeypatch: pytest.MonkeyPatch) -> None:
    untrained = module.untrained(few(), "0")
    monkeypatch.setattr(module, "_epochs", lambda classes, images: 0)
    assert same(untrained, fit(few(), "0"))
    assert not any(weight.requires_grad for weight in [*untrained.net.parameters(), *untrained.head.parameters()])
    assert module.untrained(few(labels=False), "0").task == "rotations"
