"""Philox4x32-10 gives the published words, and the same numbers to the bit whoever computes them."""

from unittest import mock

import numpy as np
import pytest
import torch
from scipy import stats
from torch.utils._python_dispatch import TorchDispatchMode

from trainables import philox
from trainables.philox import KINDS, Keys, Kind

CPU = torch.device("cpu")
ALL = 2**64 - 1
KEYS = (0, 5, ALL, 0x299F31D0A4093822)
compiled = pytest.mark.skipif(philox.load() is None, reason="needs a C compiler")
every_kind = pytest.mark.parametrize("kind", KINDS)


def by_torch(*keys: int, device: torch.device = CPU) -> Keys:
    with mock.patch.object(philox, "load", return_value=None):
        return Keys(keys, device)


def both(*keys: int) -> list[Keys]:
    return [by_torch(*keys), *([Keys(keys, CPU)] if philox.load() is not None else [])]


@pytest.mark.parametrize(
    ("key", "number", "block", "words"),
    [
        (0, 0, 0, "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        (ALL, ALL, ALL, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            0x299F31D0A4093822,
            0x0370734413198A2E,
            0x85A308D3243F6A88,
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
    ids=["zeros", "ones", "pi"],
)
def test_the_words_are_those_of_random123(key: int, number: int, block: int, words: str) -> None:
    for own in both(key):
        found = own.draw("words", number, 4, first=block).flatten().tolist()
        assert " ".join(f"{word:08x}" for word in found) == words


@compiled
@every_kind
@pytest.mark.parametrize("count", [0, 1, 2, 3, 5, 255, 256, 257, 30_001])
def test_the_compiled_numbers_are_those_of_torch(kind: Kind, count: int) -> None:
    one, other = both(*KEYS)
    found, expected = (own.draw(kind, 2**33 + 7, count, draws=2) for own in (one, other))
    assert other.compiled
    assert not one.compiled
    assert found.shape == (2, len(KEYS), count)
    assert found.dtype == expected.dtype
    assert torch.equal(found, expected)


@every_kind
def test_draws_at_once_are_those_one_by_one(kind: Kind) -> None:
    for own in both(*KEYS):
        at_once = own.draw(kind, 2**32 - 2, 9, draws=4)
        for place in range(4):
            assert torch.equal(at_once[place], own.draw(kind, 2**32 - 2 + place, 9)[0])


@every_kind
def test_a_large_draw_is_made_in_parts(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    own = by_torch(*KEYS)
    whole = own.draw(kind, 3, 1_001)
    monkeypatch.setattr(philox, "_MOST_BLOCKS", 100)
    assert torch.equal(own.draw(kind, 3, 1_001), whole)


@every_kind
def test_a_draw_goes_on_from_a_later_block(kind: Kind) -> None:
    for own in both(*KEYS):
        assert torch.equal(own.draw(kind, 3, 1_000, first=250), own.draw(kind, 3, 2_000)[..., 1_000:])


def test_numbers_follow_from_their_words() -> None:
    for own in both(8):
        words = own.draw("words", 1, 200_000).flatten().numpy()
        assert np.array_equal(own.draw("uniform", 1, 200_000).flatten().numpy(), (words >> 8) / 2**24)
        radius = np.sqrt(-2 * np.log((words[::2] + 1) / 2**32))
        angle = 2 * np.pi * words[1::2] / 2**32
        expected = np.stack([radius * np.cos(angle), radius * np.sin(angle)], 1).ravel()
        found = own.draw("normal", 1, 200_000).flatten().numpy()
        # Where an angle is near a quarter of the circle, its cosine is as exact as the angle is.
        np.testing.assert_allclose(found, expected, rtol=6.1e-8, atol=4e-15)
        assert (found == expected.astype(np.float32)).mean() > 0.999


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (0, 0, (np.sqrt(64 * np.log(2)), 0.0)),
        (0, 2**30, (0.0, np.sqrt(64 * np.log(2)))),
        (0, 2**31, (-np.sqrt(64 * np.log(2)), 0.0)),
        (0, 3 * 2**30, (0.0, -np.sqrt(64 * np.log(2)))),
        (2**32 - 1, 2**29, (0.0, 0.0)),
        (2**32 - 2, 0, (np.sqrt(2 / 2**32), 0.0)),
        (2**31 - 1, 2**29, (np.sqrt(np.log(2)), np.sqrt(np.log(2)))),
    ],
    ids=str,
)
def test_the_ends_of_the_normal_numbers(first: int, second: int, expected: tuple[float, float]) -> None:
    words = torch.tensor([first, second, first, second])[:, None]
    found = philox._normal(words).flatten().tolist()
    assert found == pytest.approx([*expected, *expected], rel=1e-7, abs=0)


@pytest.mark.parametrize(
    ("kind", "distribution"), [("normal", stats.norm), ("uniform", stats.uniform)], ids=["normal", "uniform"]
)
def test_numbers_follow_their_distribution(kind: Kind, distribution: stats.rv_continuous) -> None:
    values = both(21)[-1].draw(kind, 4, 1_000_000).flatten().double().numpy()
    assert stats.kstest(values, distribution.cdf).pvalue > 0.01
    lags = [np.corrcoef(values[:-lag], values[lag:])[0, 1] for lag in (1, 2, 3, 4, 8)]
    assert np.abs(lags).max() < 0.005


def test_normal_numbers_have_the_moments_and_tails_of_the_normal_distribution() -> None:
    values = both(22)[-1].draw("normal", 5, 4_000_000).flatten().double().numpy()
    for power, moment, spread in ((1, 0, 1), (2, 1, 2), (3, 0, 15), (4, 3, 96)):
        assert (values**power).mean() == pytest.approx(moment, abs=4 * np.sqrt(spread / len(values)))
    for beyond in (2.0, 3.0, 4.0, 4.5):
        expected = len(values) * 2 * stats.norm.sf(beyond)
        assert (np.abs(values) > beyond).sum() == pytest.approx(expected, abs=4 * np.sqrt(expected))
    pairs = values.reshape(-1, 2)
    assert abs(np.corrcoef(pairs.T)[0, 1]) < 0.003
    assert abs(np.corrcoef((pairs**2).T)[0, 1]) < 0.003


def test_a_draw_in_torch_is_as_many_calls_for_many_draws_as_for_one() -> None:
    class Counting(TorchDispatchMode):
        calls = 0

        def __torch_dispatch__(self, function, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            self.calls += 1
            return function(*args, **(kwargs or {}))

    own, counts = by_torch(*KEYS), []
    for draws in (1, 32):
        with Counting() as counting:
            own.draw("normal", 0, 100, draws=draws)
        counts.append(counting.calls)
    assert counts[0] == counts[1] < 250


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@every_kind
def test_a_gpu_draws_the_same_to_the_bit(kind: Kind) -> None:
    found = Keys(KEYS, torch.device("cuda")).draw(kind, 2**33 + 7, 100_003, draws=2)
    assert found.device.type == "cuda"
    assert torch.equal(found.cpu(), both(*KEYS)[-1].draw(kind, 2**33 + 7, 100_003, draws=2))
