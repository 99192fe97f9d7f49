"""Incremental builds as people run them: what they say, what they refuse, and what they keep."""

import json
import threading
from datetime import UTC, datetime, timedelta

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest
from polars.testing import assert_frame_equal
from tests.conftest import SPEND as TWO_WINDOWS
from tests.conftest import House

import mlforge as mlf
from mlforge.errors import Invalid

SPEND = """
@mlf.feature(source="events.parquet", keys="user_id", timestamp="event_time", interval="1d",
             metrics=[mlf.Sum("amount", windows=["1d"])])
def spend(df):
    return df
"""
DAYS = ("2025-01-01T10:00", "2025-01-02T10:00", "2025-01-03T10:00")
LATER = (*DAYS, "2025-01-04T10:00")


def told_aside():
    """A list that a function may write to without its logic being another: it hangs on what is not the project's."""
    return vars(threading.current_thread()).setdefault("told_aside", [])


def grow(house):
    house.events(times=LATER, user_id=[1, 2, 1, 2], amount=[1.0, 2.0, 4.0, 8.0])


@pytest.fixture(scope="session")
def first_days(tmp_path_factory):
    """A project that was built of the first days; not to be changed."""
    house = House(tmp_path_factory.mktemp("days") / "shop")
    house.events(times=DAYS, user_id=[1, 2, 1], amount=[1.0, 2.0, 4.0])
    house.built()
    return house


@pytest.fixture
def grown(first_days, tmp_path):
    """A project that was built, and whose source has grown by a day since."""
    house = House(tmp_path / "shop", like=first_days)
    grow(house)
    return house


def whole(house):
    """What a full build gives."""
    rows = house.read()
    house.built("--full-refresh")
    assert len(json.loads(house.mlforge("inspect", "spend", "--json").stdout)["built"]["parts"]) == 1
    return rows, house.read()


@pytest.mark.parametrize("words", [
    ("--since", "2025-01-04"),
    ("--since", "2025-01-04T00:00:00+00:00", "--until", "2025-01-05"),
    ("--since", "2025-01-03T23:00-01:00"),
    ("--last", "36500d"),
    ("--until", "2025-01-05", "--last", "1d"),
], ids=" ".join)  # fmt: skip
def test_a_range_is_built_on_top_of_the_latest_version(grown, words):
    done = grown.built(*words)
    assert "1.0.1" in done.stdout
    assert "continues 1.0.0" in done.stdout
    rows, full = whole(grown)
    assert_frame_equal(rows, full)


def test_inspect_shows_the_range_the_watermark_and_the_parts(grown):
    grown.built("--since", "2025-01-04", "--until", "2025-01-05")
    shown = grown.mlforge("inspect", "spend").stdout
    for said in ("from 2025-01-04 until 2025-01-05", "continues 1.0.0", "2025-01-04T10:00:00Z", "1.0.0/data.parquet"):
        assert said in shown, shown
    built = json.loads(grown.mlforge("inspect", "spend", "--json").stdout)["built"]
    step = built["increment"]
    assert (step["base"], step["rows"]) == ("1.0.0", built["parts"][1]["rows"])
    assert all(len(part["hash"]) == 64 for part in built["parts"])
    assert built["row_count"] == grown.read().height


def test_a_dry_run_says_what_it_would_continue(grown):
    said = grown.mlforge("build", "--since", "2025-01-04", "--dry-run").stdout
    assert "from 2025-01-04" in said
    assert "continues 1.0.0" in said
    assert json.loads(grown.mlforge("versions", "spend", "--json").stdout)["latest"] == "1.0.0"


@pytest.mark.parametrize(("words", "says"), [
    (("--since", "2025-01-04", "--until", "2025-01-02"), "nothing lies in it"),
    (("--since", "2025-01-04", "--until", "2025-01-04"), "nothing lies in it"),
    (("--since", "2025-01-04", "--last", "7d"), "since and last"),
    (("--since", "yesterday"), "'yesterday' is no time"),
    (("--since", "2025-02-30"), "'2025-02-30' is no time"),
    (("--until", "0d"), "'0d'"),
    (("--last", "a week"), "'a week'"),
    (("--since", "2025-01-04", "--full-refresh"), "full refresh"),
    (("--since", "2026-01-01"), ("no event from 2026-01-01", "from 2025-01-01T10:00:00Z to 2025-01-04T10:00:00Z")),
    (("--until", "2024-01-01"), "no event"),
], ids=lambda case: " ".join(case) if case[0].startswith("--") else "")  # fmt: skip
def test_a_range_that_cannot_be_built_is_refused(grown, words, says):
    grown.refused("build", *words, says=says)
    assert json.loads(grown.mlforge("versions", "spend", "--json").stdout)["latest"] == "1.0.0"


@pytest.mark.parametrize(("old", "new", "says"), [
    ('interval="1d"', 'interval="12h"', "interval: 1d → 12h"),
    ('"1d", "7d"', '"1d", "14d"', "amount__sum__14d is new"),
    ("return df", "return df.filter(pl.col('amount') > 0)", "the function"),
    ("return df", "return df.with_columns(pl.col('user_id').cast(pl.Int32))", "the function"),
], ids=["interval", "windows", "logic", "types"])  # fmt: skip
def test_a_definition_that_changed_is_not_continued(grown, old, new, says):
    grown.define(TWO_WINDOWS.replace(old, new))
    shown = grown.refused("build", "--since", "2025-01-04", says=says)
    assert "mlforge build --features spend --full-refresh" in shown
    grown.built("--full-refresh")


def test_a_range_in_which_no_event_has_a_key_says_so(tmp_path):
    made = stream(tmp_path, lambda df: df.with_columns(user=pl.lit(None, dtype=pl.Int64)))
    failure = made.build(since="2025-01-03")["f"].failure
    assert "no event from 2025-01-03: of the source's " in failure.message
    assert "there each has a null key, or is left out by the function" in failure.message


def test_columns_that_come_out_otherwise_are_not_added_to_the_old(tmp_path):
    made = stream(tmp_path, lambda df: df, metrics=())
    made.build().raise_for_failure()
    pl.read_parquet(tmp_path / "e.parquet").with_columns(amount=pl.col("amount").cast(pl.String)).write_parquet(
        tmp_path / "e.parquet"
    )
    with pytest.raises(Invalid, match="amount was Float64 and is String"):
        made.build(since="2025-01-03").raise_for_failure()


def stream(folder, function, days=5, **changes):
    """Definitions over one event a day from the first of January on, for one user."""
    write(folder, days)
    given = {"source": "e.parquet", "keys": "user", "timestamp": "at", "name": "f", "interval": "1d"}
    given["metrics"] = [mlf.Sum("amount", windows=["1d", "3d"])]
    given |= changes
    if not given["metrics"]:
        del given["interval"]
    made = mlf.feature(**given)(function)
    return mlf.Definitions(features=[made], store=mlf.LocalStore("store"), root=folder)


def write(folder, days, **columns):
    at = [datetime(2025, 1, 1, 12, tzinfo=UTC) + timedelta(days=n) for n in range(days)]
    pl.DataFrame({"user": [1] * days, "at": at, "amount": [float(n) for n in range(days)], **columns}).write_parquet(
        folder / "e.parquet"
    )


def assert_whole(definitions, name="f"):
    """Fail unless a full build gives the same rows."""
    rows = definitions.read(name)
    definitions.build(full_refresh=True).raise_for_failure()
    assert_frame_equal(pl.DataFrame(rows), pl.DataFrame(definitions.read(name)))


def test_an_incremental_feature_continues_by_itself(tmp_path):
    made = stream(tmp_path, lambda df: df, incremental=True)
    made.build().raise_for_failure()
    assert made.build()["f"].status == "unchanged"
    write(tmp_path, 7)
    result = made.build().raise_for_failure()["f"]
    assert "continues 1.0.0" in result.notes[0]
    assert result.meta.watermark == datetime(2025, 1, 7, 12, tzinfo=UTC).timestamp() * 1e6
    assert made.build()["f"].status == "unchanged"
    assert_whole(made)


def test_a_source_that_lost_its_end_is_told_from_one_that_has_not_changed(house):
    house.define(SPEND.replace('interval="1d"', 'interval="1d", incremental=True'))
    house.events(times=DAYS, user_id=[1, 2, 1], amount=[1.0, 2.0, 4.0])
    house.built()
    assert "sources, definitions and functions are what they were" in house.built().stdout
    house.events(times=DAYS[:2], user_id=[1, 2], amount=[1.0, 2.0])
    done = house.built()
    assert "are what they were" not in done.stdout
    assert "nothing has changed" not in done.stdout
    for said in ("unchanged", "no new event", "no event from 2025-01-03T10:00:00Z", "1.0.0", "--full-refresh"):
        assert said in done.stdout, done.stdout
    (result,) = json.loads(house.mlforge("build", "--json").stdout)["results"]
    assert (result["status"], result["source_changed"]) == ("unchanged", True)


def test_a_profile_makes_features_incremental_and_a_feature_has_the_last_word(tmp_path):
    (tmp_path / "mlforge.yaml").write_text("profiles: {nightly: {incremental: true}}\n")
    for says, expected in ((None, True), (False, False)):
        made = stream(tmp_path, lambda df: df, days=5, incremental=says)
        made.build(force=True, full_refresh=True).raise_for_failure()
        write(tmp_path, 6)
        meta = made.build(profile="nightly").raise_for_failure()["f"].meta
        assert (meta.increment is not None) is expected


def test_a_switch_that_is_neither_on_nor_off_is_refused(tmp_path):
    (tmp_path / "mlforge.yaml").write_text("profiles: {nightly: {incremental: sometimes}}\n")
    with pytest.raises(Invalid, match=r"profiles\.nightly\.incremental"):
        stream(tmp_path, lambda df: df).build(profile="nightly")


def test_a_feature_without_a_timestamp_has_no_increments(tmp_path):
    with pytest.raises(Invalid, match="incremental but has no timestamp"):
        stream(tmp_path, lambda df: df, timestamp=None, metrics=(), incremental=True)
    made = stream(tmp_path, lambda df: df.unique("user"), timestamp=None, metrics=())
    assert "no timestamp" in made.build(since="2025-01-01")["f"].failure.message


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_a_function_is_handed_no_more_than_the_range_needs(tmp_path, engine):
    seen = told_aside()
    seen.clear()

    def watched(df):
        told_aside().append(df["at"].min().day)
        return df

    made = stream(tmp_path, watched, days=9, engine=engine)
    made.build().raise_for_failure()
    write(tmp_path, 10)
    made.build(since="2025-01-10").raise_for_failure()
    assert list(seen) == [1, 7]  # the longest window is three days
    assert_whole(made)


def few_lazily(df: pl.LazyFrame):
    return df.filter(pl.col("amount") > -1).select("user", "at", "amount")


def few_of_a_relation(df: duckdb.DuckDBPyRelation):
    return df.filter("amount > -1").project('"user", "at", amount')


def by_query(df: duckdb.DuckDBPyRelation):
    return df.query("events", 'SELECT "user", "at", amount FROM events WHERE amount > -1')


FEW = [("polars", few_lazily), ("duckdb", few_of_a_relation), ("duckdb", by_query)]


def break_column(path, name, groups=None):
    """Overwrite what a Parquet file has of a column, in all row groups or the first few."""
    meta = pq.ParquetFile(path).metadata
    found = [meta.row_group(i) for i in range(groups or meta.num_row_groups)]
    chunks = [g.column(i) for g in found for i in range(meta.num_columns) if g.column(i).path_in_schema == name]
    content = bytearray(path.read_bytes())
    for chunk in chunks:
        start = chunk.dictionary_page_offset or chunk.data_page_offset
        content[start : start + chunk.total_compressed_size] = b"\xff" * chunk.total_compressed_size
    path.write_bytes(content)
    with pytest.raises(pl.exceptions.PolarsError):
        pl.read_parquet(path, columns=[name])


@pytest.mark.parametrize(("engine", "function"), FEW)
def test_neither_columns_that_a_function_leaves_out_nor_old_rows_are_read(tmp_path, engine, function):
    def grow_to(days, row_groups):
        write(tmp_path, days, note=["x" * 50] * days)
        pl.read_parquet(tmp_path / "e.parquet").write_parquet(tmp_path / "e.parquet", row_group_size=row_groups)

    made = stream(tmp_path, function, engine=engine)
    grow_to(5, 5)
    break_column(tmp_path / "e.parquet", "note")
    made.build().raise_for_failure()
    grow_to(8, 1)
    break_column(tmp_path / "e.parquet", "note")
    break_column(tmp_path / "e.parquet", "amount", groups=2)
    made.build(since="2025-01-06").raise_for_failure()
    grow_to(8, 8)
    assert_whole(made)


@pytest.mark.parametrize("dtype", [pl.Datetime("us"), pl.Datetime("ns"), pl.Datetime("ms", "UTC"), pl.Date()], ids=str)
@pytest.mark.parametrize(("engine", "function"), FEW)
def test_an_increment_of_few_columns_is_what_a_whole_build_gives(tmp_path, engine, function, dtype):
    made = stream(tmp_path, function, engine=engine)
    for days in (5, 8):
        write(tmp_path, days, note=["x" * 50] * days)
        pl.read_parquet(tmp_path / "e.parquet").cast({"at": dtype}).write_parquet(tmp_path / "e.parquet")
        made.build(since="2025-01-06" if days > 5 else None).raise_for_failure()
    assert_whole(made)


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_a_column_that_no_feature_can_hold_makes_no_increment_read_more(tmp_path, engine):
    seen = told_aside()
    seen.clear()

    def watched(df):
        told_aside().append(df["at"].min().day)
        return df.drop("payload")

    made = stream(tmp_path, watched, engine=engine)
    for days in (9, 10):
        write(tmp_path, days, payload=[{"a": 1, "b": "x"}] * days)
        made.build(since="2025-01-10" if days > 9 else None).raise_for_failure()
    assert list(seen) == [1, 7]
    assert_whole(made)


def later_lazily(df: pl.LazyFrame):
    return df.select("user", "amount", pl.col("at").dt.offset_by("2h"))


def later_by_query(df: duckdb.DuckDBPyRelation):
    return df.query("events", 'SELECT "user", amount, "at" + INTERVAL 2 HOURS AS "at" FROM events')


def all_at_once(df: pl.LazyFrame):
    return df.with_columns(pl.col("at").min() + pl.duration(minutes=1))


@pytest.mark.parametrize(("engine", "function"), [
    ("polars", lambda df: df.with_columns(pl.col("at").dt.offset_by("2h"))),
    ("duckdb", lambda df: df.with_columns(pl.col("at").dt.offset_by("2h"))),
    ("polars", later_lazily),
    ("polars", all_at_once),
    ("duckdb", later_by_query),
])  # fmt: skip
def test_a_function_that_changes_times_is_refused(tmp_path, engine, function):
    made = stream(tmp_path, function, days=9, engine=engine)
    made.build().raise_for_failure()
    failure = made.build(since="2025-01-09")["f"].failure
    assert "changes the times in 'at'" in failure.message
    assert "--full-refresh" in failure.hint


@pytest.mark.parametrize(("engine", "function"), [("polars", later_lazily), ("duckdb", later_by_query)])
def test_no_column_that_a_function_leaves_out_is_read_to_tell_that_it_changes_times(tmp_path, engine, function):
    made = stream(tmp_path, function, days=9, engine=engine)
    write(tmp_path, 9, note=["x" * 50] * 9)
    break_column(tmp_path / "e.parquet", "note")
    made.build().raise_for_failure()
    assert "changes the times in 'at'" in made.build(since="2025-01-09")["f"].failure.message


@pytest.mark.parametrize("function", [
    lambda df: df.with_columns(at=pl.col("at").str.to_datetime("%d.%m.%Y %H:%M", time_zone="UTC")),
    lambda df: df,
], ids=["parsed", "as it is"])  # fmt: skip
def test_times_that_only_the_function_can_tell_are_read_whole(tmp_path, function):
    timestamp = mlf.Timestamp("at", format="%d.%m.%Y %H:%M") if function.__code__.co_consts == (None,) else "at"
    made = stream(tmp_path, function, timestamp=timestamp)
    for days in (5, 8):
        write(tmp_path, days)
        frame = pl.read_parquet(tmp_path / "e.parquet")
        frame.with_columns(pl.col("at").dt.strftime("%d.%m.%Y %H:%M")).write_parquet(tmp_path / "e.parquet")
        made.build(since="2025-01-06" if days > 5 else None).raise_for_failure()
    assert_whole(made)


def test_a_time_that_the_function_makes_under_a_new_name_is_built_on(tmp_path):
    made = stream(tmp_path, lambda df: df.with_columns(known=pl.col("at").dt.offset_by("2h")), timestamp="known")
    made.build().raise_for_failure()
    write(tmp_path, 8)
    made.build(since="2025-01-06").raise_for_failure()
    assert_whole(made)


def test_a_null_time_is_an_error_in_a_range_too(tmp_path):
    made = stream(tmp_path, lambda df: df)
    made.build().raise_for_failure()
    frame = pl.read_parquet(tmp_path / "e.parquet")
    pl.concat([frame, frame.head(1).with_columns(at=None)], how="vertical_relaxed").write_parquet(
        tmp_path / "e.parquet"
    )
    assert "null in 1 of" in made.build(since="2025-01-05")["f"].failure.message


def test_a_broken_promise_in_a_range_writes_nothing(tmp_path):
    made = stream(tmp_path, lambda df: df, validators={"amount": mlf.less_than(6)})
    made.build().raise_for_failure()
    write(tmp_path, 8)
    failed = made.build(since="2025-01-06")["f"]
    assert failed.failure.kind == "CheckFailed"
    assert made.latest("f") == "1.0.0"


def test_an_event_of_the_far_future_is_forgotten_with_its_range(tmp_path):
    made = stream(tmp_path, lambda df: df, incremental=True)
    write(tmp_path, 5)
    good = pl.read_parquet(tmp_path / "e.parquet")
    wrong = good.tail(1).with_columns(at=pl.lit(datetime(2099, 1, 1, tzinfo=UTC)).dt.cast_time_unit("us"))
    pl.concat([good, wrong]).write_parquet(tmp_path / "e.parquet")
    made.build().raise_for_failure()
    good.write_parquet(tmp_path / "e.parquet")
    made.build(since="2098-01-01").raise_for_failure()
    write(tmp_path, 8)
    made.build().raise_for_failure()
    assert_whole(made)


def test_a_range_in_the_past_leaves_the_watermark(tmp_path):
    made = stream(tmp_path, lambda df: df, days=9)
    before = made.build().raise_for_failure()["f"].meta.watermark
    after = made.build(since="2025-01-02", until="2025-01-03").raise_for_failure()["f"].meta
    assert after.watermark == before
    assert after.source_hash is None  # whether the rest of the source is as it was, nobody said
    assert made.build()["f"].status == "built"


def test_a_gap_before_a_range_is_told(tmp_path):
    made = stream(tmp_path, lambda df: df)
    made.build().raise_for_failure()
    write(tmp_path, 9)
    notes = made.build(since="2025-01-08").raise_for_failure()["f"].notes
    assert "events up to 2025-01-05T12:00:00Z: any between are left out" in notes[1]
    made.build(since="2025-01-06", until="2025-01-08").raise_for_failure()
    assert_whole(made)


def test_an_increment_of_a_version_that_was_overtaken_is_a_conflict(tmp_path):
    rivals = told_aside()
    rivals.clear()

    def function(df):
        if told_aside():
            told_aside().pop().build(force=True).raise_for_failure()
        return df

    made = stream(tmp_path, function)
    made.build().raise_for_failure()
    write(tmp_path, 8)
    rivals.append(mlf.Definitions(features=[made.features["f"]], store=mlf.LocalStore("store"), root=tmp_path))
    failure = made.build(since="2025-01-06")["f"].failure
    assert (failure.kind, made.latest("f")) == ("Conflict", "1.0.1")
    assert "continues 1.0.0" in failure.message
    assert_whole(made)


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@pytest.mark.parametrize("every", [1, 2])
def test_many_increments_stay_few_parts_and_equal_the_whole(tmp_path, engine, every):
    made = stream(tmp_path, lambda df: df, days=60 // every, incremental=True, engine=engine)
    made.build().raise_for_failure()
    steps = {"polars": 40, "duckdb": 20}[engine]  # without merging each is a part
    for day in range(60 // every + 1, 60 // every + steps):
        write(tmp_path, day)
        made.build().raise_for_failure()
        assert len({p.version for p in made.metadata("f").parts}) <= 17
    rows = pl.DataFrame(made.read("f"))
    assert made.metadata("f").row_count == rows.height
    made.build(full_refresh=True).raise_for_failure()
    assert_frame_equal(rows, pl.DataFrame(made.read("f")))


def test_old_versions_go_and_what_newer_ones_need_stays(grown):
    grown.built("--since", "2025-01-04")
    kept = grown.read()
    done = grown.mlforge("versions", "spend", "--prune", "--keep", "1")
    assert (done.returncode, "1.0.0 removed, 0 bytes freed" in done.stdout) == (0, True), done.stdout
    assert json.loads(grown.mlforge("versions", "spend", "--json").stdout)["versions"][0]["version"] == "1.0.1"
    assert_frame_equal(grown.read(), kept)
    grown.built("--full-refresh")
    answer = json.loads(grown.mlforge("versions", "spend", "--prune", "--keep", "1", "--json").stdout)
    assert answer["removed"] == ["1.0.1"]
    assert answer["freed_bytes"] > 0
    assert_frame_equal(grown.read(), kept)
    assert json.loads(grown.mlforge("manifest", "--json").stdout)["features"]["spend"]["versions"] == ["1.0.2"]


@pytest.mark.parametrize("keep", [0, -1, 1.5, True, "2"])
def test_a_number_of_versions_to_keep_that_is_none_is_refused(tmp_path, keep):
    made = stream(tmp_path, lambda df: df)
    made.build().raise_for_failure()
    with pytest.raises(Invalid, match="cannot be kept"):
        made.prune("f", keep)


@pytest.mark.parametrize("words", [("--prune",), ("--keep", "2"), ("--prune", "--keep", "0")], ids=" ".join)
def test_pruning_needs_to_know_how_many_to_keep(grown, words):
    done = grown.mlforge("versions", "spend", *words)
    assert done.returncode == 2
    assert "keep" in done.stderr


def test_the_diff_of_ranges_does_not_say_that_the_source_is_the_same(grown):
    """A range that ends says nothing of the source after it, so nobody knows whether two had the same one."""
    for _ in range(2):
        grown.built("--since", "2025-01-04", "--until", "2025-01-05")
    for before, after in (("1.0.0", "1.0.1"), ("1.0.1", "1.0.2")):
        assert "source    cannot be told" in grown.mlforge("diff", "spend", before, after).stdout


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@pytest.mark.parametrize("metrics", [[mlf.Sum("amount", windows=["1d"])], ()], ids=["windows", "rows"])
def test_rows_that_are_left_out_do_not_say_how_far_a_version_is(tmp_path, engine, metrics):
    """A row without a key, far ahead of the others, hides nothing that comes after these."""
    made = stream(tmp_path, lambda df: df, incremental=True, metrics=metrics)
    for days in (5, 8, 9):
        nobody = [*[1] * (days - 1), None]
        write(tmp_path, days, user=nobody, amount=[float(n) for n in range(days)])
        made.build(engine=engine).raise_for_failure()
        assert made.metadata("f").watermark == datetime(2025, 1, days - 1, 12, tzinfo=UTC).timestamp() * 1e6
    assert_whole(made)
