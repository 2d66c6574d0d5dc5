"""Configurations: ranges, plain values, and the digest that identifies them."""

import dataclasses
import json
from math import inf, nan
from typing import Any

import pytest

from study.parsing import config_from
from trainables.config import Evaluation, GanConfig, Latent, Updates, digest, to_dict
from trainables.data import DATASETS, Ring
from trainables.networks import NETWORKS, Dcgan, Mlp
from trainables.networks.init import INITS
from trainables.objectives import OBJECTIVES, LeastSquares
from trainables.optim import OPTIMIZERS, Adam

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
    *[changed(generator=kind(init=init())) for kind in NETWORKS for init in INITS],
    *[changed(data=kind()) for kind in DATASETS],
    changed(updates=Updates(order="g_first", d_steps=3, reuse_latents=False, d_batches="joined")),
    changed(clip=0.03, evaluation=Evaluation(every=7, samples=9), dtype="float64", batch_size=5),
]


def test_the_digest_of_one_configuration_is_pinned() -> None:
    """A changed default changes what is trained: records of before and after must not share a digest."""
    assert digest(BASE) == "0935296c787e6d45"
    assert digest(changed(generator=Dcgan(), objective=LeastSquares())) == "4a5bd494c126174d"


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
