"""Populations as configurations: what is refused, what is written and read, and what is said of them."""

import json
from typing import Any

import pytest

from study.design.description import statements
from study.design.parsing import assign_config, config_from
from study.report.methods import of_gan
from tests.trainables.made_populations import ring
from trainables.config import GanConfig, digest, digest_of, to_dict
from trainables.population import Population


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"members": 1}, "members must be >= 2, got 1"),
        ({"every": 0}, "every must be >= 1, got 0"),
        ({"scales": ()}, "scales must be different ones of lr, g_lr, d_lr, penalty, at least one, got none"),
        ({"scales": ("lr", "lr")}, "scales must be different ones of .*, got lr, lr"),
        ({"scales": ("momentum",)}, "scales must be different ones of .*, got momentum"),
        ({"scales": ("lr", "d_lr")}, "scales must not have lr beside g_lr or d_lr, got lr, d_lr"),
        ({"spread": 0.5}, "spread must be >= 1, got 0.5"),
        ({"spread": float("inf")}, "spread must be >= 1, got inf"),
        ({"factors": ()}, "factors must be numbers > 0 and at least one, got none"),
        ({"factors": (0.8, 0.0)}, "factors must be numbers > 0 and at least one, got 0.8, 0.0"),
        ({"truncation": 0.6}, r"truncation must be in \(0, 0.5\], got 0.6"),
        ({"truncation": 0.0}, r"truncation must be in \(0, 0.5\], got 0.0"),
    ],
    ids=str,
)
def test_what_makes_no_population_is_refused(changes: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}$"):
        Population(**{"members": 4, "every": 10, **changes})


def test_a_penalty_that_is_not_there_is_not_varied() -> None:
    values = to_dict(ring())
    with pytest.raises(
        ValueError, match=r"population.scales must not have penalty where there is none, got penalty none"
    ):
        config_from({**values, "penalty": {"kind": "none"}})


def test_a_configuration_without_population_is_what_it_was() -> None:
    assert "population" not in to_dict(ring(None))
    assert digest_of({**to_dict(ring(None)), "population": None}) == digest(ring(None))
    assert len({digest(ring(None)), digest(ring()), digest(ring(Population(members=4, every=2)))}) == 3


@pytest.mark.parametrize("config", [ring(), ring(None)], ids=["population", "none"])
def test_plain_values_lead_back_to_the_configuration(config: GanConfig) -> None:
    parsed = config_from(json.loads(json.dumps(to_dict(config))))
    assert parsed == config
    assert digest(parsed) == digest(config)


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"members": 4}, "population.every must be given, got none"),
        ({"members": 1, "every": 5}, "population: members must be >= 2, got 1"),
        ({"members": 4, "every": 5, "size": 3}, "population.size is no field: population has members, every, scales, "),
        (4, "population must be named fields, got 4"),
    ],
    ids=str,
)
def test_a_user_s_mistake_is_one_sentence(value: Any, sentence: str) -> None:
    with pytest.raises(ValueError, match=f"^{sentence}"):
        assign_config(ring(None), {"population": value})


def test_an_explanation_says_what_a_population_does() -> None:
    told = {fact.name: fact.text for fact in statements(ring()) if fact.section == "Population"}
    assert told["members"].startswith("4 networks per replica")
    assert told["selection"].startswith("every 2 steps the last 1 by fitness")
    assert (
        told["factors"]
        == "on g_lr, d_lr, penalty: at first log-uniform in [0.333333, 3], times 0.8 or 1.25 with each copy"
    )
    assert not [fact for fact in statements(ring(None)) if fact.section == "Population"]
    late = statements(ring(Population(members=4, every=100)))
    assert "none: the steps end before the first" in {fact.text for fact in late}


def test_a_methods_section_says_that_replicas_are_populations() -> None:
    said = " ".join(of_gan([ring()]))
    assert "Population-based training: Population (members 4, every 2, scales g_lr-d_lr-penalty, spread 3)." in said
    assert "opulation" not in " ".join(of_gan([ring(None)]))


def test_the_copied_share_is_rounded_down_and_at_least_one() -> None:
    found = [Population(members=n, every=1, truncation=share).copied for n, share in ((2, 0.1), (8, 0.25), (7, 0.5))]
    assert found == [1, 2, 3]
