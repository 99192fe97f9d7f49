"""The sockets that servers listen at."""

from __future__ import annotations

import socket

import pytest

from mlforge.errors import Invalid
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


@pytest.mark.parametrize("host", ["a" * 300, "a..b", "\udcff"])
def test_a_host_that_cannot_be_a_name_is_refused_in_words(host: str) -> None:
    with pytest.raises(Invalid, match="is no address") as refused:
        listen(ServerSettings("shop", host=host, port=0))
    assert refused.value.hint == "--host 127.0.0.1"
