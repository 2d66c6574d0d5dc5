"""MLflow's SQLite database in a folder of launches: made whole or not at all, and good wherever the folder lies."""

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

from trainables.files import cache_folder, written_whole

SQLITE = "sqlite:///"
ARTIFACTS = "mlartifacts"
"""Name of the folder of artifacts, beside the database."""
_SECONDS = 5.0
_SIDES = ("-journal", "-wal", "-shm")


def path_of(uri: str) -> Path | None:
    """Return the file of a SQLite address; None for servers and other databases."""
    return Path(uri.removeprefix(SQLITE).partition("?")[0]).absolute() if uri.startswith(SQLITE) else None


def artifact_folder(uri: str) -> Path | None:
    """Return ``mlartifacts`` beside a SQLite database; None for servers, which choose themselves."""
    path = path_of(uri)
    return None if path is None else path.resolve().parent / ARTIFACTS


def prepare(path: Path, create: Callable[[Path], None]) -> None:
    """Make the database if there is none, or one that MLflow never finished; mend where its artifacts are.

    MLflow makes a new database in many steps, and can neither use one that was left half made nor make one twice at the
    same time: it is made under another name, by one process while others wait.

    Args:
        path: the database.
        create: makes a new database in a file.

    Raises:
        OSError: if the folder cannot be written.
        sqlite3.Error: if the file is no database, or another process keeps it locked.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = path.with_name(f"{path.name}.lock")
    with _alone(lock), _gone_with(lock, path):
        if not _is_finished(path):
            with written_whole(path) as unfinished:
                _remove(unfinished)
                create(unfinished)
                _remove(path)
        _relocate(path, path.resolve().parent / ARTIFACTS)


@contextlib.contextmanager
def _gone_with(lock: Path, path: Path) -> Iterator[None]:
    """Remove the lock of a database that could not be made, on a full disk, say: it would be all that is left."""
    try:
        yield
    except BaseException:
        if not path.exists():
            lock.unlink(missing_ok=True)
        raise


def create(path: Path, name: str, anew: Callable[[Path], None]) -> None:
    """Make an empty database in a file, as a copy of one that was made before on this machine, or else anew.

    MLflow takes seconds, as it goes through all of its migrations. The first database that it makes is kept in the
    user's cache; where that cannot be written, every one is made anew.

    Args:
        path: the file, which must not be there.
        name: of the kept one; databases of one name must be the same.
        anew: makes an empty database in a file.
    """
    kept = cache_folder() / "mlflow" / f"{name}.db"
    if not _is_whole(kept):
        anew(path)
        with contextlib.suppress(OSError, sqlite3.Error), written_whole(kept, by_many=True) as unfinished:
            _copy(path, unfinished)
        return
    _copy(kept, path)
    with _opened(path) as database:  # where MLflow would have put it
        database.execute("UPDATE experiments SET artifact_location = ?", (str(Path("mlruns", "0").absolute()),))


def _is_whole(kept: Path) -> bool:
    """Whether an empty database that was kept can be used; a damaged one cannot."""
    try:
        if not _is_finished(kept):
            return False
        with _opened(kept) as database:
            found = [
                database.execute(ask).fetchone() for ask in ("SELECT count(*) FROM experiments", "PRAGMA quick_check")
            ]
        return found == [(1,), ("ok",)]
    except sqlite3.Error:
        return False


def _copy(source: Path, target: Path) -> None:
    with _opened(source) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def check(path: Path) -> None:
    """Fail where MLflow would try for minutes to open a database that is there.

    Raises:
        OSError: if it cannot be reached.
        sqlite3.Error: if it cannot be written.
    """
    if path.exists():
        with _opened(path) as database:
            database.execute("BEGIN IMMEDIATE")
            database.execute("ROLLBACK")


def _is_finished(path: Path) -> bool:
    """Whether MLflow has finished the database: the last thing that it makes is an experiment.

    One with tables of somebody else alone is left to MLflow.
    """
    if not path.exists():
        return False
    with _opened(path) as database:
        tables = _tables(database)
        if "experiments" not in tables:
            return bool(tables)
        return database.execute("SELECT 1 FROM experiments LIMIT 1").fetchone() is not None


def _relocate(path: Path, artifacts: Path) -> None:
    """Let experiments and runs have their artifacts in ``artifacts``, whose path was another one if it was moved.

    An experiment whose artifacts have stayed where they were, without the database, is left as it is.
    """
    with _opened(path) as database:
        if not _tables(database) >= {"experiments", "runs"}:
            return
        known = database.execute("SELECT experiment_id, name, artifact_location FROM experiments").fetchall()
        for experiment, name, location in known:
            place = urlsplit(location or "")
            old, new = Path(unquote(place.path)), artifacts / name
            ours = place.scheme == "file" and old.name == name and old.parent.name == ARTIFACTS
            if not ours or location == new.as_uri() or (old.exists() and not new.exists()):
                continue
            database.execute("BEGIN IMMEDIATE")
            database.execute(
                "UPDATE experiments SET artifact_location = ? WHERE experiment_id = ?", (new.as_uri(), experiment)
            )
            database.execute(
                "UPDATE runs SET artifact_uri = ? || substr(artifact_uri, ?) WHERE experiment_id = ?"
                " AND substr(artifact_uri, 1, ?) = ?",
                (new.as_uri(), len(location) + 1, experiment, len(location) + 1, f"{location}/"),
            )
            database.execute("COMMIT")


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(path, timeout=_SECONDS, isolation_level=None)) as database:
        yield database


def _tables(database: sqlite3.Connection) -> set[str]:
    return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _remove(path: Path) -> None:
    """Remove a database, and what SQLite has left beside it."""
    for side in ("", *_SIDES):
        path.with_name(f"{path.name}{side}").unlink(missing_ok=True)


@contextlib.contextmanager
def _alone(lock: Path) -> Iterator[None]:
    """Wait until no other process holds the lock; the system frees it when its holder dies.

    Where files cannot be locked, or the folder is another user's, nobody waits.
    """
    import fcntl

    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            file = stack.enter_context(lock.open("w"))
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
