"""The study of variance: what each cell varies, at which held seeds, and that its design can be estimated."""

import pytest

from benchmarks.stability_map import ring
from study.design.plan import Plan
from study.design.planning import plan_study
from study.evidence.variance_components import variance_components
from study.outcomes.outcome import Outcome
from study.studies.variance import STUDY
from tests.study.design.made_studies import NOW
from tests.study.evidence.made_records import recorded
from trainables.streams import GROUPS, Held

SETTINGS = {"smoke": 1, "quick": 6, "standard": 10}
every_profile = pytest.mark.parametrize("profile", STUDY.profiles)


def planned(profile: str) -> Plan:
    return plan_study(STUDY, profile, now=NOW)


@every_profile
def test_a_cell_holds_all_but_what_it_varies_at_one_seed_of_nobody(profile: str) -> None:
    plan = planned(profile)
    for cell in plan.cells:
        varied, held = cell.levels["varied"], cell.config.held  # type: ignore[union-attr]
        if varied == "all":
            assert (held, cell.levels["held at"]) == (Held(), "none")
            continue
        at = int(cell.levels["held at"])
        assert at not in plan.seeds
        assert held == Held(**{group: at for group in GROUPS if group != varied})


@every_profile
def test_each_source_is_varied_at_the_same_held_seeds(profile: str) -> None:
    cells = planned(profile).cells
    at = {name: [c.levels["held at"] for c in cells if c.levels["varied"] == name] for name in (*GROUPS, "nothing")}
    assert at["init"] == at["data"] == at["noise"]
    assert len(at["init"]) == len(set(at["init"])) == SETTINGS[profile]
    assert at["nothing"] == at["init"][:1]
    assert len(cells) == 3 * SETTINGS[profile] + 2


@every_profile
def test_its_records_have_components(profile: str) -> None:
    plan = planned(profile)
    count = len(plan.seeds)
    half = [Outcome.CONVERGED, Outcome.NOT_LEARNED] * (count // 2)
    found = variance_components(plan, recorded(plan, [half] * len(plan.cells)))
    assert [part.varied for part in found.parts] == [(), *((group,) for group in GROUPS)]
    assert [part.settings for part in found.parts] == [1, *[SETTINGS[profile]] * 3]
    assert found.excess is not None


def test_stacks_that_count_hold_eight_replicas() -> None:
    """Of which elementwise kernels treat all alike: replicas with everything held are then equal to the bit."""
    for name in ("quick", "standard"):
        profile = STUDY.profiles[name]
        assert profile.block == 8
        assert profile.seeds % 8 == 0


def test_the_setting_is_one_of_the_map_of_the_ring() -> None:
    wanted = {"bn": "no_bn_g", "objective": "ls(0,1,1)", "hidden layers": "4", "learning rate": "1e-3"}
    (of_map,) = (
        cell for cell in plan_study(ring.STUDY, "adam", now=NOW).cells if wanted.items() <= cell.levels.items()
    )
    for profile in ("quick", "standard"):
        assert planned(profile).cells[0].config == of_map.config
