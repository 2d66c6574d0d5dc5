"""The database of a folder: made whole, once, never over somebody's data, and right after the folder was moved."""

import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Barrier, Thread

import pytest

from study.tracking import MlflowTracker, database, local_uri, sync
from tests.study.tracking import told_launches
from tests.study.tracking.told_launches import Server, make_plan, make_store
from trainables import files

_no_waiting, out, shown = told_launches.no_waiting, told_launches.out, told_launches.shown


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def create(path: Path) -> None:
    """Make what counts of MLflow's tables, with the experiment that it makes last."""
    with opened(path) as connection:
        connection.execute("CREATE TABLE experiments (experiment_id INTEGER, name TEXT, artifact_location TEXT)")
        connection.execute("CREATE TABLE runs (experiment_id INTEGER, artifact_uri TEXT)")
        connection.execute("INSERT INTO experiments VALUES (0, 'Default', 'mlflow-artifacts:/0')")


def add(path: Path, location: str, name: str = "demo") -> None:
    with opened(path) as connection:
        connection.execute("INSERT INTO experiments VALUES (1, ?, ?)", (name, location))
        connection.execute("INSERT INTO runs VALUES (1, ?)", (f"{location}/abc/artifacts",))


def places(path: Path) -> tuple[str, str]:
    with opened(path) as connection:
        (location,) = connection.execute("SELECT artifact_location FROM experiments WHERE experiment_id = 1").fetchone()
        (run,) = connection.execute("SELECT artifact_uri FROM runs").fetchone()
        return location, run


def test_a_database_that_a_killed_driver_left_half_made_is_made_again(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    with opened(path) as half:
        half.execute("CREATE TABLE experiments (experiment_id INTEGER)")
        half.execute("CREATE INDEX index_of_something ON experiments (experiment_id)")
    (tmp_path / "mlflow.db.part").write_text("of another killed driver")
    database.prepare(path, create)
    with opened(path) as whole:
        assert whole.execute("SELECT name FROM experiments").fetchall() == [("Default",)]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["mlflow.db", "mlflow.db.lock"]


@pytest.mark.slow
def test_mlflow_itself_opens_what_was_half_made(tmp_path: Path) -> None:
    """MLflow alone says "index ... already exists" of it, for ever."""
    with opened(tmp_path / "mlflow.db") as half:
        half.execute("CREATE TABLE experiments (experiment_id INTEGER)")
    plan = make_plan()
    assert sync(make_store(tmp_path, plan), MlflowTracker(local_uri(tmp_path)))
    assert len(Server(local_uri(tmp_path)).runs("replica")) == 4


def test_an_interrupted_creation_leaves_no_database(tmp_path: Path) -> None:
    def stop(path: Path) -> None:
        create(path)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        database.prepare(tmp_path / "mlflow.db", stop)
    assert list(tmp_path.iterdir()) == []


def test_of_launches_that_start_together_one_makes_the_database(tmp_path: Path) -> None:
    together, made = Barrier(3), []

    def slowly(path: Path) -> None:
        made.append(path)
        time.sleep(0.05)
        create(path)

    def start() -> None:
        together.wait()
        database.prepare(tmp_path / "mlflow.db", slowly)

    threads = [Thread(target=start) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


@pytest.mark.parametrize(
    "table", ["experiments (name TEXT); INSERT INTO experiments VALUES ('mine')", "pets (name TEXT)"]
)
def test_a_database_with_somebodys_data_is_never_replaced(table: str, tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    with opened(path) as mine:
        mine.executescript(f"CREATE TABLE {table}")
    before = path.read_bytes()

    def refuse(path: Path) -> None:
        raise AssertionError("replaced")

    database.prepare(path, refuse)  # MLflow makes its tables beside them, or says why not
    assert path.read_bytes() == before


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    path.write_text("my notes, which are long enough for a header" * 9)
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        database.prepare(path, create)
    assert path.read_text().startswith("my notes")


@pytest.mark.parametrize("copied", [False, True])
def test_artifacts_are_where_the_folder_is_now(copied: bool, tmp_path: Path) -> None:
    old, new = tmp_path / "old place", tmp_path / "new"
    database.prepare(old / "mlflow.db", create)
    add(old / "mlflow.db", (old / "mlartifacts" / "demo").as_uri())
    (old / "mlartifacts" / "demo").mkdir(parents=True)
    (shutil.copytree if copied else shutil.move)(old, new)
    database.prepare(new / "mlflow.db", create)
    location = (new / "mlartifacts" / "demo").as_uri()
    assert places(new / "mlflow.db") == (location, f"{location}/abc/artifacts")


def test_artifacts_that_stayed_behind_stay_there(tmp_path: Path) -> None:
    old, new = tmp_path / "old", tmp_path / "new"
    database.prepare(old / "mlflow.db", create)
    location = (old / "mlartifacts" / "demo").as_uri()
    add(old / "mlflow.db", location)
    (old / "mlartifacts" / "demo").mkdir(parents=True)
    new.mkdir()
    shutil.move(old / "mlflow.db", new / "mlflow.db")
    database.prepare(new / "mlflow.db", create)
    assert places(new / "mlflow.db")[0] == location


@pytest.mark.parametrize("location", ["s3://bucket/mlartifacts/demo", "file:///elsewhere/of/a/user"])
def test_artifacts_that_somebody_put_elsewhere_stay_there(location: str, tmp_path: Path) -> None:
    database.prepare(tmp_path / "mlflow.db", create)
    add(tmp_path / "mlflow.db", location)
    database.prepare(tmp_path / "mlflow.db", create)
    assert places(tmp_path / "mlflow.db")[0] == location


def test_a_moved_folder_shows_its_old_pictures_and_takes_new_ones(out: Path, shown: Server, tmp_path: Path) -> None:
    moved = tmp_path.with_name(f"{tmp_path.name}-moved")
    shutil.move(out, moved)
    plan = make_plan("launch-2")
    store = make_store(moved, plan)
    tracker = MlflowTracker(local_uri(moved))
    tracker.start(plan, store)
    assert tracker.finish(store, complete=True)
    view = Server(local_uri(moved))
    for launch in ("launch-1", "launch-2"):
        assert Path(view.client.download_artifacts(view.replica(0, 11, launch).info.run_id, "images")).is_dir()
    assert not out.exists()


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the first database is kept, in a cache of the test's own."""
    monkeypatch.setenv(files.CACHE, str(tmp_path / "cache"))
    return tmp_path / "cache" / "mlflow" / "some.db"


def experiments(path: Path) -> list[tuple[int, str, str]]:
    with opened(path) as connection:
        return connection.execute("SELECT * FROM experiments").fetchall()


def test_the_second_database_of_a_machine_is_a_copy_of_the_first(kept: Path, tmp_path: Path) -> None:
    made: list[Path] = []

    def anew(path: Path) -> None:
        made.append(path)
        create(path)

    first, second = tmp_path / "first.db", tmp_path / "second.db"
    database.create(first, "some", anew)
    add(first, "file:///of/the/first")
    database.create(second, "some", anew)
    assert made == [first]
    assert experiments(second) == [(0, "Default", str(Path("mlruns/0").absolute()))], "and nothing of the first"
    database.create(tmp_path / "third.db", "other", anew)
    assert made == [first, tmp_path / "third.db"], "another version of MLflow makes its own"


@pytest.mark.parametrize("damage", [b"", b"no database", None])
def test_a_kept_database_that_is_damaged_is_made_again(damage: bytes | None, kept: Path, tmp_path: Path) -> None:
    database.create(tmp_path / "first.db", "some", create)
    whole = kept.read_bytes()
    kept.write_bytes(whole[: len(whole) // 2] if damage is None else damage)
    database.create(tmp_path / "second.db", "some", create)
    assert [name for _, name, _ in experiments(tmp_path / "second.db")] == ["Default"]
    assert kept.read_bytes() == whole


def test_where_the_cache_cannot_be_written_every_database_is_made_anew(kept: Path, tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    database.create(tmp_path / "first.db", "some", create)
    assert [name for _, name, _ in experiments(tmp_path / "first.db")] == ["Default"]


@pytest.mark.slow
def test_a_copy_has_the_tables_that_mlflow_makes(kept: Path, tmp_path: Path) -> None:
    def schema(path: Path) -> set[tuple[str, str]]:
        with opened(path) as connection:
            return set(connection.execute("SELECT name, sql FROM sqlite_master"))

    first, second = tmp_path / "a" / "mlflow.db", tmp_path / "b" / "mlflow.db"
    for path in (first, second):
        plan = make_plan()
        assert sync(make_store(path.parent, plan), MlflowTracker(f"sqlite:///{path}"))
    assert kept.parent.is_dir()
    assert schema(first) == schema(second)
