"""The ways to a server: passwords, users, databases, sockets and TLS."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
import redis
import trustme
from cryptography.hazmat.primitives import serialization

from mlforge.errors import PluginFailed
from mlforge.testing.online.subject import assert_found, entry
from mlforge_redis.plugin import RedisStore

PASSWORD = "a p@ss/wörd"


def assert_serves(config):
    """Write, read and await."""
    with config.open() as store:
        assert_serves_from(store)


def assert_serves_from(store):
    kept = entry(1, x=1)
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


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture(scope="module")
def secured(servers, authority, tmp_path_factory):
    """The options of a server that speaks TLS under some names, at a port; clients must have a certificate."""

    def options(*names):
        folder, port = tmp_path_factory.mktemp("tls"), servers.dead()
        mine = authority.issue_cert(*names)
        authority.cert_pem.write_to_path(str(folder / "ca.pem"))
        mine.private_key_pem.write_to_path(str(folder / "key.pem"))
        mine.cert_chain_pems[0].write_to_path(str(folder / "me.pem"))
        files = {"--tls-ca-cert-file": "ca.pem", "--tls-cert-file": "me.pem", "--tls-key-file": "key.pem"}
        given = [word for option, name in files.items() for word in (option, str(folder / name))]
        return port, ["--tls-port", str(port), "--tls-auth-clients", "yes", *given]

    return options


@pytest.fixture(scope="module")
def secure(servers, secured):
    """The port of a real Redis that speaks TLS for the host localhost. The small Valkey cannot."""
    port, options = secured("localhost")
    servers.get("redis", *options, password=PASSWORD)
    return port


@pytest.fixture
def files(authority, tmp_path):
    """The settings of a client that is trusted."""
    mine = authority.issue_cert("ada@shop.example")
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    mine.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    mine.cert_chain_pems[0].write_to_path(str(tmp_path / "me.pem"))
    names = {"ssl_ca_certs": "ca.pem", "ssl_certfile": "me.pem", "ssl_keyfile": "key.pem"}
    return {k: str(tmp_path / v) for k, v in names.items()}


def test_tls_with_certificates_on_both_sides(secure, files):
    assert_serves(RedisStore(port=secure, ssl=True, password=PASSWORD, **files))


def test_tls_in_a_url(secure, files):
    assert_serves(RedisStore(url=f"rediss://localhost:{secure}", password=PASSWORD, **files))


def test_a_certificate_of_another_host_is_refused_unless_one_says_so(secure, files):
    config = RedisStore(host="127.0.0.1", port=secure, ssl=True, password=PASSWORD, **files)
    with config.open() as store, pytest.raises(PluginFailed, match="TLS") as caught:
        store.ping()
    assert "ssl_check_hostname" in caught.value.hint
    given = {"host": "127.0.0.1", "port": secure, "ssl": True, "password": PASSWORD}
    assert_serves(RedisStore(ssl_check_hostname=False, **given, **files))


def test_a_certificate_that_nobody_trusts_is_refused(secure):
    with RedisStore(port=secure, ssl=True, password=PASSWORD).open() as store:
        with pytest.raises(PluginFailed, match="self-signed|unable to get|verify failed") as caught:
            store.ping()
        assert "ssl_ca_certs" in caught.value.hint

        async def run():
            with pytest.raises(PluginFailed, match="TLS"):
                await store.aread([entry(1).address])
            await store.aclose()

        asyncio.run(run())


def test_tls_without_the_certificate_the_server_asks_for(secure, files):
    config = RedisStore(port=secure, ssl=True, password=PASSWORD, ssl_ca_certs=files["ssl_ca_certs"], retries=0)
    with config.open() as store, pytest.raises(PluginFailed, match=f"localhost:{secure}"):
        store.ping()


def test_tls_without_the_certificate_says_which_setting_is_missing(secure, files):
    config = RedisStore(port=secure, ssl=True, password=PASSWORD, ssl_ca_certs=files["ssl_ca_certs"], retries=0)
    with config.open() as store, pytest.raises(PluginFailed, match="TLS") as caught:
        store.ping()
    assert "ssl_certfile" in caught.value.hint


@pytest.mark.posix
def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_its_password(files, tmp_path):
    """At a terminal OpenSSL asks whoever sits there, and waits."""
    import fcntl
    import pty
    import termios

    key = serialization.load_pem_private_key(Path(files["ssl_keyfile"]).read_bytes(), None)
    encryption = serialization.BestAvailableEncryption(b"hush")
    form = serialization.PrivateFormat.PKCS8
    (tmp_path / "my key.pem").write_bytes(key.private_bytes(serialization.Encoding.PEM, form, encryption))
    given = files | {"ssl_keyfile": str(tmp_path / "my key.pem")}
    line = [
        sys.executable,
        "-c",
        f"from mlforge_redis.plugin import RedisStore\nRedisStore(ssl=True, **{given}).open()",
    ]
    terminal, inside = pty.openpty()
    try:
        run = subprocess.run(
            line, stdin=inside, capture_output=True, text=True, timeout=60, check=False, start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )  # fmt: skip
    finally:
        os.close(terminal)
        os.close(inside)
    assert "Invalid: ssl_certfile or ssl_keyfile cannot be used" in run.stderr
    assert f"openssl pkey -in '{tmp_path / 'my key.pem'}' -out plain.pem" in run.stderr


def test_tls_to_a_cluster(servers, secured, files):
    port, options = secured("127.0.0.1")
    node = servers.node("redis", "--tls-cluster", "yes", *options)
    assert node.ask("CLUSTER", "ADDSLOTSRANGE", 0, 16_383) == b"OK"
    servers.wait_for(lambda: b"cluster_state:ok" in node.ask("CLUSTER", "INFO"), "the cluster does not come up")
    assert_serves(RedisStore(host="127.0.0.1", port=port, ssl=True, cluster=True, **files))


def test_tls_where_the_server_speaks_none(servers, kind):
    with RedisStore(host="127.0.0.1", port=servers.get(kind).port, ssl=True, connect_timeout=1).open() as store:
        with pytest.raises(PluginFailed, match="127.0.0.1") as caught:
            store.ping()
        assert "ssl" in caught.value.hint


class Changing(redis.CredentialProvider):
    """Gives the password of the moment."""

    now = ("ada", PASSWORD)

    def get_credentials(self):
        if self.now is None:
            raise LookupError(PASSWORD)
        return self.now


def test_a_password_that_changes_while_it_is_served(servers, kind, monkeypatch):
    monkeypatch.setitem(sys.modules, "shop_secrets", sys.modules[__name__])
    server = servers.get(kind)
    for password in (PASSWORD, "another"):
        server.ask("ACL", "SETUSER", "ada", "on", "resetpass", f">{password}", "~mlforge:*", "+@all")
        monkeypatch.setattr(Changing, "now", ("ada", password))
        if password == PASSWORD:
            config = RedisStore(host="127.0.0.1", port=server.port, credential_provider="shop_secrets:Changing")
            store = config.open()
        server.ask("CLIENT", "KILL", "TYPE", "normal")
        assert_serves_from(store)
    monkeypatch.setattr(Changing, "now", None)
    server.ask("CLIENT", "KILL", "TYPE", "normal")
    with store, pytest.raises(PluginFailed, match="shop_secrets:Changing raised LookupError") as caught:
        store.ping()
    assert PASSWORD not in "".join(traceback.format_exception(caught.value))
    assert caught.value.hint


def test_a_wrong_password_is_in_no_error(servers, kind):
    server = servers.get(kind, password=PASSWORD)
    given = {"host": "127.0.0.1", "port": server.port, "username": "ada", "password": "hush hush"}
    with RedisStore(**given).open() as store:
        with pytest.raises(PluginFailed, match=f"127.0.0.1:{server.port} refused: WRONGPASS") as caught:
            store.ping()

        async def run():
            try:
                await store.aread([entry(1).address])
            finally:
                await store.aclose()

        with pytest.raises(PluginFailed, match="WRONGPASS") as awaited:
            asyncio.run(run())
    for failure in (caught.value, awaited.value):
        assert "hush" not in "".join(traceback.format_exception(failure))
        assert "username and password" in failure.hint


@pytest.mark.parametrize(
    "secret",
    [
        {"host": "127.0.0.1", "password": "hush hush"},
        {"url": "redis://ada:hush%20hush@127.0.0.1:{port}"},
        {"host": "127.0.0.1", "credential_provider": "shop_secrets:Changing"},
        {"sentinels": ("127.0.0.1:{port}",), "sentinel_primary": "shop", "sentinel_password": "hush hush"},
    ],
    ids=str,
)
def test_a_password_is_in_no_error_where_a_server_repeats_what_it_does_not_know(servers, kind, secret, monkeypatch):
    monkeypatch.setitem(sys.modules, "shop_secrets", sys.modules[__name__])
    monkeypatch.setattr(Changing, "now", ("ada", "hush hush"))
    port = servers.get(kind, "--rename-command", "AUTH", "").port
    given = {"port": port} if "host" in secret else {}
    for name, value in secret.items():
        given[name] = value.format(port=port) if isinstance(value, str) else tuple(v.format(port=port) for v in value)
    with RedisStore(retries=0, **given).open() as store:

        async def run():
            try:
                await store.aread([entry(1).address])
            finally:
                await store.aclose()

        for use in (store.ping, lambda: asyncio.run(run())):
            with pytest.raises(PluginFailed) as caught:
                use()
            assert "hush" not in "".join(traceback.format_exception(caught.value))
            assert "password" in caught.value.hint or "sentinel" in caught.value.hint


@pytest.mark.parametrize("command", ["get", "set", "getrange"])
def test_a_right_that_only_scripts_need_is_told_like_any_other(servers, kind, command):
    server = servers.get(kind)
    server.ask("ACL", "SETUSER", "eve", "reset", "on", f">{PASSWORD}", "~mlforge:*", "+@all", f"-{command}")
    with RedisStore(host="127.0.0.1", port=server.port, username="eve", password=PASSWORD).open() as store:
        with pytest.raises(PluginFailed) as caught:
            store.write([entry(1, x=1)]) if command != "get" else store.swap_note("spend", None, b"{}")
        assert "Let the user run" in caught.value.hint
