"""Names, texts and keys as a notebook has them: of numpy and pandas, of kinds of one's own, in any list."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum

import numpy as np
import pandas as pd
import polars as pl
import pytest

import mlforge as mlf
from mlforge.errors import Invalid
from mlforge.flow.lock import Lock, Pin, RequestPin
from mlforge.testing.refusals import refused

ROWS = {
    "user_id": ["ada", "ada", "bo"], "shop": [1, 1, 2],
    "t": [datetime(2025, 3, d, tzinfo=UTC) for d in (2, 4, 3)], "amount": [30, 20, 15],
}  # fmt: skip


class Name(str):
    """A text of a kind of one's own, as some libraries have them."""

    __slots__ = ()


class Column(StrEnum):
    USER = "user_id"


@pytest.fixture
def defs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    pl.DataFrame(ROWS).write_parquet("events.parquet")

    def spend(name, key):
        @mlf.feature(source="events.parquet", keys=key, timestamp="t", metrics=mlf.Sum("amount", "7d"), name=name)
        def f(df):
            return df

        return f

    one, other = spend("by_user", "user_id"), spend("by_shop", "shop")
    risk = mlf.request_feature("risk", inputs={"n": "Int64"}, uses="by_user", columns={"more": mlf.col("n") + 1})
    sets = [mlf.FeatureSet("both", features=["by_user", "by_shop"])]
    made = mlf.Definitions(
        "shop", features=[one, other, risk], feature_sets=sets, store="store", online_store="online.db"
    )
    made.build().raise_for_failure()
    made.publish(as_of="2025-03-05").raise_for_failure()
    return made


SPINE = pd.DataFrame({"user_id": ["ada"], "shop": [2], "at": [datetime(2025, 3, 5)]})


@pytest.mark.parametrize("text", [np.str_, Name], ids=["numpy", "own"])
def test_texts_of_other_kinds_are_built_and_told_as_the_texts_they_are(tmp_path, monkeypatch, text):
    monkeypatch.chdir(tmp_path)
    pl.DataFrame(ROWS).write_parquet("events.parquet")
    user = mlf.Entity(text("user"), join_key=text("key"), from_columns=[text("user_id"), text("shop")])

    def defined(text):
        @mlf.feature(
            source=mlf.Source(text("events.parquet")), entities=[user], timestamp=text("t"), name=text("f"),
            tags=[text("daily")], owner=text("me"), description=text("All."), tie_break=text("amount"),
            validators={text("amount"): mlf.validators.not_null()},
            derived={text("twice"): mlf.col(text("amount")) * 2},
            fields=[mlf.Field(text("amount"), description=text("Paid"), unit=text("EUR"))],
        )  # fmt: skip
        def f(df):
            return df

        risk = mlf.request_feature(
            text("risk"), inputs={text("n"): text("Int64")}, uses=[text("f")], tags=[text("x")],
            columns={text("more"): mlf.col("n") + 1},
        )  # fmt: skip
        return mlf.Definitions(text("shop"), features=[f, risk], store="store", online_store="online.db")

    defs = defined(text)
    defs.build().raise_for_failure()
    defs.publish().raise_for_failure()
    assert defined(str).build()["f"].status == "unchanged"
    meta = defs.metadata("f")
    assert (meta.tags, meta.owner, meta.description) == (("daily",), "me", "All.")
    row = {"user_id": text("ada"), "shop": np.int64(1), "n": np.int64(4)}
    found = defs.get_online_features([text("f"), text("risk")], [row])[0]
    assert (found["amount"], found["twice"], found["more"]) == (20, 40, 5)
    frame, lock = defs.get_training_data(
        pd.DataFrame([{**row, "at": datetime(2025, 3, 5)}]), ["f", "risk"], timestamp="at", with_lock=True
    )
    assert frame["twice"].tolist() == [40]
    lock.save("it.lock")
    assert Lock.load("it.lock") == lock


LISTS = [
    ["user_id", "shop"], np.array(["user_id", "shop"]), pd.Index(["user_id", "shop"]), pd.Series(["user_id", "shop"]),
    pl.Series(["user_id", "shop"]), pd.Categorical(["user_id", "shop"]), (Column.USER, np.str_("shop")),
]  # fmt: skip


@pytest.mark.parametrize("names", LISTS, ids=lambda names: type(names).__module__ + "." + type(names).__name__)
def test_names_may_stand_in_any_list(defs, names):
    made = mlf.feature(source="events.parquet", keys=names, tags=names, name="f")(lambda df: df)
    assert ([k.name for k in made.keys], made.tags) == (["user_id", "shop"], ("user_id", "shop"))
    assert mlf.Entity("e", join_key=names).join_key == ("user_id", "shop")
    assert {type(key.name) for key in made.keys} == {str}
    if type(names) is not pl.Series:
        assert mlf.Entity("e", join_key="k", from_columns=names).keys[0].sources == ("user_id", "shop")
    listed = np.array if isinstance(names, np.ndarray) else type(names)
    answer = defs.get_training_data(SPINE, listed(["both"]), full_names=True)
    assert answer[["by_user__amount__sum__7d", "by_shop__amount__sum__7d"]].to_numpy().tolist() == [[50, 15]]
    assert defs.read("by_user", columns=listed(["user_id", "t"])).columns == ["user_id", "t"]


def test_one_column_is_read_by_its_name(defs):
    assert defs.read("by_user", columns="amount__sum__7d").columns == ["amount__sum__7d"]


@pytest.mark.parametrize("version", ["1.0.0", np.str_("1.0.0")], ids=["text", "numpy"])
def test_a_feature_and_its_version_are_one_feature(defs, version):
    assert defs.get_training_data(SPINE, ("by_user", version))["amount__sum__7d"].tolist() == [50]
    found = defs.get_online_features(("by_user", version), [{"user_id": "ada"}])
    assert found[0]["user_id"] == "ada"
    assert [pin.text for pin in defs.lock(("by_user", version)).pins] == ["by_user@1.0.0"]
    two = defs.get_training_data(SPINE, ("by_user", "by_shop"), full_names=True)
    assert two.columns.tolist()[3:] == ["by_user__amount__sum__7d", "by_shop__amount__sum__7d"]


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@pytest.mark.parametrize(
    "table",
    [pd.DataFrame({"user_id": [None, None], "n": [1, 2]}), pl.DataFrame({"user_id": [None, None], "n": [1, 2]}),
     pd.DataFrame({"user_id": ["ada", "bo"], "n": [pd.NA, pd.NA]}), pl.DataFrame({"user_id": [None], "n": [None]})],
    ids=["pandas", "polars", "an input", "all"],
)  # fmt: skip
def test_a_column_of_nothing_but_nulls_is_null_online(defs, engine, table):
    found = defs.get_online_features(["by_user", "risk"], table, engine=engine)
    nobody = [value is None or value is pd.NA for value in found["amount__sum__7d"].to_list()]
    assert nobody == [value is None for value in table["user_id"].to_list()]
    assert len(found) == len(table)


def test_a_key_in_the_index_is_told_online(defs):
    with refused(Invalid, "'user_id'", "spine.reset_index('user_id')"):
        defs.get_online_features("by_user", SPINE.set_index("user_id"))


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda pin: Lock(), "Lock needs pins"),
        (lambda pin: Lock("by_user"), "Lock has pins='by_user'"),
        (lambda pin: Lock(("by_user",)), "Lock has pins=('by_user',)"),
        (lambda pin: Lock({"by_user": "1.0.0"}), "Lock has pins="),
        (lambda pin: Lock((pin,), pin=pin), "Lock has no pin="),
        (lambda pin: Lock((pin,), full_names="yes"), "full_names='yes'"),
        (lambda pin: Lock((pin,), requests=("risk",)), "requests=('risk',)"),
        (lambda pin: Pin("by_user", "1.0.0"), "Pin needs content_hash"),
        (lambda pin: Pin("by_user", 1, "", ()), "Pin has version=1"),
        (lambda pin: Pin("by_user", "1.0.0", None, ()), "Pin has content_hash=None"),
        (lambda pin: Pin("by_user", "1.0.0", "", "amount"), "Pin has columns='amount'"),
        (lambda pin: RequestPin("risk"), "RequestPin needs columns"),
    ],
)
def test_a_lock_that_is_made_by_hand_of_what_is_none_is_refused_in_words(defs, make, words):
    with refused(Invalid, words):
        make(defs.lock("by_user").pins[0])


def test_a_lock_that_is_made_by_hand_of_texts_of_numpy_is_a_lock(defs):
    pin = defs.lock("by_user").pins[0]
    made = Lock((Pin(np.str_(pin.name), np.str_(pin.version), np.str_(pin.content_hash), np.array(pin.columns)),))
    made.save("it.lock")
    assert defs.get_training_data(SPINE, lock="it.lock")["amount__sum__7d"].tolist() == [50]


@pytest.mark.parametrize(
    ("columns", "alias", "words"),
    [
        ((["first", "last"],), "k", "entity_key('first', 'last', alias="),
        ((np.array(["first", "last"]),), "k", "entity_key('first', 'last', alias="),
        ((1,), "k", "which is no column's name"),
        ((None,), "k", "which is no column's name"),
        ((pl.col("first"),), "k", "which is no column's name"),
        (("first",), None, "which is no column's name"),
        (("first",), "", "which is no column's name"),
        (("first",), "\ud800", "half a character"),
        (("first",), "first", "of itself"),
    ],
    ids=["list", "array", "number", "None", "expression", "no alias", "empty", "half", "itself"],
)
def test_an_entity_key_of_what_is_no_name_is_refused_where_it_is_made(columns, alias, words):
    with refused(Invalid, words):
        mlf.entity_key(*columns, alias=alias)


@pytest.mark.parametrize("values", ["refund", b"refund", None, 3, pd.NaT, pd.Timestamp("2026-01-01"), 1.5], ids=repr)
def test_is_in_takes_several_values(values):
    with refused(Invalid, "is_in takes several values", repr(values)):
        mlf.col("kind").is_in(values)
    assert mlf.col("kind").is_in(["refund"]).values == ("refund",)


@pytest.mark.parametrize(
    "bound", [np.array([1, 2]), pd.Series([1, 2]), pd.NA, pl.Series([1, 2])], ids=["array", "Series", "NA", "Polars"]
)
def test_a_bound_that_is_no_single_value_is_refused(bound):
    with refused(Invalid, "in_range"):
        mlf.validators.in_range(bound, bound)
