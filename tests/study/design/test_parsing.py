"""Parsing: what users write becomes a configuration, or one sentence that says what was wrong with it."""

import dataclasses
from typing import Any, get_args

import pytest

from study.design.parsing import assign_config, assign_flat, assignments, config_from
from study.outcomes.rule import MIXTURE_RULE
from trainables.config import Evaluation, GanConfig, Latent, Updates, to_dict
from trainables.data import Digits, Ring
from trainables.networks import NETWORKS, Dcgan, Mlp
from trainables.networks.init import He, Init, Normal
from trainables.objectives import LeastSquares, Minimax, NonSaturating
from trainables.optim import Adam, RMSpropTf1, Sgd

BASE = GanConfig(
    data=Ring(std=0.02),
    generator=Mlp(hidden=(8, 6)),
    discriminator=Mlp(hidden=(7,)),
    latent=Latent(dim=2),
    g_optimizer=Adam(lr=1e-3),
    d_optimizer=Adam(lr=1e-4),
    steps=10,
)


# What is understood


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({}, {}),
        ({"steps": 20}, {"steps": 20}),
        ({"clip": 0.1}, {"clip": 0.1}),
        ({"d_optimizer.lr": 0.5}, {"d_optimizer": Adam(lr=0.5)}),
        ({"generator.hidden": [3, 4]}, {"generator": Mlp(hidden=(3, 4))}),
        ({"generator.init.gain": 2}, {"generator": Mlp(hidden=(8, 6), init=dataclasses.replace(Mlp().init, gain=2.0))}),
        ({"updates.order": "g_first", "updates.d_steps": 2}, {"updates": Updates(order="g_first", d_steps=2)}),
        ({"evaluation": {"every": 3}}, {"evaluation": Evaluation(every=3)}),
        ({"objective": {"kind": "least_squares", "a": -1, "c": 0}}, {"objective": LeastSquares(a=-1.0, c=0.0)}),
    ],
    ids=str,
)
def test_paths_are_set_and_the_rest_is_kept(changes: dict[str, Any], fields: dict[str, Any]) -> None:
    assert assign_config(BASE, changes) == dataclasses.replace(BASE, **fields)


def test_the_given_configuration_is_left_alone() -> None:
    before = to_dict(BASE)
    assign_config(BASE, {"steps": 3, "generator.hidden": [1], "objective.kind": "minimax"})
    assert to_dict(BASE) == before


def test_a_kind_replaces_the_whole_value_by_the_others_defaults() -> None:
    found = assign_config(BASE, {"data.kind": "digits", "objective.kind": "minimax", "generator.init.kind": "he"})
    assert found.data == Digits()
    assert found.objective == Minimax()
    assert found.generator == Mlp(hidden=(8, 6), init=He())


def test_the_same_kind_again_restores_its_defaults() -> None:
    assert assign_config(BASE, {"data.kind": "ring"}).data == Ring()


@pytest.mark.parametrize("backwards", [False, True])
def test_a_kind_and_its_fields_can_be_given_in_any_order(backwards: bool) -> None:
    changes = {
        "d_optimizer.kind": "sgd",
        "d_optimizer.lr": 0.1,
        "generator.kind": "dcgan",
        "generator.channels": [4, 8],
        "generator.init.kind": "normal",
        "generator.init.std": 0.5,
    }
    found = assign_config(BASE, dict(reversed(changes.items())) if backwards else changes)
    assert found.d_optimizer == Sgd(lr=0.1)
    assert found.generator == Dcgan(channels=(4, 8), init=Normal(std=0.5))


def test_a_value_given_whole_comes_before_what_is_inside_it() -> None:
    found = assign_config(BASE, {"g_optimizer.decay": 0.5, "g_optimizer": {"kind": "rmsprop_tf1", "lr": 0.1}})
    assert found.g_optimizer == RMSpropTf1(lr=0.1, decay=0.5)


def test_absent_fields_take_their_defaults() -> None:
    plain = to_dict(BASE)
    for name in ("objective", "clip", "updates", "batch_size", "evaluation", "dtype"):
        del plain[name]
    assert config_from(plain) == BASE
    assert config_from(plain).objective == NonSaturating()


def test_other_dataclasses_can_be_changed_too() -> None:
    changed = assign_flat(MIXTURE_RULE, {"window": 5, "quality_min": 0.25})
    assert changed == dataclasses.replace(MIXTURE_RULE, window=5, quality_min=0.25)
    assert type(changed) is type(MIXTURE_RULE)


def test_texts_become_values() -> None:
    texts = [
        "steps=500",
        "clip=1e-2",
        "objective.kind=minimax",
        "x=null",
        "y=[1, 2]",
        'z={"a": 1}',
        "path=a=b",
        'q="7"',
    ]
    assert assignments(texts, "--set") == {
        "steps": 500,
        "clip": 0.01,
        "objective.kind": "minimax",
        "x": None,
        "y": [1, 2],
        "z": {"a": 1},
        "path": "a=b",
        "q": "7",
    }


# What is refused

_FIELDS = ", ".join(field.name for field in dataclasses.fields(GanConfig))
_NETWORKS = ", ".join(kind().kind for kind in NETWORKS)
_INITS = ", ".join(kind().kind for kind in get_args(Init))
MISTAKES = [
    # a field that does not exist
    ({"stepz": 3}, f"stepz is no field: the configuration has {_FIELDS}: did you mean steps?"),
    ({"kind": "x"}, "kind must be one of gan, aae, got 'x'"),
    ({"objectve.kind": "minimax"}, f"objectve is no field: the configuration has {_FIELDS}: did you mean objective?"),
    (
        {"d_optimizer.lrr": 3},
        "d_optimizer.lrr is no field: d_optimizer has kind, lr, beta1, beta2, eps, weight_decay: did you mean lr?",
    ),
    ({"generator.init.std": 3}, "generator.init.std is no field: generator.init has kind, gain"),
    ({"objective": {"kind": "minimax", "a": 1}}, "objective.a is no field: objective has kind"),
    ({"objective.kind": "minimax", "objective.a": 1}, "objective.a is no field: objective has kind"),
    ({"clip.x": 1}, "clip.x is no field: clip has none"),
    ({"steps.x.y": 1}, "steps.x.y is no field: steps has none"),
    ({"generator.hidden.0": 1}, "generator.hidden.0 is no field: generator.hidden has none"),
    # a field that is missing
    ({"d_optimizer.kind": "sgd"}, "d_optimizer.lr must be given, got none"),
    ({"latent": {}}, "latent.dim must be given, got none"),
    ({"d_optimizer": {"lr": 0.1}}, "d_optimizer.kind must be given, got lr"),
    ({"generator": {}}, "generator.kind must be given, got nothing"),
    # a kind that does not exist, also deep inside, also in the second member of a union
    (
        {"objective.kind": "lsgan"},
        "objective.kind must be one of minimax, non_saturating, least_squares, wasserstein, got 'lsgan'",
    ),
    ({"generator.kind": "x"}, f"generator.kind must be one of {_NETWORKS}, got 'x'"),
    ({"generator.init.kind": "xavier"}, f"generator.init.kind must be one of {_INITS}, got 'xavier'"),
    (
        {"generator": {"kind": "dcgan", "init": {"kind": "xavier"}}},
        f"generator.init.kind must be one of {_INITS}, got 'xavier'",
    ),
    ({"d_optimizer.kind": 3}, "d_optimizer.kind must be one of sgd, adam, rmsprop, rmsprop_tf1, got 3"),
    # a value of another type
    ({"steps": "many"}, "steps: input should be a valid integer, unable to parse string as an integer, got 'many'"),
    ({"steps": 2.5}, "steps: input should be a valid integer, got a number with a fractional part, got 2.5"),
    ({"steps": True}, "steps must not be a truth value, got true"),
    ({"d_optimizer.lr": True}, "d_optimizer.lr must not be a truth value, got true"),
    (
        {"d_optimizer.lr": "x"},
        "d_optimizer.lr: input should be a valid number, unable to parse string as a number, got 'x'",
    ),
    (
        {"generator.norm": "hm"},
        "generator.norm: input should be 'none', 'batch', 'layer' or 'spectral', got 'hm'",
    ),
    ({"generator.hidden": 5}, "generator.hidden: input should be a valid tuple, got 5"),
    ({"objective": 5}, "objective must be named fields, got 5"),
    ({"updates": None}, "updates must be named fields, got None"),
    ({"updates.order": "both"}, "updates.order: input should be 'd_first', 'g_first' or 'simultaneous', got 'both'"),
    ({"dtype": "float16"}, "dtype: input should be 'float32' or 'float64', got 'float16': did you mean float64?"),
    # a value out of range: the owner's sentence, after the place
    ({"clip": -0.01}, "clip must be > 0, got -0.01"),
    ({"batch_size": 1}, "batch_size must be >= 2, got 1"),
    ({"d_optimizer.lr": -1}, "d_optimizer: lr must be > 0, got -1.0"),
    ({"data.modes": 0}, "data: modes must be in 1..4096, got 0"),
    ({"generator.hidden": [0]}, "generator: hidden must name at least one layer of at least one unit, got (0,)"),
    ({"generator.init": {"kind": "normal", "std": -1}}, "generator.init: std must be > 0, got -1.0"),
    (
        {"objective": {"kind": "least_squares", "a": 1}},
        "objective: label a (fake) must differ from label b (real), got a = b = 1.0",
    ),
    ({"updates.d_steps": 0}, "updates: d_steps must be >= 1, got 0"),
]


@pytest.mark.parametrize(("changes", "sentence"), MISTAKES, ids=lambda v: str(v)[:60])
def test_a_mistake_gives_one_sentence(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError) as caught:
        assign_config(BASE, changes)
    assert str(caught.value) == sentence


def test_mistakes_in_a_whole_configuration_give_the_same_sentences() -> None:
    plain = to_dict(BASE)
    del plain["steps"]
    with pytest.raises(ValueError, match=r"^steps must be given, got none$"):
        config_from(plain)
    with pytest.raises(ValueError, match=r"^stepz is no field: the configuration has kind, data, generator, "):
        config_from({**to_dict(BASE), "stepz": 3})
    with pytest.raises(ValueError, match=rf"^generator\.kind must be one of {_NETWORKS}, got 'x'$"):
        config_from({**to_dict(BASE), "generator": {"kind": "x"}})


def test_a_mistake_in_a_rule_gives_one_sentence() -> None:
    with pytest.raises(ValueError, match=r"^windw is no field: the configuration has name, edition, window, "):
        assign_flat(MIXTURE_RULE, {"windw": 5})
    with pytest.raises(ValueError, match=r"^window must be >= 1, got 0$"):
        assign_flat(MIXTURE_RULE, {"window": 0})
    with pytest.raises(ValueError, match=r"^radius: input should be 'eighth', 'r3', 'r10' or 'r30', got 'r4'$"):
        assign_flat(MIXTURE_RULE, {"radius": "r4"})


@pytest.mark.parametrize("text", ["steps", "=3", "steps=", ""])
def test_a_text_without_path_or_value_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=rf"^--set needs path=value, got '{text}'$"):
        assignments([text], "--set")
