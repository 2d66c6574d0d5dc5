"""Streams: every draw is a pure function of seed, stream name and counter."""

import json
import subprocess
import sys
from collections.abc import Iterator
from unittest import mock

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from trainables import philox, streams
from trainables.streams import Streams, generator


def draw(kind: str, seeds: tuple[int, ...], stream: str, counter: int, shape: tuple[int, ...] = (64,)) -> Tensor:
    return drawn(Streams(seeds), kind, stream, counter, shape)


def drawn(own: Streams, kind: str, stream: str, counter: int, shape: tuple[int, ...]) -> Tensor:
    return own.normal(stream, counter, shape) if kind == "normal" else own.uniform(stream, counter, shape)


kinds = pytest.mark.parametrize("kind", ["normal", "uniform"])


@pytest.fixture
def ahead() -> Iterator[None]:
    """Draws by torch, several at once, as on a GPU."""
    with mock.patch.object(philox, "load", return_value=None):
        yield


class Counting(TorchDispatchMode):
    """Counts what torch is asked to compute."""

    calls = 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        self.calls += 1
        return function(*args, **(kwargs or {}))


@kinds
def test_a_draw_can_be_repeated(kind: str) -> None:
    own = Streams((5, 8))
    first = drawn(own, kind, "latent", 3, (4, 2))
    drawn(own, kind, "latent", 4, (4, 2))
    assert torch.equal(drawn(own, kind, "latent", 3, (4, 2)), first)


@kinds
@pytest.mark.parametrize("shape", [(4, 5), (), (0,), (3, 0, 2), (7,), (5, 3, 3)], ids=str)
def test_shape_and_dtype(kind: str, shape: tuple[int, ...]) -> None:
    values = draw(kind, (1, 2, 3), "latent", 0, shape)
    assert values.shape == (3, *shape)
    assert values.dtype == torch.float32
    assert values.device.type == "cpu"
    assert values.is_contiguous()


@kinds
def test_a_stack_draws_what_the_solo_runs_draw(kind: str) -> None:
    stacked = draw(kind, (7, 2**53 - 1, 0), "latent", 9)
    for row, seed in zip(stacked, (7, 2**53 - 1, 0), strict=True):
        assert torch.equal(row, draw(kind, (seed,), "latent", 9)[0])


@kinds
@pytest.mark.parametrize("other", [(6, "latent", 3), (5, "latent_g", 3), (5, "latent", 4)], ids=str)
def test_another_seed_stream_or_counter_gives_unrelated_numbers(kind: str, other: tuple[int, str, int]) -> None:
    seed, stream, counter = other
    one = draw(kind, (5,), "latent", 3, (20_000,))[0]
    two = draw(kind, (seed,), stream, counter, (20_000,))[0]
    assert abs(np.corrcoef(one, two)[0, 1]) < 0.03
    assert not np.isin(one, two).all()


def test_the_next_counter_does_not_continue_the_last() -> None:
    long = generator(5, "latent", 0).random(4_000)
    assert not np.isin(generator(5, "latent", 1).random(200), long).any()
    words = philox.Keys([5], torch.device("cpu")).draw("words", 0, 2_000, draws=2)
    assert len(words.unique()) > 3_995  # two of 4,000 words of 32 bits are equal once in 500 times


@kinds
@pytest.mark.parametrize("count", [1, 2, 3, 4, 5, 300])
def test_a_longer_draw_starts_with_the_shorter_one(kind: str, count: int) -> None:
    assert torch.equal(draw(kind, (5,), "latent", 0, (1_000,))[0, :count], draw(kind, (5,), "latent", 0, (count,))[0])


def test_picks_are_uniform_and_in_range() -> None:
    picks = Streams((11, 12)).picks("mode", 0, 90_000, 9)
    assert picks.shape == (2, 90_000)
    assert picks.dtype == torch.int64
    shares = torch.stack([row.bincount(minlength=9) for row in picks]) / 90_000
    assert shares.shape == (2, 9)
    torch.testing.assert_close(shares, torch.full((2, 9), 1 / 9), rtol=0, atol=0.005)


def test_no_pick_lies_beyond_the_last(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Streams, "uniform", lambda *rest: torch.tensor([[0.0, 1 - 2**-24]]))
    for among in (*range(1, 5_000), *(2**24 - less for less in range(100))):
        assert Streams((1,)).picks("mode", 0, 2, among).tolist() == [[0, among - 1]]


@pytest.mark.usefixtures("ahead")
@kinds
@pytest.mark.parametrize("counters", [range(100), (0, 1, 2, 3, 9, 2, 3, 4, 5, 5, 6, 0), range(2**32 - 9, 2**32 + 9)])
def test_draws_that_are_made_ahead_are_those_one_by_one(kind: str, counters: range | tuple[int, ...]) -> None:
    own = Streams((3, 4))
    for counter in counters:
        for shape in ((6, 5), (7,)):
            assert torch.equal(drawn(own, kind, "latent", counter, shape), draw(kind, (3, 4), "latent", counter, shape))


@pytest.mark.usefixtures("ahead")
def test_steps_in_a_row_cost_few_calls() -> None:
    own = Streams((3, 4))
    with Counting() as alone:
        own.normal("latent", 10_000, (8, 4))
    for step in range(64):
        own.normal("latent", step, (8, 4))
    with Counting() as counting:
        for step in range(64, 192):
            own.normal("latent", step, (8, 4))
    assert counting.calls / 128 < 10 < 100 < alone.calls


@pytest.mark.usefixtures("ahead")
def test_what_is_made_ahead_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streams, "_MOST_BYTES", {"cpu": 10_000})
    own, kept = Streams((3, 4)), []
    for step in range(200):
        for name in ("a", "b", "c", "d", "e", "f"):
            own.normal(name, step, (50,))
        own.normal("large", step, (2_000,))
        kept.append(sum(made.nbytes for _, made in own._ahead.values()))
    assert 20_000 < max(kept) <= 40_000


def test_numpys_and_torchs_global_generators_are_left_alone() -> None:
    before = np.random.get_state()[1].copy(), torch.get_rng_state()  # noqa: NPY002 - it is the subject
    draw("normal", (1,), "latent", 0)
    assert np.array_equal(np.random.get_state()[1], before[0])  # noqa: NPY002
    assert torch.equal(torch.get_rng_state(), before[1])


def test_another_process_draws_the_same() -> None:
    script = (
        "import json; from trainables.streams import Streams; s = Streams((3, 4));"
        "print(json.dumps([s.normal('latent', 7, (3,)).tolist(), s.uniform('x', 0, (3,)).tolist()]))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    own = Streams((3, 4))
    assert json.loads(done.stdout) == [
        own.normal("latent", 7, (3,)).tolist(),
        own.uniform("x", 0, (3,)).tolist(),
    ]


def test_the_numbers_are_those_of_every_earlier_record_of_the_edition() -> None:
    """Pinned: if this fails, stored seeds no longer lead to the stored results, and the edition must change."""
    assert streams.EDITION == 2
    assert generator(0, "latent", 0).integers(2**32, size=3).tolist() == [2135894519, 3540733919, 2703483054]
    assert (Streams((0,)).uniform("latent", 0, (3,)) * 2**24).tolist() == [[6739253.0, 15376830.0, 9275225.0]]
    normal = Streams((0,)).normal("latent", 1, (3,)).tolist()
    assert normal == [[-0.21653670072555542, 0.46548181772232056, -0.7802984118461609]]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@kinds
def test_a_gpu_draws_the_same_and_takes_no_copy_to_it(kind: str) -> None:
    own, shape = Streams((3, 4), torch.device("cuda")), (50, 3)
    drawn(own, kind, "latent", 0, shape)
    torch.cuda.set_sync_debug_mode("error")
    try:
        made = [drawn(own, kind, "latent", step, shape) for step in range(20)]
    finally:
        torch.cuda.set_sync_debug_mode("default")
    for step, values in enumerate(made):
        assert values.device.type == "cuda"
        assert torch.equal(values.cpu(), draw(kind, (3, 4), "latent", step, shape))
