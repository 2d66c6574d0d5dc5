"""The design calculator: chances of verdicts are those that the judge gives, and the command says what is asked."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from itertools import combinations_with_replacement, product
from math import factorial, prod

import pytest

from study.design.hypotheses import Hypothesis, MoreSuccess, SameSuccess, Share
from study.design.plan import Plan
from study.design.planning import plan_study
from study.evidence import kinds
from study.evidence.inference.power_fixed import joint
from study.evidence.judging import judge
from study.evidence.kind import Scenario
from study.evidence.power import Layout, layout, power_analysis
from study.outcomes.outcome import Outcome
from study.scheduling import cost
from study.scheduling.cost import replica_seconds
from study.storage.records import Record, Status, decide_block
from study.studies import find
from trainables.config import Config

NOW = datetime(2026, 1, 1, tzinfo=UTC)
GOOD, BAD = Outcome.CONVERGED, Outcome.MODE_COLLAPSED
LS, NS = ({"ring": "official", "objective": objective} for objective in ("ls(0,1,1)", "ns"))
MORE = MoreSuccess(name="more", claim="c", source="s", better=LS, worse=NS, alpha=0.2)
SAME = SameSuccess(name="same", claim="c", source="s", a=LS, b=NS, margin=0.6, alpha=0.2)
SHARE = Share(name="share", claim="c", source="s", where=LS, outcomes=(GOOD,), side="above", threshold=0.4, alpha=0.2)
BELOW = replace(SHARE, name="below", side="below", threshold=0.8)
POOLED = MoreSuccess(
    name="pooled", claim="c", source="s", better={"objective": "ls(0,1,1)"}, worse={"objective": "ns"}, alpha=0.6
)
RATES = (0.8, 0.4)


def planned(*hypotheses: Hypothesis, seeds: int = 6, until_decided: bool = False) -> Plan:
    study = replace(find("mixture-modes"), hypotheses=hypotheses)
    return plan_study(study, "smoke", now=NOW, seeds=seeds, until_decided=until_decided)


def launched(plan: Plan, outcomes: Sequence[Sequence[bool]]) -> list[Record]:
    """Records of the cells that hypotheses speak of: seed by seed whether LS and NS succeed, on each ring."""
    places = [(ring, objective) for ring in ("official", "uniform") for objective in ("ls(0,1,1)", "ns")]
    rows = [row for block in plan.blocks() for row in decide_block(plan, block, None, Status.FINISHED)]
    found = []
    for row in rows:
        place = (row.levels["ring"], row.levels["objective"])
        own = outcomes[row.replica]
        known = place in places[: len(own)]
        found.append(replace(row, outcome=GOOD if own[places.index(place)] else BAD) if known else row)
    return found


def supported(plan: Plan, weight: dict[tuple[bool, ...], float]) -> tuple[float, ...]:
    """Chance of each hypothesis to be supported by the judge, over all studies of so many independent seeds."""
    chances = [0.0] * len(plan.hypotheses)
    for study in combinations_with_replacement(sorted(weight), len(plan.seeds)):
        ways = factorial(len(study)) / prod(map(factorial, Counter(study).values()))
        likely = ways * prod(weight[seed] for seed in study)
        for place, judgment in enumerate(judge(plan.hypotheses, launched(plan, study))):
            chances[place] += likely * (judgment.verdict.value == "supported")
    return tuple(chances)


def one_pair() -> dict[tuple[bool, ...], float]:
    what = joint(*RATES, 0.2)
    return {
        (True, True): what.both,
        (True, False): what.only_a,
        (False, True): what.only_b,
        (False, False): what.neither,
    }


@pytest.mark.parametrize("hypothesis", [MORE, SAME, SHARE, BELOW], ids=lambda one: one.name)
def test_chances_alone_are_those_of_the_judge(hypothesis: Hypothesis) -> None:
    plan = planned(hypothesis, seeds=4)
    found = power_analysis(plan, rates=RATES, rate=RATES[0], correlation=0.2)[0]
    assert found.prospects[0].chances[0].up > 0.01
    if isinstance(hypothesis, SameSuccess):  # our equal rates are not the truth that the studies are drawn from
        weight = {seed: joint_of(seed, joint(0.8, 0.8, 0.2)) for seed in one_pair()}
    else:
        weight = one_pair()
    assert supported(plan, weight)[0] == pytest.approx(found.prospects[0].chances[0].up, abs=1e-9)


def joint_of(seed: tuple[bool, ...], what: object) -> float:
    names = {(True, True): "both", (True, False): "only_a", (False, True): "only_b", (False, False): "neither"}
    return float(getattr(what, names[seed[0], seed[1]]))


def test_chances_of_several_cells_are_those_of_the_judge() -> None:
    plan = planned(POOLED, seeds=2)
    pair = one_pair()
    weight = {(*first, *second): pair[first] * pair[second] for first, second in product(pair, repeat=2)}
    found = power_analysis(plan, rates=RATES, correlation=0.2)[0]
    assert found.basis == "2 seeds, each 2 pairs"
    assert supported(plan, weight)[0] == pytest.approx(found.prospects[0].chances[0].up, abs=1e-9)


def test_in_a_family_a_claim_is_at_least_as_likely_decided_as_at_holms_first_threshold() -> None:
    """And less likely than alone; exactly as likely while the others wait for their data."""
    lost = replace(SHARE, name="waits", where={"ring": "uniform"})
    plan = planned(MORE, lost, replace(lost, name="waits too"), seeds=5)
    found = power_analysis(plan, rates=RATES, correlation=0.2)[0].prospects[0].chances
    judged = supported(plan, one_pair())
    assert judged[0] == pytest.approx(found[1].up, abs=1e-9)
    assert found[1].up < found[0].up


def test_without_a_difference_the_chance_of_a_verdict_is_at_most_alpha() -> None:
    for seeds in (6, 11, 20):
        for found in power_analysis(planned(MORE, SHARE, BELOW, seeds=seeds)):
            assert 0 < found.wrong[1] <= found.wrong[0] <= 0.2


def test_at_the_margin_only_equal_is_a_wrong_verdict() -> None:
    plan = planned(SAME, seeds=16)
    (found,), kind, own = power_analysis(plan), kinds.of(SAME), layout(SAME, plan)
    assert isinstance(own, Layout)
    seen = Scenario(rates=(), correlation=0.0, observations=own.observations(16), size=own.size, levels=[SAME.alpha])
    chances = [kind.fixed(SAME, replace(seen, rates=rates))[0] for rates in kind.borders(SAME)]
    assert found.wrong[0] == pytest.approx(max(one.up for one in chances))
    assert max(one.up + one.down for one in chances) > found.wrong[0]


def test_five_seeds_of_one_pair_decide_nothing_at_all() -> None:
    plan = planned(replace(MORE, alpha=0.05), seeds=5)
    found = power_analysis(plan, rates=(1.0, 0.0))[0].prospects[0]
    assert found.chances[0].up == 0
    assert found.price(1.0) is None
    assert found.enough == ((6, 6), (6, 6))


def test_a_decision_costs_the_seeds_of_the_launches_that_lack_it_too() -> None:
    found = power_analysis(planned(MORE), rates=RATES)[0].prospects[0]
    assert found.price(10.0) == pytest.approx(6 * 10 / found.chances[1].up)


def test_a_launch_until_decided_costs_fewer_seeds_where_the_truth_is_plain() -> None:
    plan = planned(replace(MORE, alpha=0.05), seeds=40, until_decided=True)
    found = power_analysis(plan, rates=(0.95, 0.1))[0].prospects[0]
    assert found.chances[0].up > 0.99
    assert found.chances[0].seeds < 20
    assert found.chances[0].error > 0


def test_levels_that_were_drawn_make_observations_of_their_own() -> None:
    plan = plan_study(find("random-architectures"), "quick", now=NOW)
    found = layout(plan.hypotheses[0], plan)
    assert isinstance(found, Layout)
    assert (found.draws, found.size, len(found.cells)) == (16, 1, 32)


@pytest.mark.parametrize("until_decided", [False, True])
def test_more_seeds_of_the_same_draws_promise_no_more(until_decided: bool) -> None:
    """Its seeds are taken to agree; and what would be enough is counted in draws."""
    one = replace(plan_study(find("random-architectures"), "quick", now=NOW), until_decided=until_decided)
    few = power_analysis(one, rates=(0.8, 0.4))[0]
    many = power_analysis(replace(one, seeds=(0, 1, 2)), rates=(0.8, 0.4))[0]
    assert (few.basis, many.basis) == (
        "16 draws, each 1 pair", "16 draws, each 1 pair of seeds that are taken to agree",
    )  # fmt: skip
    for own, other in zip(few.prospects[0].chances, many.prospects[0].chances, strict=True):
        assert (own.up, own.seeds, other.seeds) == (other.up, 1.0, 3.0)
    assert few.prospects[0].enough == many.prospects[0].enough
    alone, _ = few.prospects[0].enough[0]
    assert alone is not None
    assert alone > 16


def test_studies_have_an_outlook_wherever_they_have_the_cells() -> None:
    for name in ("mixture-modes", "large-scale"):
        plan = plan_study(find(name), "quick", now=NOW)
        for found in power_analysis(plan, rates=(0.9, 0.3), rate=0.9):
            assert bool(found.prospects) is (found.basis != "this profile has no cells for it")


def test_a_hypothesis_without_its_cells_says_so_and_leaves_the_family() -> None:
    absent = replace(SHARE, name="absent", where={"ring": "square"})
    alone, missing = power_analysis(replace(planned(MORE), hypotheses=(MORE, absent)), rates=RATES)
    assert missing.basis == "this profile has no cells for it"
    assert not missing.prospects
    assert alone.prospects[0].chances[0] == alone.prospects[0].chances[1]


def test_rates_of_our_own_that_the_correlation_excludes_are_left_out() -> None:
    shown = [own.rates for own in power_analysis(planned(MORE), correlation=0.4)[0].prospects]
    assert shown == [(0.9, 0.7), (1.0, 0.0)]


def test_cells_are_measured_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[Config] = []

    def replica(config: Config, *arguments: object) -> cost.Replica:
        measured.append(config)
        return cost.Replica(training=1.5, reports=0.5)

    monkeypatch.setattr(cost, "replica", replica)
    plan = planned(MORE, SHARE)
    seconds, _ = replica_seconds(plan, power_analysis(plan))
    assert seconds == {0: 2.0, 2: 2.0}
    assert measured == [plan.cells[0].config, plan.cells[2].config]


def test_a_study_without_hypotheses_has_nothing_to_decide() -> None:
    with pytest.raises(ValueError, match="study must have a hypothesis to decide, got mixture-modes without any"):
        power_analysis(planned())
