"""Search: what fits comes first, slips of the pen do not matter, and what cannot be meant is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import mlforge as mlf
from mlforge.errors import Invalid, MlforgeError, Unknown
from mlforge.flow.discovering.cards import Card, cards
from mlforge.flow.discovering.index import Index
from mlforge.flow.discovering.search import SearchResults, filters_of, search
from mlforge.model.meta import Manifest
from mlforge.model.schema import Column

NOW = datetime(2026, 3, 1, tzinfo=UTC)
INDEX = Index(
    [
        Card(
            "user_spend", "1.0.0", "2026-02-28T00:00:00Z", 5,
            (Column("spend_7d", "Float64", unit="EUR"), Column("payments_28d", "Int64")), ("user_id",), ("user",),
            "payments", "What a user spent", "Ada Lovelace", ("daily", "users"),
        ),
        Card(
            "merchantRisk", "2.0.0", "2026-01-01T00:00:00Z", 5,
            (Column("chargebacks", "Int64", description="Disputes that a customer won"),), ("merchant_id",),
            ("merchant",), "disputes", "How likely a payment to a merchant is disputed", "Grace", ("weekly",),
        ),
        Card("device_logins", columns=(Column("logins_7d", ""),), description="Größe: café logins", tags=("daily",)),
    ]
)  # fmt: skip


def find(query: str = "", limit: int | None = 20, **filters: Any) -> SearchResults:
    return search(INDEX, query, filters_of(**filters), limit, NOW)


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("spend last week", ["user_spend"]),
        ("SPEND", ["user_spend"]),
        ("userspend", ["user_spend"]),
        ("merchant risk", ["merchantRisk"]),
        ("merchnat", ["merchantRisk"]),
        ("chargbacks", ["merchantRisk"]),
        ("disputed payments", ["merchantRisk"]),
        ("disputed zebra", ["merchantRisk"]),
        ("disputed zebra giraffe", []),
        ("eur", ["user_spend"]),
        ("lovelace", ["user_spend"]),
        ("weekly", ["merchantRisk", "device_logins", "user_spend"]),  # a tag, then windows of seven days
        ("grosse cafe", ["device_logins"]),
        ("logins of the users", ["device_logins", "user_spend"]),
        ("zebra", []),
        ("<script>alert(1)</script>", []),
    ],
)
def test_words_are_found_wherever_they_stand(query: str, expected: list[str]) -> None:
    assert find(query).names == expected


def test_a_name_comes_before_a_description() -> None:
    cards = [Card("a", description="about churn"), Card("churn"), Card("b", description="churn churn churn")]
    assert search(Index(cards), "churn", filters_of(), None, NOW).names == ["churn", "a", "b"]


def test_a_beginning_of_one_letter_is_a_word_where_letters_are_words() -> None:
    cards = [Card("花見"), Card("の花"), Card("flower", description="f"), Card("fleet")]
    assert search(Index(cards), "花", filters_of(), None, NOW).names == ["花見", "の花"]
    assert search(Index(cards), "f", filters_of(), None, NOW).names == ["flower"]


def test_a_word_that_says_little_is_no_slip_of_the_pen() -> None:
    cards = [Card("lost_baggage"), Card("bag", description="a last one")]
    assert search(Index(cards[:1]), "last", filters_of(), None, NOW).names == []
    assert search(Index(cards), "last bag", filters_of(), None, NOW).names == ["bag", "lost_baggage"]


def test_an_index_that_was_asked_before_answers_the_same() -> None:
    for query in ("spend", "spend eur", "merchnat", "spend"):
        fresh = search(Index(INDEX.cards), query, filters_of(), None, NOW)
        assert (find(query).found, find(query).found) == (fresh.found, fresh.found)


def test_the_columns_that_have_the_words_are_told() -> None:
    assert [c.name for c in find("spend")[0].columns] == ["spend_7d"]
    assert [c.name for c in find("disputes")[0].columns] == ["chargebacks"]


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"tags": "daily"}, ["device_logins", "user_spend"]),
        ({"tags": ["weekly", "users"]}, ["merchantRisk", "user_spend"]),
        ({"tags": "weekly, users"}, ["merchantRisk", "user_spend"]),
        ({"entity": "merchant"}, ["merchantRisk"]),
        ({"entity": "user_id"}, ["user_spend"]),
        ({"owner": "grace"}, ["merchantRisk"]),
        ({"column": "spend_7d"}, ["user_spend"]),
        ({"stale": "7d"}, ["merchantRisk"]),
        ({"stale": timedelta(days=36500)}, []),
        ({"tags": "daily", "owner": "Grace"}, []),
    ],
)
def test_filters_let_through_what_they_name(filters: dict[str, Any], expected: list[str]) -> None:
    assert sorted(find(**filters).names) == sorted(expected)


def test_a_limit_cuts_and_the_total_is_told() -> None:
    found = find(tags="daily", limit=1)
    assert (len(found), found.total) == (1, 2)


@pytest.mark.parametrize(
    ("query", "filters", "kind", "says"),
    [
        ("", {}, Invalid, "nothing to search for"),
        ("   ", {}, Invalid, "nothing to search for"),
        ("?!", {}, Invalid, "no word"),
        (7, {}, Invalid, "no text"),
        ("", {"tags": "dayly"}, Unknown, "Did you mean 'daily'?"),
        ("", {"entity": "marchant"}, Unknown, "Did you mean 'merchant'?"),
        ("", {"owner": "Grade"}, Unknown, "Did you mean 'Grace'?"),
        ("", {"column": "spend_7"}, Unknown, "Did you mean 'spend_7d'?"),
        ("", {"owner": ""}, Invalid, "owner="),
        ("", {"tags": [1]}, Invalid, "tags="),
        ("", {"tags": 5}, Invalid, "tags=5"),
        ("spend", {"stale": "soon"}, Invalid, "7d"),
        ("spend", {"limit": 0}, Invalid, "limit=0"),
        ("spend", {"limit": True}, Invalid, "limit=True"),
    ],
)
def test_what_cannot_be_meant_is_refused(query: Any, filters: Any, kind: type[MlforgeError], says: str) -> None:
    with pytest.raises(kind) as refused:
        find(query, **filters)
    assert says in str(refused.value)
    assert refused.value.hint


def test_hostile_text_stays_text_in_a_notebook() -> None:
    hostile = Index([Card("a", description="<script>alert('1')</script>", owner='"><img src=x>', tags=("<b>",))])
    shown = search(hostile, "script", filters_of(), None, NOW)._repr_html_()
    assert "<script" not in shown and "<img" not in shown and "<b>" not in shown


def test_what_was_not_built_yet_is_found_by_its_definition() -> None:
    user = mlf.Entity("user", join_key="user_id")

    @mlf.feature(
        source="data/payments.csv", entities=[user], timestamp="at", interval="1d", owner="ada",
        metrics=[mlf.Sum("amount", windows="7d", name="spend", unit="EUR")], derived={"more": mlf.col("spend_7d") + 1},
        fields=[mlf.Field("more", description="One euro more")],
    )  # fmt: skip
    def spending(df: Any) -> Any:
        """What went out."""
        return df

    risk = mlf.request_feature("risk", inputs={"n": "Int64"}, columns={"twice": mlf.col("n") * 2}, owner="bob")
    (one, two) = cards(Manifest("", {}), {"spending": spending}, {"risk": risk})[::-1]
    assert [(c.name, c.description, c.unit) for c in one.columns] == [
        ("spend_7d", None, "EUR"), ("more", "One euro more", None),
    ]  # fmt: skip
    assert (one.latest, one.entities, one.source, one.owner) == (None, ("user",), "payments", "ada")
    assert (two.name, [c.name for c in two.columns]) == ("risk", ["twice"])
