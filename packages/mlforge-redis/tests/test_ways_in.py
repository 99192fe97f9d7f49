"""The ways to a server: passwords, users, databases, sockets and TLS."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading

import pytest
import trustme

from mlforge.errors import PluginFailed
from mlforge.testing.online.subject import assert_found, entry
from mlforge_redis.plugin import RedisStore

PASSWORD = "a p@ss/wörd"


def assert_serves(config):
    """Write, read and await."""
    kept = entry(1, x=1)
    with config.open() as store:
        assert store.write([kept]) == 1
        assert_found(store.read([kept.address]), [kept])

        async def run():
            assert_found(await store.aread([kept.address]), [kept])
            await store.aclose()

        asyncio.run(run())


def test_a_password(servers, kind):
    server = servers.get(kind, password=PASSWORD)
    assert_serves(RedisStore(host="127.0.0.1", port=server.port, password=PASSWORD))


def test_a_password_in_a_url(servers, kind):
    server = servers.get(kind, password=PASSWORD)
    assert_serves(RedisStore(url=f"redis://:a%20p%40ss%2Fw%C3%B6rd@127.0.0.1:{server.port}"))


def test_a_user(servers, kind):
    server = servers.get(kind)
    server.ask("ACL", "SETUSER", "ada", "on", f">{PASSWORD}", "~mlforge:*", "+@all")
    assert_serves(RedisStore(host="127.0.0.1", port=server.port, username="ada", password=PASSWORD))


def test_no_password_where_one_is_needed(servers, kind):
    server = servers.get(kind, password=PASSWORD)
    with RedisStore(host="127.0.0.1", port=server.port).open() as store:
        with pytest.raises(PluginFailed, match="NOAUTH") as caught:
            store.ping()
        assert "password" in caught.value.hint


def test_a_database_of_its_own(servers, kind):
    server = servers.get(kind)
    server.ask("FLUSHALL")
    assert_serves(RedisStore(host="127.0.0.1", port=server.port, db=3))
    assert server.ask("DBSIZE") == 0


def test_a_database_that_is_not_there(servers, kind):
    with RedisStore(host="127.0.0.1", port=servers.get(kind).port, db=999).open() as store:
        with pytest.raises(PluginFailed, match="out of range") as caught:
            store.ping()
        assert "Choose a db" in caught.value.hint


def test_a_host_that_is_not_known():
    with RedisStore(host="no-such-host.invalid", connect_timeout=5).open() as store:
        with pytest.raises(PluginFailed, match=r"no-such-host\.invalid:6379") as caught:
            store.ping()
        assert "host" in caught.value.hint


def test_a_socket(servers, kind, tmp_path_factory):
    path = tmp_path_factory.mktemp("s") / "r.sock"
    server = servers.get(kind, "--unixsocket", str(path))
    server.ask("PING")
    assert_serves(RedisStore(url=f"unix://{path}?db=1"))
    with RedisStore(url="unix:///nowhere/r.sock").open() as store, pytest.raises(PluginFailed, match="/nowhere/r.sock"):
        store.ping()


class Wrapped:
    """Speaks TLS on behalf of a server."""

    def __init__(self, context: ssl.SSLContext, backend: int) -> None:
        self.context, self.backend = context, backend
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        self.open = [self.listening]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                plain, _ = self.listening.accept()
                threading.Thread(target=self.talk, args=[plain], daemon=True).start()

    def talk(self, plain: socket.socket) -> None:
        with (
            contextlib.suppress(OSError),
            plain,
            self.context.wrap_socket(plain, server_side=True) as safe,
            socket.create_connection(("127.0.0.1", self.backend)) as behind,
        ):
            back = threading.Thread(target=self.pump, args=[behind, safe], daemon=True)
            back.start()
            self.pump(safe, behind)
            back.join(10)

    def pump(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65_536):
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_RDWR)


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def wrapped(servers, kind, authority):
    """TLS before a server, for the host localhost; clients must have a certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    authority.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    found = Wrapped(context, servers.get(kind, password=PASSWORD).port)
    yield found
    found.listening.close()


@pytest.fixture
def files(authority, tmp_path):
    """The settings of a client that is trusted."""
    mine = authority.issue_cert("ada@shop.example")
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    mine.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    mine.cert_chain_pems[0].write_to_path(str(tmp_path / "me.pem"))
    names = {"ssl_ca_certs": "ca.pem", "ssl_certfile": "me.pem", "ssl_keyfile": "key.pem"}
    return {k: str(tmp_path / v) for k, v in names.items()}


def test_tls_with_certificates_on_both_sides(wrapped, files):
    assert_serves(RedisStore(port=wrapped.port, ssl=True, password=PASSWORD, **files))


def test_tls_in_a_url(wrapped, files):
    assert_serves(RedisStore(url=f"rediss://localhost:{wrapped.port}", password=PASSWORD, **files))


def test_a_certificate_of_another_host_is_refused_unless_one_says_so(wrapped, files):
    config = RedisStore(host="127.0.0.1", port=wrapped.port, ssl=True, password=PASSWORD, **files)
    with config.open() as store, pytest.raises(PluginFailed, match="TLS") as caught:
        store.ping()
    assert "ssl_check_hostname" in caught.value.hint
    given = {"host": "127.0.0.1", "port": wrapped.port, "ssl": True, "password": PASSWORD}
    assert_serves(RedisStore(ssl_check_hostname=False, **given, **files))


def test_a_certificate_that_nobody_trusts_is_refused(wrapped):
    with RedisStore(port=wrapped.port, ssl=True, password=PASSWORD).open() as store:
        with pytest.raises(PluginFailed, match="self-signed|unable to get|verify failed") as caught:
            store.ping()
        assert "ssl_ca_certs" in caught.value.hint

        async def run():
            with pytest.raises(PluginFailed, match="TLS"):
                await store.aread([entry(1).address])
            await store.aclose()

        asyncio.run(run())


def test_tls_where_the_server_speaks_none(servers, kind):
    with RedisStore(host="127.0.0.1", port=servers.get(kind).port, ssl=True, connect_timeout=1).open() as store:
        with pytest.raises(PluginFailed, match="127.0.0.1") as caught:
            store.ping()
        assert caught.value.hint
