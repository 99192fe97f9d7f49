"""What is answered to those who ask wrongly: a problem with a code, what it is about, and a hint."""

from __future__ import annotations

import json
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema_rs import Draft202012Validator

from mlforge.model.keys import BadKey
from mlforge_serve.requests import bad_key

Server = Any
Run = Callable[..., Any]
ONE = {"features": ["spend"], "entity": {"user_id": 1}}


def refused(answer: Any, status: int, code: str, **more: Any) -> str:
    """Hold an answer to what every refusal is, and give what it says."""
    assert (answer.status, answer.headers["content-type"]) == (status, "application/problem+json"), answer
    said = answer.json
    assert (said["status"], said["code"], said["type"]) == (status, code, "about:blank")
    assert said["title"]
    assert said["hint"]
    assert {name: said.get(name) for name in more} == more
    assert "Traceback" not in said["detail"]
    return f"{said['detail']} {said['hint']}"


@pytest.mark.parametrize(
    "coded", ["Content-Encoding: gzip", "content-encoding: BR", "Transfer-Encoding: gzip, chunked"]
)
def test_a_body_that_is_encoded_is_refused_as_that(server: Server, coded: str) -> None:
    length = "" if coded.startswith("Transfer") else "Content-Length: 4\r\n"
    head = f"POST /features/online HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{coded}\r\n{length}\r\n"
    body = b"\x1f\x8b\x08\x00" if length else b"4\r\n\x1f\x8b\x08\x00\r\n0\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=10) as connection:
        connection.sendall(head.encode() + body)
        answer = connection.makefile("rb").read()
    assert answer.startswith(b"HTTP/1.1 415 ")
    assert b"without compressing it" in answer


def test_a_body_may_say_that_it_is_not_encoded(server: Server) -> None:
    assert server.post("/features/online", ONE, content_encoding="identity").status == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"", 400, "malformed_body"),
        (b"{", 400, "malformed_body"),
        (b"\xff\xfe", 400, "malformed_body"),
        (b'"\xff"', 422, "invalid_request"),
        (b"[" * 50_000, 422, "invalid_request"),
        (b'{"features":["spend"],"entity":{"user_id":' + b"[" * 50_000, 400, "malformed_body"),
        (b"[]", 422, "invalid_request"),
        (b"null", 422, "invalid_request"),
        (b'{"features": ["spend"]}', 422, "invalid_request"),
        (b'{"features": "spend", "entity": {}}', 422, "invalid_request"),
        (b'{"features": [1], "entity": {}}', 422, "invalid_request"),
        (b'{"features": [], "entity": {}}', 422, "invalid_request"),
        (b'{"features": [{}], "entity": {}}', 422, "invalid_request"),
        (b'{"features": ["spend"], "entity": {}, "more": 1}', 422, "invalid_request"),
        (b'{"features": ["spend"], "entity": {"user_id": 1e999}}', 422, "invalid_request"),
        (b'{"features": ["spend"], "entity": {"user_id": NaN}}', 400, "malformed_body"),
        (b'{"features": ["spend"], "entity": {"user_id": {"date": 1}}}', 422, "invalid_request"),
        (b'{"features": ["spend"], "entity": {"user_id": {"date": "x"}}}', 422, "invalid_request"),
        (b'{"features": ["places"], "entity": {"city": "x", "day": "2024-02-30"}}', 422, "invalid_request"),
        (b'{"features": ["shops"], "entity": {"brand": 1.5, "street": ""}}', 422, "invalid_request"),
        (b'{"features": ["shops"], "entity": {"brand": "Bo", "street": 1}}', 422, "invalid_request"),
        (b'{"features": ["shifts"], "entity": {"day": "today"}}', 422, "invalid_request"),
        (b'{"features": ["spend", "spend"], "entity": {"user_id": 1}}', 422, "invalid_request"),
        (b'{"features": ["spend@"], "entity": {"user_id": 1}}', 422, "invalid_request"),
        (b'{"features": ["spend", ""], "entity": {"user_id": 1}}', 422, "invalid_request"),
        (b'{"features": ["unpublished"], "entity": {"user_id": 1}}', 404, "feature_not_found"),
        (b'{"features": ["spend@9.0.0"], "entity": {"user_id": 1}}', 404, "feature_not_found"),
        (b'{"features": [{"name": "spend", "columns": ["x"]}], "entity": {"user_id": 1}}', 404, "feature_not_found"),
    ],
)  # fmt: skip
def test_a_body_that_asks_for_nothing_that_is_there_is_refused(
    server: Server, body: bytes, status: int, code: str
) -> None:
    answer = server.ask("POST", "/features/online", body, {"content-type": "application/json"})
    refused(answer, status, code)


def test_a_missing_key_is_named_with_the_entity_and_what_it_has(server: Server) -> None:
    entities = [{"user_id": 1}] * 700 + [{"user": 1}] + [{"user_id": 1}] * 200
    said = refused(server.batch(["spend", "secret"], entities), 422, "invalid_request")
    assert "'user_id', which entity 700 does not have" in said
    assert "It has: user." in said


@pytest.mark.parametrize(
    ("value", "hint"),
    [(2**63, "Send an integer that Int64 can hold."), (True, "Send an integer."), (1.5, "Send an integer.")],
)
def test_an_integer_that_is_too_large_is_not_asked_to_be_an_integer(value: Any, hint: str) -> None:
    assert bad_key(BadKey("", "", column="n", value=value, dtype="Int64", what="input"), "entity").hint == hint


def test_a_key_of_another_type_is_told_in_words_of_json(server: Server) -> None:
    entities = [{"user_id": 1}] * 900 + [{"user_id": "1"}]
    said = refused(server.batch(["spend"], entities), 422, "invalid_request", field="entities[900].user_id")
    assert said == 'entities[900].user_id is "1", and the type of this key is Int64. Send an integer.'
    for features, entity, field, words in (
        ("spend", {"user_id": True}, "user_id", ("true", "an integer")),
        ("places", {"city": 5, "day": "2024-02-29"}, "city", ("5", "Send a string.")),
        ("places", {"city": "Oslo", "day": 5}, "day", ("5", "Date", "a string: 2024-02-29")),
        ("places", {"city": "Oslo"}, "day", ("'day'", "It has: city")),
        ("shops", {"brand": "Ada"}, "street", ("'street'",)),
        ("shops", {"brand": 1.5, "street": ""}, "brand", ("1.5", "Send a string.")),
    ):
        said = refused(server.online([features], entity), 422, "invalid_request", field=f"entity.{field}")
        assert all(word in said for word in words), said


def test_a_key_beyond_every_integer_is_nobody(server: Server) -> None:
    assert server.online(["spend"], {"user_id": 10**40}).json["status"] == {"spend": "missing"}
    assert server.online(["spend"], {"user_id": None}).json["status"] == {"spend": "missing"}


@pytest.mark.parametrize("text", ["\\ud800", "\\\\\\uDBFFx", "a\\ud83d\\u0041", "\\ud83d and then some more"])
def test_half_a_character_is_told_as_that(server: Server, text: str) -> None:
    body = b'{"features":["spend"],"entity":{"user_id":"%b"}}' % text.encode()
    answer = server.ask("POST", "/features/online", body, {"content-type": "application/json"})
    assert "is half a character" in refused(answer, 400, "malformed_body")


@pytest.mark.parametrize("text", ["\\ud83d\\ude00", "\\\\ud800"])
def test_a_body_that_ends_too_early_is_told_as_that_whatever_it_says(server: Server, text: str) -> None:
    body = b'{"features":["spend"],"entity":{"user_id":"%b"' % text.encode()
    answer = server.ask("POST", "/features/online", body, {"content-type": "application/json"})
    assert "truncated" in refused(answer, 400, "malformed_body")


def test_a_type_that_is_not_read_is_refused_with_the_way_out(server: Server) -> None:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    answer = server.ask("POST", "/features/online", json.dumps(ONE).encode(), headers)
    assert "Content-Type: application/json" in refused(answer, 415, "unsupported_media_type", field="content-type")


def test_bad_messagepack_is_refused(server: Server) -> None:
    headers = {"content-type": "application/msgpack"}
    surprise = {"features": ["spend"], "entity": {"user_id": msgspec.msgpack.Ext(5, b"x")}}
    for body in (
        b"\xc1",
        b"\x91" * 50_000,
        msgspec.msgpack.encode(surprise),
        b"\xa1\xff",
        msgspec.msgpack.encode({1: 2}),
    ):
        answer = server.ask("POST", "/features/online", body, headers)
        assert answer.status in (400, 422), body
        refused(answer, answer.status, answer.json["code"])


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "route_not_found"),
        ("GET", "/features/nothing", 404, "feature_not_found"),
        ("GET", "/features/a/b", 404, "feature_not_found"),
        ("GET", "/features/", 404, "feature_not_found"),
        ("GET", "/features/%ff%00", 404, "feature_not_found"),
        ("GET", "/features/online", 405, "method_not_allowed"),
        ("PUT", "/features/batch", 405, "method_not_allowed"),
        ("POST", "/health", 405, "method_not_allowed"),
        ("DELETE", "/features/spend", 405, "method_not_allowed"),
        ("OPTIONS", "/features", 405, "method_not_allowed"),
    ],
)
def test_other_routes_and_methods_are_refused(server: Server, method: str, path: str, status: int, code: str) -> None:
    answer = server.ask(method, path)
    refused(answer, status, code)
    assert status != 405 or answer.headers["allow"]


def test_bytes_that_are_no_http_are_refused(server: Server) -> None:
    assert b" 400 " in spoken(server, b"what?\r\n\r\n")
    assert server.get("/health").status == 200


@pytest.fixture(scope="module")
def narrow(published: Path, tmp_path_factory: pytest.TempPathFactory, serving: Run) -> Iterator[Server]:
    """A server with small limits."""
    limits = ["--max-body", "2k", "--max-entities", "3", "--max-features", "2", "--timeout", "1"]
    with serving(published, *limits, log=tmp_path_factory.mktemp("narrow") / "log") as running:
        yield running


def test_every_bound_names_the_field_and_the_limit(narrow: Server) -> None:
    many = narrow.batch(["spend"], [{"user_id": 1}] * 4)
    assert "4 entities" in refused(many, 422, "too_many_entities", field="entities", limit=3)
    wide = narrow.online(["spend", "fresh", "secret"], {"user_id": 1})
    assert "3 features" in refused(wide, 422, "too_many_features", field="features", limit=2)
    large = narrow.online(["spend"], {"user_id": 1, "padding": "x" * 2048})
    assert "2048 bytes" in refused(large, 413, "body_too_large", field="body", limit=2048)
    assert narrow.batch(["spend", "fresh"], [{"user_id": 1}] * 3).status == 200


def test_a_body_in_pieces_is_bounded_too(narrow: Server) -> None:
    head = b"POST /features/online HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
    pieces = b"1f4\r\n" + b"x" * 500 + b"\r\n"
    assert b" 413 " in spoken(narrow, head + b"transfer-encoding: chunked\r\n\r\n" + pieces * 5)


def test_a_body_that_does_not_come_is_not_waited_for(narrow: Server) -> None:
    head = (
        b"POST /features/online HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"
    )
    began = time.monotonic()
    said = spoken(narrow, head)
    assert b" 408 " in said
    assert b"body_too_slow" in said
    assert 0.9 < time.monotonic() - began < 10


def test_a_head_that_does_not_end_is_neither_waited_for_nor_kept(narrow: Server) -> None:
    assert b"head_too_large" in spoken(narrow, b"GET / HTTP/1.1\r\nx: " + b"x" * 40_000)
    assert b" 408 " in spoken(narrow, b"GET / HTTP/1.1\r\nhost")
    assert spoken(narrow, b"") == b""  # one who says nothing is told nothing


def test_a_client_that_goes_away_is_no_failure(narrow: Server) -> None:
    with socket.create_connection(("127.0.0.1", narrow.port)) as there:
        there.sendall(b"POST /features/online HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
    time.sleep(0.3)
    assert narrow.metrics()['mlforge_errors_total{route="/features/online",code="gone"}'] >= 1
    assert "failed" not in narrow.log


def test_what_was_sent_comes_back_short_at_most(server: Server) -> None:
    answer = server.online(["spend"], {"user_id": "x" * 100_000})
    refused(answer, 422, "invalid_request")
    assert len(answer.body) < 2_000


def test_nothing_writes(server: Server) -> None:
    described = server.get("/openapi.json").json
    posts = [path for path, methods in described["paths"].items() if set(methods) - {"get"}]
    assert posts == ["/features/online", "/features/batch"]


BLANKS = [letter for letter in map(chr, range(sys.maxunicode + 1)) if letter.isspace()]


@pytest.mark.parametrize("pick", [lambda name: name, lambda name: {"name": name}], ids=["a name", "an object"])
def test_a_name_is_refused_where_the_description_refuses_it(server: Server, pick: Callable[[str], Any]) -> None:
    schema = server.get("/openapi.json").json["components"]["schemas"]["OnlineRequest"]
    check = Draft202012Validator(schema)
    for name in [*BLANKS, "".join(BLANKS), "\x00", "\x1b", "\u180e", "\u200b", "\ufeff", " x", "\x1f\x86", "@"]:
        asked = {"features": [pick(name)], "entity": {}}
        answer = server.post("/features/online", asked)
        assert (name, answer.status) == (name, 404 if check.is_valid(asked) else 422)


def spoken(server: Server, data: bytes) -> bytes:
    """Everything a server says to these bytes until it closes the connection."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as there:
        there.sendall(data)
        said = b""
        while part := there.recv(65536):
            said += part
    return said
