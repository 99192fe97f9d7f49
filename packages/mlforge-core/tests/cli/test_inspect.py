"""`mlforge inspect`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Mlforge = Callable[..., Any]


@pytest.mark.parametrize(("name", "kind"), [("user_spend", "feature"), ("user", "entity"), ("purchases", "source")])
def test_a_name_finds_whichever_has_it(mlforge: Mlforge, built_shop: Path, name: str, kind: str) -> None:
    alone = mlforge("inspect", name, "--json", cwd=built_shop)
    assert alone.document["kind"] == kind
    assert alone == mlforge("inspect", kind, name, "--json", cwd=built_shop)
    assert mlforge("inspect", name, cwd=built_shop).out.splitlines()[0].split() == [name, kind]


def test_a_feature_shows_its_definition_and_its_latest_version(mlforge: Mlforge, built_shop: Path) -> None:
    answer = mlforge("inspect", "user_spend", cwd=built_shop)
    told = [" ".join(line.split()) for line in answer.out.splitlines()]
    assert "interval 1d" in told
    assert "amount greater_than(0)" in told
    assert "user_spend 1.0.0 the one readers get" in told
    assert "rows 726" in told
    assert "user_id String key" in told
    assert "spend_7d Float64 sum over 7d, EUR" in told


def test_an_older_version_is_shown_as_one(mlforge: Mlforge, grown_shop: Path) -> None:
    old = mlforge("inspect", "user_spend", "--version", "1.0.0", cwd=grown_shop)
    assert "user_spend 1.0.0  readers get 1.1.0" in old.out
    document = mlforge("inspect", "user_spend", "--version", "1.0.0", "--json", cwd=grown_shop).document
    assert (document["latest"], document["built"]["version"]) == ("1.1.0", "1.0.0")


def test_a_feature_that_was_not_built_says_how(mlforge: Mlforge, fresh_shop: Path) -> None:
    answer = mlforge("inspect", "user_spend", cwd=fresh_shop)
    assert answer.code == 0
    assert "Not built yet: mlforge build --features user_spend" in answer.out
    assert mlforge("inspect", "user_spend", "--json", cwd=fresh_shop).document["built"] is None


def test_a_version_that_is_not_there_is_an_error(mlforge: Mlforge, built_shop: Path) -> None:
    answer = mlforge("inspect", "user_spend", "--version", "9.9.9", cwd=built_shop)
    assert answer.code == 1
    assert answer.err == "Error: 'user_spend' has no version '9.9.9'.\nHint: Versions: 1.0.0.\n"


def test_a_name_nobody_has_is_answered_with_the_nearest(mlforge: Mlforge, fresh_shop: Path) -> None:
    answer = mlforge("inspect", "purchase", cwd=fresh_shop)
    assert answer.code == 1
    assert "There is no feature, set, entity or source 'purchase'." in answer.err
    assert "Did you mean 'purchases'?" in answer.err


def test_a_name_that_two_have_must_be_said_with_its_kind(
    mlforge: Mlforge, shop: Path, edit: Callable[[Path, str, str], None]
) -> None:
    edit(shop / "features.py", 'mlf.Entity("user",', 'mlf.Entity("purchases",')
    answer = mlforge("inspect", "purchases", cwd=shop)
    assert answer.code == 1
    assert "'purchases' is an entity and a source." in answer.err
    assert "mlforge inspect entity purchases" in answer.err
    assert mlforge("inspect", "source", "purchases", cwd=shop).code == 0


def test_a_feature_that_is_kept_but_defined_no_more_is_found(
    mlforge: Mlforge, grown_shop: Path, edit: Callable[[Path, str, str], None]
) -> None:
    edit(grown_shop / "definitions.py", "features=[features]", "features=[features.last_purchase]")
    document = mlforge("inspect", "user_spend", "--json", cwd=grown_shop).document
    assert document["defined"] is None
    assert document["built"]["version"] == "1.1.0"
    assert mlforge("versions", "user_spend", cwd=grown_shop).code == 0
