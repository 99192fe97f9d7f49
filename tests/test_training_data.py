"""Training data from a built store: the spine's own type, every row, in order, and nothing it could not have known."""

from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path

import duckdb
import msgspec
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from polars.testing import assert_frame_equal

import mlforge as mlf
from mlforge.errors import Invalid, NotFound
from mlforge.testing.refusals import refused


def at(day, hour=0):
    return datetime(2025, 1, day, hour, tzinfo=UTC)


@pytest.fixture
def defs(tmp_path):
    """Three built features: windows over visits, plain facts about users, and a surrogate key over names."""
    visits = pl.DataFrame(
        {
            "user_id": [1, 1, 2],
            "first": ["Ada", "Ada", None],
            "last": ["L", "L", "None"],
            "t": [at(1, 10), at(3), at(2, 1)],
            "amount": [1.0, 2.0, 4.0],
            "big": [2**60 + 1, 5, 7],
        }
    )
    visits.write_parquet(tmp_path / "visits.parquet")
    pl.DataFrame({"user_id": [1, 2], "country": ["UK", ""]}).write_parquet(tmp_path / "users.parquet")

    @mlf.feature(
        source="visits.parquet", keys="user_id", timestamp="t", interval="1d",
        metrics=[mlf.Sum("amount", windows=["1d", "7d"]), mlf.Max("big", windows="7d", name="big")],
    )  # fmt: skip
    def spend(df):
        return df

    @mlf.feature(source="users.parquet", keys="user_id")
    def users(df):
        return df

    person = mlf.Entity("person", join_key="person_id", from_columns=["first", "last"])

    @mlf.feature(source="visits.parquet", entities=[person], timestamp="t", max_age="2d")
    def last_visit(df):
        return df.select("first", "last", "t", last_amount="amount")

    made = mlf.Definitions("shop", features=[spend, users, last_visit], store=mlf.LocalStore("store"), root=tmp_path)
    made.build().raise_for_failure()
    return made


SPINE = pl.DataFrame(
    {
        "label": ["a", "b", "c", "d", "e", "f"],
        "user_id": [2, 1, 1, 3, None, 1],
        "when": [at(3), at(1, 12), at(12), at(5), at(5), None],
    }
)
SPEND_7D = [4.0, None, 0.0, None, None, None]


def test_every_row_comes_back_in_order_with_its_own_columns_first(defs):
    answer = defs.get_training_data(SPINE, ["spend", "users"])
    assert_frame_equal(answer.select(SPINE.columns), SPINE)
    assert answer.columns == [*SPINE.columns, "amount__sum__1d", "amount__sum__7d", "big_7d", "country"]
    assert answer["amount__sum__7d"].to_list() == SPEND_7D
    assert answer["country"].to_list() == ["", "UK", "UK", None, None, "UK"]


def test_a_lazy_spine_gives_a_lazy_answer(defs):
    answer = defs.get_training_data(SPINE.lazy(), ["spend"])
    assert isinstance(answer, pl.LazyFrame)
    assert answer.collect()["amount__sum__7d"].to_list() == SPEND_7D


def test_an_arrow_spine_gives_an_arrow_answer(defs):
    spine = SPINE.to_arrow()
    answer = defs.get_training_data(spine, ["spend"])
    assert isinstance(answer, pa.Table)
    assert answer.select(spine.column_names).equals(spine)
    assert answer["amount__sum__7d"].to_pylist() == SPEND_7D


def test_a_pandas_spine_gives_a_pandas_answer_with_its_own_index_and_types(defs):
    spine = SPINE.to_pandas().set_index(pd.Index([5, 3, 3, 1, 0, 9], name="row"))
    spine["kind"] = pd.Categorical(["x", "y", "x", "y", "x", "y"])
    spine["anything"] = [object()] * 6
    answer = defs.get_training_data(spine, ["spend", "users"])
    pd.testing.assert_frame_equal(answer[list(spine.columns)], spine)
    assert answer["amount__sum__7d"].fillna(-1).tolist() == [-1 if x is None else x for x in SPEND_7D]


@pytest.mark.parametrize(
    ("values", "kinds"),
    [([1, "2", None], "int, str"), ([b"a", 1, 2], "bytes, int"), ([2**70, 1, 2], "int"), ([{1}, 1, 2], "int, set")],
)
def test_a_pandas_column_of_mixed_objects_is_refused_by_name(defs, values, kinds):
    spine = pd.DataFrame({"user_id": pd.Series(values, dtype=object), "when": [at(2)] * 3})
    with refused(Invalid, "'user_id'", kinds, "spine"):
        defs.get_training_data(spine, ["spend"])
    with refused(Invalid, "'when'"):
        defs.get_training_data(spine.assign(user_id=1, when=[at(2), "x", 3]), ["spend"], timestamp="when")


def test_a_pandas_column_of_objects_of_one_type_is_read(defs):
    spine = pd.DataFrame({"user_id": pd.Series([1, 2, None], dtype=object), "when": [at(12), at(3), at(3)]})
    assert defs.get_training_data(spine, ["spend"])["amount__sum__7d"].fillna(-1).tolist() == [0.0, 4.0, -1]


@pytest.mark.parametrize(
    "times",
    [
        [date(2025, 1, 3), None],
        [at(3), None],
        [datetime(2025, 1, 3, 1, tzinfo=timezone(timedelta(hours=1))), pd.NaT],
        [pd.Timestamp(at(3)), None],
    ],
    ids=["dates", "times", "times of a zone", "timestamps"],
)
def test_a_pandas_column_of_times_as_objects_is_the_label_time(defs, times):
    spine = pd.DataFrame({"user_id": [2, 2], "note": ["a", None], "when": pd.Series(times, dtype=object)})
    assert [v if v == v else None for v in defs.get_training_data(spine, "spend")["amount__sum__7d"]] == [4.0, None]


NOON = datetime(2025, 1, 3, 12)
TOKYO = timezone(timedelta(hours=9))


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@pytest.mark.parametrize(
    ("times", "spent"),
    [
        ([date(2025, 1, 2), datetime(2025, 1, 4, 1)], [None, 4.0]),
        ([datetime(2025, 1, 10), date(2025, 1, 3)], [0.0, 4.0]),
        ([NOON, datetime(2025, 1, 3, 1, tzinfo=TOKYO)], [4.0, None]),
        ([pd.Timestamp(NOON, tz=TOKYO), NOON], [4.0, 4.0]),
        ([np.datetime64("2025-01-03T12:00"), np.datetime64("NaT")], [4.0, None]),
        ([np.datetime64("2025-01-03"), date(2025, 1, 2)], [4.0, None]),
        ([np.datetime64("2025-01-03T00:00", "ns"), NOON.replace(day=2, tzinfo=UTC)], [4.0, None]),
        ([datetime(2025, 1, 3, 0, 1, 30, tzinfo=timezone(timedelta(seconds=90))), None], [4.0, None]),
        ([pd.Timestamp("3000-01-01").as_unit("us"), pd.Timestamp("1000-01-01").as_unit("s")], [0.0, None]),
    ],
    ids=str,
)
def test_times_of_several_kinds_in_one_pandas_column_keep_their_hours(defs, engine, times, spent):
    spine = pd.DataFrame({"user_id": [2, 2], "when": pd.Series(times, dtype=object)})
    answer = defs.get_training_data(spine, "spend", engine=engine)
    assert [v if v == v else None for v in answer["amount__sum__7d"]] == spent
    pd.testing.assert_frame_equal(answer[["user_id", "when"]], spine)


@pytest.mark.parametrize(
    "time",
    [np.datetime64("20000-01-01", "s"), pd.Timestamp(np.datetime64("20000-01-01", "s")),
     datetime.max.replace(tzinfo=timezone(timedelta(hours=-5)))],
    ids=str,
)  # fmt: skip
def test_a_time_beyond_the_years_in_a_pandas_column_of_objects_is_refused(defs, time):
    spine = pd.DataFrame({"user_id": [2, 2], "when": pd.Series([time, at(3)], dtype=object)})
    with refused(Invalid, "'when'", "years 1 to 9999", "NaT"):
        defs.get_training_data(spine, "spend", timestamp="when")


@pytest.mark.parametrize(
    ("values", "words"),
    [(["a\ud800", "b"], "no Unicode"), ([2**70, 1], "do not fit 64 bits"), ([Path("a"), Path("b")], "PosixPath")],
    ids=["half a character", "a large integer", "paths"],
)
def test_what_a_pandas_column_of_one_kind_cannot_be_read_for_is_told(defs, values, words):
    spine = pd.DataFrame({"country": pd.Series(values, dtype=object), "when": [at(2)] * 2})
    with refused(Invalid, "'country'", words):
        defs.drift("users", frame=spine, columns=["country"])
    if words != "no Unicode":
        defs.drift("users", frame=spine.assign(country=spine["country"].astype("string")), columns=["country"])


def test_a_pandas_key_of_short_floats_joins_without_a_warning(defs):
    spine = pd.DataFrame({"user_id": np.array([2, np.nan], dtype="float16"), "when": [at(3)] * 2})
    assert defs.get_training_data(spine, "spend")["amount__sum__7d"].fillna(-1).tolist() == [4.0, -1]


def test_a_pandas_column_is_found_whatever_its_label_is(defs):
    spine = pd.DataFrame({"user_id": [1, 2], 7: [at(12), at(3)], 8: ["x", "y"]})
    answer = defs.get_training_data(spine, ["spend"], timestamp="7")
    assert answer["amount__sum__7d"].tolist() == [0.0, 4.0]
    pd.testing.assert_frame_equal(answer[["user_id", 7, 8]], spine)
    with refused(Invalid, "two columns of one name"):
        defs.get_training_data(spine.assign(**{"7": 1}), ["spend"], timestamp="7")


def test_a_sparse_pandas_column_is_read(defs):
    spine = pd.DataFrame({"user_id": pd.arrays.SparseArray([1, 2, 1]), "when": [at(12), at(3), at(12)]})
    answer = defs.get_training_data(spine, ["spend"])
    assert answer["amount__sum__7d"].tolist() == [0.0, 4.0, 0.0]
    pd.testing.assert_frame_equal(answer[["user_id", "when"]], spine)


@pytest.mark.parametrize("given", [pd.Series([at(3)], name="t"), pl.Series("t", [at(3)]), pl.col("t"), 5, at(3)])
def test_a_time_that_is_not_named_is_refused(defs, given):
    name = "t" if "Series" in type(given).__name__ else "label_time"
    with refused(Invalid, "not a column's name", f'timestamp="{name}"'):
        defs.get_training_data(SPINE, ["spend"], timestamp=given)


class Located(pd.DataFrame):
    """A frame as libraries that build on pandas have it, such as GeoPandas."""

    @property
    def _constructor(self):
        return Located


def test_a_subclass_of_a_pandas_frame_gives_one_of_its_kind(defs):
    spine = Located({"user_id": [1, 2], "when": [at(12), at(3)]}, index=[5, 6])
    answer = defs.get_training_data(spine, ["spend"])
    assert type(answer) is Located
    assert answer["amount__sum__7d"].to_dict() == {5: 0.0, 6: 4.0}
    with refused(Invalid, "String", 'spine["user_id"].astype("Int64")'):
        defs.get_training_data(spine.assign(user_id=["1", "2"]), ["spend"])


def test_what_a_pandas_spine_has_in_its_index_is_told(defs):
    spine = pd.DataFrame({"user_id": [1, 2], "t": [at(12), at(3)], "y": [0, 1]})
    with refused(Invalid, "'user_id'", "spine.reset_index('user_id')"):
        defs.get_training_data(spine.set_index("user_id"), ["spend"])
    with refused(Invalid, "time", "spine.reset_index('t')"):
        defs.get_training_data(spine.set_index("t"), ["spend"])
    with refused(Invalid, "'t'", "spine.reset_index('t')"):
        defs.get_training_data(spine.set_index(["user_id", "t"]), ["spend"], timestamp="t")
    both = spine.set_index(["user_id", "t"]).reset_index("user_id").reset_index("t")
    assert defs.get_training_data(both, ["spend"])["amount__sum__7d"].tolist() == [0.0, 4.0]


def test_a_column_of_a_type_that_no_engine_knows_is_refused(defs):
    encoded = pc.run_end_encode(pa.array([1, 1, 2]))
    spine = pa.table({"user_id": encoded, "when": pa.array([at(12)] * 3)})
    for engine in ("polars", "duckdb"):
        with refused(Invalid, "Arrow stream cannot be read"):
            defs.get_training_data(spine, ["spend"], engine=engine)


class Breaking:
    """A stranger's frame, of which a row cannot be streamed."""

    def __arrow_c_stream__(self, requested_schema=None):
        raise AssertionError("tz")


def test_a_frame_that_breaks_while_it_is_read_is_told_by_its_type(defs):
    with pytest.raises(Invalid, match=r"^A Breaking cannot be read as a spine: AssertionError: tz\. Convert") as broken:
        defs.get_training_data(Breaking(), ["users"])
    assert broken.value.hint == "Convert it to a pandas or pyarrow table first."


def test_an_integer_beyond_2_53_survives_pandas(defs):
    spine = pd.DataFrame({"user_id": [1, 3], "when": [at(2), at(2)]})
    answer = defs.get_training_data(spine, ["spend"])
    assert answer["big_7d"].tolist() == [2**60 + 1, pd.NA]


def test_a_pandas_key_that_a_missing_value_made_a_float_still_joins(defs):
    spine = pd.DataFrame({"user_id": [2, None], "when": [at(3), at(3)]})
    assert spine["user_id"].dtype == "float64"
    assert defs.get_training_data(spine, ["spend"])["amount__sum__7d"].tolist()[0] == 4.0


@pytest.mark.parametrize("zone", [None, timezone(timedelta(hours=9)), UTC], ids=str)
def test_label_times_in_any_zone_mean_their_instant(defs, zone):
    instant = at(3)
    spine = pd.DataFrame({"user_id": [2], "when": [instant.astimezone(zone) if zone else instant.replace(tzinfo=None)]})
    assert defs.get_training_data(spine, ["spend"])["amount__sum__7d"].tolist() == [4.0]


def test_label_times_may_be_text(defs):
    spine = SPINE.with_columns(pl.col("when").dt.strftime("%d.%m.%Y %H:%M"))
    label = mlf.Timestamp("when", format="%d.%m.%Y %H:%M")
    assert defs.get_training_data(spine, ["spend"], label)["amount__sum__7d"].to_list() == SPEND_7D


def test_an_empty_spine_gives_an_empty_answer_with_all_columns(defs):
    answer = defs.get_training_data(SPINE.clear(), ["spend", "users"])
    assert answer.height == 0
    assert answer.width == SPINE.width + 4


def test_duplicate_rows_of_the_spine_are_all_answered(defs):
    twice = pl.concat([SPINE, SPINE])
    answer = defs.get_training_data(twice, ["spend"])
    assert answer["amount__sum__7d"].to_list() == SPEND_7D * 2


def test_a_surrogate_key_is_made_of_the_spines_columns_and_does_not_stay(defs):
    spine = pl.DataFrame({"first": ["Ada", None, None, "Ada"], "last": ["L", "None", None, "l"], "when": [at(4)] * 4})
    answer = defs.get_training_data(spine, ["last_visit"])
    assert answer.columns == ["first", "last", "when", "last_amount"]
    assert answer["last_amount"].to_list() == [2.0, 4.0, None, None]


def test_values_older_than_max_age_are_null_to_the_microsecond(defs):
    edge = at(5)  # two days after the visit on the third
    spine = pl.DataFrame({"first": ["Ada"] * 2, "last": ["L"] * 2, "when": [edge, edge + timedelta(microseconds=1)]})
    assert defs.get_training_data(spine, ["last_visit"])["last_amount"].to_list() == [2.0, None]


def test_entity_df_says_the_same_as_spine(defs):
    assert_frame_equal(
        defs.get_training_data(entity_df=SPINE, features=["spend"]), defs.get_training_data(SPINE, ["spend"])
    )
    with pytest.raises(Invalid, match="spine"):
        defs.get_training_data(SPINE, ["spend"], entity_df=SPINE)


def test_the_definitions_are_not_needed(defs):
    store = mlf.LocalStore(str(defs.root / "store"))
    assert mlf.get_training_data(SPINE, "spend", store=store)["amount__sum__7d"].to_list() == SPEND_7D


def test_columns_may_be_chosen(defs):
    answer = defs.get_training_data(
        SPINE, [mlf.FeatureSpec("spend", columns=["amount__sum__7d"]), defs.feature("users")]
    )
    assert answer.columns == [*SPINE.columns, "amount__sum__7d", "country"]
    with pytest.raises(NotFound, match="amount__sum__8d"):
        defs.get_training_data(SPINE, [mlf.FeatureSpec("spend", columns=["amount__sum__8d"])])


def test_a_pinned_version_is_the_one_that_is_used(defs):
    pl.DataFrame({"user_id": [1, 2], "country": ["FR", "FR"]}).write_parquet(defs.root / "users.parquet")
    defs.build("users").raise_for_failure()
    new, old = (defs.get_training_data(SPINE, [f])["country"].to_list()[1] for f in ("users", ("users", "1.0.0")))
    assert (new, old) == ("FR", "UK")
    assert defs.get_training_data(SPINE, ["users@1.0.0"])["country"].to_list()[1] == "UK"


def test_a_lock_makes_the_same_set_again(defs, tmp_path):
    first = defs.get_training_data(SPINE, ["spend", "users"], with_lock=True)
    first.lock.save(tmp_path / "train.lock.json")
    pl.DataFrame({"user_id": [1, 2], "country": ["FR", "FR"]}).write_parquet(defs.root / "users.parquet")
    defs.build("users").raise_for_failure()
    again = defs.get_training_data(SPINE, mlf.Lock.load(tmp_path / "train.lock.json"))
    assert_frame_equal(again, first.frame)


def test_a_lock_notices_that_a_version_is_not_what_it_was(defs):
    lock = defs.get_training_data(SPINE, ["users"], with_lock=True).lock
    changed = msgspec.structs.replace(lock, pins=(msgspec.structs.replace(lock.pins[0], content_hash="0" * 64),))
    with pytest.raises(Invalid, match="users"):
        defs.get_training_data(SPINE, changed)


def test_two_features_with_one_column_name_are_an_error_that_names_both(defs):
    with pytest.raises(Invalid, match="'spend' is asked for twice"):
        defs.get_training_data(SPINE, ["spend", ("spend", "1.0.0")])
    with pytest.raises(Invalid, match="The spine and 'users'.*country") as error:
        defs.get_training_data(SPINE.with_columns(country=pl.lit("x")), ["users"])
    assert "full_names" in error.value.hint


def test_full_names_say_which_feature_a_column_is_of(defs):
    answer = defs.get_training_data(SPINE.with_columns(country=pl.lit("x")), ["users"], full_names=True)
    assert answer.columns[-1] == "users__country"


@pytest.mark.parametrize(
    ("spine", "words"),
    [
        (SPINE.drop("user_id"), ["user_id", "label"]),
        (SPINE.drop("when"), ["time", "timestamp="]),
        (SPINE.with_columns(other="when"), ["label_time", "when, other"]),
        (SPINE.with_columns(t=pl.lit("2020-01-01")), ["label_time", "when"]),
        (SPINE.with_columns(user_id=pl.col("user_id").cast(pl.String)), ["user_id", "String", "Int64"]),
        ([1, 2], ["list"]),
        ({"user_id": [1]}, ["dict"]),
    ],
    ids=["no key", "no time", "two times", "a time and a text of the stamp's name", "another type", "a list", "a dict"],
)
def test_a_spine_that_does_not_fit_is_refused(defs, spine, words):
    with pytest.raises(Invalid) as error:
        defs.get_training_data(spine, ["spend"])
    for word in words:
        assert word in str(error.value)


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@pytest.mark.parametrize("lazy", [False, True])
@pytest.mark.parametrize(
    "column",
    [
        pl.Series("user_id", [1] * 6, dtype=pl.Int128),
        pl.Series("when", [2**62] * 6).cast(pl.Datetime("us")),
    ],
    ids=["a type", "a time"],
)
def test_what_is_wrong_with_a_spine_is_to_be_mended_in_the_spine(defs, engine, lazy, column):
    spine = SPINE.with_columns(column)
    with pytest.raises(Invalid, match=column.name) as error:
        defs.get_training_data(spine.lazy() if lazy else spine, "spend", engine=engine)
    assert "function" not in error.value.hint


def test_features_that_were_not_built_are_named(defs):
    with pytest.raises(NotFound, match="spnd"):
        defs.get_training_data(SPINE, ["spnd"])
    with pytest.raises(NotFound, match=r"9\.9\.9"):
        defs.get_training_data(SPINE, [("spend", "9.9.9")])
    with pytest.raises(Invalid, match="No feature"):
        defs.get_training_data(SPINE, [])
    with pytest.raises(Invalid, match="5"):
        defs.get_training_data(SPINE, [5])


def test_a_feature_without_time_needs_no_label_time(defs):
    assert defs.get_training_data(pl.DataFrame({"user_id": [2]}), ["users"])["country"].to_list() == [""]


def test_a_struct_column_of_the_spine_is_left_alone(defs):
    spine = SPINE.with_columns(extra=pl.struct("label", "user_id"))
    assert_frame_equal(defs.get_training_data(spine, ["spend"]).select("extra"), spine.select("extra"))


@pytest.mark.parametrize("other", ["{'a': 1}", "NULL", "1::HUGEINT", "MAP {1: 2}"])
def test_a_column_of_a_relation_that_no_feature_can_hold_is_left_alone(defs, other):
    with duckdb.connect() as connection:
        spine = connection.sql(f"SELECT 2 AS user_id, TIMESTAMP '2025-01-03' AS day, {other} AS other")
        answer = defs.get_training_data(spine, "spend", engine="duckdb").pl()
    assert answer.columns[:4] == ["user_id", "day", "other", "amount__sum__1d"]
    assert answer["amount__sum__7d"].to_list() == [4.0]


def test_a_pandas_key_too_large_for_a_float_is_refused_rather_than_mistaken(defs):
    spine = pd.DataFrame({"user_id": [2.0**53, None], "when": [at(3), at(3)]})
    with pytest.raises(Invalid, match="user_id"):
        defs.get_training_data(spine, ["spend"])


def test_a_lock_that_is_not_there_is_an_error(tmp_path):
    with pytest.raises(NotFound, match="nowhere"):
        mlf.Lock.load(tmp_path / "nowhere.json")
