"""The loop: replicas of a stack equal solo runs, a dead one harms nobody, a resumed run is the uninterrupted one."""

import dataclasses
from collections.abc import Sequence
from typing import Any

import pytest
import torch

from tests.trainables.rounding import assert_same, damped, largest
from trainables.conditioning import AuxiliaryClassifier, ByLabel, Conditioning
from trainables.config import BurnIn, Evaluation, GanConfig, Latent, Updates
from trainables.data import Digits, Ring
from trainables.loop import Loop
from trainables.networks import Dcgan, Mlp
from trainables.networks.init import He, Orthogonal
from trainables.networks.norm import Norm
from trainables.objectives import LeastSquares, Minimax, NonSaturating, Objective, Wasserstein
from trainables.optim import Adam, OptimizerConfig, RMSprop, RMSpropTf1, Sgd
from trainables.penalties import (
    POINTS,
    Dragan,
    LsganGp,
    NoPenalty,
    Penalty,
    Points,
    WganDiv,
    WganGp,
    WganLp,
    ZeroCentered,
)
from trainables.probes import probes_for

CPU = torch.device("cpu")
SEEDS = (11, 5, 902)
OBJECTIVES = (Minimax(), NonSaturating(), LeastSquares(), LeastSquares(a=-1, b=1, c=0), Wasserstein())
OPTIMIZERS = (Sgd(lr=0.05), Sgd(lr=0.02, momentum=0.9), Adam(lr=1e-3), RMSprop(lr=1e-3), RMSpropTf1(lr=1e-2))
PENALTIES = (WganGp(), WganLp(), WganDiv(), Dragan(), ZeroCentered(), LsganGp(scale=3))
CONDITIONINGS: tuple[Conditioning, ...] = (
    ByLabel(),
    ByLabel(embedding=3),
    ByLabel(fake_labels="uniform"),
    AuxiliaryClassifier(),
    AuxiliaryClassifier(fake_labels="batch", embedding=2),
)
BN = {
    "full": ("batch", "batch"),
    "no_bn_g": ("none", "batch"),
    "no_bn_d": ("batch", "none"),
    "no_bn_gd": ("none", "none"),
}


def ring(**changes: Any) -> GanConfig:
    base = GanConfig(
        data=Ring(),
        generator=Mlp(hidden=(12, 10), activation="relu", init=He()),
        discriminator=Mlp(hidden=(12, 10), activation="leaky_relu", init=He()),
        latent=Latent(dim=3, distribution="normal"),
        g_optimizer=Adam(lr=1e-3),
        d_optimizer=Adam(lr=1e-3),
        batch_size=16,
        steps=6,
        evaluation=Evaluation(every=2, samples=24),
        dtype="float64",
    )
    return dataclasses.replace(base, **changes)


def digits(**changes: Any) -> GanConfig:
    net = Dcgan(channels=(3, 4))
    base = ring(data=Digits(), generator=net, discriminator=net, latent=Latent(dim=5), batch_size=4)
    return dataclasses.replace(base, **changes)


def build(config: GanConfig, seeds: Sequence[int]) -> Loop:
    dtype = getattr(torch, config.dtype)
    source = config.data.load(device=CPU, dtype=dtype)
    probes = probes_for(config, source, None, device=CPU) if isinstance(config.data, Ring) else []
    return Loop(config, seeds, source, probes, device=CPU)


def trained(config: GanConfig, seeds: Sequence[int], steps: int = 4) -> Loop:
    loop = build(config, seeds)
    for _ in range(steps):
        loop.advance()
    return loop


def weights(loop: Loop, replica: int) -> dict[str, torch.Tensor]:
    params = loop.state_dict()["params"]
    return {f"{net}.{name}": value[replica] for net, own in params.items() for name, value in own.items()}


def assert_parity(config: GanConfig) -> None:
    """Equality up to rounding after four steps of about 1e-3 per weight, by rules that make no step of noise."""
    config = damped(config)
    stacked = trained(config, SEEDS)
    for replica, seed in enumerate(SEEDS):
        solo = weights(trained(config, [seed]), 0)
        for name, value in weights(stacked, replica).items():
            assert_same(value, solo[name], largest(*solo.values()), name=name)


@pytest.mark.parametrize("net", ["mlp", "dcgan"])
@pytest.mark.parametrize("bn", BN)
@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda o: str(o)[:40])
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: f"{o.kind}-{getattr(o, 'momentum', 0)}")
def test_a_stack_equals_its_solo_runs(net: str, bn: str, objective: Objective, optimizer: OptimizerConfig) -> None:
    config = ring() if net == "mlp" else digits()
    g_bn, d_bn = BN[bn]
    assert_parity(
        dataclasses.replace(
            config,
            generator=dataclasses.replace(config.generator, norm=g_bn),
            discriminator=dataclasses.replace(config.discriminator, norm=d_bn),
            objective=objective,
            g_optimizer=optimizer,
            d_optimizer=optimizer,
            clip=0.05 if isinstance(objective, Wasserstein) else None,
        )
    )


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda o: f"{o.kind}-{getattr(o, 'momentum', 0)}")
def test_a_step_is_the_optimizers_own_on_the_right_gradient(optimizer: OptimizerConfig) -> None:
    """Gradients of stacked linear maps, and orthogonal weights wider than high, come transposed in memory, which not
    every kernel reads as such: the rule is run here on copies in plain order."""
    discriminator = Mlp(hidden=(12, 5), activation="leaky_relu", init=Orthogonal())
    config = ring(d_optimizer=optimizer, discriminator=discriminator, updates=Updates(order="simultaneous"))
    loop = build(config, SEEDS)
    start = loop.state_dict()["params"]["discriminator"]
    own = {name: value.clone(memory_format=torch.contiguous_format) for name, value in start.items()}
    for value in own.values():
        value.requires_grad_()
    build_rule = optimizer.build(own.values())
    for step in range(2):
        loop.advance()
        for value, gradient in zip(own.values(), loop.state_dict()["gradients"]["d"], strict=True):
            value.grad = gradient.clone(memory_format=torch.contiguous_format)
        build_rule.step()
        for name, value in loop.state_dict()["params"]["discriminator"].items():
            assert_same(value, own[name].detach(), name=f"{name} at step {step}")


@pytest.mark.parametrize(
    "updates",
    [
        Updates(order="g_first"),
        Updates(order="simultaneous"),
        Updates(d_steps=3, reuse_latents=False),
        Updates(d_batches="joined"),
    ],
    ids=str,
)
def test_parity_holds_for_every_order_of_updates(updates: Updates) -> None:
    assert_parity(ring(updates=updates, discriminator=Mlp(hidden=(12, 10), norm="batch")))


def penalized(net: str, norm: Norm, penalty: Penalty, **changes: Any) -> GanConfig:
    """A WGAN with a penalty whose D starts steep enough for it to bite."""
    base = ring() if net == "mlp" else digits()
    discriminator = dataclasses.replace(base.discriminator, norm=norm, init=He())
    return dataclasses.replace(base, objective=Wasserstein(), penalty=penalty, discriminator=discriminator, **changes)


@pytest.mark.parametrize("net", ["mlp", "dcgan"])
@pytest.mark.parametrize("norm", ["none", "layer", "spectral"])
@pytest.mark.parametrize("penalty", PENALTIES, ids=lambda p: p.kind)
def test_parity_holds_through_the_second_derivative(net: str, norm: Norm, penalty: Penalty) -> None:
    assert_parity(penalized(net, norm, penalty))


@pytest.mark.parametrize(("net", "norm"), [("mlp", "layer"), ("dcgan", "none")])
@pytest.mark.parametrize("points", POINTS[1:], ids=lambda p: p.__name__)
def test_parity_holds_wherever_the_penalty_looks(net: str, norm: Norm, points: type[Points]) -> None:
    assert_parity(penalized(net, norm, WganGp(points=points())))


@pytest.mark.parametrize("norm", ["none", "layer", "spectral"])
@pytest.mark.parametrize("penalty", PENALTIES, ids=lambda p: p.kind)
def test_the_penalties_above_are_felt(norm: Norm, penalty: Penalty) -> None:
    """Or their parity would be no news. Under spectral norm slopes stay below 1, where the one-sided one is silent."""
    values = [row["d_penalty"] for row in trained(penalized("mlp", norm, penalty), SEEDS).report()]
    if norm == "spectral" and isinstance(penalty, WganLp):
        assert values == [0, 0, 0]
    else:
        assert max(values) > 1e-7


GAMES = (
    (Updates(), NoPenalty()),
    (Updates(d_batches="joined"), WganGp()),
    (Updates(order="g_first", reuse_latents=False), NoPenalty()),
    (Updates(order="simultaneous"), WganGp()),
    (Updates(burn_in=BurnIn(d_steps=3, first=1, every=2)), WganGp()),
)


@pytest.mark.parametrize("conditioning", CONDITIONINGS, ids=str)
@pytest.mark.parametrize(("updates", "penalty"), GAMES, ids=lambda value: str(value)[:60])
def test_parity_holds_with_labels(conditioning: Conditioning, updates: Updates, penalty: Penalty) -> None:
    assert_parity(ring(conditioning=conditioning, updates=updates, penalty=penalty))


@pytest.mark.parametrize("conditioning", CONDITIONINGS, ids=str)
def test_parity_holds_with_labels_and_convolutions(conditioning: Conditioning) -> None:
    assert_parity(penalized("dcgan", "spectral", WganGp(), conditioning=conditioning))


@pytest.mark.parametrize(
    "changes",
    [
        {"packing": 2},
        {"packing": 3, "penalty": WganGp(), "updates": Updates(d_batches="joined")},
        {"clip": 0.05, "clip_when": "before", "updates": Updates(d_steps=2)},
        {"clip": 0.05, "clip_when": "after", "updates": Updates(burn_in=BurnIn(d_steps=3, first=2, every=None))},
        {"instance_noise": 0.3, "packing": 2},
    ],
    ids=str,
)
@pytest.mark.parametrize("net", ["mlp", "dcgan"])
def test_parity_holds_for_packing_clipping_and_noise(net: str, changes: dict[str, Any]) -> None:
    base = ring() if net == "mlp" else digits()
    plain = dataclasses.replace(base.discriminator, norm="none")
    assert_parity(dataclasses.replace(base, objective=Wasserstein(), discriminator=plain, **changes))


def test_permuting_the_seeds_permutes_the_replicas() -> None:
    forwards, backwards = trained(ring(), SEEDS), trained(ring(), SEEDS[::-1])
    for name, value in weights(forwards, 0).items():
        assert_same(value, weights(backwards, 2)[name])


@pytest.mark.parametrize(
    ("config", "weight"),
    [
        (ring(), "0.weight"),
        (digits(), "0.weight"),
        (penalized("mlp", "layer", WganLp()), "0.weight"),
        (penalized("dcgan", "spectral", WganGp(), conditioning=AuxiliaryClassifier()), "body.0.weight"),
    ],
    ids=["mlp", "dcgan", "mlp with penalty", "dcgan with labels, penalty and spectral norm"],
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_poisoned_replica_leaves_the_bits_of_the_others(config: GanConfig, weight: str, dtype: str) -> None:
    config = dataclasses.replace(config, dtype=dtype)
    clean, poisoned = build(config, SEEDS), build(config, SEEDS)
    state = poisoned.state_dict()
    state["params"]["generator"][weight][1] = torch.nan
    for loop in (clean, poisoned):
        for _ in range(4):
            loop.advance()
    clean_rows, poisoned_rows = clean.report(), poisoned.report()
    for replica in (0, 2):
        for name, value in weights(clean, replica).items():
            assert torch.equal(value, weights(poisoned, replica)[name]), name
        assert clean_rows[replica] == poisoned_rows[replica]
    assert [row["finite"] for row in poisoned_rows] == [True, False, True]
    assert [row["finite"] for row in clean_rows] == [True, True, True]


def test_finite_is_sticky() -> None:
    loop = trained(ring(), SEEDS, steps=1)
    saved = {name: value.clone() for name, value in weights(loop, 0).items()}
    weight = loop.state_dict()["params"]["generator"]["0.weight"]
    weight[0] = torch.inf
    loop.advance()
    assert not loop.finite[0]
    weight[0] = saved["generator.0.weight"]
    loop.advance()
    assert loop.finite.tolist() == [False, True, True]


@pytest.mark.parametrize(
    "config",
    [
        ring(),
        digits(),
        ring(g_optimizer=RMSpropTf1(lr=1e-3)),
        penalized(
            "mlp",
            "spectral",
            WganGp(),
            conditioning=ByLabel(fake_labels="uniform"),
            updates=Updates(burn_in=BurnIn(d_steps=3, first=1, every=4), reuse_latents=False),
            instance_noise=0.1,
        ),
    ],
    ids=["mlp", "dcgan", "tf1", "labels, penalty, spectral norm, burn-in, noise"],
)
def test_a_resumed_run_equals_the_uninterrupted_one_number_by_number(config: GanConfig, tmp_path: Any) -> None:
    whole = trained(config, SEEDS, steps=3)
    torch.save(whole.state_dict(), tmp_path / "state.pt")
    resumed = build(config, SEEDS)
    resumed.load_state_dict(torch.load(tmp_path / "state.pt", weights_only=True))
    for loop in (whole, resumed):
        for _ in range(3):
            loop.advance()
    for replica in range(len(SEEDS)):
        for name, value in weights(whole, replica).items():
            assert torch.equal(value, weights(resumed, replica)[name]), name
    assert whole.report() == resumed.report()


def test_a_checkpoint_of_other_seeds_is_refused() -> None:
    with pytest.raises(ValueError, match=r"the checkpoint holds seeds \(1, 2\), this block has \(3, 4\)"):
        build(ring(), [3, 4]).load_state_dict(build(ring(), [1, 2]).state_dict())


def test_repeated_seeds_are_refused() -> None:
    with pytest.raises(ValueError, match="seeds must be distinct"):
        build(ring(), [1, 1])


def test_reporting_changes_nothing_that_is_trained() -> None:
    quiet, watched = build(digits(), SEEDS), build(digits(), SEEDS)
    for _ in range(3):
        quiet.advance()
        watched.advance()
        watched.report()
        watched.sample(7)
    for replica in range(len(SEEDS)):
        for name, value in weights(quiet, replica).items():
            assert torch.equal(value, weights(watched, replica)[name]), name


def test_training_leaves_torchs_global_random_numbers_alone() -> None:
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    trained(ring(), SEEDS, steps=2).report()
    assert torch.equal(torch.rand(3), expected)


def test_switching_batch_norm_leaves_the_start_of_all_other_layers() -> None:
    """What pairs two cells that share a seed."""
    plain = build(digits(generator=Dcgan(channels=(3, 4), norm="none")), SEEDS)
    normed = build(digits(generator=Dcgan(channels=(3, 4), norm="batch")), SEEDS)
    ours = sorted(v.shape for n, v in weights(plain, 0).items() if n.startswith("generator"))
    kept = {tuple(v.flatten().tolist()) for n, v in weights(normed, 0).items() if n.startswith("generator")}
    assert ours
    for name, value in weights(plain, 0).items():
        if name.startswith("generator"):
            assert tuple(value.flatten().tolist()) in kept, name


def test_rows_say_where_and_whose_they_are() -> None:
    loop = build(ring(), SEEDS)
    first = loop.report()
    assert [row["seed"] for row in first] == list(SEEDS)
    assert all(row["step"] == 0 and row["d_loss"] != row["d_loss"] for row in first)
    loop.advance()
    assert all(row["step"] == 1 and row["d_loss"] > 0 and row["g_grad_norm"] > 0 for row in loop.report())


def test_losses_of_a_row_are_means_since_the_last_one() -> None:
    loop, single = build(ring(), [3]), build(ring(), [3])
    losses = []
    for _ in range(4):
        loop.advance()
        single.advance()
        losses.append(single.report()[0]["g_loss"])
    assert loop.report()[0]["g_loss"] == pytest.approx(sum(losses) / 4, rel=1e-12)


def test_the_clip_holds_after_every_step() -> None:
    loop = trained(ring(objective=Wasserstein(), clip=0.03, updates=Updates(d_steps=2)), SEEDS, steps=2)
    largest = max(float(v.abs().max()) for n, v in weights(loop, 0).items() if n.startswith("discriminator"))
    assert largest == pytest.approx(0.03, rel=1e-12)
    assert max(float(v.abs().max()) for n, v in weights(loop, 0).items() if n.startswith("generator")) > 0.03


def test_a_rest_of_one_sample_is_scored_by_no_batch_norm() -> None:
    """17 samples in batches of 16: batch norm has no statistics of one."""
    normed = Mlp(hidden=(12, 10), norm="batch")
    odd = build(ring(discriminator=normed, evaluation=Evaluation(every=2, samples=17)), SEEDS).report()
    even = build(ring(discriminator=normed, evaluation=Evaluation(every=2, samples=16)), SEEDS).report()
    assert [row["score_fake"] for row in odd] == [row["score_fake"] for row in even]


@pytest.mark.gpu
def test_a_gpu_trains_like_the_cpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no GPU here")
    config, cuda = damped(ring()), torch.device("cuda")
    source = config.data.load(device=cuda, dtype=torch.float64)
    loop = Loop(config, SEEDS, source, probes_for(config, source, None, device=cuda), device=cuda)
    for _ in range(4):
        loop.advance()
    host = trained(config, SEEDS)
    for name, value in weights(host, 1).items():
        assert_same(weights(loop, 1)[name].cpu(), value, largest(*weights(host, 1).values()), roundings=1e6)
