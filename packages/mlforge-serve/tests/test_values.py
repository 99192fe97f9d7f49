"""What is answered to those who ask rightly."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest

import mlforge as mlf

Server = Any
Run = Callable[..., Any]
PUBLISHED = ["spend", "places", "shops", "shifts", "fresh", "secret"]
MSGPACK = "application/msgpack"


def unpacked(answer: Any) -> Any:
    assert answer.headers["content-type"] == MSGPACK
    return msgspec.msgpack.decode(answer.body)


def test_features_of_one_entity_come_with_their_status_and_their_versions(server: Server) -> None:
    answer = server.online(["spend", "fresh"], {"user_id": 1})
    assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
    assert answer.json == {
        "values": {"amount": 1.5, "visits": 2**62, "fresh_visits": None},
        "status": {"spend": "present", "fresh": "expired"},
        "versions": {"spend": "1.0.0", "fresh": "1.0.0"},
    }


def test_values_are_those_that_python_reads_from_the_store(server: Server, published: Path) -> None:
    entities = [{"user_id": n} for n in (3, 1, 404, 2)]
    answer = server.batch(["spend"], entities, accept=MSGPACK)
    store = mlf.SQLiteOnlineStore(str(published / "online.db"))
    found = mlf.get_online_features(["spend"], entities, store=store, with_status=True)
    mine = [{k: v for k, v in row.items() if k != "user_id"} for row in found.values]
    assert repr(unpacked(answer)["values"]) == repr(mine)  # NaN is no equal of NaN
    assert unpacked(answer)["status"] == found.statuses == [{"spend": s} for s in
                                                            ("present", "present", "missing", "present")]  # fmt: skip


def test_request_features_are_computed_of_what_is_sent_and_of_what_is_served(server: Server) -> None:
    asked: dict[str, Any] = {"user_id": 1, "paid": 3, "due": "2999-01-01"}
    answer = server.online(["risk", "spend"], asked)
    assert answer.json["values"].pop("days_left") > 300_000
    assert answer.json["status"] == {"spend": "present", "risk": "present"}
    assert answer.json["versions"] == {"spend": "1.0.0", "secret": "1.0.0"}
    many = server.batch(["risk"], [asked, asked | {"paid": None, "due": None}, asked | {"user_id": 404, "paid": 0.5}])
    assert [(row["ratio"], row["odd"]) for row in many.json["values"]] == [(2.0, False), (None, False), (None, None)]
    assert many.json["status"][2] == {"risk": "missing"}
    assert unpacked(server.online(["risk"], asked, accept=MSGPACK))["values"]["ratio"] == 2.0
    assert server.online(["asked"], {}).json["values"]["at_year"] >= 2026
    assert server.online(["asked"], {}).json["status"] == {"asked": "present"}
    some = server.online([{"name": "risk", "columns": ["odd"]}], asked | {"full": 1}).json["values"]
    assert some == {"odd": False}


def test_values_that_cannot_be_computed_are_refused_with_the_entity_they_are_of(server: Server) -> None:
    nobody = [{"user_id": 404}] * 700  # more than are decoded in one go, with what the feature uses
    refused = server.batch(["grown", "spend", "asked"], [*nobody, {"user_id": 1}, {"user_id": 2}])
    assert (refused.status, refused.json["field"]) == (422, "entities[700]")
    assert refused.json["detail"].startswith("'grown' cannot compute grown: int64 overflow")
    assert server.online(["grown"], {"user_id": 1}).json["field"] == "entity"
    assert server.batch(["grown"], [{"user_id": 2}]).json["values"] == [{"grown": 8}]


def test_request_features_are_described_with_their_inputs(server: Server) -> None:
    found = server.get("/features/risk").json
    assert (found["version"], found["description"]) == (None, "How odd it is.")
    assert found["inputs"] == [{"name": "paid", "type": "Float64"}, {"name": "due", "type": "Date"}]
    assert found["uses"] == {"spend": "1.0.0", "secret": "1.0.0"}
    assert [(c["name"], c["type"]) for c in found["columns"]] == [
        ("ratio", "Float64"), ("odd", "Boolean"), ("days_left", "Float64"),
    ]  # fmt: skip
    secret = {c["name"]: c["type"] for c in server.get("/features/secret").json["columns"]}
    assert secret == {"secret_visits": "Int64", "secret_parity": "Int64", "secret_age": "Float64"}
    assert server.get("/features/waiting").json["code"] == "feature_not_found"


@pytest.mark.parametrize(
    ("features", "changes", "field", "says"),
    [
        (["risk"], {"paid": "3"}, "entity.paid", "type of this input is Float64"),
        (["risk"], {"paid": True}, "entity.paid", "type of this input is Float64"),
        (["risk"], {"due": 5}, "entity.due", "2024-02-29"),
        (["risk"], {"due": "soon"}, "entity.due", "2024-02-29"),
        (["risk"], {"paid": ...}, "entity.paid", "does not have"),
        (["risk@1.0.0"], {}, None, "no version"),
        ([{"name": "risk", "columns": ["rato"]}], {}, None, "ratio"),
    ],
)
def test_inputs_that_cannot_be_are_refused(
    server: Server, features: Any, changes: dict[str, Any], field: str | None, says: str
) -> None:
    entity = {"user_id": 1, "paid": 3.5, "due": None} | changes
    found = server.online(features, {k: v for k, v in entity.items() if v is not ...})
    assert found.status in (400, 404, 422)
    assert found.json.get("field") == field or field is None
    assert says in found.json["detail"] + found.json["hint"]


def test_features_of_different_entities_are_answered_in_one_request(server: Server) -> None:
    entity = {"user_id": 2, "city": "Köln", "day": "2024-02-29", "brand": "Bo", "street": None, "beside": "the point"}
    values = server.online(["shops", "spend", "places"], entity).json["values"]
    assert values == {"rating": 4, "amount": "NaN", "visits": 2, "rain": 0.5}


@pytest.mark.parametrize("day", ["2024-02-29", {"date": "2024-02-29"}])
def test_a_date_is_text_in_json(server: Server, day: Any) -> None:
    assert server.online(["places"], {"city": "Köln", "day": day}).json["status"] == {"places": "present"}


@pytest.mark.parametrize("feature", ["places", "shifts", "spend", "risk"])
@pytest.mark.parametrize("more", [{}, {"a": 1}, {"date": 1}, {"date": "soon"}, [{}]])
def test_columns_that_nobody_reads_are_ignored_whatever_they_are(server: Server, feature: str, more: Any) -> None:
    entity = {"user_id": 1, "city": "Köln", "day": "2024-02-29", "paid": 1, "due": None}
    assert server.online([feature], entity | {"basket": more}).status == 200


@pytest.mark.parametrize("day", ["2024-02-29", {"date": "2024-02-29"}])
def test_a_date_that_a_key_is_made_of_is_text_too(server: Server, day: Any) -> None:
    assert server.online(["shifts"], {"day": day}).json["values"] == {"shift_rain": 0.5}


def test_integers_stay_integers_and_text_stays_text(server: Server) -> None:
    assert server.online(["spend"], {"user_id": 1}).json["values"]["visits"] == 4611686018427387904
    for wrong in ("1", 1.0, True, [1], {"a": 1}):
        answer = server.online(["spend"], {"user_id": wrong})
        assert (answer.status, answer.json["code"]) == (422, "invalid_request"), wrong


def test_json_spells_the_floats_that_it_has_no_number_for(server: Server) -> None:
    values = server.batch(["spend"], [{"user_id": n} for n in (1, 2, 3, 4)]).json["values"]
    assert [row["amount"] for row in values] == [1.5, "NaN", "Infinity", None]
    assert [row["visits"] for row in values] == [2**62, 2, None, None]


def test_messagepack_keeps_every_float(server: Server) -> None:
    answer = server.batch(["spend"], [{"user_id": 2}, {"user_id": 3}], accept=MSGPACK)
    found = [row["amount"] for row in unpacked(answer)["values"]]
    assert math.isnan(found[0])
    assert found[1] == math.inf


def test_bodies_may_be_messagepack(server: Server) -> None:
    asked = {"features": ["places"], "entity": {"city": "Köln", "day": date(2024, 2, 29)}}
    headers = {"content-type": MSGPACK, "accept": f"application/json;q=0.5, {MSGPACK}"}
    answer = server.ask("POST", "/features/online", msgspec.msgpack.encode(asked), headers)
    assert unpacked(answer)["values"] == {"rain": 0.5}


@pytest.mark.parametrize(
    "accept", ["*/*", "application/json", f"{MSGPACK};q=0.1, */*", f"{MSGPACK};q=0", "text/html", ";"]
)
def test_json_is_answered_unless_messagepack_is_liked_no_less(server: Server, accept: str) -> None:
    assert server.online(["spend"], {"user_id": 1}, accept=accept).headers["content-type"] == "application/json"


def test_columns_versions_and_names_may_be_chosen(server: Server) -> None:
    pick = {"name": "spend", "columns": ["visits"], "version": "1.0.0"}
    body = {"features": [pick, "secret@1.0.0"], "entity": {"user_id": 2}, "full_names": True}
    secret = {"secret__secret_visits": 2, "secret__secret_parity": 0, "secret__secret_age": 0.0}
    assert server.post("/features/online", body).json["values"] == {"spend__visits": 2} | secret


def test_no_entities_are_answered_with_no_rows(server: Server) -> None:
    assert server.batch(["spend"], []).json == {"values": [], "status": [], "versions": {"spend": "1.0.0"}}


def test_a_thousand_entities_come_in_their_order(server: Server) -> None:
    entities = [{"user_id": n % 4} for n in range(1000)]
    answer = server.batch(["spend", "fresh", "secret"], entities).json
    assert [row["secret_visits"] for row in answer["values"]] == [(None, 2**62, 2, None)[n % 4] for n in range(1000)]
    assert [one["spend"] for one in answer["status"]] == [("present" if n % 4 else "missing") for n in range(1000)]


def test_all_entities_of_a_request_are_answered_as_of_one_instant(server: Server) -> None:
    sent = [{"user_id": n, "paid": None, "due": "2030-01-01"} for n in range(1000)]
    found = server.batch(["risk", "asked", "spend", "secret"], sent).json["values"]
    assert len(found) == 1000
    assert len({row["days_left"] for row in found}) == 1


def test_what_is_served_is_listed_with_keys_types_and_versions(server: Server) -> None:
    listed = server.get("/features").json
    assert (listed["project"], [f["name"] for f in listed["features"]]) == (
        "shop",
        [*PUBLISHED, "risk", "asked", "grown"],
    )
    one = server.get("/features/spend").json
    assert one == listed["features"][0]
    assert one["keys"] == [{"name": "user_id", "type": "Int64", "made_of": []}]
    assert [(c["name"], c["type"]) for c in one["columns"]] == [("amount", "Float64"), ("visits", "Int64")]
    assert (one["description"], one["version"]) == ("What a user spends.", "1.0.0")
    assert server.get("/features/shops").json["keys"][0]["made_of"] == ["brand", "street"]


def test_a_version_is_described_as_its_values_are_asked_for(server: Server) -> None:
    version = server.get("/features/spend").json["version"]
    assert server.get(f"/features/spend@{version}").json == server.get("/features/spend").json
    other, none = server.get("/features/spend@9.9.9"), server.get("/features/spend@")
    assert (other.status, f"is served as {version}" in other.json["detail"]) == (404, True)
    assert (none.status, none.json["code"]) == (422, "invalid_request")


def test_the_server_lives_and_its_store_answers(server: Server) -> None:
    assert server.get("/health").json == {"status": "alive"}
    assert server.get("/ready").json == {"status": "ready", "features": len(PUBLISHED) + 3}
    assert unpacked(server.get("/ready", accept=MSGPACK))["status"] == "ready"


def test_the_page_of_documentation_loads_nothing_and_names_every_route(server: Server) -> None:
    page = server.get("/docs")
    text = page.body.decode()
    assert page.headers["content-type"].startswith("text/html")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert not any(word in text for word in ("<script", "src=", "@import", "url(", "<link"))
    for path in json.loads(server.get("/openapi.json").body)["paths"]:
        assert path in text


def test_a_new_publish_is_noticed_while_the_server_runs(project: Path, serve: Run, mlforge: Run, wait: Run) -> None:
    with serve(project) as server:
        assert server.online(["unpublished"], {"user_id": 1}).json["code"] == "feature_not_found"
        assert server.get("/features/unpublished").status == 404

        assert mlforge(project, "publish", "unpublished").returncode == 0
        wait(lambda: server.get("/features/unpublished").status == 200)
        assert server.online(["unpublished"], {"user_id": 1}).json["values"]["visits"] == 2**62


ROUTES = """
import mlforge as mlf

@mlf.feature(source="visits.csv", keys="user_id")
def online(df):
    return df

defs = mlf.Definitions("shop", [online], mlf.LocalStore("store"), online_store=mlf.SQLiteOnlineStore("online.db"))
"""


def test_a_feature_may_be_called_as_a_route_is(tmp_path: Path, serve: Run, mlforge: Run) -> None:
    (tmp_path / "visits.csv").write_text("user_id,visits\n1,5\n")
    (tmp_path / "definitions.py").write_text(ROUTES)
    assert mlforge(tmp_path, "build", "--online", "--no-preview").returncode == 0
    with serve(tmp_path) as server:
        assert server.online(["online"], {"user_id": 1}).json["values"] == {"visits": 5}
        assert server.get("/features/online").json["columns"][0]["name"] == "visits"
        assert (server.get("/features/batch").status, server.ask("PUT", "/features/online").status) == (405, 405)
