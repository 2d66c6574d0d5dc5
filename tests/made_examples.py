"""Generated examples: the same ones in each run, each with a bound on its time."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from hypothesis import HealthCheck, settings

SECONDS = 20
"""Bound on one example: far more than any takes, so that a busy machine is no failure."""


@contextmanager
def bounded(seconds: int = SECONDS) -> Iterator[None]:
    """Fail what takes longer: an input that hangs would hang the tests."""

    def give_up(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"took more than {seconds} seconds")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def examples(number: int) -> settings:
    """So many examples, the same in each run: a change of the code is what makes a test fail."""
    ignored = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much]
    return settings(max_examples=number, derandomize=True, deadline=None, database=None, suppress_health_check=ignored)
