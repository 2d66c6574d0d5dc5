"""A call beside another: its result, its error, and no process that waits for it."""

import subprocess
import sys
from threading import Event, get_ident

import pytest

from study.beside import beside


def test_a_call_runs_in_another_thread_and_gives_its_result() -> None:
    go = Event()

    def call() -> int:
        go.wait(10)
        return get_ident()

    found = beside(call)
    assert not found.done()
    go.set()
    assert found.result(10) != get_ident()


@pytest.mark.parametrize("error", [ValueError("too few"), KeyboardInterrupt()])
def test_what_a_call_raises_is_raised_where_its_result_is_wanted(error: BaseException) -> None:
    def call() -> None:
        raise error

    found = beside(call)
    with pytest.raises(type(error)) as raised:
        found.result(10)
    assert raised.value is error


def test_a_process_ends_without_waiting_for_the_call() -> None:
    code = "import time; from study.beside import beside; beside(lambda: time.sleep(600))"
    assert subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode == 0
