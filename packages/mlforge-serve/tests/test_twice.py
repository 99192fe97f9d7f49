"""What is said twice is refused: readers differ in which of the two they believe."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

Server = Any
Run = Callable[..., Any]
MSGPACK = {"content-type": "application/msgpack"}
BODY = json.dumps({"features": ["spend"], "entity": {"user_id": 1}}).encode()
ENTITY = '{"features": ["spend"], "entity": %s}'
ENTITIES = '{"features": ["spend"], "entities": [{"user_id": 1}, %s]}'
FEATURES = '{"features": [%s], "entity": {"user_id": 1}}'


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("online", '{"features": ["secret"], "features": ["spend"], "entity": {"user_id": 1}}'),
        ("online", '{"features":["spend"],"entity":{"user_id":2},"entity":{"user_id":1}}'),
        ("online", '{"features":["spend"],"full_names":true,"full_names":true,"entity":{"user_id":1}}'),
        ("online", '{"features":["spend"],"full_names":true,"full_names":false,"entity":{"user_id":1}}'),
        ("online", ENTITY % '{"user_id": 1, "user_id": 2}'),
        ("online", ENTITY % '{"user_id" : 1, "user_id"\n:\t2}'),
        ("online", ENTITY % '{"user_id": 1, "user\\u005fid": 2}'),
        ("online", ENTITY % '{"user_id": 1, "x": "\\\\", "x": "full_names"}'),
        ("online", ENTITY % '{"user_id": 1, "x": "a:b:c", "x": "\\":"}'),
        ("online", ENTITY % '{"user_id": 1, "x\\\\": 1, "x\\\\": 1}'),
        ("online", ENTITY % '{"user_id": 1, "at": {"datetime": "2024-02-29T12:00Z", "datetime": "2024-02-29T12:00Z"}}'),
        ("online", ENTITY % '{"user_id": 1, "x": [{"y": {"z": 1, "z": %b}}]}'.replace("%b", "1" * 40)),
        ("online", FEATURES % '{"name": "spend", "name": "spend"}'),
        ("online", FEATURES % '{"name": "spend", "version": "1.0.0", "version": "1.0.0"}'),
        ("batch", ENTITIES % '{"user_id": 1, "user_id": 2}'),
        ("batch", ENTITIES % '{"user_id": 1}], "entities": [{"user_id": 1}'),
    ],
)  # fmt: skip
def test_a_key_of_json_that_comes_twice_is_refused(server: Server, path: str, body: str) -> None:
    answer = server.ask("POST", f"/features/{path}", body.encode(), {"content-type": "application/json"})
    assert (answer.status, answer.json["code"]) == (400, "malformed_body"), answer
    assert "comes twice" in answer.json["detail"]


@pytest.mark.parametrize(
    "body",
    [
        ENTITY % '{"user_id": 1, "user_id ": 2}',
        ENTITY % '{"user_id": 1, "User_id": 2, "x": {"user_id": 1}, "y": {"user_id": 1}}',
        ENTITY % '{"user_id" : 1, "x": "\\": \\":", "y": "a\\\\", "z": ":::\\"user_id\\":1"}',
        ENTITY % '{"user_id": 1, "x": "\\"user_id\\": 2", "y": [1, "user_id"]}',
        '{"full_names": false, "features": [{"name": "spend", "version": null}], "entity": {"user_id": 1}}',
        '{"full_names": true, "features": [{"name": "spend", "columns": ["visits"]}], "entity": {"user_id": 1}}',
    ],
)  # fmt: skip
def test_what_only_looks_like_twice_is_answered(server: Server, body: str) -> None:
    answer = server.ask("POST", "/features/online", body.encode(), {"content-type": "application/json"})
    assert answer.status == 200, answer


def packed(**document: Any) -> bytes:
    return msgspec.msgpack.encode(document)


def map_of(*pairs: tuple[str, bytes]) -> bytes:
    """A map of MessagePack with these keys, as they are."""
    return bytes([0x80 | len(pairs)]) + b"".join(msgspec.msgpack.encode(key) + value for key, value in pairs)


SPEND, ONE, USER = packed(a=["spend"])[3:], b"\x01", packed(user_id=1)
TWINS = {
    "of the document": map_of(("features", SPEND), ("entity", USER), ("entity", USER)),
    "of an entity": map_of(("features", SPEND), ("entity", map_of(("user_id", ONE), ("user_id", ONE)))),
    "beside a short float": map_of(
        ("features", SPEND), ("entity", map_of(("user_id", ONE), ("x", b"\xca\0\0\0\0"), ("x", b"\xca\0\0\0\0")))
    ),
    "in a list, in a long map": map_of(
        ("features", SPEND),
        ("entity", map_of(("user_id", ONE), ("x", b"\x91\xde\x00\x02\xa1z\x01\xd9\x01z\x01"))),
    ),
}


@pytest.mark.parametrize("body", TWINS.values(), ids=TWINS)
def test_a_key_of_messagepack_that_comes_twice_is_refused(server: Server, body: bytes) -> None:
    answer = server.ask("POST", "/features/online", body, MSGPACK)
    assert (answer.status, answer.json["code"]) == (400, "malformed_body"), answer
    assert "comes twice" in answer.json["detail"]


LONG = {
    "another order": map_of(("entity", USER), ("features", SPEND)),
    "every type": map_of(("features", SPEND), ("entity", map_of(
        ("user_id", b"\xd3" + bytes(7) + b"\x01"), ("a", b"\xca" + bytes(4)), ("b", b"\xcb" + bytes(8)),
        ("c", b"\xc4\x01\x81"),
        ("d", b"\xc5\x00\x01\x81"), ("e", b"\xc6\x00\x00\x00\x01\x81"), ("f", b"\xd9\x01a"), ("g", b"\xda\x00\x01a"),
        ("h", b"\xdb\x00\x00\x00\x01a"), ("i", b"\xdc\x00\x01\x81\xa1a\xc0"), ("j", b"\xdd\x00\x00\x00\x01\xc3"),
        ("k", b"\xdf\x00\x00\x00\x01\xa1a\xcc\x81"), ("l", b"\xcd\x81\x81"), ("m", b"\xce" + b"\x81" * 4),
        ("n", b"\xd1\x81\x81"),
    ))),
    "times": packed(features=["spend"], entity={"user_id": 1, "x": datetime(2024, 2, 29, 12, 0, 0, 5, UTC)}),
    "times of 12 bytes": map_of(
        ("entity", map_of(("user_id", ONE), ("x", b"\xc7\x0c\xff" + bytes(12)))), ("features", SPEND)
    ),
}  # fmt: skip


@pytest.mark.parametrize("body", LONG.values(), ids=LONG)
def test_messagepack_may_be_written_in_any_way(server: Server, body: bytes) -> None:
    assert server.ask("POST", "/features/online", body, MSGPACK).status == 200


@pytest.mark.parametrize("code", [0, 5, 127, -2, -128])
@pytest.mark.parametrize("where", ["user_id", "beside"])
def test_extension_types_of_messagepack_are_refused(server: Server, code: int, where: str) -> None:
    entity = {"user_id": 1} | {where: msgspec.msgpack.Ext(code, b"x" * 20)}
    answer = server.ask("POST", "/features/online", packed(features=["spend"], entity=entity), MSGPACK)
    assert (answer.status, answer.json["code"]) == (400, "malformed_body"), answer
    assert f"extension type {code} " in answer.json["detail"]


def spoken(server: Server, *headers: bytes, body: bytes = BODY, path: bytes = b"POST /features/online") -> bytes:
    """What a server says to a request with these headers."""
    head = b"\r\n".join((path + b" HTTP/1.1", *headers, b"connection: close"))
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as there:
        there.sendall(head + b"\r\n\r\n" + body)
        said = b""
        while part := there.recv(65536):
            said += part
    return said


HOST, JSON, LENGTH = b"host: x", b"content-type: application/json", b"content-length: %d" % len(BODY)
CHUNKED = b"transfer-encoding: chunked"
IN_CHUNKS = b"%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)


def test_headers_that_mean_one_thing_come_once(server: Server) -> None:
    assert b" 200 " in spoken(server, HOST, JSON, LENGTH)[:20]
    for twice in (
        (HOST, b"Host: y", JSON, LENGTH), (HOST, JSON, LENGTH, LENGTH), (HOST, JSON, LENGTH, b"content-length: 5"),
        (HOST, JSON, b"content-type: application/msgpack", LENGTH), (HOST, JSON, JSON, LENGTH),
        (HOST, JSON, LENGTH, CHUNKED), (HOST, JSON, CHUNKED, LENGTH), (HOST, JSON, b"content-length: 5, 5"),
        (HOST, JSON, b"content-length: +5"), (HOST, JSON, b"transfer-encoding: identity", LENGTH),
        (HOST, JSON, LENGTH, b"x-api-key: a", b"x-api-key: a"),
        (HOST, JSON, LENGTH, b"authorization: Bearer a", b"Authorization: Bearer b"),
        (HOST, JSON, LENGTH, b"authorization: Basic a", b"authorization: Bearer b"),
        (HOST, JSON, LENGTH, b"authorization: Bearer a", b"x-api-key: b"),
    ):  # fmt: skip
        said = spoken(server, *twice)
        assert (said[:13], b"malformed_request" in said) == (b"HTTP/1.1 400 ", True), (twice, said)
    assert b" 400 " in spoken(server, HOST, b"Host: y", body=b"", path=b"GET /ready")[:20]
    for twice in ((HOST, JSON, CHUNKED, CHUNKED), (HOST, JSON, b"transfer-encoding: chunked, chunked")):
        assert b" 400 " in spoken(server, *twice, body=IN_CHUNKS)[:20], twice
    assert b" 200 " in spoken(server, HOST, JSON, LENGTH, b"accept: a/b", b"accept: application/json")[:20]


def test_two_keys_let_nobody_in(project: Path, serve: Run, mlforge: Run) -> None:
    key = mlforge(project, "serve-key", "ops", "--api-key-file", "keys.yaml").stdout.strip().encode()
    bearer = b"authorization: Bearer " + key
    with serve(project, "--api-key-file", "keys.yaml") as server:
        assert b" 200 " in spoken(server, HOST, JSON, LENGTH, bearer)[:20]
        assert b" 200 " in spoken(server, HOST, JSON, LENGTH, bearer, b"x-api-key: " + key)[:20]
        assert b" 200 " in spoken(server, HOST, JSON, LENGTH, b"authorization: Basic eA==", b"x-api-key: " + key)[:20]
        for other in (bearer, b"authorization: Bearer x", b"authorization:", b"x-api-key: x"):
            for both in ((bearer, other), (other, bearer)):
                assert b" 200 " not in spoken(server, HOST, JSON, LENGTH, *both)[:20], both
