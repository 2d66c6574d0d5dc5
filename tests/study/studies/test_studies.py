"""Every study that is shipped: it expands, varies what it says, asks what it can answer, and trains."""

import dataclasses
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from math import isfinite
from pathlib import Path
from typing import Any

import pytest
import torch

import benchmarks
import study as lab
from study.design.hypotheses import Share
from study.design.plan import Cell, Plan
from study.design.planning import plan_study
from study.design.study import Study
from study.studies import find, studies
from trainables.config import GanConfig, to_dict
from trainables.data import DataConfig
from trainables.loop import Loop
from trainables.networks import BottleneckResnet, Mlp
from trainables.networks.norm import BatchStatistics, RunningStatistics
from trainables.optim import Adam, RMSprop

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CPU = torch.device("cpu")
STUDIES = list(studies().values())
PROFILES = [(study, name) for study in STUDIES for name in study.profiles]
every = pytest.mark.parametrize("study", STUDIES, ids=lambda study: study.name)
every_profile = pytest.mark.parametrize(
    ("study", "profile"), PROFILES, ids=[f"{study.name}-{profile}" for study, profile in PROFILES]
)


def spec_of(study: Study, profile: str) -> Plan:
    return _planned(study.name, profile)


@cache
def _planned(study: str, profile: str) -> Plan:
    return plan_study(find(study), profile, now=NOW)


def flat(values: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Dotted path to leaf."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        inner = flat(value, f"{path}{name}.") if isinstance(value, dict) else {f"{path}{name}": value}
        found |= inner
    return found


def differing(one: Cell, other: Cell) -> set[str]:
    a, b = flat(to_dict(one.config)), flat(to_dict(other.config))
    return {path for path in a.keys() | b.keys() if a.get(path) != b.get(path)}


def test_studies_are_found_by_name() -> None:
    assert list(studies()) == sorted(studies())
    for name, study in studies().items():
        assert find(name) is study
    with pytest.raises(ValueError, match=r"study must be one of .*lsgan-stability, .*, got 'x'"):
        find("x")


@every
def test_a_study_says_what_it_asks_and_where_that_comes_from(study: Study) -> None:
    assert study.question.endswith("?")
    assert study.sources
    assert all(hypothesis.source and hypothesis.claim for hypothesis in study.hypotheses)
    assert {"smoke", "quick"} <= study.profiles.keys()


@every_profile
def test_every_profile_expands_into_distinct_cells(study: Study, profile: str) -> None:
    plan = spec_of(study, profile)
    assert len({cell.name for cell in plan.cells}) == len(plan.cells)
    assert len({cell.digest for cell in plan.cells}) == len(plan.cells)
    assert plan.note.strip()


@every_profile
def test_cells_differ_only_where_their_factors_say(study: Study, profile: str) -> None:
    plan = spec_of(study, profile)
    first = plan.cells[0]
    for cell in plan.cells[1:]:
        varied = [f for f in plan.factors if cell.levels[f.name] != first.levels[f.name]]
        paths = {path for factor in varied for path in factor.paths}
        difference = differing(first, cell)
        assert difference
        strays = {leaf for leaf in difference if not any(f"{leaf}.".startswith(f"{path}.") for path in paths)}
        assert not strays, cell.name
        for factor in varied:
            assert any(f"{leaf}.".startswith(f"{path}.") for leaf in difference for path in factor.paths), factor.name


@every_profile
def test_a_level_means_the_same_in_every_cell(study: Study, profile: str) -> None:
    plan = spec_of(study, profile)
    for factor in plan.factors:
        for level in factor.levels:
            # As dataclasses: plain values leave out later fields at the values that say nothing new.
            own = [flat(dataclasses.asdict(c.config)) for c in plan.cells if c.levels[factor.name] == level.label]
            for path in factor.paths:
                parts = [{k: v for k, v in values.items() if f"{k}.".startswith(f"{path}.")} for values in own]
                assert parts[0]
                assert all(part == parts[0] for part in parts), (level.label, path)


@every
def test_hypotheses_can_be_judged_in_some_profile(study: Study) -> None:
    """All sides in the same profile; in every profile, no factor that it does not have."""
    specs = [spec_of(study, profile) for profile in study.profiles]
    for hypothesis in study.hypotheses:
        answerable = [
            all(any(where.items() <= cell.levels.items() for cell in plan.cells) for where in hypothesis.sides)
            for plan in specs
        ]
        assert any(answerable), hypothesis.name
        for plan in specs:
            assert {name for where in hypothesis.sides for name in where} <= plan.cells[0].levels.keys()


@every
def test_hypotheses_have_unique_names(study: Study) -> None:
    names = [hypothesis.name for hypothesis in study.hypotheses]
    assert len(set(names)) == len(names)


@every
def test_contrasts_compare_levels_of_some_profile(study: Study) -> None:
    for contrast in study.contrasts:
        levels = [
            {level.label for level in factor.levels}
            for profile in study.profiles.values()
            for factor in profile.factors
            if factor.name == contrast.factor
        ]
        assert contrast.a != contrast.b
        assert any({contrast.a, contrast.b} <= labels for labels in levels), contrast


def _skip_without(data: DataConfig) -> None:
    """Some data are drawn with fonts of the machine."""
    try:
        data.check()
    except ValueError as error:
        pytest.skip(str(error))


@every
def test_smoke_cells_start_training_with_finite_numbers(study: Study) -> None:
    """Three steps of every smoke cell, with smaller evaluation and without probes, which have tests of their own."""
    for cell in spec_of(study, "smoke").cells:
        config = dataclasses.replace(cell.config, evaluation=dataclasses.replace(cell.config.evaluation, samples=64))
        _skip_without(config.data)
        source = config.data.load(device=CPU, dtype=torch.float32)
        loop = Loop(config, [1, 2], source, [], device=CPU)
        for _ in range(3):
            loop.advance()
        for row in loop.report():
            assert row["finite"], cell.name
            assert row["step"] == 3
            assert all(isfinite(value) for value in row.values()), (cell.name, row)
            gradients = [value for name, value in row.items() if name.endswith("_grad_norm")]
            assert gradients
            assert all(value > 0 for value in gradients)


def test_the_lsgan_table_has_the_papers_cells() -> None:
    """Section 4.4: without batch norm in G, or in both; Adam and RMSProp; least squares and cross-entropy."""
    study = find("lsgan-stability")
    for profile, places, rules in (
        ("quick", ["no_bn_gd"], ["adam"]),
        ("smoke", ["no_bn_g", "no_bn_gd"], ["adam", "rmsprop"]),
        ("paper", ["no_bn_g", "no_bn_gd"], ["adam", "rmsprop"]),
    ):
        cells = spec_of(study, profile).cells
        assert {tuple(cell.levels.values()) for cell in cells} == {
            (bn, rule, objective) for bn in places for rule in rules for objective in ("ls(0,1,1)", "ns")
        }
        for cell in cells:
            assert (cell.config.generator.norm == "batch") is (cell.levels["bn"] == "full")
            assert (cell.config.discriminator.norm == "batch") is (cell.levels["bn"] != "no_bn_gd")


def test_the_first_run_adds_seeds_for_four_minutes_and_shares_none_with_the_exploration() -> None:
    plan = spec_of(find("lsgan-stability"), "quick")
    assert (plan.until_decided, plan.budget) == (True, 240.0)
    explored = lab.plan(Path(benchmarks.__path__[0], "stability_map", "digits.py"), "adam-16")
    assert not set(plan.seeds) & set(explored.seeds)
    known = {cell.digest for cell in explored.cells}
    assert all(cell.digest in known for cell in plan.cells), "its cells are places of the map"


def test_the_papers_profile_has_the_papers_protocol() -> None:
    plan = spec_of(find("lsgan-stability"), "paper")
    for cell in plan.cells:
        plain = flat(to_dict(cell.config))
        assert plain["data.kind"] == "lsun_bedroom"
        assert plain["latent.dim"] == 1_024
        assert plain["batch_size"] == 64
        assert plain["g_optimizer.lr"] == plain["d_optimizer.lr"] == 2e-4
        assert plain["g_optimizer.kind"] == {"adam": "adam", "rmsprop": "rmsprop_tf1"}[cell.levels["optimizer"]]
        assert (plain["updates.order"], plain["updates.d_steps"], plain["updates.reuse_latents"]) == (
            "d_first",
            1,
            True,
        )
        assert plain["updates.d_batches"] == "apart"


@every
def test_seeds_are_shared_by_all_profiles(study: Study) -> None:
    longest = max((spec_of(study, profile).seeds for profile in study.profiles), key=len)
    for profile in study.profiles:
        own = spec_of(study, profile).seeds
        assert own == longest[: len(own)]


def test_enough_tuning_is_asked_of_every_method_and_of_random_settings_alone() -> None:
    """At the threshold, one of the paper's 100 settings trains with probability 0.95."""
    study = find("large-scale")
    asked = [one for one in study.hypotheses if isinstance(one, Share) and one.name.startswith("tuning-finds-")]
    assert {one.where["method"] for one in asked} == {cell.levels["method"] for cell in spec_of(study, "quick").cells}
    for one in asked:
        assert 1 - (1 - one.threshold) ** 100 == pytest.approx(0.95)
        assert not any(one.where.items() <= cell.levels.items() for cell in spec_of(study, "grid").cells)


def test_samples_are_drawn_with_the_statistics_of_the_papers_code() -> None:
    """Running ones where it has batch norm in G and leaves training mode: Mao et al. 2017 and 2019, Lin et al. 2018,
    and compare_gan, for whose slow momentum only the long profiles have the steps."""
    momenta = {"low-variability": 0.1, "chinese-characters": 0.1, "mode-coverage": 0.05}
    slow = {("large-scale", "wide"), ("large-scale", "grid")}
    for name, study in studies().items():
        for profile in study.profiles:
            used = study.profiles[profile].base.evaluation.batch_norm
            momentum = 0.001 if (name, profile) in slow else momenta.get(name)
            wanted = BatchStatistics() if momentum is None else RunningStatistics(momentum=momentum)
            assert used == wanted, (name, profile)


def test_pacgan_updates_both_players_at_once() -> None:
    """And packs samples of batches of 100 with batch norm of eps 1e-4, as its code does."""
    for cell in spec_of(find("mode-coverage"), "paper").cells:
        config = cell.config
        assert isinstance(config, GanConfig)
        assert (config.updates.order, config.batch_size) == ("simultaneous", 100)
        assert isinstance(config.generator, Mlp)
        assert (config.generator.norm, config.generator.norm_eps) == ("batch", 1e-4)


def test_lsgan_gp_trains_the_residual_net_as_its_script_does() -> None:
    """It neither divides D's score by 5, as WGAN-GP's script does, nor updates D once, as for the other nets."""
    found = {}
    for cell in spec_of(find("difficult-architectures"), "paper").cells:
        assert isinstance(cell.config, GanConfig)
        if isinstance(net := cell.config.discriminator, BottleneckResnet):
            found[cell.levels["method"]] = (net.score_divisor, net.norm, cell.config.updates.d_steps)
    assert found == {
        "dcgan": (5, "batch", 1),
        "lsgan": (5, "batch", 1),
        "wgan": (5, "batch", 5),
        "wgan-gp": (5, "layer", 5),
        "lsgan-gp": (1, "layer", 2),
    }


@pytest.mark.parametrize("profile", find("wgan-clip").profiles)
def test_momentum_is_asked_of_d_alone(profile: str) -> None:
    """Arjovsky et al. 2017, section 4.2, warn of it in the critic."""
    for cell in spec_of(find("wgan-clip"), profile).cells:
        assert isinstance(cell.config, GanConfig)
        assert cell.config.g_optimizer == RMSprop(lr=5e-4)
        rules = {"rmsprop": RMSprop(lr=5e-4), "adam": Adam(lr=5e-4, beta1=0.5)}
        assert cell.config.d_optimizer == rules[cell.levels["optimizer"]]
    (claim,) = (one for one in find("wgan-clip").hypotheses if one.name == "rmsprop-beats-adam")
    assert "section 4.2" in claim.source


def test_success_means_the_same_with_and_without_a_classifier() -> None:
    for profile in find("acgan").profiles.values():
        assert profile.rule.label_accuracy_min is None


@pytest.mark.parametrize(
    ("name", "claims"),
    [
        ("lsgan-stability", 10),
        ("mixture-modes", 3),
        ("wgan-clip", 3),
        ("random-architectures", 1),
        ("difficult-architectures", 7),
        ("penalty-lambda", 4),
        ("dirac", 8),
        ("large-scale", 10),
    ],
)
def test_claims_of_a_paper_do_not_get_lost(name: str, claims: int) -> None:
    """The reproduction ledger is made of them; a family that grows or shrinks also moves every adjusted p."""
    assert len(find(name).hypotheses) == claims
