"""Explaining a value: which row, why it stands there, what it is made of, and what is noticed when it is not true."""

import json
import math
from datetime import UTC, date, datetime, timedelta, timezone

import duckdb
import polars as pl
import pytest

import mlforge as mlf
from mlforge.errors import Invalid, NotFound, Unknown

START = datetime(2025, 1, 1, tzinfo=UTC)


def at(day, hour=0, minute=0):
    return START + timedelta(days=day - 1, hours=hour, minutes=minute)


@pytest.fixture
def write(tmp_path):
    """Write events.parquet anew."""

    def write(amounts=(1.0, 2.0, 4.0, 8.0), **columns):
        times = [at(1, 10), at(3), at(3), at(2, 1)]
        people = {"user_id": [1, 1, 1, 2], "first": ["Ada", "Ada", "Ada", None], "last": ["L", "L", "L", "None"]}
        pl.DataFrame(people | columns | {"t": times, "amount": list(amounts)}).write_parquet(
            tmp_path / "events.parquet"
        )

    write()
    return write


@pytest.fixture
def project(tmp_path, write):
    """A project with one feature `f`, as asked, not built."""

    def made(function=lambda df: df, root=tmp_path, **how):
        settings = {"source": "events.parquet", "keys": "user_id", "timestamp": "t", "name": "f"} | how
        feature = mlf.feature(**settings)(function)
        return mlf.Definitions("shop", features=[feature], store=mlf.LocalStore("store"), root=root)

    return made


@pytest.fixture
def build(project):
    """The same, built."""

    def made(function=lambda df: df, **how):
        defs = project(function, **how)
        defs.build().raise_for_failure()
        return defs

    return made


SUMS = mlf.Sum("amount", windows=["1d", "7d"])
DAILY = {"interval": "1d", "metrics": SUMS}


def told(found):
    return {v.column: (v.answer, v.stored, v.recomputed, v.agrees) for v in found.values}


def fine(value):
    return (value, value, value, True)


# The row, the windows, the events


def test_the_row_the_windows_and_their_events_are_shown(build):
    found = build(**DAILY).explain("f", {"user_id": 1}, at(4, 12))
    assert (found.status, found.stamp, found.until, found.first) == ("row", at(4), at(5), at(2))
    assert (found.entered, found.left, found.agrees) == (2, {}, True)
    assert told(found) == {"amount__sum__1d": fine(6.0), "amount__sum__7d": fine(7.0)}
    day, week = found.windows
    assert (day.window, day.start, day.end, day.closed) == ("1d", at(3), at(4), "left")
    assert day.events.first == ({"t": at(3), "amount": 2.0}, {"t": at(3), "amount": 4.0})
    assert (week.start, week.end, week.events.count) == (START - timedelta(days=4), at(4), 3)


def test_without_an_interval_the_window_ends_with_the_instant_and_holds_it(build):
    found = build(metrics=SUMS).explain("f", {"user_id": 1}, at(4))
    assert (found.status, found.stamp, found.entered, found.left) == ("row", at(4), 0, {"1d": 2})
    assert [(w.start, w.end, w.closed, w.events.count) for w in found.windows] == [
        (at(3), at(4), "right", 0),
        (at(4) - timedelta(days=7), at(4), "right", 3),
    ]
    assert told(found)["amount__sum__1d"] == fine(0.0)


def test_a_row_at_the_end_of_a_window_says_what_left(build):
    found = build(**DAILY).explain("f", {"user_id": 1}, "2025-02-01")
    assert (found.stamp, found.until, found.entered, found.left) == (at(11), None, 0, {"7d": 2})
    assert found.why == "The row stamped 2025-01-11 00:00:00: 2 events left the 7d window."
    assert [w.events.count for w in found.windows] == [0, 0]


def test_of_many_events_the_first_and_the_last_five_are_shown(build, write, tmp_path):
    days = [START + timedelta(hours=h) for h in reversed(range(12))]
    pl.DataFrame({"user_id": [1] * 12, "t": days, "amount": range(12)}).write_parquet(tmp_path / "events.parquet")
    (window,) = build(metrics=mlf.Sum("amount", windows="7d")).explain("f", {"user_id": 1}, at(2)).windows
    assert window.events.count == 12
    assert [e["t"] for e in window.events.first] == sorted(days)[:5]
    assert [e["t"] for e in window.events.last] == sorted(days)[-5:]


def test_an_event_is_shown_with_every_column_that_the_window_aggregates(build):
    metrics = [
        mlf.Count(windows="7d", name="n"),
        mlf.Mean(mlf.col("amount") * mlf.col("user_id"), windows="7d", name="weighted"),
        mlf.Count(windows="1d", name="n"),
    ]
    day, week = build(interval="1d", metrics=metrics).explain("f", {"user_id": 2}, at(3)).windows
    assert day.events.first == ({"t": at(2, 1)},)
    assert week.events.first == ({"t": at(2, 1), "amount": 8.0, "user_id": 2},)


def test_windows_of_some_events_of_all_and_of_those_before_are_told_apart(build):
    large, before = mlf.col("amount") > 1, mlf.Window("1d", offset="1d")
    metrics = [
        mlf.Sum("amount", windows="1d", where=large, name="large"),
        mlf.Sum("amount", windows=["1d", "all", before], name="spend"),
        mlf.Formula("trend", mlf.agg("sum", "amount", "1d") / mlf.agg("sum", "amount", before)),
    ]
    defs = build(interval="1d", metrics=metrics)
    found = defs.explain("f", {"user_id": 1}, at(3, 12))
    assert (found.stamp, found.agrees) == (at(3), True)
    assert told(found) == {
        "large_1d": fine(0.0), "spend_1d": fine(0.0), "spend_all": fine(1.0),
        "spend_1d_offset_1d": fine(1.0), "trend": fine(0.0),
    }  # fmt: skip
    seen = {w.window: (w.start, w.end, w.events.count) for w in found.windows}
    assert seen["1d_offset_1d"] == (at(1), at(2), 1)
    assert seen["all"] == (None, at(3), 1)
    later = defs.explain("f", {"user_id": 1}, at(5, 12))
    assert (later.stamp, later.left, later.agrees) == (at(5), {"1d": 2}, True)
    assert told(later)["spend_1d_offset_1d"] == fine(6.0)


def test_only_the_columns_that_are_asked_for_are_explained(build):
    defs = build(**DAILY)
    for words in ({"columns": "amount__sum__7d"}, {"columns": ["amount__sum__7d"]}):
        found = defs.explain("f", {"user_id": 1}, at(4), **words)
        assert list(told(found)) == ["amount__sum__7d"]
        assert [w.window for w in found.windows] == ["7d"]
    assert told(defs.explain(mlf.FeatureSpec("f", columns="amount__sum__1d"), {"user_id": 1}, at(4))).keys() == {
        "amount__sum__1d"
    }


def test_before_the_first_row_there_is_none_yet(build):
    found = build(**DAILY).explain("f", {"user_id": 1}, at(1, 23))
    assert (found.status, found.stamp, found.first, found.until) == ("early", None, at(2), at(2))
    assert "2025-01-02" in found.why
    assert told(found)["amount__sum__7d"] == fine(None)


def test_an_entity_nobody_knows_has_no_row(build):
    found = build(**DAILY).explain("f", {"user_id": 3}, at(4))
    assert (found.status, found.stamp, found.first, found.agrees) == ("unknown", None, None, True)


def test_a_value_older_than_max_age_is_stored_and_not_answered(build):
    defs = build(max_age="2d", tie_break="amount")
    edge = at(5)
    assert defs.explain("f", {"user_id": 1}, edge).status == "row"
    found = defs.explain("f", {"user_id": 1}, edge + timedelta(microseconds=1), columns="amount")
    assert (found.status, found.agrees) == ("expired", True)
    assert told(found) == {"amount": (None, 4.0, 4.0, True)}
    assert "max_age, 2d" in found.why


def test_without_windows_the_rows_of_the_function_are_shown(build):
    found = build(tie_break="amount").explain("f", {"user_id": 1}, at(4), columns="amount")
    assert (found.stamp, found.windows, found.rows.count) == (at(3), (), 2)
    assert [row["amount"] for row in found.rows.first] == [2.0, 4.0]
    assert told(found) == {"amount": fine(4.0)}


def test_a_feature_without_time_has_one_row_at_every_instant(build):
    latest = lambda df: df.group_by("user_id").agg(pl.col("amount").max())  # noqa: E731
    found = build(latest, timestamp=None).explain("f", {"user_id": 1}, "1999-01-01")
    assert (found.status, found.stamp, told(found)) == ("row", None, {"amount": fine(4.0)})
    assert "no time" in found.why
    assert build(latest, timestamp=None).explain("f", {"user_id": 5}).status == "unknown"


# Asking


@pytest.mark.parametrize(
    "when",
    [at(3), "2025-01-03", "2025-01-03T00:00", "2025-01-03 00:00:00", "2025-01-03T02:00+02:00", "2025-01-03T00:00Z",
     date(2025, 1, 3), datetime(2025, 1, 3), datetime(2025, 1, 3, 9, tzinfo=timezone(timedelta(hours=9)))],
    ids=repr,
)  # fmt: skip
def test_an_instant_may_be_written_with_a_zone_as_a_date_or_in_utc(build, when):
    found = build(**DAILY).explain("f", {"user_id": 1}, when)
    assert found.at == at(3)
    assert told(found)["amount__sum__7d"] == fine(1.0)


def test_without_an_instant_it_is_now(build):
    found = build(**DAILY).explain("f", {"user_id": 1})
    assert abs(datetime.now(UTC) - found.at) < timedelta(minutes=5)


def test_a_version_may_be_named_in_any_way(build, write):
    build(**DAILY)
    write((10.0, 10.0, 10.0, 10.0))
    defs = build(**DAILY)
    assert defs.explain("f", {"user_id": 1}, at(4)).version == "1.0.1"
    for words in ({"feature": "f@1.0.0"}, {"feature": ("f", "1.0.0")}, {"feature": "f", "version": "1.0.0"}):
        found = defs.explain(**words, key={"user_id": 1}, at=at(4))
        assert (found.version, found.values[1].stored) == ("1.0.0", 7.0)


KEYS = {
    "Int8": (pl.Series([1, -2, 3, 4], dtype=pl.Int8), -2, "-2"),
    "UInt64": (pl.Series([1, 2**64 - 1, 3, 4], dtype=pl.UInt64), 2**64 - 1, str(2**64 - 1)),
    "String": (pl.Series(["1", "a=b,c", "", "é"]), "a=b,c", "a=b,c"),
    "a category": (pl.Series(["1", "a", "", "é"], dtype=pl.Categorical), "a", "a"),
    "Boolean": (pl.Series([True, False, True, True]), False, "False"),
    "Date": (pl.Series([date(2025, 1, d) for d in (1, 2, 3, 4)]), date(2025, 1, 2), "2025-01-02"),
    "Datetime": (pl.Series([at(d) for d in (1, 2, 3, 4)]), at(2), "2025-01-02T01:00+01:00"),
    "a time in milliseconds": (
        pl.Series([at(d) for d in (1, 2, 3, 4)]).cast(pl.Datetime("ms", "Asia/Tokyo")),
        datetime(2025, 1, 2), "2025-01-02",
    ),
    "Binary": (pl.Series([b"", b"\x00\xff", b"a", b"b"]), b"\x00\xff", "00ff"),
}  # fmt: skip


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@pytest.mark.parametrize(("column", "value", "text"), KEYS.values(), ids=KEYS)
def test_a_key_of_any_type_may_be_given_as_it_is_or_as_text(build, write, engine, column, value, text):
    write(key=column)
    defs = build(keys="key", tie_break="amount", engine=engine)
    for given in (value, text):
        found = defs.explain("f", {"key": given}, at(9), columns="amount")
        assert told(found) == {"amount": fine(2.0)}, found


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_a_composite_key_needs_all_its_parts(build, engine):
    defs = build(keys=["user_id", "first"], engine=engine, **DAILY)
    assert told(defs.explain("f", {"first": "Ada", "user_id": "1"}, at(4)))["amount__sum__7d"] == fine(7.0)
    with pytest.raises(Invalid, match="first") as error:
        defs.explain("f", {"user_id": 1})
    assert "user_id, first" in error.value.hint


PERSON = mlf.Entity("person", join_key="person_id", from_columns=["first", "last"])


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@pytest.mark.parametrize(
    "drop", [[], ["person_id"], ["first", "last"]], ids=["all", "key made later", "key made before"]
)
def test_a_surrogate_key_is_given_by_itself_or_by_what_it_is_made_of(build, engine, drop):
    defs = build(lambda df: df.drop(drop), keys=None, entities=[PERSON], engine=engine, **DAILY)
    for key in ({"first": "Ada", "last": "L"}, {"person_id": mlf.surrogate_key("Ada", "L")}):
        found = defs.explain("f", key, at(4))
        assert told(found)["amount__sum__7d"] == fine(7.0), found
        assert found.key == key | {"person_id": mlf.surrogate_key("Ada", "L")}
    assert defs.explain("f", {"first": None, "last": "None"}, at(4)).values[1].stored == 8.0
    assert defs.explain("f", {"first": "None", "last": "None"}, at(4)).status == "unknown"


def test_what_a_surrogate_key_is_made_of_has_the_types_it_was_made_with(build, write):
    write(zip=[1, 1, 1, 2])
    place = mlf.Entity("place", join_key="place_id", from_columns="zip")
    defs = build(lambda df: df.with_columns(pl.col("zip").cast(pl.String)), keys=None, entities=[place], **DAILY)
    assert defs.explain("f", {"zip": "2"}, at(4)).values[1].stored == 8.0


@pytest.mark.parametrize(
    ("words", "kind", "says"),
    [
        ({"feature": "g"}, Unknown, ["'g'"]),
        ({"feature": "f@9.9.9"}, NotFound, ["9.9.9", "1.0.0"]),
        ({"version": "x"}, Invalid, ["'x'", "1.2.3"]),
        ({"columns": ["amount__sum__8d"]}, NotFound, ["amount__sum__8d", "Did you mean"]),
        ({"columns": "user_id"}, NotFound, ["user_id"]),
        ({"key": {}}, Invalid, ["user_id"]),
        ({"key": {"user": 1}}, Invalid, ["'user'", "Did you mean 'user_id'"]),
        ({"key": {"user_id": "x"}}, Invalid, ["user_id='x'", "Int64", "user_id=42"]),
        ({"key": {"user_id": 1.5}}, Invalid, ["1.5", "Int64"]),
        ({"key": {"user_id": True}}, Invalid, ["True", "Int64"]),
        ({"key": {"user_id": 2**63}}, Invalid, ["Int64"]),
        ({"key": {"user_id": None}}, Invalid, ["null"]),
        ({"key": {"user_id": [1, 2]}}, Invalid, ["2 values", "One entity"]),
        ({"at": "yesterday"}, Invalid, ["yesterday", "2026-01-31"]),
        ({"at": 5}, Invalid, ["5", "2026-01-31"]),
        ({"feature": ["f"]}, Invalid, ["does not name a feature"]),
        ({"engine": "polar"}, Unknown, ["polar"]),
    ],
    ids=lambda v: str(v) if isinstance(v, dict) else "",
)
def test_what_cannot_be_asked_is_refused(build, words, kind, says):
    with pytest.raises(kind) as error:
        build(**DAILY).explain(**({"feature": "f", "key": {"user_id": 1}} | words))
    assert error.value.hint
    assert [word for word in says if word not in str(error.value)] == []


def test_a_feature_that_was_not_built_says_how(project):
    with pytest.raises(NotFound, match="mlforge build --features f"):
        project(**DAILY).explain("f", {"user_id": 1})


def test_a_key_and_what_it_is_made_of_are_not_both_given(build):
    with pytest.raises(Invalid, match="both are given"):
        build(keys=None, entities=[PERSON], **DAILY).explain("f", {"person_id": "x", "first": "Ada"})


# What is noticed


def tamper(root, change):
    """Change the stored rows behind the store's back, and what it knows of their size."""
    folder = root / "store" / "f" / "1.0.0"
    path, meta = folder / "data.parquet", folder / ".meta.json"
    change(pl.read_parquet(path)).write_parquet(path)
    told = json.loads(meta.read_text())
    del told["crc"]
    told["parts"][0]["bytes"] = path.stat().st_size
    meta.write_text(json.dumps(told))


def put(column, value):
    return lambda rows: rows.with_columns(pl.lit(value).cast(rows.schema[column]).alias(column))


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@pytest.mark.parametrize("how", [DAILY, {"metrics": SUMS}], ids=["an interval", "none"])
def test_a_stored_value_that_was_altered_is_noticed(build, tmp_path, engine, how):
    defs = build(engine=engine, **how)
    tamper(tmp_path, put("amount__sum__7d", 7.00000001))
    found = defs.explain("f", {"user_id": 1}, at(4))
    assert (found.agrees, found.since.changed) == (False, ())
    assert told(found)["amount__sum__7d"] == (7.00000001, 7.00000001, 7.0, False)
    assert found.values[0].agrees is True
    assert "the stored rows were altered" in found.verdict


def test_an_altered_row_of_a_feature_without_windows_is_noticed(build, tmp_path):
    defs = build(tie_break="amount")
    tamper(tmp_path, put("first", "Eve"))
    found = defs.explain("f", {"user_id": 1}, at(4))
    assert {v.column: v.verdict for v in found.values} == {"first": "differs", "last": "equal", "amount": "equal"}


def test_a_row_that_is_gone_is_noticed(build, tmp_path):
    defs = build(**DAILY)
    tamper(tmp_path, lambda rows: rows.filter(pl.col("t") < at(4)))
    found = defs.explain("f", {"user_id": 1}, at(4))
    assert (found.stamp, found.recomputed_stamp, found.agrees) == (at(2) + timedelta(days=1), at(4), False)


def test_floats_agree_within_the_tolerance_and_nan_equals_nan(build, write, tmp_path):
    write((1.0, math.nan, 3.0, 0.1))
    defs = build(**DAILY)
    assert build(**DAILY).explain("f", {"user_id": 1}, at(4)).agrees is True
    tamper(tmp_path, put("amount__sum__7d", 0.1 * (1 + 1e-10)))
    assert defs.explain("f", {"user_id": 2}, at(4)).agrees is True


def test_a_source_that_changed_since_is_named(build, write):
    defs = build(**DAILY)
    write((1.0, 2.0, 40.0, 8.0))
    found = defs.explain("f", {"user_id": 1}, at(4))
    assert told(found)["amount__sum__7d"] == (7.0, 7.0, 43.0, False)
    assert (found.since.source, found.since.function) == ("changed", "same")
    assert "The source has changed since the version was built" in found.verdict
    assert defs.explain("f", {"user_id": 2}, at(4)).agrees is True


def test_a_function_that_changed_since_is_named(build, project):
    build(**DAILY)
    now = project(lambda df: df.with_columns(pl.col("amount") * 2), **DAILY)
    found = now.explain("f", {"user_id": 1}, at(4))
    assert (found.since.changed, found.values[1].recomputed) == (("function",), 14.0)


def test_a_version_is_recomputed_by_its_own_definition(build, project):
    """Interval, keys, time and max_age are those it was built with, whatever the definition says now."""
    build(**DAILY)
    now = project(interval="6h", metrics=[mlf.Sum("amount", windows="1d"), mlf.Mean("amount", windows="7d")])
    found = now.explain("f", {"user_id": 1}, at(4, 12))
    assert [v.verdict for v in found.values] == ["equal", "not recomputed"]
    assert found.agrees is None
    assert "interval: 1d → 6h" in found.since.definition
    assert "metric amount__sum__7d removed" in found.since.definition
    assert "defined differently" in found.verdict


def test_a_source_that_is_gone_leaves_the_stored_part(build, tmp_path):
    defs = build(**DAILY)
    (tmp_path / "events.parquet").unlink()
    found = defs.explain("f", {"user_id": 1}, at(4))
    assert (found.failure.kind, found.agrees, found.since.source) == ("NotFound", None, "unknown")
    assert told(found)["amount__sum__7d"] == (7.0, 7.0, None, None)
    assert [w.events for w in found.windows] == [None, None]
    assert "could not be recomputed" in found.verdict


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_a_function_that_fails_now_leaves_the_stored_part(build, project, engine):
    build(engine=engine, **DAILY)
    found = project(lambda df: df.select("nothing"), engine=engine, **DAILY).explain("f", {"user_id": 1}, at(4))
    assert (found.failure.kind, found.values[1].stored) == ("Invalid", 7.0)
    assert "nothing" in found.failure.message


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_a_function_that_drops_the_key_now_is_named(build, project, engine):
    build(engine=engine, **DAILY)
    found = project(lambda df: df.drop("user_id"), engine=engine, **DAILY).explain("f", {"user_id": 1}, at(4))
    assert (found.failure.kind, found.values[1].stored) == ("Invalid", 7.0)
    assert "user_id" in found.failure.message


def test_a_version_whose_metrics_are_all_gone_is_not_recomputed(build, project):
    build(**DAILY)
    found = project(metrics=mlf.Count(windows="1d")).explain("f", {"user_id": 1}, at(4))
    assert (found.agrees, found.failure.kind, found.values[1].stored) == (None, "NotFound", 7.0)


def test_a_feature_that_is_defined_no_more_is_looked_into(build, tmp_path):
    build(**DAILY)
    found = mlf.Definitions("shop", store=mlf.LocalStore("store"), root=tmp_path).explain("f", {"user_id": "1"}, at(4))
    assert (found.values[1].stored, found.failure.kind) == (7.0, "NotFound")
    assert "not defined any more" in found.verdict


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@pytest.mark.parametrize("how", [DAILY, {"metrics": SUMS}, {"tie_break": "amount"}], ids=["interval", "none", "rows"])
def test_a_version_that_was_built_by_ranges_is_explained_as_one(project, engine, how):
    defs = project(engine=engine, **how)
    for span in ({"until": "2025-01-02"}, {"since": "2025-01-03"}, {"since": "2025-01-02", "until": "2025-01-03"}):
        defs.build(**span).raise_for_failure()
    for user, amount in ((1, 7.0), (2, 8.0)):
        found = defs.explain("f", {"user_id": user}, at(4))
        assert (found.version, found.agrees) == ("1.0.2", True), found
        assert how == {"tie_break": "amount"} or told(found)["amount__sum__7d"] == fine(amount)


def test_events_outside_of_the_ranges_that_were_built_are_not_held_against_the_store(project):
    defs = project(**DAILY)
    defs.build(until="2025-01-02").raise_for_failure()
    assert defs.explain("f", {"user_id": 1}, at(2)).agrees is True
    found = defs.explain("f", {"user_id": 1}, at(4))
    assert (found.agrees, found.built) == (False, "events from the beginning until 2025-01-02")
    assert "it may lack events outside of them" in found.verdict


# Engines


def relation(rows: duckdb.DuckDBPyRelation):
    return rows.filter("amount < 100")


def lazy(rows: pl.LazyFrame):
    return rows.filter(pl.col("amount") < 100)


@pytest.mark.parametrize("function", [relation, lazy])
def test_a_frame_of_any_kind_is_explained(build, function):
    defs = build(function, engine="duckdb", **DAILY)
    assert told(defs.explain("f", {"user_id": 1}, at(4)))["amount__sum__7d"] == fine(7.0)


def test_one_engine_recomputes_what_another_built(build):
    defs = build(engine="duckdb", **DAILY)
    found = defs.explain("f", {"user_id": 1}, at(4), engine="polars")
    assert (found.engine, found.agrees) == ("polars", True)


def test_it_shows_itself_in_text_and_in_a_notebook(build):
    found = build(**DAILY).explain("f", {"user_id": 1}, at(4, 12))
    assert repr(found).splitlines() == [
        "f 1.0.0, user_id=1 at 2025-01-04 12:00:00 UTC",
        "The row stamped 2025-01-04 00:00:00: 2 events became known.",
        "  amount__sum__1d = 6.0, 2 events in [2025-01-03 00:00:00, 2025-01-04 00:00:00)",
        "  amount__sum__7d = 7.0, 3 events in [2024-12-28 00:00:00, 2025-01-04 00:00:00)",
        "Recomputing gives the same.",
    ]
    page = found._repr_html_()
    assert "<td style='text-align:left'>7.0</td>" in page
    assert "7d: [2024-12-28 00:00:00, 2025-01-04 00:00:00): 3" in page


def test_a_key_writes_nothing_but_text_on_a_terminal(build):
    shown = repr(build(keys="first", **DAILY).explain("f", {"first": "\x1b[31ma\nb\u202e"}, at(4)))
    assert shown.startswith("f 1.0.0, first=\\x1b[31ma\\nb\\u202e at 2025-01-04")
    assert "\x1b" not in shown
