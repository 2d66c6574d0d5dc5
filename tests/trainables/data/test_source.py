"""Batches are a pure function of seed and counter; images are walked, mixtures drawn."""

import gc
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from trainables.data import source as module
from trainables.data.ring import Ring
from trainables.data.source import ImageSource, ImageTruth, Source
from trainables.streams import Streams

CPU = torch.device("cpu")
BLACK = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)


def numbered(count: int) -> Tensor:
    """Image ``i`` has the bytes ``i // 200`` and ``i % 200`` everywhere, so that it is recognised in a batch."""
    images = torch.empty(count, 2, 2, 2, dtype=torch.uint8)
    number = torch.arange(count)
    images[:, 0] = (number // 200).to(torch.uint8)[:, None, None]
    images[:, 1] = (number % 200).to(torch.uint8)[:, None, None]
    return images


def images_source(images: Tensor, *, dtype: torch.dtype = torch.float32, on_device: bool = True) -> ImageSource:
    return ImageSource(ImageTruth(images=images, labels=None, classes=0), device=CPU, dtype=dtype, on_device=on_device)


def numbers(samples: Tensor) -> list[int]:
    """Which of the numbered images a batch holds."""
    values = ((samples.double() + 1) * 127.5).round().long()[..., 0, 0].reshape(-1, 2)
    return (values[:, 0] * 200 + values[:, 1]).tolist()


def ring_source(dtype: torch.dtype = torch.float32) -> Source:
    return Ring().load(device=CPU, dtype=dtype)


SOURCES = {"mixture": ring_source, "images": lambda dtype=torch.float32: images_source(numbered(60), dtype=dtype)}


@pytest.fixture(params=SOURCES)
def make(request: pytest.FixtureRequest):
    return SOURCES[request.param]


def test_stack_draws_what_solo_runs_draw(make) -> None:
    source = make()
    stacked = source.batch(Streams([3, 8, 5]), 4, 7).samples
    assert stacked.shape == (3, 7, *source.shape)
    for row, seed in zip(stacked, (3, 8, 5), strict=True):
        assert torch.equal(row, make().batch(Streams([seed]), 4, 7).samples[0])


def test_batch_does_not_depend_on_what_was_drawn_before(make) -> None:
    fresh, used = make(), make()
    for counter in (30, 0, 7):
        used.batch(Streams([1, 2]), counter, 7)
        used.batch(Streams([2]), counter, 9)
    used.reference(5)
    assert torch.equal(used.batch(Streams([1, 2]), 11, 7).samples, fresh.batch(Streams([1, 2]), 11, 7).samples)


def test_seeds_and_counters_give_different_batches(make) -> None:
    source = make()
    batches = [source.batch(Streams([seed]), counter, 7).samples for seed in (0, 1) for counter in (0, 1, 8)]
    assert all(not torch.equal(a, b) for i, a in enumerate(batches) for b in batches[:i])


def test_reference_is_the_same_for_every_launch(make) -> None:
    used = make()
    used.batch(Streams([4]), 3, 6)
    assert torch.equal(used.reference(9), make().reference(9))
    assert used.reference(9).shape == (9, *used.shape)


def test_reference_is_no_replicas_training_data(make) -> None:
    source = make()
    assert not torch.equal(source.reference(7), source.batch(Streams([0]), 0, 7).samples[0])


def test_double_precision_sees_the_values_of_single_precision(make) -> None:
    single, double = make(), make(torch.float64)
    for ours, theirs in (
        (single.batch(Streams([1, 2]), 3, 20).samples, double.batch(Streams([1, 2]), 3, 20).samples),
        (single.reference(20), double.reference(20)),
    ):
        assert (ours.dtype, theirs.dtype) == (torch.float32, torch.float64)
        assert torch.equal(ours.double(), theirs)


def test_digest_does_not_depend_on_precision(make) -> None:
    assert make().digest == make(torch.float64).digest


def test_digest_does_not_depend_on_where_batches_go() -> None:
    truth = ImageTruth(images=numbered(60), labels=None, classes=0)
    elsewhere = ImageSource(truth, device=torch.device("meta"), dtype=torch.float32, on_device=False)
    assert elsewhere.digest == images_source(numbered(60)).digest


def test_an_epoch_shows_every_image_that_is_not_held_out_once() -> None:
    source = images_source(numbered(60))
    for epoch in (0, 1):
        seen = [n for step in range(6) for n in numbers(source.batch(Streams([5]), 6 * epoch + step, 8).samples)]
        assert sorted(seen) == sorted(source.trained_on.tolist())


def test_epochs_and_replicas_walk_in_different_orders() -> None:
    source = images_source(numbered(60))
    walks = [numbers(source.batch(Streams([seed]), epoch, 48).samples) for seed in (0, 1) for epoch in (0, 1)]
    assert len({tuple(walk) for walk in walks}) == 4


def test_an_incomplete_batch_is_dropped() -> None:
    source = images_source(numbered(31))  # 25 of them to train on
    batches = [[source.batch(Streams([0]), 2 * e + step, 10).samples for step in range(2)] for e in (0, 1)]
    epochs = [[n for batch in own for n in numbers(batch)] for own in batches]
    assert all(len(set(seen)) == 20 for seen in epochs)
    assert set(epochs[0]) != set(epochs[1])


def test_bytes_become_floats_between_minus_one_and_one() -> None:
    every_byte = torch.arange(256, dtype=torch.uint8)[:, None, None, None]
    values = images_source(every_byte).at(torch.arange(256)[None]).samples.flatten().sort().values
    expected = torch.arange(256, dtype=torch.float64) / 127.5 - 1
    assert (values[0], values[-1]) == (-1.0, 1.0)
    torch.testing.assert_close(values.double(), expected, rtol=0, atol=6e-8)


def test_reference_has_no_image_twice_and_ends_with_the_set() -> None:
    source = images_source(numbered(60))
    assert len(set(numbers(source.reference(40)))) == 40
    assert sorted(numbers(source.reference(100))) == sorted(source.trained_on.tolist())


@pytest.mark.parametrize("size", [0, 49])
def test_batch_size_must_fit_the_images_to_train_on(size: int) -> None:
    message = (
        "^batch_size must be between 1 and 48, as 48 of the 60 images are not held out, "
        f"got {size}: set a smaller one, or add images$"
    )
    with pytest.raises(ValueError, match=message):
        images_source(numbered(60)).batch(Streams([0]), 0, size)


def test_a_batch_of_packs_needs_as_many_images() -> None:
    images_source(numbered(60)).check_batch(12, packing=4)
    with pytest.raises(
        ValueError, match=r"and 12, as 48 of the 60 images are .* packing takes 4 for each, got 13: set"
    ):
        images_source(numbered(60)).check_batch(13, packing=4)
    with pytest.raises(ValueError, match=r"packing takes 40 for each, got 2: add images$"):
        images_source(numbered(60)).check_batch(2, packing=40)


@pytest.mark.parametrize(("count", "held"), [(1, 0), (4, 0), (5, 1), (25, 5), (60, 12), (30_000, 5_000)])
def test_a_fifth_of_the_images_is_held_out_and_at_most_5_000(count: int, held: int) -> None:
    source = images_source(numbered(count))
    assert (len(source.kept_back), len(source.trained_on)) == (held, count - held)
    both = torch.cat([source.kept_back, source.trained_on])
    assert sorted(both.tolist()) == list(range(count))
    assert source.reference(1).shape == (1, 2, 2, 2)  # there is always something to train on


def test_held_out_images_are_the_numbers_kept_back_and_no_others() -> None:
    source = images_source(numbered(60))
    assert numbers(source.held_out(7)) == source.kept_back.tolist()[:7]
    assert numbers(source.held_out(100)) == source.kept_back.tolist()
    assert images_source(numbered(4)).held_out(10).shape == (0, 2, 2, 2)


def test_no_batch_shows_a_held_out_image_whatever_the_seed() -> None:
    source = images_source(numbered(60))
    held = source.kept_back.tolist()
    for seed in range(20):
        shown = {n for counter in range(12) for n in numbers(source.batch(Streams([seed]), counter, 8).samples)}
        assert shown.isdisjoint(held)
        assert len(shown) == 48
    assert set(numbers(source.reference(60))).isdisjoint(held)


def test_the_same_images_are_held_out_for_every_launch_precision_and_place() -> None:
    held = images_source(numbered(60)).kept_back.tolist()
    assert images_source(numbered(60), dtype=torch.float64, on_device=False).kept_back.tolist() == held
    assert images_source(numbered(60).flip(0)).kept_back.tolist() == held  # by place, not by content
    assert held != list(range(12))


def test_digest_changes_with_any_pixel_label_or_shape() -> None:
    images, labels = numbered(10_000), torch.arange(10_000) % 3
    other_pixel, other_label = images.clone(), labels.clone()
    other_pixel[9_999, 1, 1, 1] ^= 1
    other_label[9_999] = (other_label[9_999] + 1) % 3
    truths = [
        ImageTruth(images=images, labels=labels, classes=3),
        ImageTruth(images=other_pixel, labels=labels, classes=3),
        ImageTruth(images=images, labels=other_label, classes=3),
        ImageTruth(images=images, labels=None, classes=0),
        ImageTruth(images=images.view(10_000, 8, 1, 1), labels=labels, classes=3),
    ]
    digests = {ImageSource(truth, device=CPU, dtype=torch.float32).digest for truth in truths}
    assert len(digests) == 5


def test_digest_of_a_large_set_reads_a_spread_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HASHED_WHOLE_BYTES", 1_000)
    monkeypatch.setattr(module, "HASHED_SPREAD", 10)
    images = numbered(1_000)
    first = images_source(images).digest
    images[101] = 255
    unread = images_source(images).digest
    images[100] = 255
    assert unread == first
    assert images_source(images).digest != first


def test_a_memory_map_is_not_copied(tmp_path: Path) -> None:
    np.save(tmp_path / "images.npy", numbered(60).numpy())
    images = torch.from_numpy(np.load(tmp_path / "images.npy", mmap_mode="r+"))
    source = images_source(images, on_device=False)
    before = source.reference(60)
    images[:] = 255
    assert torch.equal(source.reference(60), torch.ones_like(before))
    assert not torch.equal(before, torch.ones_like(before))


def test_a_dropped_source_frees_its_images_at_once() -> None:
    images = numbered(60)
    gone = weakref.ref(images)
    source = images_source(images)
    source.batch(Streams([0]), 0, 10)
    gc.disable()
    try:
        del source, images
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize(
    ("images", "labels", "classes", "message"),
    [
        (BLACK.float(), None, 0, "images must be uint8"),
        (BLACK[0], None, 0, "images must be uint8"),
        (BLACK[:0], None, 0, "with N >= 1"),
        (BLACK, None, 3, "classes must be 0 without labels, got 3"),
        (BLACK, torch.zeros(2, dtype=torch.int64), 3, r"labels must be \[1\] for as many images, got \(2,\)"),
        (BLACK, torch.tensor([3]), 3, r"labels must lie in 0\.\.2, got 3\.\.3"),
        (BLACK, torch.tensor([-1]), 3, r"labels must lie in 0\.\.2, got -1\.\.-1"),
    ],
)
def test_image_truth_refuses_what_does_not_fit(
    images: Tensor, labels: Tensor | None, classes: int, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        ImageTruth(images=images, labels=labels, classes=classes)
