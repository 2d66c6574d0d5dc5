"""A call in a thread beside the one that needs its result later."""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def beside(call: Callable[[], T]) -> "Future[T]":
    """Begin a call in a thread of its own, which does not keep the process from ending.

    Returns:
        Its future: ``result()`` waits, and returns or raises what the call did.
    """
    found: Future[T] = Future()

    def work() -> None:
        try:
            found.set_result(call())
        except BaseException as error:  # raised again where the result is wanted
            found.set_exception(error)

    Thread(target=work, name="beside", daemon=True).start()
    return found
