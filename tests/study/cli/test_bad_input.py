"""Launches that are damaged, edited, unfinished or degenerate: numbers that make sense, or one sentence that says what
is wrong. Never a traceback, never a NaN."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from study.cli import app
from study.launch import Launch
from study.outcomes.outcome import Outcome
from study.storage.records import Status
from study.storage.store import Store

C, M, N, D, U = (
    Outcome.CONVERGED, Outcome.MODE_COLLAPSED, Outcome.NOT_LEARNED, Outcome.DIVERGED, Outcome.UNDECIDED
)  # fmt: skip
Trained = Callable[..., Store]
READERS = ("status", "report", "decide", "verify", "compare", "sync")
"""Every command that reads a launch and trains nothing."""


def run(command: str, root: Path) -> Result:
    arguments = [command, str(root), *([str(root)] if command == "compare" else [])]
    options = ["--tracking-uri", "none"] if command in ("sync", "resume") else []
    return CliRunner().invoke(app, [*arguments, *options], env={"COLUMNS": "100"})


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def newer_schema(store: Store) -> None:
    table = pq.read_table(store.records_path)
    meta = {key: json.dumps({"schema": 99}).encode() for key in table.schema.metadata}
    pq.write_table(table.replace_schema_metadata(meta), store.records_path)


def unknown_outcome(store: Store) -> None:
    table = pq.read_table(store.records_path)
    place = table.column_names.index("outcome")
    other = table.set_column(place, table.field(place), [["spectacular"] * table.num_rows])
    pq.write_table(other, store.records_path)


def no_parquet(store: Store) -> None:
    store.records_path.write_bytes(b"cell,outcome\n0,converged\n")


def cut_records(store: Store) -> None:
    store.records_path.write_bytes(store.records_path.read_bytes()[:-30])


def cut_trace(store: Store) -> None:
    path = store.trace_path(store.plan().blocks()[0])
    path.write_bytes(path.read_bytes()[:-30])


def flipped_trace(store: Store) -> None:
    """Bits that rot inside a column."""
    path = store.trace_path(store.plan().blocks()[0])
    content = bytearray(path.read_bytes())
    content[20:60] = bytes(byte ^ 0xFF for byte in content[20:60])
    path.write_bytes(content)


def foreign_trace(store: Store) -> None:
    blocks = store.plan().blocks()
    store.trace_path(blocks[0]).write_bytes(store.trace_path(blocks[1]).read_bytes())


def broken_spec(store: Store) -> None:
    store.plan_path.write_text(store.plan_path.read_text()[:500])


def empty_spec(store: Store) -> None:
    store.plan_path.write_text("")


def unknown_field(store: Store) -> None:
    edit(store.plan_path, '"alpha": 0.05', '"alhpa": 0.2, "alpha": 0.05')


def impossible_value(store: Store) -> None:
    edit(store.plan_path, '"alpha": 0.05', '"alpha": 2')


def broken_rule(store: Store) -> None:
    store.rule_path.write_text('{"name": ')


def impossible_rule(store: Store) -> None:
    edit(store.rule_path, '"quality_min": 0.65', '"quality_min": 7')


def broken_settled(store: Store) -> None:
    store.settled_path.write_text("[1")


def wrong_settled(store: Store) -> None:
    store.settled_path.write_text('{"cells": "all"}')


def other_plan(store: Store) -> None:
    """One digit of a setting: a plan that can be read, and is not the one that was trained."""
    edit(store.plan_path, '"lr": 0.001', '"lr": 0.101')


def judges_of(store: Store, reaches: str) -> None:
    judge = f'{{"samples": 512, "real": {{"converged": 5}}, "nulls": {{}}, "reaches": [{reaches}]}}'
    store.judges_path.write_text(f'{{"ring, 512 samples": {judge}}}')


def flipped_judges(store: Store) -> None:
    judges_of(store, '{"field": "hq_min", "threshold": 0.5, "wosst": 0.6, "mean": 0.7, "reached": true}')


def wrong_judges(store: Store) -> None:
    judges_of(store, '"none"')


def no_spec(store: Store) -> None:
    store.plan_path.unlink()


REFUSED: list[tuple[Callable[[Store], None], str, tuple[str, ...]]] = [
    (newer_schema, "records.parquet has record schema 99, this version reads up to", READERS),
    (unknown_outcome, "records.parquet", READERS),
    (no_parquet, "records.parquet", READERS),
    (cut_records, "records.parquet", READERS),
    (cut_trace, "c000-b000.parquet cannot be read", ("status", "report", "decide")),
    (flipped_trace, "c000-b000.parquet cannot be read", ("status", "report", "decide")),
    (foreign_trace, "the trace of block c000-b000 has digest", ("status", "decide")),
    (broken_spec, "spec.json cannot be read: Invalid JSON", READERS),
    (empty_spec, "spec.json cannot be read: Invalid JSON", READERS),
    (unknown_field, "spec.json cannot be read: hypotheses.0.alhpa is no field that this version knows", READERS),
    (impossible_value, "alpha must be in (0, 1), got 2", READERS),
    (broken_rule, "rule.json cannot be read: Invalid JSON", ("report", "verify", "compare")),
    (impossible_rule, "rule.json cannot be read: quality_min must be in (0, 1], got 7", ("report", "verify")),
    (broken_settled, "settled.json cannot be read: Invalid JSON", ("status", "decide", "verify")),
    (wrong_settled, "settled.json cannot be read: cells: Input should", ("status", "decide", "verify")),
    (other_plan, "6 records are of the plan", ("status", "report", "decide", "compare", "sync", "resume", "best")),
    (flipped_judges, "ring, 512 samples.reaches.0.worst must be given", ("report", "verify")),
    (wrong_judges, "judges.json cannot be read: ring, 512 samples.reaches.0", ("report", "verify")),
    (no_spec, "LAUNCH must be a launch's folder or the id of one in", READERS),
]  # fmt: skip


@pytest.mark.parametrize(("damage", "sentence", "commands"), REFUSED, ids=[damage.__name__ for damage, _, _ in REFUSED])
def test_what_cannot_be_read_is_one_sentence_and_exit_code_2(
    damage: Callable[[Store], None], sentence: str, commands: tuple[str, ...], trained: Trained
) -> None:
    store = trained(page=False)
    damage(store)
    for command in commands:
        done = run(command, store.root)
        assert done.exit_code == 2, (command, done.output)
        assert isinstance(done.exception, SystemExit), (command, done.exception)
        assert sentence in done.stderr, command
        assert len(done.stderr.strip().splitlines()) == 1, (command, done.stderr)
    assert not store.report_path.exists()


def in_full(store: Store) -> dict[str, Result]:
    """What each command says of a launch that it can work with."""
    return {command: run(command, store.root) for command in ("status", "decide", "verify", "compare", "sync")}


def written(store: Store) -> str:
    """All text of the report and of what lies beside it."""
    return "\n".join(path.read_text(encoding="utf-8") for path in store.report_path.parent.iterdir())


def assert_no_nonsense(text: str) -> None:
    hidden = re.sub(r"data:image/[^\"]*", "", text)
    assert not re.search(r"\b(nan|inf|infinity|None|Traceback)\b", hidden), re.findall(
        r".{40}\b(?:nan|inf|infinity|None|Traceback)\b.{40}", hidden
    )


DEGENERATE: dict[str, tuple[list[list[Outcome]], dict[str, int], str]] = {
    "nothing finished": ([[U, U], [U, U]], {}, "0 of 0"),
    "all failed": ([[M, D, N], [D, D, D]], {}, "0 of 3"),
    "all succeeded": ([[C, C, C], [C, C, C]], {}, "3 of 3"),
    "n=1": ([[C], [D]], {}, "1 of 1"),
    "one replica": ([[C]], {}, "1 of 1"),
    "in progress": ([[C, M, U], [U, U, U]], {"block": 1}, "1 of 2"),
}
QUICK = ("nothing finished", "n=1")
"""The default run has these; a report takes most of a second."""


@pytest.mark.parametrize(
    ("outcomes", "options", "part"),
    [pytest.param(*values, marks=() if name in QUICK else pytest.mark.slow, id=name)
     for name, values in DEGENERATE.items()],
)  # fmt: skip
def test_degenerate_launches_are_told_in_full(
    outcomes: list[list[Outcome]], options: dict[str, int], part: str, trained: Trained
) -> None:
    store = trained(outcomes, page=False, **options)
    for command, done in in_full(store).items():
        assert done.exit_code == 0, (command, done.output, done.exception)
        assert_no_nonsense(done.stdout)
    assert part in written(store)
    assert_no_nonsense(written(store))


def test_a_deleted_trace_leaves_its_replicas_undecided_and_fails_verification(trained: Trained) -> None:
    store = trained(page=False)
    store.trace_path(store.plan().blocks()[0]).unlink()
    assert run("verify", store.root).exit_code == 1
    assert "3 planned, 3 finished" in run("status", store.root).stdout
    assert run("decide", store.root).exit_code == 0
    assert [record.status for record in store.records()] == [Status.PLANNED] * 3 + [Status.FINISHED] * 3
    assert_no_nonsense(written(store))


def test_a_plan_that_was_changed_but_can_be_read_fails_verification_in_full(trained: Trained) -> None:
    store = trained(page=False)
    plan = store.plan().digest()
    other_plan(store)
    done = run("verify", store.root)
    assert done.exit_code == 1
    assert f"spec.json is the plan {store.plan().digest()}, 6 records are of the plan {plan}" in done.stdout
    assert "data " in done.stdout
    assert "records  " not in done.stdout  # what a plan that nobody trained would give is not computed


def test_records_that_state_no_plan_are_read_beside_any_plan(trained: Trained) -> None:
    store = trained(page=False)
    store.write_records(tuple(replace(record, plan="") for record in store.records()))
    other_plan(store)
    assert {record.plan for record in store.records()} == {""}


def test_a_launch_without_records_has_nothing_to_report(trained: Trained) -> None:
    store = trained(page=False)
    store.records_path.unlink()
    for command in ("report", "decide", "verify", "compare"):
        done = run(command, store.root)
        assert done.exit_code == 2, (command, done.output)
        assert f"no records at {store.records_path}" in done.stderr


def test_a_folder_that_is_no_launch_and_a_name_that_is_none(tmp_path: Path) -> None:
    for command in READERS:
        for root in (tmp_path, tmp_path / "nothing"):
            done = run(command, root)
            assert done.exit_code == 2
            assert "LAUNCH must be a launch's folder or the id of one in" in done.stderr


DAMAGED_GRIDS: dict[str, Callable[[bytes], bytes]] = {
    "cut": lambda content: content[:20],
    "no chunk": lambda content: content[:37] + bytes(4) + content[41:],
    "too large": lambda content: content[:16] + b"\x7f\xff" + content[18:],
    "other pixels": lambda content: content[:-20] + bytes(4) + content[-16:],
}


@pytest.mark.parametrize("damage", DAMAGED_GRIDS.values(), ids=list(DAMAGED_GRIDS))
def test_a_damaged_sample_grid_is_left_out(damage: Callable[[bytes], bytes], trained: Trained) -> None:
    store = trained([[C, M]], page=False)
    for grid in store.samples_path.rglob("*.png"):
        grid.write_bytes(damage(grid.read_bytes()))
    assert run("report", store.root).exit_code == 0
    assert "data:image" not in written(store)
    with pytest.raises(ValueError, match=r"step-\d+\.png cannot be read: "):
        Launch(store).samples(0, 0)


@pytest.mark.slow
@pytest.mark.parametrize(("outcomes", "options", "part"), DEGENERATE.values(), ids=list(DEGENERATE))
def test_every_figure_of_a_degenerate_launch_is_drawn_or_refused(
    outcomes: list[list[Outcome]], options: dict[str, int], part: str, trained: Trained, tmp_path: Path
) -> None:
    store = trained(outcomes, page=False, **options)
    for name in ("success", "map", "composition", "survival", "sensitivity", "forest", "curves"):
        path = tmp_path / f"{name}.svg"
        done = CliRunner().invoke(app, ["figure", name, str(store.root), "--out", str(path)])
        assert done.exit_code in (0, 2), (name, done.exception)
        if done.exit_code == 0:
            assert_no_nonsense(path.read_text(encoding="utf-8"))
        else:
            assert "the launch has data for" in done.stderr


def test_the_ledger_of_claims_leaves_a_damaged_launch_out_and_says_so(trained: Trained, tmp_path: Path) -> None:
    newer_schema(trained(page=False, study="mixture-modes", name="damaged"))
    trained([[U], [U]], page=False, study="mixture-modes", name="unfinished")
    done = CliRunner().invoke(app, ["claims", "--out", str(tmp_path)], env={"COLUMNS": "100"})
    assert done.exit_code == 0, done.output
    assert "has record schema 99" in done.stdout
    assert_no_nonsense(done.stdout)


_FULL = Path("/dev/full")


def contents(store: Store) -> dict[str, bytes]:
    return {path.relative_to(store.root).as_posix(): path.read_bytes() for path in files(store)}


def files(store: Store) -> list[Path]:
    return sorted(path for path in store.root.rglob("*") if path.is_file())


@pytest.mark.skipif(not _FULL.exists(), reason="needs a device that is full")
@pytest.mark.usefixtures("undrawn")
@pytest.mark.parametrize(
    ("command", "name"),
    [
        ("report", "report/index.html"), ("report", "report/cells.csv"), ("decide", "records.parquet"),
        ("decide", "rule.json"),
    ],
)  # fmt: skip
def test_a_full_disk_is_one_sentence_and_leaves_the_files_as_they_were(
    command: str, name: str, trained: Trained
) -> None:
    store = trained([[C, M], [C, D]])
    before = contents(store)
    (store.root / f"{name}.part").symlink_to(_FULL)
    options = ["--rule", "quality_min=0.99"] if command == "decide" else []
    done = CliRunner().invoke(app, [command, str(store.root), *options], env={"COLUMNS": "400"})
    assert done.exit_code == 2, done.output
    assert done.stderr == f"error: {store.root / name}: No space left on device\n"
    assert contents(store) == before


def test_a_column_of_the_records_with_another_name_is_one_sentence(trained: Trained) -> None:
    store = trained([[C, M]], page=False)
    table = pq.read_table(store.records_path)
    renamed = table.rename_columns([{"outcome": "outc0me"}.get(name, name) for name in table.column_names])
    pq.write_table(renamed.replace_schema_metadata(table.schema.metadata), store.records_path)
    for command in ("report", "decide", "verify", "compare"):
        done = run(command, store.root)
        assert done.exit_code == 2, done.output
        assert "it has no column outcome" in " ".join(done.stderr.split())
