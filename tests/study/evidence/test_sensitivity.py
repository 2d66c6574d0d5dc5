"""Sensitivity: rates, verdicts and fragility at other thresholds are those of records decided by the other rule."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations, product
from typing import Any

import numpy as np
import pytest

from study.design.hypotheses import MoreSuccess, Share
from study.design.plan import Block, Cell, Plan
from study.evidence.inference.proportions import wilson
from study.evidence.judging import Judgment, Verdict, judge
from study.evidence.sensitivity import Sensitivity, SensitivityAnalysis, names
from study.outcomes.outcome import Outcome
from study.outcomes.rule import IMAGE_RULE, MIXTURE_RULE, OutcomeRule, changed, plausible
from study.storage.records import Record, Status, decide_block
from tests.study.evidence.varied_traces import IMAGES, some_trace
from trainables.config import GanConfig, Latent, digest
from trainables.data import Ring
from trainables.networks import Mlp
from trainables.optim import Adam
from trainables.trace import ReplicaTrace, Trace

HALF_RULE = replace(MIXTURE_RULE, quality_min=0.5)
READ_RULE = replace(IMAGE_RULE, name="read", label_accuracy_min=0.8)
CLASSIFIER_RULE = replace(IMAGE_RULE, name="classifier", classification_error_max=0.13)
COURSE = ("baseline_margin", "tolerated_alternations", "steadiness_min", "returns_min", "flicker_min")
BOUNDS = ("loss_bound", "grad_norm_bound")
VARIETY = ("share_floor", "coverage_min", "balance_min")
SUPPORT = ("support_min", "recall_min", "distinctness_min", "spacing_max", "residue_max", "memorization_max")

MODEL = GanConfig(
    data=Ring(), generator=Mlp(), discriminator=Mlp(), latent=Latent(dim=2), g_optimizer=Adam(lr=1e-3),
    d_optimizer=Adam(lr=1e-3), batch_size=8, steps=1_000,
)  # fmt: skip
CELLS = tuple(
    Cell(index=place, name=name, levels={"bn": name}, config=MODEL, digest=digest(MODEL))
    for place, name in enumerate(("full", "none"))
)
PLAN = Plan(
    launch="l", study="s", title="t", question="q", sources=(), contrasts=(), profile="p", note="", factors=(),
    hypotheses=(
        MoreSuccess(name="more", claim="More.", source="s", better={"bn": "full"}, worse={"bn": "none"}),
        Share(name="share", claim="c", source="s", where={"bn": "none"}, outcomes=(Outcome.CONVERGED,),
              side="above", threshold=0.5),
    ),
    cells=CELLS, seeds=tuple(range(12)), block=6, rule=HALF_RULE, created="", versions={},
)  # fmt: skip
STEPS = np.arange(0, 1_001, 100)
BLOWN = (1, 11)
"""Cell and seed of a replica whose loss is beyond the bound, though its samples are good."""
REFERENCE = {"mode_weights": [1 / 8] * 8, "samples": [2_500.0], "hq_floor_eighth": [0.0], "hq_ceiling_eighth": [1.0]}


def level(cell: int, seed: int) -> float:
    """The share of high-quality samples at the end: 0.705 to 0.925 in the first cell, 0.405 to 0.625 in the second."""
    return (0.705 if cell == 0 else 0.405) + 0.02 * seed


def block_trace(block: Block, **more: Any) -> Trace:
    rows = [
        {"replica": seed, "seed": seed, "step": int(step), "finite": True, "diversity": 0.9,
         "d_loss": 2e4 if (block.cell.index, seed) == BLOWN else 0.5,
         "mode_share_eighth": [level(block.cell.index, seed) * min(1.0, step / 300) / 8] * 8,
         "distance_quantiles": [0.1] * 5}
        for step in STEPS for seed in block.seeds
    ]  # fmt: skip
    meta = {"digest": block.cell.digest, "complete": True, "reference": REFERENCE, **more}
    return Trace(meta=meta, rows=rows)


TRACES = [(block, block_trace(block)) for block in PLAN.blocks()]


def decided(rule: OutcomeRule = HALF_RULE) -> list[Record]:
    plan = replace(PLAN, rule=rule)
    return [row for block, own in TRACES for row in decide_block(plan, block, own, Status.FINISHED)]


RECORDS = decided()


def analysis(records: Sequence[Record] = RECORDS, **options: Any) -> SensitivityAnalysis:
    return SensitivityAnalysis(PLAN, records, TRACES, **options)


def of(name: str, found: SensitivityAnalysis) -> Sensitivity:
    return next(own for own in found.each if own.name == name)


WHOLE = analysis()


@pytest.mark.parametrize(
    ("kind", "rule", "expected"),
    [
        ("ring", HALF_RULE, {"window", "radius", *VARIETY, "quality_min", "diversity_min", "diversity_tiny",
                                "hopping_max", "tolerance", *COURSE, *BOUNDS}),
        ("image", READ_RULE, {"window", *VARIETY, *SUPPORT, "quality_min", "diversity_min", "diversity_tiny",
                              "label_accuracy_min", "confidence_min", "precision_min", "alike_max", "hopping_max",
                              "tolerance", *COURSE, *BOUNDS}),
        ("unlabeled", READ_RULE, {"window", *SUPPORT, "quality_min", "diversity_min", "diversity_tiny",
                                  "confidence_min", "precision_min", "alike_max", "tolerance", *COURSE, *BOUNDS}),
        ("image", CLASSIFIER_RULE, {"window", "classification_error_max", "tolerance", *COURSE, *BOUNDS}),
    ],
)  # fmt: skip
def test_every_threshold_moves_that_something_is_compared_with(
    kind: str, rule: OutcomeRule, expected: set[str]
) -> None:
    trace = some_trace(np.random.default_rng(0), "ring" if kind == "ring" else "image")
    if kind == "unlabeled":
        columns = {n: v for n, v in trace.columns.items() if n not in ("class_share", "label_accuracy")}
        reference = {n: v for n, v in IMAGES.items() if n != "class_weights"}
        trace = ReplicaTrace(seed=0, columns=columns, reference=reference)
    assert set(names(rule, [trace])) == expected


def test_rates_follow_the_threshold() -> None:
    found = of("quality_min", WHOLE)
    assert (found.thresholds[0], found.own, found.thresholds[-1]) == (0.333, 0.5, 0.667)
    assert [cell.name for cell in found.cells] == ["full", "none"]
    for place, cell in enumerate(found.cells):
        for threshold, rate in zip(found.thresholds, cell.rates, strict=True):
            reached = [level(place, seed) >= float(threshold) and (place, seed) != BLOWN for seed in PLAN.seeds]
            assert rate == wilson(sum(reached), 12)


@pytest.mark.parametrize("name", ["quality_min", "loss_bound", "window", "share_floor"])
def test_each_judgment_is_that_of_records_decided_by_the_other_rule(name: str) -> None:
    found = of(name, WHOLE)
    for place, threshold in enumerate(found.thresholds):
        rule = changed(HALF_RULE, {name: threshold})
        assert rule is not None
        judged = judge(PLAN.hypotheses, decided(rule))
        assert [own.verdicts[place] for own in found.hypotheses] == [each.verdict for each in judged]


def test_at_its_own_value_everything_is_as_in_the_records() -> None:
    for found in WHOLE.each:
        place = found.thresholds.index(found.own)
        judged = judge(PLAN.hypotheses, RECORDS)
        assert [own.verdicts[place] for own in found.hypotheses] == [each.verdict for each in judged]
        assert [cell.rates[place].successes for cell in found.cells] == [12, 6]


def test_what_moves_nothing_is_told_from_what_does() -> None:
    assert {own.name for own in WHOLE.each if own.moves} == {"quality_min", "loss_bound"}
    assert {own.name for own in WHOLE.each if not own.moves} >= {"window", "hopping_max", "coverage_min"}
    assert of("window", WHOLE).span == "2 to 6"


def test_values_at_which_a_trace_cannot_be_decided_are_left_out() -> None:
    assert of("radius", WHOLE).thresholds == ("eighth",)  # the traces have no other one
    short = replace(HALF_RULE, window=6)
    found = of("window", SensitivityAnalysis(replace(PLAN, rule=short), decided(short), TRACES))
    assert found.thresholds == (3, 4, 5, 6, 7, 8, 9, 10)  # of 3 to 12; there are ten snapshots


def test_verdicts_that_another_value_changes_are_fragile() -> None:
    more, share = WHOLE.marked(judge(PLAN.hypotheses, RECORDS))
    # 12 of 12 against 6 of 12 is not decided; at 0.543 it is 12 of 12 against 4.
    assert (more.verdict, share.verdict) == (Verdict.UNDECIDED, Verdict.UNDECIDED)
    assert more.fragility is not None
    assert more.fragility.sentence() == "fragile: supported if quality_min >= 0.543"
    assert str(more).startswith("More: undecided (fragile: supported if quality_min >= 0.543). 12 of 12")
    assert share.fragility is not None
    assert (
        share.fragility.sentence() == "fragile: contradicted if quality_min >= 0.586, supported if quality_min <= 0.373"
    )


def test_fragility_is_that_of_one_decision_per_value() -> None:
    judged = judge(PLAN.hypotheses, RECORDS)
    flips: dict[str, set[tuple[str, object, Verdict]]] = {own.name: set() for own in PLAN.hypotheses}
    for name in ("quality_min", "loss_bound", "coverage_min"):
        for value in plausible(HALF_RULE, name):
            rule = changed(HALF_RULE, {name: value})
            assert rule is not None
            for before, after in zip(judged, judge(PLAN.hypotheses, decided(rule)), strict=True):
                if before.verdict is not after.verdict:
                    flips[before.hypothesis.name].add((name, value, after.verdict))
    for own in WHOLE.marked(judged):
        assert own.fragility is not None
        found = {(flip.threshold, value, flip.verdict) for flip in own.fragility.flips for value in flip.values}
        assert found == flips[own.hypothesis.name]


def test_a_verdict_that_stands_has_no_mark() -> None:
    records = [replace(row, outcome=Outcome.CONVERGED) if row.cell == 0 else row for row in RECORDS]
    plan = replace(PLAN, hypotheses=(replace(PLAN.hypotheses[1], where={"bn": "full"}),))
    (found,) = SensitivityAnalysis(plan, records, TRACES).marked(judge(plan.hypotheses, records))
    assert (found.verdict, found.mark, found.marked) == (Verdict.SUPPORTED, "", "supported")
    assert "fragile" not in str(found)


def harm(values: Mapping[str, Any]) -> tuple[int, float]:
    rule = changed(HALF_RULE, values)
    assert rule is not None
    records = decided(rule)
    pairs = zip(judge(PLAN.hypotheses, RECORDS), judge(PLAN.hypotheses, records), strict=True)
    rates = [
        abs(sum((a.outcome is Outcome.CONVERGED) - (b.outcome is Outcome.CONVERGED)
                for a, b in zip(records, RECORDS, strict=True) if a.cell == cell)) / 12
        for cell in (0, 1)
    ]  # fmt: skip
    return sum(before.verdict is not after.verdict for before, after in pairs), sum(rates) / 2


def test_the_worst_pair_is_that_of_all_pairs_of_ends() -> None:
    found = WHOLE.worst_pair
    assert found is not None
    ends = {own.name: {own.thresholds[0], own.thresholds[-1]} - {own.own} for own in WHOLE.each}
    chosen = ("quality_min", "loss_bound", "balance_min", "tolerance", "baseline_margin", "window")
    harms = [
        harm(dict(zip(pair, values, strict=True)))
        for count in (1, 2)
        for pair in combinations(chosen, count)
        for values in product(*(ends[name] for name in pair))
    ]
    assert (len(found.flipped), found.moved) == pytest.approx(max(harms))
    assert harm(found.values) == pytest.approx((len(found.flipped), found.moved))
    assert found.alone == max(harm({"quality_min": value})[0] for value in ends["quality_min"])


def test_a_launch_whose_thresholds_change_nothing_has_no_worst_pair() -> None:
    certain = [(block, replaced(own, 0.99)) for block, own in TRACES]
    records = [row for block, own in certain for row in decide_block(PLAN, block, own, Status.FINISHED)]
    assert SensitivityAnalysis(PLAN, records, certain).worst_pair is None


def replaced(trace: Trace, share: float) -> Trace:
    rows = [row | {"mode_share_eighth": [share / 8 if row["step"] else 0.0] * 8, "d_loss": 0.5} for row in trace.rows]
    return Trace(meta=trace.meta, rows=rows)


def test_records_of_another_rule_are_varied_around_the_one_given() -> None:
    strict = replace(HALF_RULE, name="strict", quality_min=0.55)
    found = analysis(decided(strict), rule=strict)
    own = of("quality_min", found)
    assert own.own == 0.55
    assert own.cells[1].rates[own.thresholds.index(0.55)].successes == 3
    assert found.unknown == ""


def test_a_launch_that_looked_while_it_ran_is_judged_so_at_every_threshold() -> None:
    plan = replace(PLAN, until_decided=True)
    own, differ = of("quality_min", SensitivityAnalysis(plan, RECORDS, TRACES)), False
    for place, threshold in enumerate(own.thresholds):
        rule = changed(HALF_RULE, {"quality_min": threshold})
        assert rule is not None
        records = decided(rule)
        judged, fixed = (judge(PLAN.hypotheses, records, anytime=anytime) for anytime in (True, False))
        assert [each.verdicts[place] for each in own.hypotheses] == [each.verdict for each in judged]
        differ |= [each.verdict for each in judged] != [each.verdict for each in fixed]
    assert differ


def test_replicas_without_outcome_count_nowhere() -> None:
    undecided = [replace(row, outcome=Outcome.UNDECIDED) if row.seed < 2 else row for row in RECORDS]
    found = analysis(undecided)
    assert {rate.n for own in found.each for cell in own.cells for rate in cell.rates} == {10}
    assert (found.left_out, found.unknown) == (0, "")


def unknown(found: SensitivityAnalysis, records: Sequence[Record]) -> Judgment:
    first, *_ = found.marked(judge(PLAN.hypotheses, records))
    assert first.mark == "sensitivity unknown"
    assert f"({first.mark}: {found.unknown})" in str(first)
    assert first.marked == first.verdict.value
    return first


def test_replicas_whose_trace_is_gone_are_left_out_and_make_fragility_unknown() -> None:
    kept = [(block, own) for block, own in TRACES if block.name != "c001-b000"]
    found = SensitivityAnalysis(PLAN, RECORDS, kept)
    assert found.left_out == 6
    assert [{rate.n for rate in cell.rates} for cell in of("quality_min", found).cells] == [{12}, {6}]
    unknown(found, RECORDS)
    assert found.unknown == "6 of 24 replicas with an outcome have no trace that can be read"


def test_a_rule_of_an_older_edition_makes_fragility_unknown() -> None:
    old = replace(HALF_RULE, name="old", edition=1)
    found = analysis(rule=old)
    unknown(found, RECORDS)
    assert found.unknown == f"the rule {old.label()} is of edition 1, which this version reads and does not apply"
    assert (found.each, found.worst_pair) == ((), None)


def test_traces_that_do_not_give_the_recorded_outcomes_make_fragility_unknown() -> None:
    other = [replace(RECORDS[0], outcome=Outcome.DEGRADED), *RECORDS[1:]]
    found = analysis(other)
    unknown(found, other)
    assert found.unknown == "the traces of 1 replica do not have the recorded outcome"


def test_replicas_that_were_stopped_make_fragility_unknown() -> None:
    other = [replace(RECORDS[0], status=Status.STOPPED), *RECORDS[1:]]
    found = analysis(other)
    unknown(found, other)
    assert found.unknown == "1 replica with an outcome stopped before the end"


def test_nothing_decided_gives_nothing() -> None:
    records = [replace(row, outcome=Outcome.UNDECIDED) for row in RECORDS]
    found = analysis(records)
    assert (found.each, found.worst_pair, found.tells) == ((), None, False)
    assert found.marked(judge(PLAN.hypotheses, records)) == judge(PLAN.hypotheses, records)
    assert SensitivityAnalysis(PLAN, [], []).each == ()
