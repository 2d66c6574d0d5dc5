import json
import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from study.design.plan import Block, Cell, Plan
from study.outcomes.decision import decide
from study.outcomes.outcome import Outcome
from study.outcomes.rule import MIXTURE_RULE
from study.storage import records
from study.storage.records import Record, Status, decide_block
from tests.made_damage import read_with_a_flipped_bit
from trainables.config import Evaluation, GanConfig, Latent, digest, to_dict
from trainables.data import Ring
from trainables.files import DamagedFile
from trainables.networks import Mlp
from trainables.optim import Adam
from trainables.trace import Trace

CONFIG = GanConfig(
    data=Ring(modes=2),
    generator=Mlp(),
    discriminator=Mlp(),
    latent=Latent(dim=2),
    g_optimizer=Adam(lr=1e-3),
    d_optimizer=Adam(lr=1e-3),
    steps=400,
    evaluation=Evaluation(every=100),
)
CELL = Cell(
    index=3, name="official / ls", levels={"ring": "official", "loss": "ls"}, config=CONFIG, digest=digest(CONFIG)
)
SEEDS = (11, 2**53 - 1, 13)
BLOCK = Block(name="c003-b001", cell=CELL, seeds=SEEDS, first=5)
SPEC = Plan(
    launch="20260101-000000-quick",
    study="mixture-modes",
    title="t",
    question="q",
    sources=(),
    hypotheses=(),
    contrasts=(),
    profile="quick",
    note="n",
    factors=(),
    cells=(CELL,),
    seeds=SEEDS,
    block=3,
    rule=MIXTURE_RULE,
    created="2026-01-01T00:00:00",
    versions={"torch": "planned"},
)
META: dict[str, Any] = {
    "config": to_dict(CONFIG),
    "digest": CELL.digest,
    "seeds": list(SEEDS),
    "versions": {"torch": "ran"},
    "device": "cpu (x86_64)",
    "mode": "stack[3]",
    "reference": {"mode_weights": [0.5, 0.5], "samples": [512.0], "hq_floor_eighth": [0.0], "hq_ceiling_eighth": [1.0]},
    "seconds": 6.0,
    "steps": 400,
    "complete": True,
}


def row(seed: int, step: int, shares: list[float], *, finite: bool = True) -> dict[str, Any]:
    diversity = 0.9 if shares[1] else 0.05
    return {"seed": seed, "step": step, "finite": finite, "mode_share_eighth": shares, "diversity": diversity}


def trace(**changes: Any) -> Trace:
    """Seed 11 converges, the second diverges at step 200, seed 13 collapses."""
    rows = [row(seed, 0, [0.1, 0.1]) for seed in SEEDS]
    for step in (100, 200, 300, 400):
        rows += [
            row(SEEDS[0], step, [0.5, 0.4]),
            row(SEEDS[1], step, [0.5, 0.4], finite=step < 200),
            row(SEEDS[2], step, [0.9, 0.0]),
        ]
    return Trace(meta={**META, **changes}, rows=rows)


def test_a_finished_block_gets_one_decided_record_per_seed() -> None:
    found = decide_block(SPEC, BLOCK, trace(), Status.FINISHED)
    assert [(r.seed, r.replica, r.outcome, r.outcome_step, r.ever_good) for r in found] == [
        (SEEDS[0], 5, Outcome.CONVERGED, 100, True),
        (SEEDS[1], 6, Outcome.DIVERGED, 200, True),
        (SEEDS[2], 7, Outcome.MODE_COLLAPSED, 100, False),
    ]
    assert [r.borderline for r in found] == [False, False, False]


def test_a_record_says_whether_the_error_of_measuring_may_change_its_outcome() -> None:
    # One of 512 samples more, or a standard error (0.015), and quality would have reached 0.901.
    near = replace(SPEC, rule=replace(MIXTURE_RULE, name="near", quality_min=0.901))
    found = decide_block(near, BLOCK, trace(), Status.FINISHED)
    assert [(r.outcome, r.borderline) for r in found] == [
        (Outcome.NOT_LEARNED, True), (Outcome.DIVERGED, False), (Outcome.MODE_COLLAPSED, False)
    ]  # fmt: skip


def test_outcome_and_evidence_are_those_of_the_launch_s_rule() -> None:
    strict = replace(SPEC, rule=replace(MIXTURE_RULE, name="strict", quality_min=0.95))
    own = trace().replica(SEEDS[0])
    found = decide_block(strict, BLOCK, trace(), Status.FINISHED)[0]
    expected = decide(own, strict.rule)
    assert found.outcome is expected.outcome is Outcome.NOT_LEARNED
    assert found.evidence == expected.evidence
    assert found.ever_good == decide(own, strict.rule).ever_good is False
    assert found.rule == strict.rule.label()


def test_a_record_says_what_was_planned_and_where_it_ran() -> None:
    found = decide_block(SPEC, BLOCK, trace(steps=399), Status.FINISHED)[0]
    assert (found.launch, found.study, found.profile) == (SPEC.launch, "mixture-modes", "quick")
    assert (found.cell, found.cell_name, found.levels) == (3, CELL.name, CELL.levels)
    assert (found.digest, found.config, found.block) == (CELL.digest, to_dict(CONFIG), BLOCK.name)
    assert (found.steps, found.planned_steps, found.seconds) == (399, 400, 2.0)
    assert (found.mode, found.device, found.versions) == ("stack[3]", "cpu (x86_64)", {"torch": "ran"})


def test_a_record_names_the_plan_that_its_trace_was_made_under() -> None:
    assert {r.plan for r in decide_block(SPEC, BLOCK, trace(plan="then"), Status.FINISHED, "now")} == {"then"}
    assert {r.plan for r in decide_block(SPEC, BLOCK, trace(), Status.FINISHED, "now")} == {""}
    assert {r.plan for r in decide_block(SPEC, BLOCK, None, Status.PLANNED, "now")} == {"now"}


def test_skipped_replicas_have_ended_without_an_outcome() -> None:
    found = decide_block(SPEC, BLOCK, None, Status.SKIPPED)
    assert {(r.status, r.outcome) for r in found} == {(Status.SKIPPED, Outcome.UNDECIDED)}
    assert [status for status in Status if status.ended] == [Status.FINISHED, Status.STOPPED, Status.SKIPPED]


@pytest.mark.parametrize("status", [Status.PLANNED, Status.CRASHED, Status.STOPPED, Status.FINISHED])
def test_a_block_without_trace_is_undecided_with_its_status(status: Status) -> None:
    found = decide_block(SPEC, BLOCK, None, status)
    assert [(r.outcome, r.outcome_step, r.status, r.ever_good) for r in found] == [
        (Outcome.UNDECIDED, None, status, False)
    ] * 3
    assert (found[0].steps, found[0].seconds, found[0].evidence) == (0, 0.0, {})
    assert (found[0].mode, found[0].device, found[0].versions) == ("", "", {"torch": "planned"})


@pytest.mark.parametrize(
    ("status", "complete"), [(Status.CRASHED, True), (Status.STOPPED, True), (Status.FINISHED, False)]
)
def test_an_incomplete_block_is_undecided_and_keeps_what_was_spent(status: Status, complete: bool) -> None:
    found = decide_block(SPEC, BLOCK, trace(complete=complete, steps=200), status)
    assert {(r.outcome, r.status, r.steps, r.seconds) for r in found} == {(Outcome.UNDECIDED, status, 200, 2.0)}


def test_of_a_stopped_block_only_those_lost_have_an_outcome() -> None:
    rows = [own for own in trace().rows if own["step"] <= 300]
    cut = Trace(meta={**META, "steps": 300, "stopped": {"rule": "asha", "step": 200}}, rows=rows)
    found = decide_block(SPEC, BLOCK, cut, Status.FINISHED)
    # The third one may not have been good in its last two reports: whatever came, it has failed.
    assert [r.outcome for r in found] == [Outcome.UNDECIDED, Outcome.DIVERGED, Outcome.MODE_COLLAPSED]
    assert {(r.status, r.steps, r.planned_steps) for r in found} == {(Status.STOPPED, 300, 400)}
    assert [r.outcome_step for r in found] == [None, 200, found[2].outcome_step]


def test_a_seed_that_the_trace_lacks_is_undecided() -> None:
    rows = [own for own in trace().rows if own["seed"] != SEEDS[0]]
    found = decide_block(SPEC, BLOCK, Trace(meta=META, rows=rows), Status.FINISHED)
    assert [r.outcome for r in found] == [Outcome.UNDECIDED, Outcome.DIVERGED, Outcome.MODE_COLLAPSED]


def test_a_trace_of_another_configuration_is_refused() -> None:
    with pytest.raises(ValueError, match=f"block c003-b001 has digest 0123, planned is {CELL.digest}"):
        decide_block(SPEC, BLOCK, trace(digest="0123"), Status.FINISHED)


@pytest.fixture
def rows() -> tuple[Record, ...]:
    decided = decide_block(SPEC, BLOCK, trace(plan="0123456789abcdef"), Status.FINISHED)
    return decided + decide_block(SPEC, replace(BLOCK, first=8), None, Status.PLANNED)


def test_records_survive_parquet(rows: tuple[Record, ...], tmp_path: Path) -> None:
    path = tmp_path / "cell=9" / "records.parquet"
    records.write(rows, path)
    assert records.read(path) == rows
    assert [p.name for p in path.parent.iterdir()] == ["records.parquet"]


def test_no_records_survive_parquet(tmp_path: Path) -> None:
    records.write((), tmp_path / "records.parquet")
    assert records.read(tmp_path / "records.parquet") == ()


def test_columns_have_fixed_types_and_no_nulls_but_the_step_and_whether_it_is_borderline(
    rows: tuple[Record, ...], tmp_path: Path
) -> None:
    path = tmp_path / "records.parquet"
    for written in (rows, (), rows[3:]):
        records.write(written, path)
        schema = pq.read_schema(path)
        assert schema.names == [field.name for field in fields(Record)]
        assert [field.name for field in schema if field.nullable] == ["outcome_step", "borderline"]
        assert schema.field("outcome_step").type == pa.int64()
        assert schema.field("ever_good").type == pa.bool_()
        assert schema.field("seconds").type == pa.float64()
        assert schema.field("evidence").type == pa.string()


def test_enums_are_stored_by_value_and_mappings_as_json(rows: tuple[Record, ...], tmp_path: Path) -> None:
    path = tmp_path / "records.parquet"
    records.write(rows, path)
    first = pq.read_table(path).to_pylist()[0]
    assert (first["status"], first["outcome"]) == ("finished", "converged")
    assert json.loads(first["levels"]) == {"ring": "official", "loss": "ls"}
    assert json.loads(first["config"])["steps"] == 400


def test_records_of_schema_1_are_read_without_a_plan(rows: tuple[Record, ...], tmp_path: Path) -> None:
    path = tmp_path / "records.parquet"
    records.write(rows, path)
    old = pq.read_table(path).drop_columns(["plan"])
    pq.write_table(old.replace_schema_metadata({"records": json.dumps({"schema": 1})}), path)
    assert records.read(path) == tuple(replace(row, plan="") for row in rows)


def test_of_records_of_schema_2_it_is_not_known_whether_they_are_borderline(
    rows: tuple[Record, ...], tmp_path: Path
) -> None:
    path = tmp_path / "records.parquet"
    records.write(rows, path)
    old = pq.read_table(path).drop_columns(["borderline"])
    pq.write_table(old.replace_schema_metadata({"records": json.dumps({"schema": 2})}), path)
    assert records.read(path) == tuple(replace(row, borderline=None) for row in rows)


def test_a_newer_schema_is_refused(rows: tuple[Record, ...], tmp_path: Path) -> None:
    path = tmp_path / "records.parquet"
    records.write(rows, path)
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({"records": json.dumps({"schema": 4})}), path)
    with pytest.raises(ValueError, match=r"has record schema 4, this version reads up to 3$"):
        records.read(path)


def test_a_table_that_holds_no_records_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "records.parquet"
    pq.write_table(pa.table({"a": [1]}), path)
    with pytest.raises(ValueError, match=r"holds no records$"):
        records.read(path)


def test_a_missing_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"^no records at "):
        records.read(tmp_path / "records.parquet")


def test_a_number_that_is_not_finite_is_never_written(rows: tuple[Record, ...], tmp_path: Path) -> None:
    path = tmp_path / "records.parquet"
    records.write(rows, path)
    with pytest.raises(ValueError, match="not JSON compliant"):
        records.write([replace(rows[0], evidence={"quality": float("nan")})], path)
    assert records.read(path) == rows


def test_a_failed_write_leaves_the_old_table_and_nothing_else(
    rows: tuple[Record, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "records.parquet"
    records.write(rows, path)

    def full(where: Path, *_: object, **__: object) -> None:
        where.write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr(pq, "ParquetWriter", full)
    with pytest.raises(OSError, match="no space left"):
        records.write(rows[:1], path)
    assert records.read(path) == rows
    assert [p.name for p in tmp_path.iterdir()] == ["records.parquet"]


def test_of_a_hundred_flipped_bits_each_is_seen_or_changes_nothing(rows: tuple[Record, ...], tmp_path: Path) -> None:
    path = tmp_path / "records.parquet"
    records.write(rows, path)
    refused, others = read_with_a_flipped_bit(path, records.read)
    assert len(refused) >= 95
    assert all(sentence.startswith(f"{path} cannot be read: ") for sentence in refused)
    assert all(found == rows for found in others)


@pytest.mark.parametrize(
    ("column", "name", "sentence"),
    [("rule", "rulf", "it has no column rule"), ("levels", "lewels", "it has no column levels")],
)
def test_a_column_name_that_is_damaged_is_one_sentence(
    column: str, name: str, sentence: str, rows: tuple[Record, ...], tmp_path: Path
) -> None:
    path = tmp_path / "records.parquet"
    records.write(rows, path)
    table = pq.read_table(path)
    renamed = table.rename_columns([name if own == column else own for own in table.column_names])
    pq.write_table(renamed.replace_schema_metadata(table.schema.metadata), path)
    with pytest.raises(DamagedFile, match=f"^{path} cannot be read: {sentence}$"):
        records.read(path)


@pytest.mark.parametrize("meta", [b"{", b"\xff", b"[]", b'{"schemb": 3}', b'{"schema": "three"}'])
def test_metadata_that_are_damaged_hold_no_records(meta: bytes, rows: tuple[Record, ...], tmp_path: Path) -> None:
    path = tmp_path / "records.parquet"
    records.write(rows, path)
    pq.write_table(pq.read_table(path).replace_schema_metadata({b"records": meta}), path)
    with pytest.raises(DamagedFile, match=r"holds no records$"):
        records.read(path)


@pytest.mark.parametrize(("column", "value"), [("versions", "[1]"), ("levels", "null"), ("config", "3")])
def test_a_text_that_holds_no_mapping_is_refused(
    column: str, value: str, rows: tuple[Record, ...], tmp_path: Path
) -> None:
    path = tmp_path / "records.parquet"
    records.write(rows, path)
    table = pq.read_table(path)
    place = table.column_names.index(column)
    pq.write_table(table.set_column(place, table.schema.field(place), pa.array([value] * len(rows))), path)
    with pytest.raises(
        DamagedFile, match=f"cannot be read: {column} must hold names and values, got {re.escape(value)}"
    ):
        records.read(path)
