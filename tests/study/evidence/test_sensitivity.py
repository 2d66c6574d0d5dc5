"""Sensitivity: deciding many traces at many thresholds at once gives what ``decide`` gives one by one."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.design.hypotheses import MoreSuccess, Share
from study.design.plan import Block, Cell, Plan
from study.evidence.inference.proportions import wilson
from study.evidence.judging import judge
from study.evidence.sensitivity import OUTCOMES, Sensitivity, names, outcomes, vary
from study.outcomes.decision import decide
from study.outcomes.outcome import Outcome
from study.outcomes.rule import IMAGE_RULE, MIXTURE_RULE, OutcomeRule
from study.outcomes.snapshots import blow_up, measure
from study.storage.records import Record, Status, decide_block
from trainables.config import GanConfig, Latent, digest
from trainables.data import Ring
from trainables.networks import Mlp
from trainables.optim import Adam
from trainables.trace import ReplicaTrace, Trace

READ_RULE = replace(IMAGE_RULE, name="read", label_accuracy_min=0.8)
CLASSIFIER_RULE = replace(IMAGE_RULE, name="classifier", classification_error_max=0.13)
THRESHOLDS = [0.05, 0.2, 0.5, 0.75, 0.9, 1.0]
REFERENCE = {"feature_variance": np.array([100.0]), "class_weights": np.full(10, 0.1)}
RING = {"mode_weights": np.full(8, 1 / 8)}


def course(rng: np.random.Generator, count: int) -> np.ndarray:
    """``[T]`` in [0, 1]: how good, in stretches long enough for whole windows; 0 at first."""
    levels = rng.choice([0.0, 0.3, 0.55, 0.8, 1.0, 1.0], count)
    return np.concatenate([[0.0], np.repeat(levels, rng.integers(1, 6, count))[:count]])


def some_trace(rng: np.random.Generator, kind: str) -> ReplicaTrace:
    """A replica with ups and downs, values that were not measured and, now and then, a blow-up."""
    good = course(rng, int(rng.choice([0, 1, 2, 12, 20])))
    count = len(good)
    columns: dict[str, Any] = {
        "step": 100 * np.arange(count),
        "finite": np.ones(count, dtype=bool),
        "d_loss": np.where(rng.random(count) < 0.01, np.inf, 0.5),
        "diversity": np.where(rng.random(count) < 0.03, np.nan, np.clip(good + rng.normal(0, 0.1, count), 0, 1)),
        "spacing": np.where(rng.random(count) < 0.05, 0.001, 1.0),
        "class_confidence": np.where(rng.random(count) < 0.1, 0.95, 0.5),
        "classification_error": 1 - good,
        "label_accuracy": np.clip(good + 0.1, 0, 1),
    }
    if kind == "ring":
        kept = rng.random((count, 8)) < 0.4 + good[:, None] / 2
        columns["mode_share_r30"] = np.where(kept, good[:, None] / 8, 0.0)
        columns["distance_quantiles"] = np.full((count, 5), 1.1) - good[:, None]
        return ReplicaTrace(seed=0, columns=columns, reference=RING)
    columns["frechet_classifier"] = 100 * (1 - good) * rng.uniform(0.3, 1, count)
    columns["class_share"] = np.array([rng.dirichlet(np.full(10, 0.05 + 10 * own)) for own in good])
    return ReplicaTrace(seed=0, columns=columns, reference=REFERENCE)


def with_gaps(rng: np.random.Generator, trace: ReplicaTrace) -> ReplicaTrace:
    """One in four lacks a column, as other data and other games do: all cells of a launch are judged together."""
    lost = {name for name in ("class_share", "label_accuracy") if rng.random() < 0.25}
    columns = {name: values for name, values in trace.columns.items() if name not in lost}
    return ReplicaTrace(seed=0, columns=columns, reference=trace.reference)


CASES: Sequence[tuple[str, OutcomeRule, str]] = [
    ("ring", MIXTURE_RULE, "quality_min"),
    ("ring", MIXTURE_RULE, "coverage_min"),
    ("image", IMAGE_RULE, "quality_min"),
    ("image", IMAGE_RULE, "coverage_min"),
    ("image", READ_RULE, "label_accuracy_min"),
    ("image", CLASSIFIER_RULE, "classification_error_max"),
]


def one_by_one(traces: Sequence[ReplicaTrace], rule: OutcomeRule, name: str) -> list[list[Outcome]]:
    changes: Sequence[Mapping[str, Any]] = [{name: threshold} for threshold in THRESHOLDS]
    return [[decide(trace, replace(rule, **change)).outcome for change in changes] for trace in traces]


def at_once(traces: Sequence[ReplicaTrace], rule: OutcomeRule, name: str) -> list[list[Outcome]]:
    measured = [measure(trace, rule) for trace in traces]
    blown = [blow_up(trace, rule) is not None for trace in traces]
    return [[OUTCOMES[code] for code in row] for row in outcomes(measured, blown, rule, name, THRESHOLDS)]


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), case=st.sampled_from(CASES), window=st.integers(1, 4), most=st.integers(0, 3))
def test_all_at_once_is_one_by_one(seed: int, case: tuple[str, OutcomeRule, str], window: int, most: int) -> None:
    kind, rule, name = case
    rule = replace(rule, window=window, tolerated_alternations=most)
    rng = np.random.default_rng(seed)
    traces = [with_gaps(rng, some_trace(rng, kind)) for _ in range(8)]
    assert at_once(traces, rule, name) == one_by_one(traces, rule, name)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[1].name}-{case[2]}")
def test_the_random_traces_reach_every_outcome_that_there_is(case: tuple[str, OutcomeRule, str]) -> None:
    kind, rule, name = case
    rng = np.random.default_rng(0)
    found = {own for row in at_once([some_trace(rng, kind) for _ in range(300)], rule, name) for own in row}
    classes = {Outcome.CONVERGED, Outcome.NOT_LEARNED, Outcome.DIVERGED}
    assert found == (classes if "classification" in name else set(Outcome) - {Outcome.UNDECIDED})


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_trace_without_rows_or_snapshots_is_decided_like_one_by_one(count: int) -> None:
    columns = {"step": np.zeros(count, dtype=np.int64)} if count else {}
    empty = ReplicaTrace(seed=0, columns=columns, reference=RING)
    assert at_once([empty], MIXTURE_RULE, "quality_min") == one_by_one([empty], MIXTURE_RULE, "quality_min")


@pytest.mark.parametrize(
    ("kind", "rule", "expected"),
    [
        ("ring", MIXTURE_RULE, ("quality_min", "coverage_min")),
        ("image", IMAGE_RULE, ("quality_min", "coverage_min")),
        ("image", READ_RULE, ("quality_min", "coverage_min", "label_accuracy_min")),
        ("image", CLASSIFIER_RULE, ("classification_error_max",)),
        ("unlabeled", READ_RULE, ("quality_min",)),
    ],
)
def test_only_thresholds_that_something_is_compared_with_are_varied(
    kind: str, rule: OutcomeRule, expected: tuple[str, ...]
) -> None:
    full = some_trace(np.random.default_rng(0), kind)
    unread = {name: values for name, values in full.columns.items() if name not in ("class_share", "label_accuracy")}
    trace = ReplicaTrace(seed=0, columns=unread, reference=REFERENCE) if kind == "unlabeled" else full
    assert names(rule, [measure(trace, rule)]) == expected


@pytest.mark.parametrize("name", ["quality_min", "coverage_min"])
def test_no_more_replicas_succeed_where_more_is_asked(name: str) -> None:
    rng = np.random.default_rng(0)
    rule = replace(MIXTURE_RULE, tolerated_alternations=99)  # a failure may else hide the collapse before a success
    rows = at_once([some_trace(rng, "ring") for _ in range(200)], rule, name)
    counts = [sum(row[place] is Outcome.CONVERGED for row in rows) for place in range(len(THRESHOLDS))]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > counts[-1]


MODEL = GanConfig(
    data=Ring(), generator=Mlp(), discriminator=Mlp(), latent=Latent(dim=2), g_optimizer=Adam(lr=1e-3),
    d_optimizer=Adam(lr=1e-3), batch_size=8, steps=1_000,
)  # fmt: skip
CELLS = tuple(
    Cell(index=place, name=name, levels={"bn": name}, config=MODEL, digest=digest(MODEL))
    for place, name in enumerate(("full", "none"))
)
SPEC = Plan(
    launch="l", study="s", title="t", question="q", sources=(), contrasts=(), profile="p", note="", factors=(),
    hypotheses=(
        MoreSuccess(name="more", claim="c", source="s", better={"bn": "full"}, worse={"bn": "none"}),
        Share(name="share", claim="c", source="s", where={"bn": "none"}, outcomes=(Outcome.MODE_COLLAPSED,),
              side="above", threshold=0.5),
    ),
    cells=CELLS, seeds=tuple(range(12)), block=6, rule=MIXTURE_RULE, created="", versions={},
)  # fmt: skip
STEPS = np.arange(0, 1_001, 100)
BLOWN = (1, 11)
"""Cell and seed of a replica whose loss is beyond the bound, though its samples are good."""


def level(cell: int, seed: int) -> float:
    """The share of high-quality samples at the end: 0.705 to 0.925 in the first cell, 0.405 to 0.625 in the second."""
    return (0.705 if cell == 0 else 0.405) + 0.02 * seed


def block_trace(block: Block) -> Trace:
    rows = [
        {"replica": seed, "seed": seed, "step": int(step), "finite": True, "diversity": 0.9,
         "d_loss": 2e4 if (block.cell.index, seed) == BLOWN else 0.5,
         "mode_share_r30": [level(block.cell.index, seed) * min(1.0, step / 300) / 8] * 8,
         "distance_quantiles": [0.1] * 5}
        for step in STEPS for seed in block.seeds
    ]  # fmt: skip
    reference = {"mode_weights": [1 / 8] * 8}
    return Trace(meta={"digest": block.cell.digest, "complete": True, "reference": reference}, rows=rows)


TRACES = [(block, block_trace(block)) for block in SPEC.blocks()]
RECORDS = [row for block, own in TRACES for row in decide_block(SPEC, block, own, Status.FINISHED)]


def varied(records: Sequence[Record] = RECORDS, **options: Any) -> Sensitivity:
    found = vary(SPEC, records, TRACES, **options)
    assert [own.name for own in found] == ["quality_min", "coverage_min"]
    return found[0]


def test_rates_follow_the_threshold() -> None:
    found = varied(count=10)
    assert found.thresholds == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
    assert [cell.name for cell in found.cells] == ["full", "none"]
    for place, cell in enumerate(found.cells):
        for threshold, rate in zip(found.thresholds, cell.rates, strict=True):
            reached = [level(place, seed) >= threshold and (place, seed) != BLOWN for seed in SPEC.seeds]
            assert rate == wilson(sum(reached), 12)


def test_at_its_own_threshold_everything_is_as_in_the_records() -> None:
    found = varied(count=7)  # 0.5 is not among the sevenths
    place = found.thresholds.index(found.own)
    assert found.own == MIXTURE_RULE.quality_min
    assert [own.judgments[place] for own in found.hypotheses] == list(judge(SPEC.hypotheses, RECORDS))
    counts = [sum(r.outcome is Outcome.CONVERGED for r in RECORDS if r.cell == cell.index) for cell in CELLS]
    assert [cell.rates[place].successes for cell in found.cells] == counts == [12, 6]


def test_each_judgment_is_that_of_records_decided_by_the_other_rule() -> None:
    found = varied(count=10)
    for place, threshold in enumerate(found.thresholds):
        plan = replace(SPEC, rule=replace(MIXTURE_RULE, quality_min=threshold))
        records = [row for block, own in TRACES for row in decide_block(plan, block, own, Status.FINISHED)]
        assert tuple(own.judgments[place] for own in found.hypotheses) == judge(SPEC.hypotheses, records)


def test_records_of_another_rule_are_varied_around_the_one_given() -> None:
    strict = replace(MIXTURE_RULE, name="strict", quality_min=0.55)
    found = varied(rule=strict, count=20)
    assert found.own == 0.55
    assert found.cells[1].rates[found.thresholds.index(0.55)].successes == 3


def test_what_blows_up_by_the_rule_given_fails_at_every_threshold() -> None:
    found = varied(rule=replace(MIXTURE_RULE, name="strict", loss_bound=0.1))
    assert {rate.successes for cell in found.cells for rate in cell.rates} == {0}


def test_a_launch_that_looked_while_it_ran_is_judged_so_at_every_threshold() -> None:
    plan = replace(SPEC, until_decided=True)
    (found, _) = vary(plan, RECORDS, TRACES, count=1)
    judged = tuple(own.judgments[0] for own in found.hypotheses)
    assert judged == judge(SPEC.hypotheses, RECORDS, anytime=True) != judge(SPEC.hypotheses, RECORDS)


def test_replicas_without_outcome_count_nowhere() -> None:
    undecided = [replace(row, outcome=Outcome.UNDECIDED) if row.seed < 2 else row for row in RECORDS]
    found = varied(undecided)
    assert {rate.n for cell in found.cells for rate in cell.rates} == {10}
    assert found.left_out == 0


def test_replicas_whose_trace_is_gone_are_left_out_and_counted() -> None:
    kept = [(block, own) for block, own in TRACES if block.name != "c001-b000"]
    found = vary(SPEC, RECORDS, kept)[0]
    assert found.left_out == 6
    assert [{rate.n for rate in cell.rates} for cell in found.cells] == [{12}, {6}]
    assert {own.rates[0].n for own in found.hypotheses[1].judgments} == {6}


def test_nothing_decided_gives_nothing() -> None:
    assert vary(SPEC, [replace(row, outcome=Outcome.UNDECIDED) for row in RECORDS], TRACES) == ()
    assert vary(SPEC, [], []) == ()


def test_a_count_of_no_thresholds_is_refused() -> None:
    with pytest.raises(ValueError, match="count must be >= 1, got 0"):
        vary(SPEC, RECORDS, TRACES, count=0)
