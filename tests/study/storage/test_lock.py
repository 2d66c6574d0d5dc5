"""A lock that one living process holds, and none after it."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from study.storage.lock import LOCK, InUse, held

_HOLD = """
import sys
from pathlib import Path
from study.storage.lock import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_lock_is_held_by_one_and_goes_with_it(tmp_path: Path) -> None:
    with held(tmp_path) as caveat:
        assert caveat == ""
        with pytest.raises(InUse, match=rf"^{tmp_path} is in use by process {os.getpid()} on "), held(tmp_path):
            pass
        assert (tmp_path / LOCK).exists()
    assert list(tmp_path.iterdir()) == []


def test_a_killed_process_holds_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", _HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(InUse, match=f"in use by process {other.pid} on "), held(tmp_path):
            pass
        other.send_signal(signal.SIGKILL)
        other.wait()
    assert (tmp_path / LOCK).exists()
    with held(tmp_path) as caveat:
        assert caveat == ""


def test_a_folder_that_is_renamed_keeps_its_lock_and_loses_it(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    with held(before, after):
        before.rename(after)
        with pytest.raises(InUse), held(after):
            pass
    assert list(after.iterdir()) == []


def test_where_files_cannot_be_locked_the_user_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(*_: object) -> None:
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(fcntl, "flock", unsupported)
    with held(tmp_path) as caveat:
        assert caveat == (
            f"{tmp_path} lies where files cannot be locked: make sure that no other process writes to this launch"
        )


@pytest.mark.parametrize("words", ["", "{", "[]"])
def test_a_holder_that_has_not_said_who_it_is_is_another_process(words: str, tmp_path: Path) -> None:
    with held(tmp_path):
        (tmp_path / LOCK).write_text(words)
        with pytest.raises(InUse, match="is in use by another process: wait"), held(tmp_path):
            pass
