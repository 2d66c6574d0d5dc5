"""What a launch changed, read off its cells."""

from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from typing import Any

import pytest

from study.audit.protocol import Protocol, distance
from study.design.planning import plan_study
from study.studies import find, studies

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LARGE = ("random-architectures", "difficult-architectures")  # hundreds of deep nets, which take their time to plan
WITH_PAPER = [study.name for study in studies().values() if "paper" in study.profiles and study.name not in LARGE]


@cache
def protocol(study: str, profile: str, **changes: Any) -> Protocol:
    paths = {path.replace("__", "."): value for path, value in changes.items()}
    plan = plan_study(find(study), profile, now=NOW, changes=paths)
    return Protocol(cells=plan.cells, seeds=len(plan.seeds), rule=plan.rule)


def test_the_small_lsgan_study_is_told_from_the_papers() -> None:
    text = distance(protocol("lsgan-stability", "quick"), protocol("lsgan-stability", "paper"))
    assert text is not None
    assert text.startswith("digits 16x16 for lsun bedroom 64x64; 2,500 of 200,000 steps; channels 16-32 for 64-128-")
    for part in ("noise dimensions 100 for 1,024", "learning rate 0.001 for 0.0002"):
        assert part in text


@pytest.mark.parametrize("name", WITH_PAPER)
def test_nothing_differs_from_itself(name: str) -> None:
    assert distance(protocol(name, "paper"), protocol(name, "paper")) == ""


@pytest.mark.parametrize("name", WITH_PAPER)
def test_every_profile_can_be_compared_with_the_papers(name: str) -> None:
    for profile in find(name).profiles:
        assert distance(protocol(name, profile), protocol(name, "paper")) is not None


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"steps": 7_000}, "7,000 of 35,000 steps"),
        ({"steps": 70_000}, "steps 70,000 for 35,000"),
        ({"batch_size": 64}, "batch 64 for 512"),
        ({"latent__dim": 2}, "noise dimensions 2 for 256"),
        ({"g_optimizer__lr": 1e-4}, "g optimiser lr 0.0001 for 0.001"),
        ({"g_optimizer__beta1": 0.0, "d_optimizer__beta1": 0.0}, "beta1 0 for 0.5"),
        ({"generator__hidden": (64, 64), "discriminator__hidden": (64, 64)}, "hidden 64-64 for 128-128"),
        ({"updates__order": "d_first"}, "updates order d_first for simultaneous"),
        ({"clip": 0.1}, "clip 0.1 for none"),
        (
            {"g_optimizer__lr": 5e-5, "d_optimizer__lr": 5e-6},
            "g optimiser lr 5e-05 for 0.001; d optimiser lr 5e-06 for",
        ),
    ],
)
def test_a_changed_field_is_said_with_both_values(changes: dict[str, Any], text: str) -> None:
    found = distance(protocol("mixture-modes", "paper", **changes), protocol("mixture-modes", "paper"))
    assert found is not None
    assert text in found


def test_how_often_is_measured_is_no_difference() -> None:
    ours = protocol("mixture-modes", "paper", evaluation__every=5, evaluation__samples=99)
    assert distance(ours, protocol("mixture-modes", "paper")) == ""


def test_other_seeds_and_another_rule_are_differences() -> None:
    published = protocol("mixture-modes", "paper")
    ours = replace(published, seeds=3, rule=replace(published.rule, name="strict", coverage_min=1.0))
    assert distance(ours, published) == f"3 for 10 seeds; outcome rule strict for {published.rule.name}"


def test_cells_without_a_counterpart_cannot_be_compared() -> None:
    assert distance(protocol("mixture-modes", "quick"), protocol("dirac", "paper")) is None


def test_a_smaller_design_is_compared_by_the_levels_that_it_has() -> None:
    text = distance(protocol("low-variability", "smoke"), protocol("low-variability", "paper"))
    assert text is not None
    assert "6 of 50,001 steps" in text


def test_what_differs_in_many_ways_is_only_said_to_differ() -> None:
    text = distance(protocol("difficult-architectures", "quick"), protocol("difficult-architectures", "paper"))
    assert text is not None
    assert "learning rate several" in text
