"""What is computed when somebody asks: derived columns, in training and in serving alike."""

from datetime import UTC, datetime

import duckdb
import polars as pl
import pytest
from polars.testing import assert_frame_equal

import mlforge as mlf
from mlforge import at, coalesce, col, days
from mlforge.errors import Invalid, NotFound
from mlforge.model.span import micros_of

NOON = datetime(2026, 1, 6, 12, tzinfo=UTC)
LABELS = pl.DataFrame({"user_id": ["a", "b", "nobody"], "label_time": [NOON, NOON, NOON]})
PAID = {
    "days_since": (at() - col("last_paid")) / days(1),
    "cents": coalesce(col("amount") * 100, 0),
    "day": col("last_paid").cast("Date"),
}


@mlf.feature(source="paid.parquet", keys="user_id", timestamp="paid_at", max_age="2d", derived=PAID)
def payments(df: pl.DataFrame) -> pl.DataFrame:
    return df.with_columns(last_paid=pl.col("paid_at"))


@mlf.feature(
    source="paid.parquet", keys="user_id", timestamp="paid_at", interval="1d",
    metrics=mlf.Sum("amount", windows=["1d", "7d"], name="spend"),
    derived={"share": col("spend_1d") / col("spend_7d"), "today": at().cast("Date").cast("Datetime")},
)  # fmt: skip
def spend(df):
    return df


def fresh(root, engine="polars", features=(payments, spend), **more):
    instants = [datetime(2026, 1, day, tzinfo=UTC) for day in (1, 5, 3)]
    paid = pl.DataFrame({"user_id": ["a", "a", "b"], "paid_at": instants, "amount": [1, 2, 3]})
    paid.write_parquet(root / "paid.parquet")
    return mlf.Definitions("shop", list(features), "store", "online.db", engine, root=root, **more)


@pytest.fixture(scope="module", params=["polars", "duckdb"])
def shop(request, tmp_path_factory):
    """A built and published project; not to be changed."""
    made = fresh(tmp_path_factory.mktemp(request.param), request.param)
    made.build().raise_for_failure()
    made.publish(as_of="2026-01-06").raise_for_failure()
    return made


def served(shop, features, rows, now=NOON, **how):
    with shop.online_reader(features, clock=lambda: micros_of(now), **how) as reader:
        return reader.read(rows)


def test_training_has_derived_columns_as_of_each_label(shop):
    found = shop.get_training_data(LABELS, ["payments", "spend"])
    assert found.columns[2:8] == ["amount", "last_paid", "days_since", "cents", "day", "spend_1d"]
    assert found["days_since"].to_list() == [1.5, None, None]
    assert found["cents"].to_list() == [200, 0, 0], "of what is too old and of whom nobody knows: over nulls"
    assert found["day"].to_list() == [datetime(2026, 1, 5).date(), None, None]
    assert found["share"].to_list() == [2 / 3, 0.0, None]


def test_what_is_served_is_what_training_has(shop):
    offline = shop.get_training_data(LABELS, ["payments", "spend"]).rows(named=True)
    online = served(shop, ["payments", "spend"], LABELS.to_dicts())
    columns = list(online.values[0])
    assert online.values == [{c: row[c] for c in columns} for row in offline]
    assert [s["payments"] for s in online.statuses] == ["present", "expired", "missing"]
    report = shop.replay(at=NOON)
    assert report.ok
    assert report["payments"].cells == 2 * 5


def test_derived_columns_are_chosen_without_what_they_are_made_of(shop):
    chosen = [mlf.FeatureSpec("payments", columns=["day", "amount"]), mlf.FeatureSpec("spend", columns="share")]
    found, lock = shop.get_training_data(LABELS, chosen, with_lock=True)
    assert found.columns == ["user_id", "label_time", "day", "amount", "share"]
    assert_frame_equal(shop.get_training_data(LABELS, lock), found)
    assert list(served(shop, chosen, LABELS.to_dicts()).values[0]) == ["day", "amount", "share"]
    named = shop.get_training_data(LABELS, mlf.FeatureSpec("spend", columns="share"), full_names=True)
    assert named.columns[2:] == ["spend__share"]
    with pytest.raises(NotFound, match="'shar'") as error:
        shop.get_training_data(LABELS, mlf.FeatureSpec("spend", columns="shar"))
    assert "share" in error.value.hint


def test_every_kind_of_spine_gets_them_behind_its_own_columns(shop):
    odd = LABELS.with_columns(thing=pl.struct(pl.col("user_id")), nothing=None)
    spec = mlf.FeatureSpec("payments", columns="days_since")
    for spine in (odd, odd.lazy(), odd.to_arrow(), odd.to_pandas()):
        found = shop.get_training_data(spine, spec, "label_time")
        assert type(found) is type(spine)
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'America/New_York'")
    relation = connection.from_arrow(odd.drop("nothing").to_arrow())
    found = pl.DataFrame(
        shop.get_training_data(relation, [spec, mlf.FeatureSpec("spend", columns="today")], "label_time")
    )
    assert found["days_since"].to_list() == [1.5, None, None]
    assert found["today"].to_list() == [datetime(2026, 1, 6, tzinfo=UTC)] * 3


def test_derived_columns_are_typed_and_told_and_not_stored(shop):
    meta = shop.metadata("payments")
    assert {c.name: c.dtype for c in meta.derived} == {"days_since": "Float64", "cents": "Int64", "day": "Date"}
    assert meta.expressions == PAID
    assert "cents" not in pl.DataFrame(shop.read("payments")).columns
    with shop.online_reader("spend") as reader:
        assert {c.name: c.dtype for c in reader.schema}["share"] == "Float64"


def test_explain_computes_them_of_the_row(shop):
    found = shop.explain("payments", {"user_id": "b"}, at=NOON, columns="cents")
    assert (found.values[0].answer, found.values[0].stored, found.values[0].agrees) == (0, 300, True)
    assert shop.explain("spend", {"user_id": "a"}, at=NOON, columns="share").windows[1].events.count == 2


def derived(**columns):
    return mlf.feature(source="paid.parquet", keys="user_id", timestamp="paid_at", name="f", derived=columns)(
        payments_of
    )


def payments_of(df: pl.DataFrame) -> pl.DataFrame:
    return df


def test_a_version_tells_what_changed_of_derived_columns(tmp_path):
    versions = []
    for columns in (
        {"a": col("amount") * 2},
        {"a": col("amount") * 2},
        {"a": col("amount") * 3},
        {"a": col("amount") * 3, "b": col("amount") > 1},
        {"a": col("amount") * 3.0, "b": col("amount") > 1},
        {"a": col("amount") * 3.0},
        {"a": col("amount") * 4.0},
    ):
        shop = fresh(tmp_path, features=[derived(**columns)]) if not versions else mlf.Definitions(
            "shop", [derived(**columns)], "store", root=tmp_path
        )  # fmt: skip
        planned = shop.build(dry_run=True)["f"]
        result = shop.build()["f"]
        versions.append((result.version, result.change.reason if result.change else None))
        assert result.change is None or planned.change.bump in (result.change.bump, "minor")
    assert versions == [
        ("1.0.0", "first_build"), ("1.0.0", None), ("1.1.0", "logic_changed"), ("1.2.0", "added_columns"),
        ("2.0.0", "changed_dtypes"), ("3.0.0", "removed_columns"), ("3.1.0", "logic_changed"),
    ]  # fmt: skip
    assert shop.diff("f", "1.2.0", "3.0.0").columns == {"a": ("Int64", "Float64"), "b": ("Boolean", None)}


@pytest.mark.parametrize(
    ("columns", "says", "hint"),
    [
        ({"x": col("amuont")}, "'amuont'", "Did you mean 'amount'"),
        ({"Amount": col("amount")}, "column 'amount'", "another name"),
        ({"x": col("amount") + "a"}, "x: add", "floats"),
        ({"x": at() - col("amount")}, "x: sub", "length"),
    ],
)
def test_what_cannot_be_derived_is_refused_before_anything_is_written(tmp_path, columns, says, hint):
    shop = fresh(tmp_path, features=[derived(**columns)])
    for result in (shop.build()["f"], shop.validate()["f"]):
        assert says in result.failure.message
        assert hint in result.failure.hint
    assert shop.list_versions("f") == []


def test_at_needs_a_time_to_ask_about(tmp_path):
    made = mlf.feature(source="paid.parquet", keys=["user_id", "paid_at"], name="f", derived={"now": at()})(payments_of)
    shop = fresh(tmp_path, features=[made])
    shop.build().raise_for_failure()
    spine = LABELS.rename({"label_time": "asked"}).with_columns(paid_at=datetime(2026, 1, 5, tzinfo=UTC))
    assert shop.get_training_data(spine, mlf.FeatureSpec("f", columns="now"))["now"].to_list() == [NOON] * 3
    with pytest.raises(Invalid, match="time") as error:
        shop.get_training_data(spine.drop("asked"), mlf.FeatureSpec("f", columns="now"))
    assert "timestamp=" in error.value.hint
