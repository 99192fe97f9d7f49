"""The sockets that servers listen at."""

from __future__ import annotations

import socket

import pytest

from mlforge_serve.listening import listen
from mlforge_serve.settings import ServerSettings


@pytest.mark.parametrize("workers", [1, 2])
def test_no_connection_waits_with_what_it_sends_until_the_other_side_has_answered(workers: int) -> None:
    sockets = listen(ServerSettings("shop", host="127.0.0.1", port=0, workers=workers))
    try:
        for listening in sockets:
            assert listening.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        with socket.create_connection(sockets[0].getsockname()[:2]):
            for listening in sockets:
                listening.settimeout(0.2)
                try:
                    accepted, _ = listening.accept()
                except TimeoutError:
                    continue  # the other worker has it
                with accepted:
                    assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
                return
            pytest.fail("nobody took the connection")
    finally:
        for listening in sockets:
            listening.close()
