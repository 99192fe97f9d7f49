"""Frames of this process as sources, on both engines."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import threading
from datetime import UTC, date, datetime
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import mlforge as mlf
from mlforge.errors import Invalid
from mlforge.flow.planning.resolve import resolve, source_fingerprint
from mlforge.testing.refusals import refused
from mlforge_csv import any_zone

ROWS = {"user": [1, 2], "name": ["a", "b"]}
KINDS = {
    "polars": lambda rows: pl.DataFrame(rows),
    "pandas": lambda rows: pd.DataFrame(rows),
    "pyarrow": lambda rows: pa.table(rows),
    "duckdb": lambda rows: duckdb.connect().from_arrow(pa.table(rows)),
}


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_frame_is_built_from_and_its_content_decides_whether_again(tmp_path, engine, kind):
    def defined(rows):
        @mlf.feature(source=mlf.Source.from_frame(KINDS[kind](rows), name="users"), keys="user")
        def names(df):
            return df

        return mlf.Definitions("shop", features=[names], store=mlf.LocalStore(str(tmp_path)), engine=engine)

    defs = defined(ROWS)
    assert [defs.build().results[0].status for _ in range(2)] == ["built", "unchanged"]
    assert defined(ROWS).build().results[0].status == "unchanged"
    assert defined(ROWS | {"name": ["a", "c"]}).build().results[0].status == "built"
    read = defs.read("names")
    assert (read.pl() if engine == "duckdb" else read)["name"].to_list() == ["a", "c"]


def test_a_fingerprint_is_of_what_the_frame_holds_and_not_of_how(tmp_path):
    def told(frame):
        source = mlf.Source.from_frame(frame, name="users")
        return source_fingerprint(source, resolve(source, tmp_path))

    whole = pl.DataFrame(ROWS)
    assert told(pl.concat([whole.head(1), whole.tail(1)], rechunk=False)) == told(whole)
    others = [whole.reverse(), whole.rename({"name": "n"}), whole.cast({"user": pl.Int32}), whole.head(0)]
    assert len({told(frame) for frame in [whole, *others]}) == 5


@pytest.mark.parametrize(
    ("frame", "said"),
    [
        (pl.LazyFrame(ROWS), "no rows yet"),
        ({"user": [1]}, "not a frame"),
        (pa.table(ROWS).to_reader(), "read once"),
    ],
    ids=["lazy", "dict", "reader"],
)
def test_what_is_no_frame_is_refused(frame, said):
    with pytest.raises(Invalid, match=said) as refused:
        mlf.Source.from_frame(frame, name="users")
    assert refused.value.hint
    with pytest.raises(Invalid, match="name"):
        mlf.Source.from_frame(pl.DataFrame(ROWS), name="a/b")


def test_a_frame_that_is_not_in_this_process_is_refused_in_a_sentence(tmp_path):
    source = mlf.Source.from_frame(pl.DataFrame(ROWS), name="users")
    with pytest.raises(Invalid, match="not pickled"):
        pickle.dumps(source)
    for known_elsewhere in (mlf.Source("frame://users"), mlf.Source("frame://users", format=source.format)):
        with pytest.raises(Invalid, match="no frame is in it") as refused:
            resolve(known_elsewhere, tmp_path)
        assert "from_frame" in (refused.value.hint or "")


def test_what_this_distribution_announces_is_told_without_polars():
    code = "import sys, mlforge_csv.plugin as p; p.mlforge_sources(); assert 'polars' not in sys.modules"
    assert not subprocess.run([sys.executable, "-c", code], cwd=Path.cwd(), check=False).returncode


@pytest.mark.parametrize("values", [[1j, 2], [1, "a"], [2**70, 1], [{1}, 2]], ids=str)
def test_a_frame_of_what_no_column_holds_is_refused(values, tmp_path):
    frame = pd.DataFrame({"user": [1, 2], "v": pd.Series(values)})
    feature = mlf.feature(source=mlf.Source.from_frame(frame, name="users"), keys="user", name="f")(lambda df: df)
    defs = mlf.Definitions("shop", features=[feature], store=mlf.LocalStore(tmp_path / "store"))
    failure = defs.build()["f"].failure
    assert failure.kind == "Invalid"
    assert "The frame cannot be read" in failure.message


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_months_and_days_beside_each_other_are_told_as_what_they_are(tmp_path, engine):
    rows = pa.table({"user": [1, 2], "since": pa.array([(1, 3, 0), (0, 1, 5)], pa.month_day_nano_interval())})

    @mlf.feature(source=mlf.Source.from_frame(rows, name="users"), keys="user")
    def names(df):
        return df

    defs = mlf.Definitions("shop", features=[names], store=mlf.LocalStore(str(tmp_path)), engine=engine)
    with refused(Invalid, "INTERVAL", "a duration or a number of microseconds"):
        defs.build().raise_for_failure()


def test_other_threads_go_through_the_environment_meanwhile():
    done, failed = threading.Event(), list[BaseException]()

    def look():
        while not done.is_set():
            try:
                dict(os.environ)
            except KeyError as error:
                failed.append(error)
                return

    thread = threading.Thread(target=look)
    thread.start()
    for _ in range(20_000):
        with any_zone():
            pass
    done.set()
    thread.join()
    assert not failed


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_times_of_several_kinds_in_one_pandas_column_keep_their_hours(tmp_path, engine):
    times = [date(2025, 3, 7), datetime(2025, 3, 8, 13), pd.Timestamp("2025-03-09T09:00", tz="Asia/Tokyo")]
    frame = pd.DataFrame(
        {"user": [1, 2, 3], "at": pd.Series(times, dtype=object), "n": pd.arrays.SparseArray([1, 0, 2])}
    )

    @mlf.feature(source=mlf.Source.from_frame(frame, name="events"), keys="user", timestamp="at")
    def events(df):
        return df

    defs = mlf.Definitions("shop", features=[events], store=mlf.LocalStore(str(tmp_path)), engine=engine)
    defs.build().raise_for_failure()
    read = defs.read("events")
    rows = (read.pl() if engine == "duckdb" else read).sort("user").rows()
    expected = [datetime(2025, 3, 7), datetime(2025, 3, 8, 13), datetime(2025, 3, 9)]
    assert rows == [(i + 1, t.replace(tzinfo=UTC), n) for i, (t, n) in enumerate(zip(expected, [1, 0, 2], strict=True))]


def test_a_time_that_pandas_alone_counts_is_refused(tmp_path):
    beyond = pd.Series([pd.Timestamp(np.datetime64("20000-01-01", "s"))], dtype=object)

    @mlf.feature(source=mlf.Source.from_frame(pd.DataFrame({"user": [1], "at": beyond}), name="events"), keys="user")
    def events(df):
        return df

    report = mlf.Definitions("shop", features=[events], store=mlf.LocalStore(str(tmp_path))).build()
    assert "'at' has a time out of range" in report["events"].failure.message
