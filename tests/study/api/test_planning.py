import json
from collections.abc import Callable
from pathlib import Path

import pytest

import study
from study.api.planning import save
from study.studies import find

GRID = {"objective.kind": ["non_saturating", "least_squares"], "d_optimizer.lr": [1e-4, 1e-3]}


def test_a_plan_is_that_of_the_named_study() -> None:
    plan = study.plan("mixture-modes", "smoke")
    assert (plan.study, plan.profile) == ("mixture-modes", "smoke")
    assert plan.hypotheses == find("mixture-modes").hypotheses


def test_a_study_without_the_usual_profile_takes_its_first_one() -> None:
    whole = find("mixture-modes")
    one = study.Study(
        **{name: getattr(whole, name) for name in whole.__slots__ if name != "profiles"},
        profiles={"tiny": whole.profiles["smoke"]},
    )
    assert study.plan(one).profile == "tiny"
    assert study.plan(whole).profile == "quick"


def test_what_is_varied_replaces_the_factors_and_is_contrasted_in_all_pairs() -> None:
    plan = study.plan("mixture-modes", "smoke", seeds=3, vary={"clip": [0.01, 0.1, 1.0], **GRID})
    assert len(plan.cells) == 3 * 2 * 2
    assert [factor.name for factor in plan.factors] == ["clip", "objective.kind", "d_optimizer.lr"]
    assert len([own for own in plan.contrasts if own.factor == "clip"]) == 3
    assert {cell.config.clip for cell in plan.cells} == {0.01, 0.1, 1.0}  # type: ignore[union-attr]
    assert plan.hypotheses == ()
    assert plan.study == "mixture-modes-grid"


@pytest.mark.parametrize(
    ("vary", "message"),
    [
        ({"clip": [0.1]}, "--vary clip needs two values or more, got 1"),
        ({"clip": [0.1, 0.1]}, "must have different values, got 0.1 and 0.1"),
        ({"clipp": [0.1, 0.2]}, "clipp is no field"),
        ({"steps": [100, 100.0]}, "must have different values, got 100 and 100.0"),
        ({"clip": 0.1}, "vary clip must be a list of values, got 0.1"),
        ({"clip": "0.1,0.2"}, "vary clip must be a list of values"),
        ({"clip": [0.1, -1]}, "clip must be"),
        ({"steps": [10, "many"]}, "steps"),
    ],
)
def test_what_cannot_be_varied_is_one_sentence(vary: dict[str, list[object]], message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        study.plan("mixture-modes", "smoke", vary=vary)
    assert "\n" not in str(error.value)


def test_a_varied_path_cannot_be_set_as_well() -> None:
    with pytest.raises(ValueError, match="varied by the factor"):
        study.plan("mixture-modes", "smoke", vary={"clip": [0.1, 0.2]}, set={"clip": 0.3})


@pytest.mark.parametrize("name", ["mixture-modes", "aae", "lsgan-stability", "large-scale"])
def test_a_saved_study_plans_the_same(name: str, tmp_path: Path) -> None:
    save(tmp_path / "mine.py", name, "smoke", seeds=2, set={"steps": 30, "evaluation.every": 10})
    again = study.plan(str(tmp_path / "mine.py"))
    planned = study.plan(name, "smoke", seeds=2, set={"steps": 30, "evaluation.every": 10})
    assert [cell.digest for cell in again.cells] == [cell.digest for cell in planned.cells]
    assert again.seeds == planned.seeds
    assert all(hypothesis in planned.hypotheses for hypothesis in again.hypotheses)
    partly = ("large-scale", "lsgan-stability")  # whose profile lacks cells for some of the claims
    assert name in partly or again.hypotheses == planned.hypotheses
    assert again.rule == planned.rule


def test_a_saved_study_adds_seeds_as_it_was_asked_to(tmp_path: Path) -> None:
    plans = []
    for options in ({"until_decided": True, "seeds": 30, "budget": "2m"}, {"seeds": 4}):
        file = tmp_path / f"own{len(plans)}.py"
        save(file, "mixture-modes", "quick", **options)
        plans.append(study.plan(file))
    assert [(plan.until_decided, len(plan.seeds), plan.budget) for plan in plans] == [
        (True, 30, 120.0),
        (False, 4, None),
    ]


def test_a_saved_grid_can_be_grown(tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    save(file, "mixture-modes", "smoke", vary=GRID)
    text = file.read_text(encoding="utf-8")
    assert "from study import " in text
    assert 'label="0.001"' in text
    file.write_text(text.replace('"0.001"', '"faster"'), encoding="utf-8")
    assert {cell.levels["d_optimizer.lr"] for cell in study.plan(file).cells} == {"0.0001", "faster"}


@pytest.mark.parametrize(("name", "message"), [("mine.py", "exists already"), ("mine.txt", r"ends in \.py")])
def test_a_file_that_cannot_be_saved_is_one_sentence(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text("# mine")
    with pytest.raises(ValueError, match=message):
        save(tmp_path / name, "mixture-modes", "smoke")
    assert (tmp_path / "mine.py").read_text() == "# mine"


def test_a_budget_is_a_number_of_seconds_or_a_text() -> None:
    plans = [study.plan("mixture-modes", "quick", until_decided=True, budget=budget) for budget in ("2m", 120.0)]
    assert [plan.budget for plan in plans] == [120.0, 120.0]
    with pytest.raises(ValueError, match="needs --until-decided"):
        study.plan("mixture-modes", "quick", budget="2m")


def test_power_has_a_row_for_every_claim_and_assumption() -> None:
    plan = study.plan("mixture-modes", "quick", seeds=20)
    table = study.power(plan, rates=(1.0, 0.0), rate=0.9)
    assert set(table.claim) == {hypothesis.claim for hypothesis in plan.hypotheses}
    assert (table.chance <= table.chance_alone).all()
    assert (table.seeds_80.dropna() <= table.seeds_90.dropna()).all()


def test_a_search_is_a_plan_too() -> None:
    plan = study.plan_search("wgan-clip", on="ring", budget="30blocks", seeds=8)
    assert plan.search is not None
    assert (plan.search.blocks, len(plan.seeds), plan.cells) == (30, 8, ())


def test_a_plan_shows_itself_in_one_line() -> None:
    text = repr(study.plan("mixture-modes", "smoke"))
    assert "\n" not in text
    assert "6 cells x 2 seeds" in text
    assert json.dumps(text)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: study.plan(3), "study must be a Study, a name or a file, got 3"),  # type: ignore[arg-type]
        (lambda: study.plan("dirac", seeds="3"), "seeds must be a whole number, got '3'"),  # type: ignore[arg-type]
        (lambda: study.plan("dirac", seeds=2.5), "seeds must be a whole number, got 2.5"),  # type: ignore[arg-type]
        (lambda: study.plan("dirac", set=["a"]), "set must be a mapping"),  # type: ignore[arg-type]
        (lambda: study.plan("dirac", vary=["clip"]), "vary must be a mapping"),  # type: ignore[arg-type]
        (lambda: study.run("dirac"), "plan must be a Plan, as study.plan returns, got 'dirac'"),  # type: ignore[arg-type]
        (lambda: study.power("dirac"), "plan must be a Plan"),  # type: ignore[arg-type]
        (lambda: study.explain("dirac"), "plan must be a Plan"),  # type: ignore[arg-type]
        (lambda: study.load(3), "launch must be a folder or an id, got 3"),  # type: ignore[arg-type]
        (lambda: study.plan_confirmation("x"), "launch must be a Launch"),  # type: ignore[arg-type]
        (lambda: study.plan_search("wgan-clip", on="ring", budget=5), "budget must be a text"),  # type: ignore[arg-type]
    ],
)
def test_a_value_of_the_wrong_kind_is_one_sentence(call: Callable[[], object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
