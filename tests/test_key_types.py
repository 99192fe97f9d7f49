"""A surrogate key is asked for with columns of the types it was made of: anything else is an error, never nulls."""

import json
from datetime import UTC, date, datetime

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import mlforge as mlf
from mlforge.errors import Invalid
from mlforge.testing.refusals import refused

AT = datetime(2025, 1, 1, tzinfo=UTC)
PLACE = mlf.Entity("place", join_key="place_id", from_columns=["country", "zip"])
PLACES = pl.DataFrame({"country": ["CH", "CH", None], "zip": [3000, 8000, 1], "t": [AT] * 3, "people": [1, 2, 3]})
WRONG = pl.DataFrame({"country": ["CH"], "zip": ["3000"], "at": [AT]})


@pytest.fixture(params=["polars", "duckdb"])
def build(request, tmp_path):
    """Build `places` with one of the engines, from rows."""

    def made(rows=PLACES, function=lambda df: df, **changes):
        rows.write_parquet(tmp_path / "places.parquet")
        given = {"source": "places.parquet", "entities": [PLACE], "timestamp": "t", "engine": request.param} | changes
        online = mlf.SQLiteOnlineStore("online.db")
        feature = mlf.feature(**given, name="places")(function)
        store = mlf.LocalStore("store")
        defs = mlf.Definitions("m", features=[feature], store=store, root=tmp_path, online_store=online)
        defs.build().raise_for_failure()
        return defs

    made.engine = request.param
    return made


def people(defs, spine, engine):
    """What a spine is answered."""
    return defs.get_training_data(spine, "places", timestamp="at", engine=engine)["people"].to_list()


@pytest.mark.parametrize("frame", [lambda df: df, pl.DataFrame.lazy, pl.DataFrame.to_arrow, pl.DataFrame.to_pandas])
def test_text_for_integers_is_refused_in_every_kind_of_spine(build, frame):
    with refused(Invalid, "'zip'", "String", "Int64", "place_id", "places", "Cast"):
        build().get_training_data(frame(WRONG), "places", timestamp="at", engine=build.engine)


def test_it_is_refused_in_a_relation_of_duckdb(build):
    defs = build()
    with duckdb.connect() as connection, refused(Invalid, "'zip'", "String", "Int64", "place_id"):
        relation = connection.sql("SELECT 'CH' AS country, '3000' AS zip, TIMESTAMP '2025-01-02' AS at")
        defs.get_training_data(relation, "places", timestamp="at", engine="duckdb")


@pytest.mark.parametrize("dtype", [pl.Int8, pl.Int32, pl.UInt64])
def test_integers_of_any_width_and_nulls_are_as_good(build, dtype):
    defs = build(PLACES.with_columns(zip=pl.Series([3, 8, 1])))
    spine = pl.DataFrame({"country": ["CH", None], "zip": pl.Series([8, 1], dtype=dtype), "at": [AT, AT]})
    assert people(defs, spine, build.engine) == [2, 3]
    assert people(defs, spine.with_columns(country=None), build.engine) == [None, 3]


def test_categories_are_text(build):
    spine = WRONG.with_columns(pl.col("country").cast(pl.Categorical), zip=3000)
    assert people(build(), spine, build.engine) == [1]


def test_the_key_itself_needs_none_of_its_columns(build):
    spine = WRONG.with_columns(place_id=pl.lit(mlf.surrogate_key("CH", 8000)))
    assert people(build(), spine, build.engine) == [2]


@pytest.mark.parametrize("drop", [[], ["place_id"]], ids=["made of the source", "made of what the function returns"])
def test_the_types_are_those_that_the_key_was_made_of(build, drop):
    defs = build(function=lambda df: df.with_columns(pl.col("zip").cast(pl.String)).drop(drop))
    meta = json.loads((defs.root / "store/places/1.0.0/.meta.json").read_text())
    assert meta["key_types"] == {"place_id": {"country": "String", "zip": "String" if drop else "Int64"}}
    right = WRONG if drop else WRONG.with_columns(zip=3000)
    assert people(defs, right, build.engine) == [1]


def test_a_key_that_the_function_makes_may_be_of_anything(build):
    key = mlf.entity_key("country", "zip", alias="place_id")
    as_text = pl.col("code").cast(pl.String).alias("zip")
    defs = build(PLACES.rename({"zip": "code"}), lambda df: df.with_columns(as_text).pipe(key).drop("zip"))
    assert people(defs, WRONG, build.engine) == [1]


def test_a_version_of_an_earlier_mlforge_is_still_read(build):
    defs = build()
    path = defs.root / "store/places/1.0.0/.meta.json"
    meta = json.loads(path.read_text())
    del meta["key_types"], meta["crc"]
    path.write_text(json.dumps(meta))
    assert people(defs, WRONG.with_columns(zip=3000), build.engine) == [1]
    assert people(defs, WRONG, build.engine) == [None]


def test_other_types_make_a_major_version(build):
    defs = build()
    PLACES.with_columns(pl.col("zip").cast(pl.String)).write_parquet(defs.root / "places.parquet")
    change = defs.build().raise_for_failure()["places"].change
    assert (defs.latest("places"), change.reason) == ("2.0.0", "changed_dtypes")
    assert change.details == ("place_id(zip): Int64 → String",)
    assert people(defs, WRONG, build.engine) == [1]


def test_an_increment_whose_keys_would_be_others_is_refused(build):
    defs = build()
    later = PLACES.with_columns(pl.col("zip").cast(pl.String), t=datetime(2025, 1, 5, tzinfo=UTC))
    later.write_parquet(defs.root / "places.parquet")
    (result,) = defs.build(since="2025-01-04").failed
    for word in ("'zip'", "Int64", "String", "1.0.0", "place_id"):
        assert word in result.failure.message
    assert "--full-refresh" in result.failure.hint


@pytest.mark.parametrize(
    "entities", [[{"country": "CH", "zip": "3000"}], WRONG.drop("at"), WRONG.drop("at").to_pandas()]
)
def test_online_too(build, entities):
    defs = build()
    defs.publish(as_of=AT).raise_for_failure()
    with refused(Invalid, "'zip'", "'3000'", "Int64", "place_id", "int"):
        defs.get_online_features("places", entities)
    right = pl.DataFrame({"country": ["CH", None], "zip": pl.Series([8000, 1], dtype=pl.Int16)})
    assert defs.get_online_features("places", right)["people"].to_list() == [2, 3]


def test_a_date_is_no_time(build):
    days = PLACES.rename({"zip": "day"}).with_columns(day=pl.Series([date(2025, 1, d) for d in (1, 2, 3)]))
    shift = mlf.Entity("shift", join_key="shift_id", from_columns="day")
    defs = build(days, entities=[shift])
    spine = pd.DataFrame({"day": [pd.Timestamp(2025, 1, 2)], "at": [pd.Timestamp(AT)]})
    with refused(Invalid, "'day'", "Datetime", "Date", "shift_id"):
        defs.get_training_data(spine, "places", timestamp="at", engine=build.engine)


@pytest.mark.parametrize("missing", [None, pd.NaT, pd.NA, np.datetime64("NaT", "us")], ids=repr)
def test_what_pandas_writes_for_no_value_is_the_null_that_a_key_is_made_of(build, missing):
    defs = build(PLACES.with_columns(zip=pl.Series([AT, datetime(2025, 1, 2, tzinfo=UTC), None])))
    defs.publish(as_of=AT).raise_for_failure()
    assert defs.get_online_features("places", [{"country": None, "zip": missing}])[0]["people"] == 3
    told = defs.explain("places", {"country": None, "zip": missing}, at=AT)
    assert told.status == "row"
    assert told.agrees


OTHERS = {
    "Int64": (pl.Series([1]), pl.Series(["1"])),
    "UInt8": (pl.Series([1], dtype=pl.UInt8), pl.Series(["1"])),
    "String": (pl.Series(["1"]), pl.Series([1])),
    "Boolean": (pl.Series([True]), pl.Series([1])),
    "Date": (pl.Series([date(2025, 1, 1)]), pl.Series([datetime(2025, 1, 1)])),
    "Datetime": (pl.Series([AT]), pl.Series([date(2025, 1, 1)])),
    "Binary": (pl.Series([b"1"]), pl.Series(["1"])),
}


def to_objects(df):
    """A pandas table in which dates are Python's own."""
    return pd.DataFrame(df.to_dict(as_series=False))


@pytest.mark.parametrize("frame", [lambda df: df, pl.DataFrame.to_arrow, to_objects])
@pytest.mark.parametrize(("mine", "other"), OTHERS.values(), ids=OTHERS)
def test_the_way_out_of_another_type_is_written_as_people_write_it_for_their_frame(build, frame, mine, other):
    plan = pl.DataFrame({"country": mine, "t": [AT], "people": [7]})
    defs = build(plan, entities=None, keys="country", timestamp=None, function=lambda df: df.drop("t"))
    spine = frame(pl.DataFrame({"country": other}))
    with pytest.raises(Invalid, match="in the spine and") as error:
        defs.get_training_data(spine, "places", engine=build.engine)
    typed = error.value.hint.removeprefix("Cast it in the spine: ").removesuffix(".")
    known = {"spine": spine, "pl": pl, "pd": pd, "pa": pa}
    exec(typed if isinstance(spine, pd.DataFrame) else f"spine = {typed}", known)
    answer = defs.get_training_data(known["spine"], "places", engine=build.engine)
    assert pl.Series(answer["people"]).to_list() == [7]
