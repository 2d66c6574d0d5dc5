"""A process that stands still is ended; one that works, or rests, is not."""

import subprocess
import sys
from math import inf
from pathlib import Path

import pytest

from trainables import watchdog

TEXT = """
import sys, time
from pathlib import Path
from trainables.watchdog import Watchdog
dog = Watchdog(float(sys.argv[2]))
dog.watch(Path(sys.argv[1]))
def stand_still():
    time.sleep(30)
{body}
"""


def run(told: Path, seconds: float, body: str) -> int:
    code = TEXT.format(body=body)
    return subprocess.run([sys.executable, "-c", code, str(told), str(seconds)], timeout=60).returncode


def test_a_process_that_stands_still_is_ended_and_says_where(tmp_path: Path) -> None:
    told = tmp_path / "not there yet" / "told.txt"
    assert run(told, 0.4, "dog.beat(); stand_still()") == watchdog.CODE
    first, *rest = told.read_text("utf-8").splitlines()
    assert first == watchdog.sentence(0.4)
    assert any("in stand_still" in line for line in rest)


@pytest.mark.parametrize(
    "body",
    [
        "for _ in range(25): dog.beat(); time.sleep(0.1)",
        "dog.beat(); dog.rest(); time.sleep(2.5)",
        "time.sleep(2.5)",
    ],
    ids=["works", "rests", "has not begun"],
)
def test_a_process_that_works_or_rests_goes_on(body: str, tmp_path: Path) -> None:
    assert run(tmp_path / "told.txt", 1.5, body) == 0  # long enough for a busy machine
    assert not (tmp_path / "told.txt").exists()


def test_where_it_cannot_be_told_it_is_ended_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert run(tmp_path / "file" / "told.txt", 0.4, "dog.beat(); stand_still()") == watchdog.CODE


def test_the_variable_says_how_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(watchdog.SECONDS, raising=False)
    assert watchdog.limit() == 1_800
    monkeypatch.setenv(watchdog.SECONDS, "90")
    assert watchdog.limit() == 90
    monkeypatch.setenv(watchdog.SECONDS, "0")
    assert watchdog.limit() == inf


@pytest.mark.parametrize("given", ["soon", "-1", "nan"])
def test_a_variable_that_is_no_time_is_refused(given: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(watchdog.SECONDS, given)
    with pytest.raises(ValueError, match=rf"^STUDY_HANG_SECONDS must be a number of seconds >= 0, got '{given}'$"):
        watchdog.limit()
