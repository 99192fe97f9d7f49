"""Files that change under a running server: keys, certificates, the store."""

from __future__ import annotations

import contextlib
import http.client
import os
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import trustme

import mlforge as mlf
from mlforge.errors import Invalid
from mlforge.testing.refusals import refused
from mlforge_serve.tls import Certificate

pytestmark = pytest.mark.posix
Run = Callable[..., Any]
Server = Any
KEYS_UP = 'mlforge_keys_up{worker="0"}'
CERTIFICATE_UP = 'mlforge_certificate_up{worker="0"}'


def emptied(path: Path) -> None:
    path.write_text("")


def removed(path: Path) -> None:
    path.unlink()


def cut(path: Path) -> None:
    path.write_text(path.read_text()[:40] + "hunter2")


def without_keys(path: Path) -> None:
    path.write_text("keys: []\n")


def a_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize("harm", [emptied, removed, cut, without_keys, a_folder])
def test_a_key_file_that_cannot_be_read_shuts_the_door_until_it_can(
    project: Path, serve: Run, mlforge: Run, wait: Run, harm: Callable[[Path], None]
) -> None:
    file = project / "keys.yaml"
    key = {"x_api_key": mlforge(project, "serve-key", "ops", "--api-key-file", "keys.yaml").stdout.strip()}
    good = file.read_bytes()
    with serve(project, "--api-key-file", "keys.yaml") as server:
        assert server.online(["spend"], {"user_id": 1}, **key).status == 200
        harm(file)
        began = time.monotonic()
        wait(lambda: server.online(["spend"], {"user_id": 1}, **key).status != 200, 10)
        assert time.monotonic() - began < 2
        for answer in (
            server.online(["spend"], {"user_id": 1}, **key),
            server.get("/features", **key),
            server.get("/ready"),
        ):
            assert (answer.status, answer.json["code"]) == (503, "keys_unavailable")
        assert server.get("/health").status == 200
        wait(lambda: server.metrics()[KEYS_UP] == 0)
        assert not any("feature=" in name for name in server.metrics())
        assert server.log.count("nobody is let in") == 1
        assert "hunter2" not in server.log
        if file.is_dir():
            file.rmdir()
        file.write_bytes(good)
        wait(lambda: server.get("/ready").status == 200, 10)
        assert server.online(["spend"], {"user_id": 1}, **key).status == 200
        assert "the keys are those in the file now" in server.log


def test_a_key_file_is_looked_at_while_the_store_hangs(
    project: Path, serve: Run, moody: Run, mlforge: Run, wait: Run
) -> None:
    environment = moody("")
    key = mlforge(project, "serve-key", "ops", "--api-key-file", "keys.yaml").stdout.strip()
    with serve(project, "--api-key-file", "keys.yaml", **environment) as server:
        wait(lambda: server.get("/features", x_api_key=key).status == 200)
        moody("20")
        time.sleep(2.5)
        (project / "keys.yaml").unlink()
        wait(lambda: server.get("/features", x_api_key=key).status == 503, 5)


def test_a_worker_that_is_replaced_while_the_key_file_is_gone_lets_nobody_in(
    project: Path, serve: Run, mlforge: Run, wait: Run
) -> None:
    mlforge(project, "serve-key", "ops", "--api-key-file", "keys.yaml")
    with serve(project, "--api-key-file", "keys.yaml", "--workers", "2") as server:
        wait(lambda: server.log.count("the online store answers") == 2)
        (project / "keys.yaml").unlink()
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
        os.kill(int(children[0]), 9)
        wait(lambda: server.log.count("the online store answers") == 3)
        wait(lambda: server.get("/ready").json.get("code") == "keys_unavailable")


def test_a_key_file_that_others_may_read_is_warned_of(project: Path, serve: Run, mlforge: Run, wait: Run) -> None:
    mlforge(project, "serve-key", "ops", "--api-key-file", "keys.yaml")
    with serve(project, "--api-key-file", "keys.yaml") as server:
        assert "chmod" not in server.log
        (project / "keys.yaml").chmod(0o644)
        wait(lambda: "others than its owner may use keys.yaml (mode 0644): chmod 600 keys.yaml" in server.log, 10)
        assert server.stop() == 0
    with serve(project, "--api-key-file", "keys.yaml") as server:
        wait(lambda: "chmod 600 keys.yaml" in server.log, 10)


class Issued:
    """A certificate for localhost in two files, and whom to trust for it."""

    def __init__(self, folder: Path) -> None:
        self.cert, self.key = folder / "cert.pem", folder / "key.pem"
        self.words = ["--tls-cert", str(self.cert), "--tls-key", str(self.key)]
        self.renew()

    def renew(self) -> None:
        authority = trustme.CA()
        issued = authority.issue_cert("localhost")
        self.cert.write_bytes(b"".join(part.bytes() for part in issued.cert_chain_pems))
        self.key.touch(0o600)
        self.key.write_bytes(issued.private_key_pem.bytes())
        self.trust = ssl.create_default_context()
        authority.configure_trust(self.trust)


@pytest.fixture
def issued(tmp_path: Path) -> Issued:
    return Issued(tmp_path)


def is_trusted(server: Server, trust: ssl.SSLContext, path: str = "/health") -> bool:
    try:
        return bool(server.ask("GET", path, context=trust).status == 200)
    except ssl.SSLCertVerificationError:
        return False


def test_a_certificate_that_is_renewed_is_used_from_then_on(
    project: Path, serve: Run, issued: Issued, wait: Run
) -> None:
    first = issued.trust
    with (
        serve(project, *issued.words, "--workers", "2") as server,
        contextlib.closing(server.connect(first)) as kept,
    ):
        assert asked(kept) == 200
        issued.renew()
        for _ in range(10):  # whichever worker answers
            wait(lambda: is_trusted(server, issued.trust), 10)
        wait(lambda: not any(is_trusted(server, first) for _ in range(10)), 10)
        assert asked(kept) == 200  # a connection keeps what it began with
        assert "new connections get the certificate in the file now" in server.log
        assert server.stop() == 0


def asked(connection: http.client.HTTPConnection) -> int:
    connection.request("GET", "/health")
    answer = connection.getresponse()
    answer.read()
    return answer.status


def another_key(issued: Issued) -> None:
    issued.key.write_bytes(trustme.CA().issue_cert("localhost").private_key_pem.bytes())


def no_certificate(issued: Issued) -> None:
    issued.cert.write_text("hunter2")


def no_key(issued: Issued) -> None:
    issued.key.unlink()


@pytest.mark.parametrize("harm", [another_key, no_certificate, no_key])
def test_a_broken_pair_keeps_the_one_before_and_says_so(
    project: Path, serve: Run, issued: Issued, wait: Run, harm: Callable[[Issued], None]
) -> None:
    def up() -> float:
        text = server.ask("GET", "/metrics", context=trust).body.decode()
        return float(text.partition(f"{CERTIFICATE_UP} ")[2].split()[0])

    with serve(project, *issued.words) as server:
        trust = issued.trust
        assert is_trusted(server, trust)
        assert up() == 1
        harm(issued)
        wait(lambda: "the certificate stays the one before" in server.log, 10)
        wait(lambda: up() == 0, 10)
        assert is_trusted(server, trust, "/ready")
        assert "hunter2" not in server.log
        issued.renew()
        wait(lambda: is_trusted(server, issued.trust), 10)
        trust = issued.trust
        wait(lambda: up() == 1, 10)


def test_a_private_key_that_others_may_read_is_warned_of(project: Path, serve: Run, issued: Issued, wait: Run) -> None:
    issued.key.chmod(0o640)
    with serve(project, *issued.words) as server:
        wait(lambda: f"others than its owner may use key.pem (mode 0640): chmod 600 {issued.key}" in server.log, 10)


def test_a_handshake_that_does_not_end_is_not_waited_for(project: Path, serve: Run, issued: Issued) -> None:
    with serve(project, *issued.words, "--timeout", "1") as server:
        assert is_trusted(server, issued.trust)
        for start in (b"", b"\x16\x03\x01\x02\x00\x01"):
            with socket.create_connection(("127.0.0.1", server.port), timeout=20) as there:
                there.sendall(start)
                began = time.monotonic()
                with contextlib.suppress(ConnectionError):
                    assert there.recv(100) == b""
                assert 0.5 < time.monotonic() - began < 5
        with socket.create_connection(("127.0.0.1", server.port), timeout=20) as there:
            there.sendall(b"GET / HTTP/1.1\r\n\r\n")
            with contextlib.suppress(ConnectionError):
                assert b"HTTP" not in there.recv(100)
        text = server.ask("GET", "/metrics", context=issued.trust).body.decode()
        assert 'mlforge_errors_total{route="other",code="handshake"} 3' in text
        assert "Traceback" not in server.log


def test_connections_in_a_handshake_take_places(project: Path, serve: Run, issued: Issued, wait: Run) -> None:
    with serve(project, *issued.words, "--timeout", "3", "--max-concurrency", "1") as server:
        assert is_trusted(server, issued.trust)
        waiting = [socket.create_connection(("127.0.0.1", server.port), timeout=20) for _ in range(8)]
        time.sleep(0.3)
        assert not answers(server, issued.trust)
        for there in waiting:
            there.close()
        wait(lambda: answers(server, issued.trust), 10)


def answers(server: Server, trust: ssl.SSLContext) -> bool:
    try:
        return is_trusted(server, trust)
    except OSError:
        return False


def test_handshakes_that_do_not_end_do_not_hold_up_the_stop(project: Path, serve: Run, issued: Issued) -> None:
    with serve(project, *issued.words, "--timeout", "60") as server:
        assert is_trusted(server, issued.trust)
        waiting = [socket.create_connection(("127.0.0.1", server.port), timeout=20) for _ in range(3)]
        time.sleep(0.3)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 10
        for there in waiting:
            there.close()


def test_a_large_body_comes_and_goes_encrypted(project: Path, serve: Run, issued: Issued) -> None:
    body = (
        b'{"features": ["spend"], "entities": [' + b'{"user_id": 1},' * 999 + b'{"user_id": 1}]' + b" " * 900_000 + b"}"
    )
    with serve(project, *issued.words, "--timeout", "20") as server:
        connection = server.connect(issued.trust)
        for _ in range(5):
            connection.request("POST", "/features/batch", body, {"content-type": "application/json"})
            assert connection.getresponse().read().count(b"4611686018427387904") == 1000
        connection.close()


STORE_UP = 'mlforge_store_up{worker="%d"}'


def republished(folder: Path, visits: int) -> Path:
    """A store of its own, with another value for user 1."""
    import sqlite3

    from mlforge.plugin import decode_entry

    new = folder / "new.db"
    with (
        contextlib.closing(sqlite3.connect(folder / "online.db")) as old,
        contextlib.closing(sqlite3.connect(new)) as to,
    ):
        old.backup(to)
    with mlf.SQLiteOnlineStore(new).open() as store, contextlib.closing(sqlite3.connect(new)) as rows:
        for key, data in rows.execute("select key, data from entries where feature = 'spend'").fetchall():
            entry = decode_entry(data, "spend", key)
            points = tuple(msgspec.structs.replace(p, values=(p.values[0], visits)) for p in entry.points)
            assert entry
            store.write([msgspec.structs.replace(entry, points=points)])
    return new


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_store_that_is_replaced_is_read_anew_within_a_second(
    project: Path, serve: Run, wait: Run, workers: str
) -> None:
    with serve(project, "--workers", workers) as server:
        wait(lambda: server.log.count("the online store answers") == int(workers))
        assert all(server.online(["spend"], {"user_id": 1}).json["values"]["visits"] == 2**62 for _ in range(20))
        for visits in (7, 8):
            republished(project, visits).replace(project / "online.db")
            time.sleep(2)
            for _ in range(20):
                assert server.online(["spend"], {"user_id": 1}).json["values"]["visits"] == visits
                assert server.get("/ready").status == 200
        assert server.stop() == 0


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_store_that_is_removed_is_said_within_a_second(project: Path, serve: Run, wait: Run, workers: str) -> None:
    file = project / "online.db"
    ups = [STORE_UP % n for n in range(int(workers))]
    with serve(project, "--workers", workers) as server:
        wait(lambda: all(server.metrics()[up] for up in ups))
        file.rename(project / "aside.db")
        assert server.get("/ready").json["code"] == "store_unavailable"
        time.sleep(2)
        assert not any(server.metrics()[up] for up in ups)
        for _ in range(10):
            assert server.online(["spend"], {"user_id": 1}).json["code"] == "store_unavailable"
            assert server.get("/ready").status == 503
        assert server.log.count("is gone") >= int(workers)
        assert str(project) not in server.get("/ready").body.decode()
        (project / "aside.db").rename(file)
        wait(lambda: all(server.metrics()[up] for up in ups), 10)
        assert server.online(["spend"], {"user_id": 1}).json["values"]["visits"] == 2**62
        assert server.get("/ready").status == 200


DAMAGED = b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
LOCKED = b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n"
OTHER_KEY = trustme.CA().issue_cert("localhost").private_key_pem.bytes()


@pytest.mark.parametrize(
    ("file", "data", "words"),
    [
        ("cert", None, ("cert.pem cannot be read: No such file", "--tls-cert")),
        ("key", None, ("key.pem cannot be read: No such file", "--tls-key")),
        ("cert", b"hello", ("cert.pem has no certificate in PEM", "--tls-cert", "-----BEGIN CERTIFICATE-----")),
        ("key", b"", ("key.pem has no private key in PEM", "--tls-key")),
        ("key", DAMAGED, ("key.pem has no private key in PEM", "--tls-key")),
        ("key", LOCKED, ("key.pem is encrypted", "openssl pkey -in ")),
        ("key", OTHER_KEY, ("key.pem is the key of another certificate", "--tls-key")),
        ("cert", DAMAGED, ("one of them is damaged", "openssl x509 -in ")),
    ],
    ids=["no cert", "no key", "text", "empty", "cert for key", "encrypted", "another key", "damaged"],
)
def test_a_pair_that_cannot_be_used_is_told_by_its_file(
    issued: Issued, file: str, data: bytes | None, words: Run
) -> None:
    path: Path = getattr(issued, file)
    path.unlink() if data is None else path.write_bytes(data)
    with refused(Invalid, *words) as caught:
        Certificate(issued.cert, issued.key)
    assert "_ssl.c" not in str(caught.value)
