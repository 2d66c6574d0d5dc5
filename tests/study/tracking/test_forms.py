"""What a search shows in MLflow, as names and plain values."""

import dataclasses
import json
from pathlib import Path

import pytest

from study.design.planning import plan_study
from study.outcomes.outcome import Outcome
from study.search.importance import Importance
from study.storage import search_log
from study.studies import find
from study.tracking import views
from study.tracking.forms import form_of
from study.tracking.values import importance_json, importance_metrics, point_params, search_params
from tests.study.made_searches import NOW, SPACE, plan, searched
from trainables.config import to_dict

FOUND = [
    Importance(
        axis=axis, target=target, share=share, low=0.1, high=0.9, chance=0.2, rank_stability=0.7, n_cells=12
    )
    for target, axis, share in (("success", "lr", 0.75), ("success", "optimizer", 0.25), (Outcome.DIVERGED, "lr", 1.0))
]  # fmt: skip


def test_a_search_says_its_space_sampler_and_budget() -> None:
    planned = plan(blocks=12)
    assert planned.search is not None
    assert search_params(planned, planned.search) == {
        "space": "tiny", "sampler": "tpe", "objective": "success", "stop": "lost", "block": "2", "budget_blocks": "12"
    }  # fmt: skip
    timed = dataclasses.replace(planned, budget=90.0, search=dataclasses.replace(planned.search, blocks=None))
    assert timed.search is not None
    found = search_params(timed, timed.search)
    assert found["budget_seconds"] == "90"
    assert "budget_blocks" not in found


def test_a_candidate_has_its_exact_numbers(tmp_path: Path) -> None:
    store = searched(tmp_path, plan(blocks=4))
    points = search_log.read(store.search_path).points
    for cell, point in zip(store.plan().cells, points, strict=True):
        found = point_params(SPACE.point_of(to_dict(cell.config)) or {})
        assert set(found) == {f"param.{axis}" for axis in point}
        assert float(found["param.lr"]) == pytest.approx(float(point["lr"]), rel=1e-12)
        assert found["param.optimizer"] == point["optimizer"]


def test_importance_for_success_is_a_metric_per_axis() -> None:
    assert importance_metrics(FOUND) == {"importance.success.lr": 0.75, "importance.success.optimizer": 0.25}


def test_all_importances_are_json() -> None:
    rows = json.loads(importance_json(FOUND))
    assert [(row["target"], row["axis"], row["share"]) for row in rows] == [
        ("success", "lr", 0.75), ("success", "optimizer", 0.25), ("diverged", "lr", 1.0)
    ]  # fmt: skip
    assert all(row["beyond_chance"] for row in rows)


def test_the_view_of_a_search_has_its_axes_and_scores_as_columns() -> None:
    for view, first in ((views.CELLS, "metrics.`score`"), (views.REPLICAS, "metrics.`quality`")):
        columns = json.loads(views.tags(plan())[views.tag(view)])["selectedColumns"]
        assert {"params.`param.optimizer`", "params.`param.lr`", "params.`param.beta1`", first} <= set(columns)


def test_the_views_of_a_grid_have_its_factors_rates_and_outcomes_as_columns() -> None:
    tags = views.tags(plan_study(find("wgan-clip"), "smoke", now=NOW))
    factors = ["params.`clip`", "params.`optimizer`"]
    cells, replicas = (json.loads(tags[views.tag(view)])["selectedColumns"] for view in views.NAMES)
    assert cells == ["metrics.`n`", "metrics.`success_rate`", *factors, "tags.`outcomes`"]
    assert replicas == ["metrics.`coverage`", "metrics.`quality`", *factors, "params.`seed`", "tags.`outcome`"]
    assert tags["mlflow.experimentKind"] == "custom_model_development"


def test_only_what_a_search_proposes_is_a_candidate_with_a_score(tmp_path: Path) -> None:
    store = searched(tmp_path, plan(blocks=4))
    form, (first, *_) = form_of(store.plan()), store.plan().cells
    assert form.tags(first) == {"candidate": "#0"}
    assert set(form.params_of(first)) == {f"param.{axis}" for axis in search_log.read(store.search_path).points[0]}
    assert form.params_of(first)["param.optimizer"] == "adam"
    assert set(form.scores(store.records())) == {cell.index for cell in store.plan().cells}
    grid = form_of(plan_study(find("wgan-clip"), "smoke", now=NOW))
    assert (grid.tags(first), grid.scores(store.records()), grid.importances(store)) == ({}, {}, ())
    assert grid.params_of(first) == first.levels
    assert grid.params() == {"cells": "4"}
