"""Planning: a study and a profile become cells and seeds, all fixed before training."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from study.design.planning import plan_study
from study.design.study import Study
from study.design.varying import vary
from study.outcomes.rule import MIXTURE_RULE
from study.storage.store import Store
from study.studies import find
from tests.study.design.made_studies import BASE, FACTORS, NOW, planned, profile, study
from trainables.config import digest
from trainables.networks import Mlp
from trainables.objectives import LeastSquares, NonSaturating
from trainables.optim import Adam
from trainables.versions import versions

# Cells


def test_cells_are_the_product_of_the_factors() -> None:
    cells = planned().cells
    assert [cell.name for cell in cells] == ["ls(-1,1,0) / slow", "ls(-1,1,0) / fast", "ns / slow", "ns / fast"]
    assert [cell.index for cell in cells] == [0, 1, 2, 3]
    assert cells[1].levels == {"objective": "ls(-1,1,0)", "rate": "fast"}
    assert cells[1].config == dataclasses.replace(
        BASE, objective=LeastSquares(a=-1.0, b=1.0, c=0.0), d_optimizer=Adam(lr=1e-2)
    )
    assert cells[2].config == dataclasses.replace(BASE, objective=NonSaturating(), d_optimizer=Adam(lr=1e-4))


def test_digests_belong_to_the_configurations_and_differ() -> None:
    cells = planned().cells
    assert [cell.digest for cell in cells] == [digest(cell.config) for cell in cells]
    assert len({cell.digest for cell in cells}) == 4


def test_without_factors_there_is_one_cell() -> None:
    bare = dataclasses.replace(
        study(), hypotheses=(), contrasts=(), profiles={"quick": dataclasses.replace(profile(), factors=())}
    )
    (cell,) = plan_study(bare, "quick", now=NOW).cells
    assert cell.config == BASE


def test_a_note_says_what_was_set_otherwise(tmp_path: Path) -> None:
    plan = planned(changes={"steps": 77, "data.modes": 5})
    assert plan.stated_note() == "a note Set otherwise for this launch: steps=77, data.modes=5."
    assert planned().stated_note() == "a note"
    Store(tmp_path).write_plan(plan)
    assert Store(tmp_path).plan().stated_note() == plan.stated_note()
    assert Store(tmp_path).plan().digest() == plan.digest()


def test_changes_are_set_in_every_cell() -> None:
    cells = planned(changes={"steps": 77, "generator.kind": "mlp", "generator.hidden": [3]}).cells
    assert all(cell.config.steps == 77 and cell.config.generator == Mlp(hidden=(3,)) for cell in cells)
    assert [cell.config.d_optimizer.lr for cell in cells] == [1e-4, 1e-2, 1e-4, 1e-2]


@pytest.mark.parametrize(("steps", "every", "enough"), [(3, 1, True), (50, 20, True), (40, 20, False), (2, 1, False)])
def test_a_cell_has_at_least_a_window_of_reports(steps: int, every: int, enough: bool) -> None:
    changes = {"steps": steps, "evaluation.every": every}
    if enough:
        assert planned(changes=changes).cells[0].config.steps == steps
        return
    sentence = f"every must leave at least 3 reports, the rule's window, in {steps} steps, got {every}"
    with pytest.raises(ValueError, match=sentence):
        planned(changes=changes)


@pytest.mark.parametrize(
    ("path", "factor"),
    [
        ("objective", "objective"),
        ("objective.kind", "objective"),
        ("objective.a", "objective"),
        ("d_optimizer.lr", "rate"),
        ("d_optimizer", "rate"),
    ],
)
def test_a_path_that_a_factor_varies_cannot_be_set(path: str, factor: str) -> None:
    advice = rf"--vary {path}=VALUE,VALUE has values of your own, in place of all factors"
    end = r"\(study test-study, profile quick\)$"
    sentence = rf"^{path} is varied by the factor {factor} and cannot be set: {advice} {end}"
    with pytest.raises(ValueError, match=sentence):
        planned(changes={path: 1})


def test_a_path_that_only_begins_alike_can_be_set() -> None:
    assert planned(changes={"d_optimizer.beta1": 0.9}).cells[0].config.d_optimizer == Adam(lr=1e-4, beta1=0.9)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"changes": {"stepz": 1}}, "stepz is no field: the configuration has kind, data"),
        ({"changes": {"steps": 0}}, "steps must be >= 1, got 0"),
        (
            {"changes": {"data.kind": "digits", "generator.kind": "dcgan"}},
            "channels must have 2 entries for 16x16 images",
        ),
        ({"seeds": 0}, r"seeds must be in \[1, 10000\], got 0"),
        ({"seeds": 10**12}, r"seeds must be in \[1, 10000\], got 1000000000000"),
    ],
    ids=str,
)
def test_mistakes_name_the_study_and_the_profile(options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=rf"^{sentence}.* \(study test-study, profile quick\)$"):
        planned(**options)


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^profile must be one of quick, got 'slow' "):
        plan_study(study(), "slow", now=NOW)


# Seeds


def test_seeds_do_not_depend_on_profile_clock_or_number() -> None:
    few = planned(seeds=3).seeds
    later = plan_study(study(other=profile()), "other", now=NOW.replace(year=2030), seeds=40).seeds
    assert len(few) == 3
    assert later[:3] == few
    assert len(planned().seeds) == 5


def test_seeds_count_up_from_the_studys_first_one() -> None:
    """If this fails, a stored launch can no longer be extended by further seeds."""
    assert planned(seeds=3).seeds == (0, 1, 2)
    later = plan_study(dataclasses.replace(study(), first_seed=1_000), "quick", now=NOW, seeds=2)
    assert later.seeds == (1_000, 1_001)


# The rest of a launch


def test_a_launch_says_what_it_is() -> None:
    plan = planned()
    assert plan.launch == "20260304-050607-quick"
    assert plan.created == "2026-03-04T05:06:07+0000"
    assert (plan.study, plan.title, plan.question, plan.profile) == ("test-study", "A title", "A question?", "quick")
    assert (plan.note, plan.rule, plan.block, plan.factors) == ("a note", MIXTURE_RULE, 2, FACTORS)
    assert (plan.hypotheses, plan.contrasts) == (study().hypotheses, study().contrasts)
    assert plan.versions == versions()


def test_seeds_are_not_added_for_claims_about_draws() -> None:
    """One seed each may be had until decided; with several each draw waits for all of them."""
    with pytest.raises(ValueError, match=r"cannot decide wgan-gp-beats-gan-on-random-architectures by adding seeds.*3"):
        plan_study(find("random-architectures"), "quick", now=NOW, seeds=3, until_decided=True)
    assert plan_study(find("random-architectures"), "quick", now=NOW, seeds=1, until_decided=True).until_decided
    assert len(plan_study(find("random-architectures"), "quick", now=NOW, seeds=3).seeds) == 3


def test_until_decided_needs_something_to_decide() -> None:
    idle = dataclasses.replace(study(), hypotheses=())
    with pytest.raises(ValueError, match=r"^--until-decided needs a hypothesis about cells of the profile, and there"):
        plan_study(idle, "quick", now=NOW, until_decided=True)


def test_a_budget_needs_a_number_of_seeds_that_is_open() -> None:
    with pytest.raises(ValueError, match=r"^--budget needs --until-decided \(study test-study, profile quick\)$"):
        planned(budget=60.0)
    assert planned(budget=60.0, until_decided=True).budget == 60.0


def open_ended(**changes: Any) -> Study:
    return dataclasses.replace(study(), profiles={"quick": dataclasses.replace(profile(), most_seeds=9, **changes)})


def test_a_profile_may_add_seeds_until_its_hypotheses_are_decided() -> None:
    plan = plan_study(open_ended(budget=240.0), "quick", now=NOW)
    assert (plan.until_decided, len(plan.seeds), plan.least, plan.budget) == (True, 9, 2, 240.0)
    more = plan_study(open_ended(budget=240.0), "quick", now=NOW, seeds=20, budget=60.0)
    assert (more.until_decided, len(more.seeds), more.budget) == (True, 20, 60.0)


def test_such_a_profile_has_a_fixed_number_of_seeds_if_it_is_asked_for_one() -> None:
    plan = plan_study(open_ended(budget=240.0), "quick", now=NOW, until_decided=False)
    assert (plan.until_decided, len(plan.seeds), plan.least, plan.budget) == (False, profile().seeds, 1, None)
    assert len(plan_study(open_ended(), "quick", now=NOW, until_decided=False, seeds=7).seeds) == 7
    with pytest.raises(ValueError, match=r"^--budget needs --until-decided"):
        plan_study(open_ended(), "quick", now=NOW, until_decided=False, budget=60.0)


def test_a_grid_over_such_a_profile_has_nothing_to_decide_and_a_fixed_number_of_seeds() -> None:
    grid = vary(open_ended(budget=240.0), "quick", {"steps": [50, 60]})
    plan = plan_study(grid, "quick", now=NOW)
    assert (plan.until_decided, len(plan.seeds), plan.budget) == (False, profile().seeds, None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"most_seeds": 0}, r"most_seeds of a profile must be a whole number in \[1, 10000\], got 0"),
        ({"budget": 60.0}, "budget of a profile needs most_seeds, got 60.0 alone"),
        ({"most_seeds": 9, "budget": 0.0}, "budget of a profile must be > 0 seconds, got 0.0"),
    ],
)
def test_a_profile_that_cannot_add_seeds_is_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        dataclasses.replace(profile(), **changes)


def test_a_scale_until_decided_begins_with_one_block_and_says_so() -> None:
    own = profile()
    hour = own.until_decided(most_seeds=40)
    assert hour == dataclasses.replace(own, seeds=10, block=10, most_seeds=40, budget=3_600.0, note=hour.note)
    assert hour.note == f"{own.note} Seeds are added until the claims are decided, for at most 60 minutes."
    plan = plan_study(dataclasses.replace(study(), profiles={"hour": hour}), "hour", now=NOW)
    assert (plan.until_decided, len(plan.seeds), plan.block) == (True, 40, 10)
