"""A PostgreSQL of a test's own: a server in a folder of its own, which can be stopped and started again."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_USER = "postgres"


def _programs() -> Path | None:
    """Return the folder of PostgreSQL's programs, which Debian keeps out of the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    beside = shutil.which("initdb")
    return found[-1].parent if found else Path(beside).parent if beside else None


def why_not() -> str:
    """Return why there can be none here; empty if there can."""
    if _programs() is None:
        return "PostgreSQL is not installed"
    if os.geteuid() == 0:  # it refuses to run as root
        known = subprocess.run(["id", _USER], capture_output=True).returncode == 0
        return "" if known and shutil.which("setpriv") else f"there is no user {_USER} to run PostgreSQL"
    return ""


@dataclass(frozen=True)
class Postgresql:
    folder: Path
    port: int

    @property
    def uri(self) -> str:
        return f"postgresql://{_USER}@127.0.0.1:{self.port}/{_USER}"

    def start(self) -> None:
        options = f"-p {self.port} -k {self.folder} -c listen_addresses=127.0.0.1"
        self._call("pg_ctl", "-D", "data", "-w", "-l", "log", "-o", options, "start")

    def crash(self) -> None:
        """End it as a crash would: no connection is closed, nothing is written out."""
        self._call("pg_ctl", "-D", "data", "-w", "-m", "immediate", "stop")

    def _call(self, program: str, *arguments: str) -> None:
        programs = _programs()
        assert programs is not None
        other = ["setpriv", f"--reuid={_USER}", f"--regid={_USER}", "--clear-groups"] if os.geteuid() == 0 else []
        subprocess.run(
            [*other, str(programs / program), *arguments],
            cwd=self.folder, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=120,
        )  # fmt: skip


@contextmanager
def postgresql(port: int) -> Iterator[Postgresql]:
    """Start a server without a password on the loopback; it ends with the context."""
    folder = Path(tempfile.mkdtemp(prefix="postgresql-", dir="/tmp"))  # short: it holds a socket
    if os.geteuid() == 0:
        shutil.chown(folder, _USER, _USER)
    made = Postgresql(folder, port)
    try:
        made._call("initdb", "-D", "data", "-U", _USER, "-A", "trust", "--no-sync")
        made.start()
        yield made
    finally:
        if (folder / "data/postmaster.pid").exists():
            made.crash()
        shutil.rmtree(folder)
