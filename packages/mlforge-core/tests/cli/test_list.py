"""`mlforge list`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Mlforge = Callable[..., Any]


def test_list_alone_lists_the_features(mlforge: Mlforge, fresh_shop: Path) -> None:
    alone, named = mlforge("list", cwd=fresh_shop), mlforge("list", "features", cwd=fresh_shop)
    assert alone == named
    assert alone.code == 0
    lines = alone.out.splitlines()
    assert lines[0].split() == ["feature", "keys", "source", "tags", "description"]
    assert [line.split()[0] for line in lines[1:]] == ["user_spend", "last_purchase"]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["--tags", "users"], ["user_spend", "last_purchase"]),
        (["--schedule", "daily"], ["user_spend"]),
        (["--schedule", "hourly"], []),
        (["--tags", "users", "--schedule", "daily,weekly"], ["user_spend"]),
    ],
)
def test_features_are_listed_by_tag_and_schedule(
    mlforge: Mlforge, fresh_shop: Path, words: list[str], expected: list[str]
) -> None:
    answer = mlforge("list", "features", *words, "--json", cwd=fresh_shop)
    assert [f["name"] for f in answer.document["features"]] == expected


def test_a_tag_nobody_has_is_an_error(mlforge: Mlforge, fresh_shop: Path) -> None:
    answer = mlforge("list", "--tags", "dayly", cwd=fresh_shop)
    assert (answer.code, answer.err) == (1, "Error: No feature has the tag 'dayly'.\nHint: Did you mean 'daily'?\n")


def test_a_feature_in_json_has_all_of_its_definition(mlforge: Mlforge, fresh_shop: Path) -> None:
    first = mlforge("list", "--json", cwd=fresh_shop).document["features"][0]
    assert first["keys"] == ["user_id"]
    assert first["entities"] == ["user"]
    assert first["path"] == "data/purchases.csv"
    assert (first["timestamp"], first["interval"], first["engine"]) == ("event_time", "1d", None)
    assert first["metrics"][0] == {
        "name": "spend_7d", "aggregation": "sum", "window": "7d", "description": None, "unit": "EUR",
    }  # fmt: skip
    assert first["validators"][0] == {"column": "user_id", "label": "not_null()"}


def test_entities_sources_and_tags_say_which_features_have_them(mlforge: Mlforge, fresh_shop: Path) -> None:
    both = ["user_spend", "last_purchase"]
    entities = mlforge("list", "entities", "--json", cwd=fresh_shop).document["entities"]
    assert entities == [{"name": "user", "keys": ["user_id"], "from_columns": [], "features": both}]
    sources = mlforge("list", "sources", "--json", cwd=fresh_shop).document["sources"]
    assert [(s["name"], s["format"], s["features"]) for s in sources] == [("purchases", "csv", both)]
    tags = mlforge("list", "tags", "--json", cwd=fresh_shop).document["tags"]
    assert tags == [{"name": "daily", "features": ["user_spend"]}, {"name": "users", "features": both}]


@pytest.mark.parametrize(
    ("what", "expected"),
    [("entities", "user"), ("sources", "purchases"), ("tags", "users"), ("versions", "user_spend")],
)
def test_people_see_a_table(mlforge: Mlforge, fresh_shop: Path, what: str, expected: str) -> None:
    answer = mlforge("list", what, cwd=fresh_shop)
    assert answer.code == 0
    assert expected in [line.split()[0] for line in answer.out.splitlines()]


def test_versions_of_all_features_and_of_one(mlforge: Mlforge, grown_shop: Path) -> None:
    found = mlforge("list", "versions", "--json", cwd=grown_shop).document["features"]
    assert found == [
        {"feature": "user_spend", "latest": "1.1.0", "versions": ["1.0.0", "1.1.0"]},
        {"feature": "last_purchase", "latest": "1.0.0", "versions": ["1.0.0"]},
    ]
    one = mlforge("list", "versions", "user_spend", "--json", cwd=grown_shop)
    assert one == mlforge("versions", "user_spend", "--json", cwd=grown_shop)
    assert [v["version"] for v in one.document["versions"]] == ["1.0.0", "1.1.0"]
