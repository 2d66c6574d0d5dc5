"""Which batches, noise and labels an update sees, and that replicas draw alone."""

from typing import Any
from unittest import mock

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tests.trainables.made_gans import BASE, CPU, SEEDS, changed, draws, labeled, source
from trainables import philox
from trainables.conditioning import AuxiliaryClassifier, ByLabel, Conditioning
from trainables.config import BurnIn, Updates
from trainables.data import DataConfig, Digits, Ring, SwissRoll
from trainables.gan.draws import Draws
from trainables.streams import Streams


@pytest.mark.parametrize("data", [Ring(), Digits()], ids=str)
def test_every_discriminator_update_sees_a_fresh_real_batch(data: Ring | Digits) -> None:
    config = changed(updates=Updates(d_steps=3), data=data)
    batches = [draws(config, step).real(visit) for step in range(2) for visit in range(3)]
    assert batches[0].shape == (2, 8, *data.shape)
    assert all(not torch.equal(a, b) for i, a in enumerate(batches) for b in batches[:i])


@pytest.mark.parametrize("d_steps", [1, 2, 5])
def test_batches_are_numbered_by_discriminator_updates(d_steps: int) -> None:
    """Five D steps per G step walk through the data as five times as many single ones."""
    config, single = changed(updates=Updates(d_steps=d_steps)), changed(updates=Updates(d_steps=1))
    for number in range(10):
        own = draws(config, number // d_steps)
        assert torch.equal(own.real(number % d_steps), draws(single, number).real(0))
        assert torch.equal(own.discriminator_latents(number % d_steps), draws(single, number).discriminator_latents(0))


@pytest.mark.parametrize("d_steps", [1, 3])
def test_the_generator_reuses_the_noise_of_the_last_discriminator_update(d_steps: int) -> None:
    own = draws(changed(updates=Updates(d_steps=d_steps, reuse_latents=True)), 4)
    assert torch.equal(own.generator_latents(), own.discriminator_latents(d_steps - 1))


def test_without_reuse_the_generator_draws_afresh() -> None:
    config = changed(updates=Updates(reuse_latents=False))
    first, second = draws(config, 4), draws(config, 5)
    assert not torch.equal(first.generator_latents(), first.discriminator_latents(0))
    assert not torch.equal(first.generator_latents(), second.generator_latents())


def test_reusing_noise_changes_no_discriminator_draw() -> None:
    fresh, reused = (
        draws(changed(updates=Updates(reuse_latents=False)), 4),
        draws(changed(updates=Updates(reuse_latents=True)), 4),
    )
    fresh.generator_latents()
    assert torch.equal(fresh.discriminator_latents(0), reused.discriminator_latents(0))
    assert torch.equal(fresh.real(0), reused.real(0))


def test_every_replica_draws_as_it_would_alone() -> None:
    stacked, alone = draws(BASE, 2), draws(BASE, 2, (14,))
    assert torch.equal(stacked.real(0)[1], alone.real(0)[0])
    assert torch.equal(stacked.generator_latents()[1], alone.generator_latents()[0])


BURN_INS = (
    BurnIn(d_steps=4, first=2, every=3),
    BurnIn(d_steps=3, first=0, every=4),
    BurnIn(d_steps=5, first=3, every=None),
)


@pytest.mark.parametrize("data", [Ring(), Digits()], ids=lambda data: data.kind)
@pytest.mark.parametrize("burn_in", BURN_INS, ids=str)
def test_a_burn_in_walks_through_the_data_without_gap_or_repeat(data: Any, burn_in: BurnIn) -> None:
    config = changed(data=data, updates=Updates(d_steps=2, burn_in=burn_in))
    single, number = changed(data=data), 0
    for step in range(8):
        here = draws(config, step)
        for visit in range(here.d_steps):
            assert torch.equal(here.real(visit), draws(single, number).real(0)), (step, visit)
            assert torch.equal(here.discriminator_latents(visit), draws(single, number).discriminator_latents(0))
            number += 1


def test_the_generator_reuses_the_noise_of_a_burn_ins_last_update() -> None:
    here = draws(changed(updates=Updates(burn_in=BurnIn(d_steps=4, first=1, every=None))))
    assert torch.equal(here.generator_latents(), here.discriminator_latents(3))


@labeled
def test_real_samples_keep_their_own_labels(conditioning: Conditioning) -> None:
    """On the ring the label is the number of the nearest centre."""
    config = changed(conditioning=conditioning)
    here = draws(config)
    centers = torch.from_numpy(source(Ring()).truth.centers)
    nearest = torch.cdist(here.real(0), centers[None].expand(2, -1, -1)).argmin(2)
    assert torch.equal(here.labels(0), nearest)


@pytest.mark.parametrize("kind", [ByLabel, AuxiliaryClassifier], ids=lambda kind: kind.__name__)
def test_fake_labels_are_those_of_the_batch_if_so_configured(kind: Any) -> None:
    here = draws(changed(conditioning=kind(fake_labels="batch"), updates=Updates(d_steps=2, reuse_latents=False)))
    assert all(torch.equal(here.discriminator_labels(visit), here.labels(visit)) for visit in range(2))
    assert torch.equal(here.generator_labels(), here.labels(1))


@pytest.mark.parametrize("kind", [ByLabel, AuxiliaryClassifier], ids=lambda kind: kind.__name__)
def test_else_they_are_uniform_and_independent_of_it(kind: Any) -> None:
    config = changed(conditioning=kind(fake_labels="uniform"), data=Ring(doubled=True), batch_size=8_000)
    here = draws(config, seeds=(5,))
    made, real = here.discriminator_labels(0), here.labels(0)
    share = torch.bincount(made[0], minlength=8) / 8_000
    assert share.tolist() == pytest.approx([1 / 8] * 8, abs=0.015)
    assert (torch.bincount(real[0], minlength=8) / 8_000)[0].item() == pytest.approx(2 / 9, abs=0.02)
    assert (made == real).double().mean().item() == pytest.approx(1 / 8, abs=0.015)
    assert not torch.equal(draws(config, 1, seeds=(5,)).discriminator_labels(0), made)


def test_the_generator_reuses_labels_with_the_noise() -> None:
    uniform = ByLabel(fake_labels="uniform")
    reused = draws(changed(conditioning=uniform, updates=Updates(d_steps=2)))
    assert torch.equal(reused.generator_labels(), reused.discriminator_labels(1))
    fresh = draws(changed(conditioning=uniform, updates=Updates(d_steps=2, reuse_latents=False), batch_size=100))
    assert not torch.equal(fresh.generator_labels(), fresh.discriminator_labels(1))
    assert 0 < len(fresh.generator_labels().unique()) <= 8


def test_penalties_draw_from_streams_of_their_own() -> None:
    noise = draws(BASE).penalty_noise(0)
    assert torch.equal(noise.uniform("mix", (4,)), draws(BASE).penalty_noise(0).uniform("mix", (4,)))
    for other in (draws(BASE).penalty_noise(1), draws(BASE, 1).penalty_noise(0)):
        assert not torch.equal(noise.uniform("mix", (4,)), other.uniform("mix", (4,)))
    assert not torch.equal(noise.uniform("mix", (4,)), noise.uniform("other", (4,)))
    assert not torch.equal(noise.normal("mix", (4,))[0], noise.normal("mix", (4,))[1])


def test_each_use_of_instance_noise_has_a_stream_of_its_own() -> None:
    here, zero = draws(changed(instance_noise=0.5, batch_size=2_000)), torch.zeros(2, 2_000, 2, dtype=torch.float64)
    noises = [here.noisy(zero, "real", 0), here.noisy(zero, "fake", 0), here.noisy(zero, "g", 0)]
    noises += [here.noisy(zero, "real", 1), draws(changed(instance_noise=0.5), 5).noisy(zero, "real", 0)]
    for i, noise in enumerate(noises):
        assert noise.std().item() == pytest.approx(0.5, rel=0.03)
        assert noise.mean().item() == pytest.approx(0, abs=0.02)
        assert all(abs(torch.corrcoef(torch.stack([noise.flatten(), o.flatten()]))[0, 1]) < 0.05 for o in noises[:i])
    assert torch.equal(here.noisy(zero, "real", 0), noises[0])


class Asked(TorchDispatchMode):
    """Keeps the names of what torch is asked to compute."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
        self.names.append(str(function))
        return function(*args, **(kwargs or {}))


class Steps:
    """All that a step draws, of one stack of streams."""

    def __init__(self, data: DataConfig, device: torch.device) -> None:
        self._config = changed(data=data, instance_noise=0.1, updates=Updates(reuse_latents=False), dtype="float32")
        self._source = data.load(device=device, dtype=torch.float32)
        self._streams = Streams(SEEDS, device)

    def draw(self, number: int) -> list[torch.Tensor]:
        own = Draws(self._config, self._source, self._streams, number)
        real = own.noisy(own.real(0), "real", 0)
        return [real, own.discriminator_latents(0), own.generator_latents(), own.penalty_noise(0).uniform("mix", (8,))]


every_data = pytest.mark.parametrize("data", [Ring(), SwissRoll(), Digits()], ids=lambda data: data.kind)


@every_data
def test_a_step_sends_no_number_to_the_device_and_reads_none_back(data: DataConfig) -> None:
    """In torch alone, as on a GPU; most steps find their numbers made ahead."""
    with mock.patch.object(philox, "load", return_value=None):
        steps = Steps(data, CPU)
        for number in range(64):
            steps.draw(number)
        with Asked() as asked:
            made = [steps.draw(number) for number in range(64, 128)]
    assert not {"aten._local_scalar_dense.default", "aten.lift_fresh.default"} & set(asked.names)
    assert len(asked.names) / 64 < 60
    compiled = Steps(data, CPU)
    for number, own in enumerate(made, 64):
        assert all(map(torch.equal, own, compiled.draw(number)))


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@every_data
def test_a_step_on_a_gpu_draws_what_one_on_a_cpu_does(data: DataConfig) -> None:
    steps, host = Steps(data, torch.device("cuda")), Steps(data, CPU)
    steps.draw(0)
    torch.cuda.set_sync_debug_mode("error")
    try:
        made = [steps.draw(number) for number in range(1, 20)]
    finally:
        torch.cuda.set_sync_debug_mode("default")
    for number, own in enumerate(made, 1):
        for value, expected in zip(own, host.draw(number), strict=True):
            # The roll's sine and cosine are rounded from doubles that may differ in their last bit.
            tolerance = 1e-6 if data.kind == "swiss_roll" else 0.0
            torch.testing.assert_close(value.cpu(), expected, rtol=tolerance, atol=tolerance)
