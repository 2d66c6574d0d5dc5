"""Addresses of Ray clusters: their form, and whether anything answers there. Light: asked before Ray is loaded."""

import re
import socket
from contextlib import ExitStack
from random import SystemRandom

_ANSWER_SECONDS = 5.0
"""How long a cluster's head may take to accept a connection."""

_FORM = re.compile(r"(?:ray://)?(?P<host>\[[0-9A-Fa-f:.%]+\]|[^\s:/@?#\[\]]+):(?P<port>\d{1,5})")
_HERE = ("local", "auto")
_HIGHEST_PORT = 65_535
_OWN_PORTS = range(20_000, 32_000)
"""Above the ports of Ray's workers, and below those that an operating system gives to whoever asks for any."""


def check_form(address: str) -> None:
    """Raise ValueError if an address is none that Ray can be started or joined at."""
    found = _FORM.fullmatch(address)
    if address not in _HERE and (found is None or not 0 < int(found["port"]) <= _HIGHEST_PORT):
        raise ValueError(f"--address must be local, auto, ray://host:port or host:port, got {address!r}")


def check_answers(address: str) -> None:
    """Raise ValueError if nothing accepts a connection at an address with a port: Ray itself would try for minutes.

    What ``local`` and ``auto`` stand for, only Ray knows.
    """
    if address in _HERE:
        return
    target = address.removeprefix("ray://")
    try:
        knock(target)
    except ConnectionError as error:
        raise ValueError(f"no Ray cluster could be reached at --address {address}: {error}") from None


def knock(target: str) -> None:
    """Raise ConnectionError if nothing accepts a connection at ``host:port``."""
    host, _, port = target.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_ANSWER_SECONDS).close()
    except OSError as error:
        reason = "it does not answer" if isinstance(error, TimeoutError) else error.strerror or str(error)
        raise ConnectionError(f"{target}: {reason}") from None


def free_ports(count: int) -> list[int]:
    """Return ports of this machine's loopback on which nothing listens now, and which nobody who asks for any is given.

    Raises:
        OSError: if there are not so many.
    """
    found: list[int] = []
    with ExitStack() as held:
        for port in SystemRandom().sample(_OWN_PORTS, len(_OWN_PORTS)):
            own = held.enter_context(socket.socket())
            try:
                own.bind(("127.0.0.1", port))
            except OSError:
                own.close()
                continue
            found.append(port)
            if len(found) == count:
                return found
    raise OSError(f"fewer than {count} of the ports {_OWN_PORTS[0]} to {_OWN_PORTS[-1]} are free")
