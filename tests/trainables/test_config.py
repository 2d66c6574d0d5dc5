"""Configurations: ranges, plain values, and the digest that identifies them."""

import dataclasses
import json
from math import inf, nan
from typing import Any, get_args

import pytest

from study.design.parsing import config_from
from trainables.conditioning import AuxiliaryClassifier, ByLabel, Conditioning
from trainables.config import BurnIn, Evaluation, GanConfig, Latent, Updates, digest, to_dict
from trainables.data import DATASETS, LsunBedroom, Ring
from trainables.networks import NETWORKS, Dcgan, Mlp
from trainables.networks.init import Init
from trainables.objectives import OBJECTIVES, LeastSquares
from trainables.optim import OPTIMIZERS, Adam
from trainables.penalties import PENALTIES, POINTS, NoPenalty, WganGp

BASE = GanConfig(
    data=Ring(),
    generator=Mlp(),
    discriminator=Mlp(),
    latent=Latent(dim=2),
    g_optimizer=Adam(lr=1e-3),
    d_optimizer=Adam(lr=1e-3),
    steps=10,
)


def changed(**fields: Any) -> GanConfig:
    return dataclasses.replace(BASE, **fields)


VARIANTS = [
    *[changed(objective=kind()) for kind in OBJECTIVES],
    *[changed(g_optimizer=kind(lr=0.5)) for kind in OPTIMIZERS],
    *[changed(generator=kind(init=init())) for kind in NETWORKS for init in get_args(Init)],
    *[changed(data=kind()) for kind in DATASETS],
    changed(updates=Updates(order="g_first", d_steps=3, reuse_latents=False, d_batches="joined")),
    changed(clip=0.03, evaluation=Evaluation(every=7, samples=9), dtype="float64", batch_size=5),
    *[changed(penalty=kind()) for kind in PENALTIES if kind is not NoPenalty],
    *[changed(penalty=WganGp(points=points())) for points in POINTS[1:]],
    *[changed(conditioning=kind()) for kind in get_args(Conditioning)[1:]],
    changed(conditioning=ByLabel(embedding=4, fake_labels="uniform")),
    changed(conditioning=AuxiliaryClassifier(weight=0.5)),
    *[changed(discriminator=Mlp(norm=norm)) for norm in ("batch", "layer", "spectral")],
    *[changed(updates=Updates(burn_in=burn_in)) for burn_in in (BurnIn(), BurnIn(every=None))],
    changed(packing=2),
    changed(instance_noise=0.1),
    changed(clip=0.03, clip_when="before"),
]


def test_the_digest_of_one_configuration_is_pinned() -> None:
    """A changed default changes what is trained: records of before and after must not share a digest."""
    assert digest(BASE) == "3bfcdf81dbe42395"
    assert digest(changed(generator=Dcgan(), objective=LeastSquares())) == "635c05c6a1cd73b1"


def test_equal_configurations_have_equal_digests() -> None:
    assert digest(changed(objective=LeastSquares(a=-1, b=1, c=0))) == digest(
        changed(objective=LeastSquares(a=-1.0, b=1.0, c=0.0))
    )


def test_different_configurations_have_different_digests() -> None:
    distinct = {repr(config): digest(config) for config in [BASE, *VARIANTS]}
    assert len(set(distinct.values())) == len(distinct)
    assert all(len(value) == 16 for value in distinct.values())


@pytest.mark.parametrize("config", [BASE, *VARIANTS], ids=lambda c: digest(c))
def test_plain_values_lead_back_to_the_configuration(config: GanConfig) -> None:
    parsed = config_from(json.loads(json.dumps(to_dict(config))))
    assert parsed == config
    assert digest(parsed) == digest(config)


def test_plain_values_are_json_to_the_last_tuple() -> None:
    plain = to_dict(BASE)
    assert plain == json.loads(json.dumps(plain))
    assert plain["generator"]["hidden"] == [128, 128]
    assert plain["objective"] == {"kind": "non_saturating"}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"batch_size": 1}, "batch_size must be >= 2, got 1"),
        ({"steps": 0}, "steps must be >= 1, got 0"),
        ({"clip": 0.0}, "clip must be > 0, got 0.0"),
        ({"clip": -0.01}, "clip must be > 0, got -0.01"),
        ({"clip": nan}, "clip must be > 0, got nan"),
        ({"clip": inf}, "clip must be > 0, got inf"),
        ({"packing": 0}, "packing must be >= 1, got 0"),
        ({"instance_noise": -0.1}, "instance_noise must be >= 0, got -0.1"),
        ({"instance_noise": inf}, "instance_noise must be >= 0, got inf"),
        (
            {"clip": 0.01, "penalty": WganGp()},
            "clip must be absent beside a gradient penalty, got 0.01 with penalty wgan_gp",
        ),
        (
            {"packing": 2, "conditioning": ByLabel()},
            "packing must be 1 with conditioning by_label, got 2",
        ),
        (
            {"data": LsunBedroom(), "conditioning": AuxiliaryClassifier()},
            "conditioning must be unconditional for unlabelled data, got auxiliary_classifier on lsun_bedroom",
        ),
    ],
    ids=str,
)
def test_numbers_out_of_range_are_refused(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        changed(**fields)


@pytest.mark.parametrize(
    ("part", "fields", "message"),
    [
        (Latent, {"dim": 0}, "dim must be >= 1, got 0"),
        (Updates, {"d_steps": 0}, "d_steps must be >= 1, got 0"),
        (Updates, {"order": "simultaneous", "d_steps": 2}, "d_steps must be 1 when order is simultaneous, got 2"),
        (BurnIn, {"d_steps": 0}, "d_steps must be >= 1, got 0"),
        (BurnIn, {"first": -1}, "first must be >= 0, got -1"),
        (BurnIn, {"every": 0}, "every must be >= 1, got 0"),
        (
            Updates,
            {"order": "simultaneous", "burn_in": BurnIn()},
            "d_steps must be 1 when order is simultaneous, got 1 with a burn-in",
        ),
        (ByLabel, {"embedding": 0}, "embedding must be >= 1, got 0"),
        (AuxiliaryClassifier, {"weight": -1.0}, "weight must be >= 0, got -1.0"),
        (Evaluation, {"every": 0}, "every must be >= 1, got 0"),
        (Evaluation, {"samples": 1}, "samples must be >= 2, got 1"),
    ],
    ids=str,
)
def test_parts_out_of_range_are_refused(part: type, fields: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        part(**fields)


def test_configurations_cannot_be_changed_in_place() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        BASE.steps = 3  # type: ignore[misc]


# Penalty and batch norm


def test_a_penalty_on_a_batch_normed_discriminator_is_refused_with_the_reason() -> None:
    with pytest.raises(
        ValueError, match=r"discriminator\.norm must not be batch .*\(Gulrajani et al. 2017, section 4\)"
    ):
        changed(penalty=WganGp(), discriminator=Mlp(norm="batch"))


def test_unless_it_is_explicitly_allowed() -> None:
    allowed = changed(penalty=WganGp(), discriminator=Mlp(norm="batch"), allow_penalty_with_batch_norm=True)
    assert allowed.discriminator.norm == "batch"


@pytest.mark.parametrize("fields", [{"generator": Mlp(norm="batch")}, {"penalty": NoPenalty()}], ids=str)
def test_batch_norm_elsewhere_is_no_trouble(fields: dict[str, Any]) -> None:
    config = {"penalty": WganGp(), "discriminator": Mlp(norm="layer"), **fields}
    if isinstance(config["penalty"], NoPenalty):
        config |= {"discriminator": Mlp(norm="batch")}
    assert changed(**config).steps == 10


# Burn-in

BURN_INS = [BurnIn(d_steps=9, first=first, every=every) for first in (0, 1, 3, 7) for every in (None, 1, 2, 5)]


@pytest.mark.parametrize("burn_in", BURN_INS, ids=str)
def test_a_burn_in_counts_its_steps_as_one_would_by_hand(burn_in: BurnIn) -> None:
    longer = [step < burn_in.first or (burn_in.every is not None and step % burn_in.every == 0) for step in range(40)]
    assert [burn_in.holds(step) for step in range(40)] == longer
    assert [burn_in.before(step) for step in range(40)] == [sum(longer[:step]) for step in range(40)]


@pytest.mark.parametrize("burn_in", [None, *BURN_INS], ids=str)
@pytest.mark.parametrize("d_steps", [1, 5])
def test_updates_are_counted_over_all_steps_before(burn_in: BurnIn | None, d_steps: int) -> None:
    updates = Updates(d_steps=d_steps, burn_in=burn_in)
    each = [updates.at(step) for step in range(30)]
    assert set(each) <= {d_steps, 9}
    assert [updates.before(step) for step in range(30)] == [sum(each[:step]) for step in range(30)]


def test_wgans_code_is_the_default_burn_in() -> None:
    """100 updates in the first 25 steps and in every 500th, else 5."""
    updates = Updates(d_steps=5, burn_in=BurnIn())
    assert [updates.at(step) for step in (0, 24, 25, 499, 500, 501, 1_000)] == [100, 100, 5, 5, 100, 5, 100]
