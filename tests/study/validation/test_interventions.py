"""Changes reach the replicas they are meant for, at the steps they are meant for, and nothing else."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from study.validation import digits, ring
from study.validation.interventions import Copies, InjectedGame, KeepClasses, KeepModes, Poison, RateStep, Relabel, Span
from trainables import games
from trainables.config import Evaluation, GanConfig
from trainables.loop import Loop
from trainables.streams import Streams

CPU = torch.device("cpu")
SMALL = replace(ring.BASE, steps=6, evaluation=Evaluation(every=2, samples=200), batch_size=8)
IMAGES = replace(digits.BASE, steps=6, evaluation=Evaluation(every=2, samples=60), batch_size=20)
SEEDS = (3, 4, 5)


def loop(config: GanConfig = SMALL, seeds: tuple[int, ...] = SEEDS, **changes: Any) -> Loop:
    source = config.data.load(device=CPU, dtype=torch.float32)
    game = InjectedGame(games.build(config), **changes)
    return Loop(config, seeds, source, [], device=CPU, game=game)


def advanced(config: GanConfig = SMALL, steps: int = 2, **options: Any) -> Loop:
    own = loop(config, **options)
    for _ in range(steps):
        own.advance()
    return own


def same(a: Tensor, b: Tensor) -> bool:
    return torch.equal(a, b)


@pytest.mark.parametrize(
    ("span", "held"),
    [
        (Span(), [False, True, True, True, True, True, True]),
        (Span(start=2, end=4), [False, False, True, True, False, False, False]),
        (Span(start=1, half=2), [False, True, True, False, False, True, True]),
    ],
)
def test_the_steps_of_a_span(span: Span, held: list[bool]) -> None:
    assert [span.holds(step) for step in range(7)] == held


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"start": 0}, "start must be >= 1, got 0"),
        ({"start": 5, "end": 5}, "end must be > start = 5, got 5"),
        ({"half": 0}, "half must be >= 1, got 0"),
    ],
)
def test_a_span_out_of_range_is_refused(fields: dict[str, int], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Span(**fields)


def test_without_a_change_the_game_is_the_configurations_own() -> None:
    source = SMALL.data.load(device=CPU, dtype=torch.float32)
    plain = Loop(SMALL, SEEDS, source, [], device=CPU)
    plain.advance()
    assert same(plain.sample(50), advanced(steps=1).sample(50))


def test_only_the_replicas_with_a_change_of_samples_have_it() -> None:
    plain, changed = advanced(), advanced(samplings=[None, KeepModes(modes=2), None])
    before, after = plain.sample(100), changed.sample(100)
    assert same(before[0], after[0])
    assert same(before[2], after[2])
    assert not same(before[1], after[1])
    alone = advanced(seeds=(4,), samplings=[KeepModes(modes=2)]).sample(100)
    assert torch.allclose(after[1], alone[0], atol=1e-4)


def test_a_report_sees_the_changed_samples_and_training_does_not() -> None:
    plain, changed = advanced(), advanced(samplings=[KeepModes(modes=1)] * 3)
    rows = changed.report()
    assert [row["d_loss"] for row in rows] == [row["d_loss"] for row in plain.report()]
    for own, other in zip(plain.state_dict()["params"].values(), changed.state_dict()["params"].values(), strict=True):
        assert all(same(own[name], other[name]) for name in own)


def test_the_untrained_generator_is_never_changed() -> None:
    assert same(loop().sample(50), loop(samplings=[Copies(points=1)] * 3).sample(50))


def nearest(samples: Tensor) -> Tensor:
    centers = torch.from_numpy(SMALL.data.load(device=CPU, dtype=torch.float32).truth.centers).to(samples)
    return torch.cdist(samples, centers.expand(len(samples), 8, 2)).argmin(-1)


@pytest.mark.parametrize("modes", [1, 3, 7])
def test_at_most_so_many_modes_are_left_and_their_own_samples_stay(modes: int) -> None:
    before = advanced().sample(200)
    after = advanced(samplings=[KeepModes(modes=modes)] * 3).sample(200)
    moved = (before - after).norm(dim=-1) > 0
    for replica in range(3):
        kept = set(nearest(before)[replica][~moved[replica]].tolist())
        assert len(kept) <= modes
    centers = torch.from_numpy(SMALL.data.load(device=CPU, dtype=torch.float32).truth.centers).to(before)
    shifts = (after - before)[moved]
    differences = (centers[:, None] - centers[None]).flatten(0, 1)
    assert (shifts[:, None] - differences[None]).norm(dim=-1).amin(-1).max() < 1e-4


def test_one_mode_is_where_all_samples_end() -> None:
    span = Span(start=2)
    before, after = (advanced(samplings=own).sample(200) for own in ([], [KeepModes(modes=1, span=span)] * 3))
    centers = torch.from_numpy(SMALL.data.load(device=CPU, dtype=torch.float32).truth.centers).to(before)
    offsets = before - centers[nearest(before)]
    left = [{tuple(place) for place in own.tolist()} for own in (after - offsets).mul(1e3).round()]
    assert all(len(places) <= 4 for places in left), "one centre, but for the rounding of its two coordinates"


def test_a_change_holds_at_its_own_step_and_not_before() -> None:
    change = [Copies(points=1, span=Span(start=3))] * 3
    assert same(advanced(steps=2).sample(20), advanced(steps=2, samplings=change).sample(20))
    assert len(advanced(steps=3, samplings=change).sample(20)[0].unique(dim=0)) == 1


def test_copies_are_training_samples_in_turn() -> None:
    samples = advanced(samplings=[Copies(points=2)] * 3).sample(20)
    streams = Streams(loop().seeds)
    real = SMALL.data.load(device=CPU, dtype=torch.float32).batch(streams, 0, 2).samples
    assert same(samples, real[:, torch.arange(20) % 2])


def test_only_kept_classes_are_left_in_balance() -> None:
    plain = advanced(IMAGES)
    samples, labels = advanced(IMAGES, samplings=[None, KeepClasses(classes=2, first=9), None]).draw(80)
    assert labels is not None
    assert sorted(set(labels[1].tolist())) == [0, 9]
    assert np.bincount(labels[1])[[0, 9]].tolist() == [40, 40]
    assert set(labels[0].tolist()) > {0, 9}
    assert same(samples[0], plain.sample(80)[0])


def test_relabeled_samples_are_the_same_images() -> None:
    samples, labels = advanced(IMAGES).draw(30)
    shifted, others = advanced(IMAGES, samplings=[Relabel(shift=3)] * 3).draw(30)
    assert labels is not None
    assert others is not None
    assert same(samples, shifted)
    assert same((labels + 3) % 10, others)


def test_copies_of_images_have_their_own_labels() -> None:
    _, labels = advanced(IMAGES, samplings=[Copies(points=1)] * 3).draw(30)
    assert labels is not None
    assert all(len(set(own.tolist())) == 1 for own in labels)


@pytest.mark.parametrize(("start", "finite"), [(1, False), (2, True)])
def test_poison_works_from_its_step_on(start: int, finite: bool) -> None:
    own = advanced(steps=2, training=Poison(of="g", start=start))
    assert own.finite.tolist() == [finite] * 3
    assert bool(own.sample(5).isfinite().all()) is finite


def test_a_rate_step_multiplies_one_learning_rate_once() -> None:
    change, own = RateStep(of="g", start=1, factor=100.0), loop()
    rates = []
    for _ in range(3):
        change.before(own)
        own.advance()
        optimizers = own.state_dict()["optimizers"]
        rates.append((optimizers["g"]["param_groups"][0]["lr"], optimizers["d"]["param_groups"][0]["lr"]))
    assert rates == [(3e-3, 3e-3), (pytest.approx(0.3), 3e-3), (pytest.approx(0.3), 3e-3)]
