"""What a launch would cost: what is timed, how often it counts, and what stands in for the data meanwhile."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import torch

import study
from study.design.plan import Plan
from study.scheduling import cost, neighbors
from study.scheduling.cost import Replica, _ends, _stand_in
from tests.trainables.made_autoencoders import config as autoencoder
from trainables import features
from trainables.autoencoder.split import Split
from trainables.config import Config, Evaluation, GanConfig, Latent
from trainables.data import Digits
from trainables.networks import Dcgan
from trainables.optim import Adam
from trainables.streams import Streams

CPU = torch.device("cpu")
GAN = GanConfig(
    data=Digits(side=8),
    generator=Dcgan(),
    discriminator=Dcgan(),
    latent=Latent(dim=2),
    g_optimizer=Adam(lr=1e-3),
    d_optimizer=Adam(lr=1e-3),
    steps=1,
    evaluation=Evaluation(every=1, samples=16),
)


@pytest.mark.parametrize("size", [2, 16, 64, 77])
def test_a_whole_batch_fits_beside_what_is_held_out(size: int) -> None:
    own = replace(GAN, batch_size=size)
    assert _stand_in(own, CPU).batch(Streams([0]), 0, size).samples.shape == (1, size, 1, 8, 8)


@pytest.mark.parametrize("share", [0.05, 0.2, 0.5])
@pytest.mark.parametrize("kind", ["basic", "semi-supervised"])
def test_an_autoencoder_finds_its_labels_and_batches_in_it(kind: str, share: float) -> None:
    own = autoencoder(kind, held_out=share, batch_size=50)
    Split(own, _stand_in(own, CPU), (0, 1)).check()


def planned(**options: object) -> Plan:
    """Four cells, blocks of two."""
    steps = {"steps": 20, "evaluation.every": 2}
    return replace(study.plan("wgan-clip", "smoke", set=steps), seeds=tuple(range(5)), block=2, **options)  # type: ignore[arg-type]


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No neighbors, libraries that take two seconds to load, and two cores."""

    @contextmanager
    def busy(count: int) -> Iterator[float]:
        yield 2.0

    monkeypatch.setattr(neighbors, "busy", busy)
    monkeypatch.setattr(cost.os, "sched_getaffinity", lambda process: {0, 1})
    monkeypatch.setattr(cost, "replica", lambda config, *arguments: Replica(training=3.0, reports=1.0))


def test_the_next_block_begins_when_one_has_ended() -> None:
    blocks = planned().blocks()[:3]  # of cells 0, 1 and 2
    seconds = {0: Replica(4.0, 1.0), 1: Replica(1.0, 0.0), 2: Replica(2.0, 0.5)}
    assert _ends(blocks, seconds, [1.0]) == [2 * (5 + 1 + 2.5)]
    assert _ends(blocks, seconds, [1.0, 1.0]) == [2 * 5, 2 * (1 + 2.5)]
    assert _ends(blocks, seconds, [1.0, 1.0, 1.0]) == [2 * 5, 2 * 1, 2 * 2.5]
    assert _ends(blocks, seconds, [0.5, 2.0]) == [2 * 2 * 5, 2 * (1 + 2.5) / 2], "a place of speed 2 is twice as fast"


@pytest.mark.usefixtures("alone")
def test_a_launch_takes_its_start_and_all_of_its_replicas() -> None:
    found = cost.estimate(planned())
    assert (found.training_seconds, found.report_seconds, found.at_a_time) == (4 * 5 * 3.0, 4 * 5 * 1.0, 2)
    assert found.start_seconds == cost._LOADS * 2.0
    assert found.wall_seconds == found.least_wall_seconds == found.start_seconds + 4 * 5 * 4.0 / 2


@pytest.mark.usefixtures("alone")
def test_a_launch_until_decided_takes_at_least_its_first_seeds() -> None:
    found = cost.estimate(planned(until_decided=True, least=2))
    assert found.wall_seconds == found.start_seconds + 4 * 5 * 4.0 / 2
    assert found.least_wall_seconds == found.start_seconds + 4 * 2 * 4.0 / 2


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize(("budget", "seconds"), [(1.0, 16.0), (20.0, 28.0), (1_000.0, 40.0)])
def test_a_budget_ends_a_launch_when_the_blocks_have_ended_that_it_let_begin(budget: float, seconds: float) -> None:
    found = cost.estimate(planned(until_decided=True, least=2, budget=budget))
    assert found.wall_seconds == found.start_seconds + seconds


def test_steps_reports_and_pictures_count_as_often_as_they_happen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    done: list[str] = []

    def timed(work: object, device: object) -> float:
        done.append(getattr(work, "__name__", ""))
        return 0.25

    monkeypatch.setattr(cost, "_timed", timed)
    monkeypatch.setattr(cost, "_mean", lambda work, seconds, device: 0.5)
    found = cost.replica(planned().cells[0].config, 2, 0.1, tmp_path)
    assert done == ["advance", "report", "<lambda>"], "the first step alone is slow"
    assert found.training == 0.5 * 20 / 2
    assert found.reports == (0.25 * 11 + 0.25 * 5) / 2


def test_images_are_reported_without_a_classifier_to_be_trained(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(features, "fit", lambda *arguments: pytest.fail("a classifier was trained"))
    small = Dcgan(channels=(8, 8))
    own = replace(GAN, data=Digits(side=16), generator=small, discriminator=small, steps=10)
    found = cost.replica(own, 2, 0.01, tmp_path)
    assert min(found.training, found.reports) > 0
    assert len(list(tmp_path.glob("*.png"))) == 2, "a picture of each replica"


@pytest.mark.usefixtures("alone")
@pytest.mark.parametrize("flushed", [False, True])
def test_a_measurement_leaves_threads_and_denormal_numbers_as_they_were(
    monkeypatch: pytest.MonkeyPatch, flushed: bool
) -> None:
    seen: list[tuple[int, bool]] = []

    def state() -> tuple[int, bool]:
        return torch.get_num_threads(), bool(torch.tensor(1e-40) * 1.0 == 0.0)

    def replica(*arguments: object) -> Replica:
        seen.append(state())
        return Replica(1.0, 1.0)

    monkeypatch.setattr(cost, "replica", replica)
    torch.set_flush_denormal(flushed)
    before = state()
    cost.estimate(planned())
    assert before[1] is flushed
    assert set(seen) == {(1, True)}, "as in a worker"
    assert state() == before


@pytest.mark.usefixtures("alone")
def test_no_step_is_timed_with_the_kernels_being_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    for module in (cost.kernels, cost.philox):
        monkeypatch.setattr(module, "load", lambda name=module.__name__: done.append(name))
    monkeypatch.setattr(cost, "replica", lambda *arguments: done.append("timed") or Replica(1.0, 1.0))
    cost.estimate(planned())
    assert done[:2] == ["trainables.kernels", "trainables.philox"]
    assert set(done[2:]) == {"timed"}


@pytest.mark.slow
def test_neighbors_work_until_they_are_not_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[str]] = []
    plain = subprocess.Popen

    def starting(*arguments: object, **options: object) -> "subprocess.Popen[str]":
        started.append(plain(*arguments, **options))  # type: ignore[call-overload]
        return started[-1]

    monkeypatch.setattr(neighbors.subprocess, "Popen", starting)
    with neighbors.busy(1) as load:
        assert load > 0
        assert [process.poll() for process in started] == [None]
    assert [process.poll() for process in started] == [-9]


def test_cells_that_differ_in_fractions_are_timed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    timed: list[Config] = []

    def replica(config: Config, *arguments: object) -> cost.Replica:
        timed.append(config)
        return cost.Replica(float(len(timed)), 0.0)

    monkeypatch.setattr(cost, "replica", replica)
    plan = study.plan(
        "mixture-modes",
        "smoke",
        set={"steps": 20, "evaluation.every": 2},
        vary={"g_optimizer.lr": [1e-4, 1e-3], "instance_noise": [0.0, 0.1], "batch_size": [32, 64]},
    )
    measured = cost._measured(plan.cells, 2)
    assert (len(plan.cells), len(timed)) == (8, 4), "noise that is added costs, how much of it does not"
    assert [measured[cell.index].training for cell in plan.cells] == [1.0, 2.0, 3.0, 4.0] * 2
