"""Ports of one's own."""

import socket

import pytest

from study.scheduling import addresses
from study.scheduling.addresses import free_ports


def test_free_ports_are_different_ones_that_can_be_listened_on() -> None:
    found = free_ports(50)
    assert len(set(found)) == 50
    assert all(20_000 <= port < 32_000 for port in found)
    for port in found:
        with socket.socket() as own:
            own.bind(("127.0.0.1", port))


def test_a_port_on_which_something_listens_is_not_free(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        monkeypatch.setattr(addresses, "_OWN_PORTS", [port])
        with pytest.raises(OSError, match=f"fewer than 1 of the ports {port} to {port} are free"):
            free_ports(1)
