"""Whatever happens to a file of a launch, its reader gives what was written or one sentence that names the file.

Files with their own SHA-256 never give other numbers. Of those that earlier versions wrote without one, some damage
cannot be seen; it is met without a traceback. The default run has a few hundred examples, the slow one thousands.
"""

import json
import pickle
import tarfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from shutil import copytree
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from study.cli import app
from study.launch import Launch
from study.storage import records, search_log
from study.storage.records import Record, Status, decide_block
from study.storage.store import Store
from tests.made_damage import Step, damaged, steps
from tests.made_examples import bounded, examples
from tests.study.conftest import make
from tests.study.made_searches import plan as search_plan
from tests.study.made_searches import searched
from trainables import states, trace
from trainables.files import DamagedFile
from trainables.later import torch

FEW, MANY = 40, 500
SIZES = [pytest.param(FEW, id="few"), pytest.param(MANY, id="many", marks=pytest.mark.slow)]
STORED = Path(__file__).parents[1] / "stored" / "launches-0.4.0.tar.xz"
KEYS = ("replica", "seed", "step", "finite")


class Case:
    """A file with what its reader should give.

    Attributes:
        sealed: whether the file has its own SHA-256, so that all damage shows.
    """

    def __init__(self, path: Path, read: Callable[[], Any], *, sealed: bool) -> None:
        self.path, self.read, self.sealed = path, read, sealed
        self.content, self.true = path.read_bytes(), read()

    def check(self, content: bytes, *, same: bool = True) -> None:
        """Give the file other bytes; what is read is the same as before, or one sentence says that it cannot be."""
        self.path.write_bytes(content)
        try:
            with bounded():
                found = self.read()
        except ValueError as error:
            assert_sentence(str(error), self.path.name)
        else:
            assert not same or found == self.true
        finally:
            self.path.write_bytes(self.content)


def assert_sentence(said: str, name: str) -> None:
    assert len(said.splitlines()) == 1, said
    assert name in said or "the trace of block" in said, said
    assert len(said) < 3_000, said


def trace_case(store: Store, *, sealed: bool) -> Case:
    plan = store.plan()
    block = plan.blocks()[0]

    def read() -> Any:
        found = store.trace(block)
        assert found is not None
        series = [
            {name: values.tolist() for name, values in found.replica(seed).columns.items()} for seed in block.seeds
        ]
        return decide_block(plan, block, found, Status.FINISHED), repr(series)  # as text: NaN is not equal to itself

    return Case(store.trace_path(block), read, sealed=sealed)


def log_case(store: Store, *, sealed: bool) -> Case:
    def read() -> Any:
        store.plan().blocks()
        return tuple(search_log.read(store.search_path).points)

    return Case(store.search_path, read, sealed=sealed)


def unsealed(path: Path) -> pa.Table:
    """The table of a file, as an earlier version wrote it, and written so."""
    table = pq.read_table(path)
    kept = {name: value for name, value in table.schema.metadata.items() if name != b"seal"}
    table = table.replace_schema_metadata(kept)
    pq.write_table(table, path)
    return table


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Case]:
    """Every kind of file that a launch reads, with its SHA-256 and without."""
    new, bare = make(tmp_path_factory.mktemp("new"), page=False), make(tmp_path_factory.mktemp("bare"), page=False)
    for path in (bare.records_path, bare.trace_path(bare.plan().blocks()[0])):
        unsealed(path)
    search = searched(tmp_path_factory.mktemp("search"), search_plan(blocks=6))
    folder = tmp_path_factory.mktemp("old")
    with tarfile.open(STORED) as archive:
        archive.extractall(folder, filter="data")
    old = Store(next(folder.glob("dirac/*")))
    grown = Store(next(path.parent for path in folder.glob("search-wgan-clip/*/search.jsonl")))
    return {
        "records": Case(new.records_path, new.records, sealed=True),
        "trace": trace_case(new, sealed=True),
        "log": log_case(search, sealed=True),
        "bare records": Case(bare.records_path, bare.records, sealed=False),
        "bare trace": trace_case(bare, sealed=False),
        "old records": Case(old.records_path, old.records, sealed=False),
        "old trace": trace_case(old, sealed=False),
        "old log": log_case(grown, sealed=False),
    }


NAMES = ("records", "trace", "log", "bare records", "bare trace", "old records", "old trace", "old log")


@pytest.mark.parametrize("number", SIZES)
@pytest.mark.parametrize("name", NAMES)
def test_damaged_bytes_give_what_was_written_or_a_sentence(name: str, number: int, cases: Mapping[str, Case]) -> None:
    case = cases[name]

    def check(damage: list[Step]) -> None:
        content = damaged(case.content, damage)
        whole_lines = name == "log" and case.content.startswith(content)  # the rest did not happen
        case.check(content, same=case.sealed and not whole_lines)

    examples(number // 2)(given(steps)(check))()


TYPES = (
    pa.int8(), pa.int32(), pa.float32(), pa.float64(), pa.string(), pa.large_string(), pa.binary(), pa.bool_(),
    pa.null(), pa.list_(pa.float64()), pa.struct([("a", pa.int64())]), pa.timestamp("s"), pa.decimal128(20, 3),
    pa.dictionary(pa.int32(), pa.string()),
)  # fmt: skip
JSON = (None, -1, True, "x", [], {}, [None], {"a": None}, 1e308, 1.5)
EDITS = ("drop", "rename", "double", "cast", "empty", "hole", "nest", "fewer", "shuffle", "repeat", "meta", "value")
edits = st.lists(
    st.tuples(st.sampled_from(EDITS), st.integers(0, 1_000), st.integers(0, 1_000)), min_size=1, max_size=2
)


def edited(table: pa.Table, edit: str, place: int, choice: int) -> pa.Table:
    """Change a table as another program might; unchanged where that cannot be done."""
    place %= table.num_columns
    try:
        if edit in ROWS:
            return edited_rows(table, edit, place, choice)
        return edited_column(table, edit, place, choice).replace_schema_metadata(table.schema.metadata)
    except (pa.ArrowException, ZeroDivisionError):
        return table


ROWS = ("fewer", "shuffle", "repeat", "meta")


def edited_rows(table: pa.Table, edit: str, place: int, choice: int) -> pa.Table:
    rows = list(range(len(table)))
    row = choice % len(rows)
    match edit:
        case "fewer":
            return table.slice(0, row)
        case "shuffle":
            return table.take(rows[row:] + rows[:row])
        case "repeat":
            return table.take([*rows, row])
        case _:
            return table.replace_schema_metadata(other_metadata(table.schema.metadata, place, choice))


def edited_column(table: pa.Table, edit: str, place: int, choice: int) -> pa.Table:
    name, column, kind = table.column_names[place], table.column(place), TYPES[choice % len(TYPES)]
    values = column.to_pylist()
    match edit:
        case "drop":
            return table.remove_column(place)
        case "rename":
            return table.rename_columns([f"{own}_" if own == name else own for own in table.column_names])
        case "double":
            return table.append_column(name, column)
        case "cast":
            return table.set_column(place, name, column.cast(kind))
        case "empty":
            return table.set_column(place, name, pa.nulls(len(table), kind))
        case "hole":
            values[choice % len(values)] = None
            return table.set_column(place, name, pa.array(values, column.type))
        case "nest":
            return table.set_column(place, name, pa.array([[value] for value in values]))
        case _:
            return table.set_column(place, name, pa.array([VALUES[choice % len(VALUES)]] * len(values)))


VALUES = ("xxx", 1.5, -7, True, [[1.0]], float("nan"), '{"a": NaN}', '{"a": []}', "[" * 3_000)


def other_metadata(found: Mapping[bytes, bytes], place: int, choice: int) -> dict[bytes, bytes]:
    name = next(name for name in found if name in (b"records", b"trace"))
    values = json.loads(found[name])
    key = list(values)[place % len(values)]
    if choice % 5 == 0:
        del values[key]
    else:
        values[key] = JSON[choice % len(JSON)]
    return dict(found) | {name: json.dumps(values).encode()}


def written(table: pa.Table, path: Path) -> bytes | None:
    try:
        pq.write_table(table, path)
    except (pa.ArrowException, ValueError):  # what no Parquet file can hold
        return None
    return path.read_bytes()


@pytest.mark.parametrize("number", SIZES)
def test_records_that_another_program_wrote_are_the_same_or_refused(
    number: int, cases: Mapping[str, Case], tmp_path: Path
) -> None:
    case = cases["bare records"]
    table = pq.read_table(case.path)
    true = {(record.cell, record.replica): record for record in case.true}

    def read_as_subset() -> bool:
        found: tuple[Record, ...] = records.read(case.path)
        assert list(found) == sorted(found, key=lambda record: (record.cell, record.replica))
        for record in found:
            own = asdict(true[record.cell, record.replica])
            lacking = {"plan": "", "borderline": None, "outcome_step": None}
            for field, value in asdict(record).items():
                assert type(value) is type(own[field]) or field in lacking, field
                assert value == own[field] or value == lacking.get(field, own[field]), field
        return True

    same = Case(case.path, read_as_subset, sealed=False)

    def check(changes: list[tuple[str, int, int]]) -> None:
        other = table
        for change in changes:
            other = edited(other, *change)
        content = written(other, tmp_path / "other.parquet")
        if content is not None:
            (case if any(change[0] == "value" for change in changes) else same).check(content, same=False)

    examples(number * 2)(given(edits)(check))()


@pytest.mark.parametrize("number", SIZES)
def test_traces_that_another_program_wrote_are_the_same_or_refused(
    number: int, cases: Mapping[str, Case], tmp_path: Path
) -> None:
    case = cases["bare trace"]
    table = pq.read_table(case.path)

    def check(changes: list[tuple[str, int, int]]) -> None:
        other, same = table, True
        for edit, place, choice in changes:
            name = other.column_names[place % other.num_columns]
            of_rows = edit in ("shuffle", "repeat", "double")
            same &= of_rows or (name in KEYS and edit not in ("fewer", "meta", "value"))
            other = edited(other, edit, place, choice)
        content = written(other, tmp_path / "other.parquet")
        if content is not None:
            case.check(content, same=same)

    examples(number * 2)(given(edits)(check))()


LINES = (None, -1, True, "x", [], {}, [1], 1e308, float("inf"), {"a": {"b": 1}}, 10**30, 0)


@pytest.mark.parametrize("number", SIZES)
def test_a_log_without_digests_that_was_edited_is_read_or_a_sentence(number: int, cases: Mapping[str, Case]) -> None:
    case = cases["old log"]
    lines = case.content.splitlines()

    def check(row: int, place: int, choice: int, deeper: bool) -> None:
        changed = [json.loads(line) for line in lines]
        values = changed[row % len(lines)]
        key = list(values)[place % len(values)]
        inside = values[key]
        if deeper and isinstance(inside, dict) and inside:
            inside[list(inside)[choice % len(inside)]] = LINES[choice % len(LINES)]
        else:
            values[key] = LINES[choice % len(LINES)]
        case.check(b"".join(json.dumps(line).encode() + b"\n" for line in changed), same=False)

    numbers = st.integers(0, 10_000)
    examples(number // 2)(given(numbers, numbers, numbers, st.booleans())(check))()


@pytest.mark.parametrize("number", SIZES)
@pytest.mark.parametrize("sealed", [True, False])
def test_a_damaged_state_is_never_intact_or_says_what_it_held(number: int, sealed: bool, tmp_path: Path) -> None:
    path, state = tmp_path / "block.pt", {"a": torch.arange(50.0), "b": 3}
    if sealed:
        states.save(state, path)
    else:
        torch.save(state, path)

    def read() -> Any:
        if not states.is_intact(path):
            raise DamagedFile(f"{path} is damaged")
        return torch.load(path, weights_only=True)["a"].tolist() if sealed else None

    case = Case(path, read, sealed=sealed)
    examples(number // 2)(given(steps)(lambda damage: case.check(damaged(case.content, damage), same=sealed)))()


# Files that were replaced as a whole, as every command meets them.


def other_launch(path: Path, store: Store) -> None:
    other = make(store.root.parents[1] / "other", page=False, name="20260102-030405-other")
    path.write_bytes((other.root / path.relative_to(store.root)).read_bytes())


def folder(path: Path, store: Store) -> None:
    path.unlink()
    path.mkdir()


def foreign(path: Path, store: Store) -> None:
    pq.write_table(pa.table({"cell": [1], "outcome": ["converged"]}), path)


def texts(path: Path, store: Store) -> None:
    """All columns as texts, which is what a detour through CSV gives."""
    table = unsealed(path)
    columns = {name: pa.array([str(value) for value in table.column(name).to_pylist()]) for name in table.column_names}
    pq.write_table(pa.table(columns).replace_schema_metadata(table.schema.metadata), path)


def twice(path: Path, store: Store) -> None:
    path.write_bytes(path.read_bytes() * 2)


REPLACEMENTS: Mapping[str, Callable[[Path, Store], object]] = {
    "empty": lambda path, store: path.write_bytes(b""),
    "pickle": lambda path, store: path.write_bytes(pickle.dumps({"cell": [1]})),
    "folder": folder,
    "foreign": foreign,
    "texts": texts,
    "twice": twice,
    "other launch": other_launch,
}
QUICK = ("folder", "texts")


@pytest.mark.parametrize("file", ["records", "trace"])
@pytest.mark.parametrize(
    "replace", [pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in REPLACEMENTS]
)
def test_commands_refuse_a_file_that_was_replaced(replace: str, file: str, trained_once: Store, tmp_path: Path) -> None:
    store = Store(copytree(trained_once.root, tmp_path / "demo" / trained_once.root.name))
    path = store.records_path if file == "records" else store.trace_path(store.plan().blocks()[0])
    REPLACEMENTS[replace](path, store)
    codes = {}
    for command in ("status", "verify", "report", "decide"):  # the last one mends records
        with bounded():
            done = CliRunner().invoke(app, [command, str(store.root)], env={"COLUMNS": "400"})
        assert done.exception is None or isinstance(done.exception, SystemExit), (command, done.exception)
        assert done.exit_code in (0, 1, 2), command
        if done.exit_code == 2:
            assert len(done.stderr.strip().splitlines()) == 1, (command, done.stderr)
        codes[command] = done.exit_code
    foreign_trace = replace == "other launch" and file == "trace"  # the plan's digest in it is another
    assert codes["verify"] != 0, codes
    assert foreign_trace or codes["report"] == 2, codes


# What was found, example by example.


@contextmanager
def rewritten(case: Case, change: Callable[[pa.Table], pa.Table]) -> Iterator[None]:
    """Let another program write a file while the body runs."""
    pq.write_table(change(pq.read_table(case.path)), case.path)
    try:
        yield
    finally:
        case.path.write_bytes(case.content)


def with_column(name: str, values: list[Any]) -> Callable[[pa.Table], pa.Table]:
    return lambda table: table.set_column(table.column_names.index(name), name, pa.array(values))


PINNED: list[tuple[str, Callable[[pa.Table], pa.Table], str]] = [
    ("a text is missing", with_column("levels", [None] * 6), "6 values of the column levels are missing"),
    ("a list", with_column("config", [["{}"]] * 6), "the column config must be string, got list"),
    ("no numbers", with_column("steps", [True] * 6), "the column steps must be int64, got bool"),
    ("times", with_column("steps", [datetime(2026, 1, 2)] * 6), r"the column steps must be int64, got timestamp"),
    ("a column twice", lambda table: table.append_column("seed", table.column("seed")), "it has two columns seed"),
    ("a row twice", lambda table: table.take([0, *range(6)]), "it has two rows of cell 0, replica 0"),
    ("no number", with_column("evidence", ['{"quality": NaN}'] * 6), "NaN is no number"),
    ("a text as evidence", with_column("evidence", ['{"quality": "x"}'] * 6), "evidence must hold numbers"),
    ("no end", with_column("seconds", [float("inf")] * 6), "seconds must be a number, got inf"),
    ("too deep", with_column("config", ["[" * 90_000] * 6), "config must hold names and values"),
]  # fmt: skip


@pytest.mark.parametrize(("change", "sentence"), [pair[1:] for pair in PINNED], ids=[pair[0] for pair in PINNED])
def test_a_table_of_records_that_holds_what_none_does_is_refused(
    change: Callable[[pa.Table], pa.Table], sentence: str, cases: Mapping[str, Case]
) -> None:
    case = cases["bare records"]
    with (
        rewritten(case, change),
        pytest.raises(DamagedFile, match=rf"records.parquet cannot be read: .*{sentence}"),
    ):
        case.read()


def test_the_order_of_rows_and_the_width_of_numbers_do_not_matter(cases: Mapping[str, Case]) -> None:
    case = cases["bare records"]

    def change(table: pa.Table) -> pa.Table:
        narrow = table.set_column(3, "cell", table.column("cell").cast(pa.int8()))
        return narrow.set_column(0, "launch", table.column("launch").dictionary_encode()).take([5, 0, 3, 1, 2, 4])

    with rewritten(case, change):
        assert case.read() == case.true
        assert all(type(record.cell) is int for record in case.read())


def test_a_damaged_seal_is_damage(cases: Mapping[str, Case]) -> None:
    case = cases["records"]
    case.path.write_bytes(case.content.replace(b"sha256:", b"sha257:"))
    with pytest.raises(DamagedFile, match="its own SHA-256 is damaged"):
        case.read()
    case.path.write_bytes(case.content)


def test_records_of_another_launch_are_refused(tmp_path: Path) -> None:
    store = make(tmp_path, page=False)
    other_launch(store.records_path, store)
    with pytest.raises(ValueError, match=r"is the plan \w+, 6 records are of the plan \w+"):
        Launch(store)


@pytest.mark.parametrize("name", ["digest", "reference", "complete", "seeds", "config"])
@pytest.mark.parametrize("value", [None, 3, "x", {"a": "b"}])
def test_a_trace_whose_metadata_are_no_trace_s_is_refused(name: str, value: Any, cases: Mapping[str, Case]) -> None:
    case = cases["bare trace"]

    def change(table: pa.Table) -> pa.Table:
        meta = json.loads(table.schema.metadata[b"trace"]) | {name: value}
        return table.replace_schema_metadata({b"trace": json.dumps(meta)})

    with rewritten(case, change):
        if isinstance(value, {"digest": str, "config": dict}.get(name, bytes)):
            trace.read(case.path)
        else:
            with pytest.raises(DamagedFile, match=f"its metadata have .* {name}"):
                trace.read(case.path)


def test_of_a_trace_with_two_rows_of_one_step_none_is_chosen(cases: Mapping[str, Case]) -> None:
    case = cases["bare trace"]
    with (
        rewritten(case, lambda table: table.take([0, *range(len(table))])),
        pytest.raises(DamagedFile, match="it has two rows of seed 0 at step 0"),
    ):
        case.read()


def test_the_rows_of_a_trace_may_lie_in_any_order(cases: Mapping[str, Case]) -> None:
    case = cases["bare trace"]
    with rewritten(case, lambda table: table.take(list(range(len(table)))[::-1])):
        assert case.read() == case.true
