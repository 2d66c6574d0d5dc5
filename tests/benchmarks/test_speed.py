"""The speed benchmark runs, its competitor is the same training, and its counts are those of the kernels."""

import json
import math
from pathlib import Path

import pytest
import torch

from benchmarks.speed import trainings, work
from benchmarks.speed.__main__ import main
from benchmarks.speed.plain import Inputs, Plain
from benchmarks.speed.rows import rows
from benchmarks.speed.timing import Effort, Spread, interleaved, ratio
from tests.trainables.made_gans import changed, source
from trainables.config import GanConfig, Latent, Updates
from trainables.gan.draws import Draws
from trainables.loop import Loop
from trainables.networks import Mlp
from trainables.objectives import LeastSquares, NonSaturating, Wasserstein
from trainables.optim import Adam, Sgd
from trainables.penalties import WganGp
from trainables.streams import Streams

CPU = torch.device("cpu")
_ADAM = {"g_optimizer": Adam(lr=1e-2), "d_optimizer": Adam(lr=1e-2)}
_NORMED = Mlp(hidden=(6, 5), norm="batch")


def test_the_quick_form_measures_every_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["--quick", "--out", str(tmp_path / "results.json")])
    results = json.loads((tmp_path / "results.json").read_text("utf-8"))
    assert [row["name"] for row in results["rows"]] == [name for name, _ in rows()]
    table = capsys.readouterr().out.partition("\n\n")[2]
    for row in results["rows"]:
        assert f"| {row['name']} |" in table
        values = [own["median"] if isinstance(own, dict) else own for own in row["figures"].values()]
        assert values
        assert all(math.isfinite(value) and value > 0 for value in values), row
    assert {"cpu", "cores", "caches", "torch", "blas", "kernels"} <= results["machine"].keys()
    assert results["machine"]["threads"] == 1


def test_an_unknown_row_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--only", "rings of gold"])
    assert ended.value.code == 2
    assert "--only must begin a row's name, got rings of gold" in capsys.readouterr().err


def steps(config: GanConfig, count: int) -> Inputs:
    """Inputs of the plain loop as the streams of the solo run of seed 3 have them."""
    draws = [Draws(config, source(config.data), Streams([3]), step) for step in range(count)]
    visits = [(own, visit) for own in draws for visit in range(own.d_steps)]
    latents = []
    for own in draws:
        latents += [own.discriminator_latents(visit)[0] for visit in range(own.d_steps)]
        latents += [] if config.updates.reuse_latents else [own.generator_latents()[0]]
    real = [own.real(visit)[0] for own, visit in visits]
    places = [own.penalty_noise(visit).uniform("mix", (config.batch_size,))[0].double() for own, visit in visits]
    each = [iter(own) for own in (real, latents, places)]
    return Inputs(*(lambda own=own: next(own) for own in each))


@pytest.mark.parametrize(
    "config",
    [
        changed(**_ADAM, generator=_NORMED, discriminator=_NORMED),
        changed(**_ADAM, objective=LeastSquares(a=-1, b=1, c=0)),
        changed(**_ADAM, objective=NonSaturating()),
        changed(
            **_ADAM, objective=Wasserstein(), penalty=WganGp(weight=3), updates=Updates(d_steps=2, reuse_latents=False)
        ),
    ],
    ids=["batch norm", "least squares", "cross-entropy", "WGAN-GP"],
)
def test_the_plain_loop_is_the_same_training(config: GanConfig) -> None:
    count = 4
    loop = Loop(config, [3], source(config.data), [], device=CPU)
    plain = Plain(config, steps(config, count), CPU, seed=3)
    before = {name: value.clone() for name, value in plain.generator.state_dict().items()}
    for _ in range(count):
        loop.advance()
        plain.step()
    for network in ("generator", "discriminator"):
        for name, value in loop.weights()[network].items():
            own = getattr(plain, network).state_dict()[name]
            torch.testing.assert_close(own, value[0], rtol=1e-6, atol=1e-8)
    moved = plain.generator.get_parameter("0.weight") - before["0.weight"]
    assert moved.abs().max() > 1e-3


def test_the_plain_loop_says_what_it_has_not() -> None:
    inputs = steps(changed(), 1)
    for config, words in (
        (changed(), "has Adam alone, got sgd"),
        (changed(**_ADAM, clip=0.1), "no penalty or WGAN-GP"),
        (changed(**_ADAM, updates=Updates(order="g_first")), "D first"),
    ):
        with pytest.raises(ValueError, match=words):
            Plain(config, inputs, CPU)


def test_a_step_has_the_products_that_it_needs_and_no_more() -> None:
    config = trainings.tiny(trainings.ring())
    needed = work.operations(work.products(config))
    # By hand: maps of G are 24,832 and of D 16,768 wide; the inputs of a net need no gradient, D's weights none for G.
    assert needed == 2 * 8 * (3 * 24_832 - 64 * 128 + 2 * (3 * 16_768 - 2 * 128) + 2 * 16_768)
    for replicas in (1, 3):
        loop = trainings.stacked(config, trainings.source(config, CPU), replicas, CPU)
        loop.advance()
        assert work.counted_operations(loop.advance) == replicas * needed


def test_kernels_per_step_do_not_grow_with_the_stack(monkeypatch: pytest.MonkeyPatch) -> None:
    """For fully connected nets: what makes a stack fast. Random numbers are left out, as torch makes them ahead."""

    def drawn(streams: Streams, kind: str, stream: str, counter: int, shape: tuple[int, ...]) -> torch.Tensor:
        return torch.full((len(streams.seeds), *shape), 0.5)

    monkeypatch.setattr(Streams, "_drawn", drawn)
    config = trainings.tiny(trainings.ring())
    found = []
    for replicas in (2, 9):
        loop = trainings.stacked(config, trainings.source(config, CPU), replicas, CPU)
        loop.advance()
        found.append(work.counted_calls(loop.advance).calls)
    assert found[0] == found[1]
    assert sum(found[0].values()) < 600


def test_calls_and_bytes_are_counted() -> None:
    a = torch.ones(10, 4)
    counted = work.counted_calls(lambda: (a.T @ a).view(16) + 1)
    assert dict(counted.calls) == {"aten.mm.default": 1, "aten.add.Tensor": 1}
    assert counted.bytes == 4 * (40 + 40 + 16) + 4 * (16 + 16)


def test_products_are_refused_where_they_are_not_counted() -> None:
    with pytest.raises(ValueError, match="fully connected nets, got Conv"):
        work.products(trainings.dcgan32())
    with pytest.raises(ValueError, match="one D update"):
        work.products(changed(updates=Updates(d_steps=2)))


def test_products_are_multiplied_for_every_replica() -> None:
    config = changed(latent=Latent(dim=3), g_optimizer=Sgd(lr=1), d_optimizer=Sgd(lr=1))
    made = work.products(config)
    assert work.counted_operations(work.multiply(made, 3)) == 3 * work.operations(made)


def test_programs_take_turns() -> None:
    order: list[str] = []
    effort = Effort(repetitions=3, seconds=0, warm_up=2)
    times = interleaved({"a": lambda: order.append("a"), "b": lambda: order.append("b")}, effort)
    assert order == [*"aaabbb", *"ababab"]
    assert [len(own.cpu) for own in times.values()] == [3, 3]


def test_a_ratio_is_that_of_neighbors() -> None:
    spread = ratio([2.0, 40.0, 6.0], [1.0, 10.0, 2.0])
    assert spread == Spread(median=3.0, q1=2.5, q3=3.5, lowest=2.0, highest=4.0)
    assert Spread.of([5.0]) == Spread(5.0, 5.0, 5.0, 5.0, 5.0)
