"""A source that is not what it should be is refused by file and line; nothing becomes null in silence."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pytest

from mlforge.errors import Invalid, Unsupported
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.source import CSVFormat, DeltaFormat, ParquetFormat
from mlforge.plugin import Scan
from mlforge.testing.refusals import refused
from mlforge_polars.engine import LivePolarsEngine


@pytest.fixture
def read(engine: LivePolarsEngine, tmp_path: Path):
    """Reads CSV files of some texts."""

    def rows(*texts: str | bytes, **form) -> pl.DataFrame:
        paths = [tmp_path / f"file{i}.csv" for i in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_bytes(text.encode() if isinstance(text, str) else text)
        return engine.scan(Scan("events", tuple(map(str, paths)), CSVFormat(**form))).collect()

    return rows


@pytest.fixture
def parquet(tmp_path: Path):
    """Writes Parquet files, and gives the source they make."""

    def scan(*frames: pl.DataFrame) -> Scan:
        paths = [tmp_path / f"file{i}.parquet" for i in range(len(frames))]
        for path, frame in zip(paths, frames, strict=True):
            frame.write_parquet(path)
        return Scan("events", tuple(map(str, paths)), ParquetFormat())

    return scan


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a,b\n1,2\n3\n4,5\n", "line 3 has 1 field"),
        ("a,b\n1,2\n3,4,5\n", "line 3 has 3 fields"),
        ("a,b\n1,2\n\n3,4\n", "line 3 has 1 field"),
        ('a,b\n"1,2",2\n"x\ny",3\n4\n', "line 5 has 1 field"),
        ('a,b\n"1,""2",2\n4\n', "line 3 has 1 field"),
        ('a,b\n1,2\n3,"open\n4,5\n', "line 3"),
        (b"a,b\n1,caf\xe9\n", "line 2"),
    ],
    ids=["short", "long", "blank", "after a field of two lines", "after quotes", "open quote", "not UTF-8"],
)
def test_a_broken_line_is_named(read, text, line) -> None:
    with pytest.raises(Invalid, match=rf"'events'.*file0\.csv.*{line}"):
        read(text)


@pytest.mark.parametrize("text", ["", "\n"], ids=["no bytes", "no columns"])
def test_an_empty_file_is_named(read, text) -> None:
    with pytest.raises(Invalid, match=r"file0\.csv.*empty"):
        read(text)


def test_a_header_alone_is_no_rows(read) -> None:
    assert read("a,b\n").shape == (0, 2)


def test_a_column_that_stands_twice_is_refused(read) -> None:
    with pytest.raises(Invalid, match=r"two columns 'a'"):
        read("a,b,a\n1,2,3\n")


def test_an_empty_last_field_is_null_and_no_broken_line(read) -> None:
    assert read('a,b\n1,\n"2,5",\n').rows() == [("1", None), ("2,5", None)]


@pytest.mark.parametrize(
    ("late", "dtype"), [("1.5", pl.Float64), ("x", pl.String), ("7", pl.Int64)], ids=["fraction", "text", "integer"]
)
def test_types_hold_for_the_whole_file_not_for_its_start(read, late, dtype) -> None:
    rows = read("a,b\n" + "1,2\n" * 12_000 + f"{late},2\n")
    assert rows.schema["a"] == dtype
    assert rows["a"].null_count() == 0


def test_a_column_that_starts_empty_gets_the_type_of_what_follows(read) -> None:
    assert read("a,b\n" + "1,\n" * 12_000 + "1,5\n").schema["b"] == pl.Int64


def test_text_that_is_not_of_its_declared_type_is_named_with_its_line(read) -> None:
    for dtype in ("Int64", "Date", "Boolean", "Decimal(10, 2)"):
        with pytest.raises(Invalid, match=r"line 3: 'x' in column 'a'"):
            read("a,b\n,2\nx,2\n", dtypes={"a": dtype})


def test_declared_types_are_read(read) -> None:
    dtypes = {"d": "Date", "t": "Datetime", "c": "Decimal(10, 2)", "b": "Boolean", "z": "String"}
    rows = read("d,t,c,b,z\n2024-01-31,2024-01-31T01:02:03.5Z,1.25,true,007\n,,,,\n", dtypes=dtypes)
    assert [str(t) for t in rows.dtypes] == [
        "Date",
        "Datetime(time_unit='us', time_zone='UTC')",
        "Decimal(precision=10, scale=2)",
        "Boolean",
        "String",
    ]
    assert rows["z"].to_list() == ["007", None]
    assert rows["t"].dt.epoch("us")[0] == 1_706_662_923_500_000


def test_a_declared_column_that_is_not_there_is_named(read) -> None:
    with pytest.raises(Invalid, match=r"no column 'amuont'.*'amount'"):
        read("amount\n1\n", dtypes={"amuont": "Int64"})


def test_delimiter_and_header_are_as_told(read) -> None:
    assert read("1;2\n3;4\n", delimiter=";", header=False).rows() == [(1, 2), (3, 4)]


def test_times_stay_text_until_they_are_held(read) -> None:
    assert read("t\n2024-01-31\n").schema["t"] == pl.String


def test_files_with_other_columns_are_named(read) -> None:
    with pytest.raises(Invalid, match=r"file1\.csv has other columns.*no 'b'"):
        read("a,b\n1,2\n", "a\n1\n")
    with pytest.raises(Invalid, match=r"file1\.csv has other columns.*a new 'c'"):
        read("a\n1\n", "a,c\n1,2\n")


def test_files_whose_columns_stand_in_another_order_are_matched_by_name(read) -> None:
    assert read("a,b\n1,2\n", "b,a\n2.5,1\n").rows() == [(1, 2.0), (1, 2.5)]


def test_a_parquet_file_with_another_type_is_named(engine: LivePolarsEngine, parquet) -> None:
    scan = parquet(pl.DataFrame({"a": [1]}), pl.DataFrame({"a": ["x"]}))
    with pytest.raises(Invalid, match=r"file1\.parquet has other columns.*'a' as String, not Int64"):
        engine.scan(scan)


def test_a_damaged_parquet_file_is_named_when_rows_are_read(engine: LivePolarsEngine, parquet) -> None:
    scan = parquet(pl.DataFrame({"a": [1]}), pl.select(a=pl.int_range(100_000).shuffle(seed=1)))
    path = Path(scan.uris[1])
    data = bytearray(path.read_bytes())
    data[4:5000] = b"\xff" * 4996
    path.write_bytes(data)
    with pytest.raises(Invalid, match=r"file1\.parquet cannot be read as parquet"):
        engine.conform(engine.scan(scan), Shape((Key("a"),)))


@pytest.mark.parametrize("content", [b"", b"not a Parquet file"], ids=["empty", "junk"])
def test_a_file_that_is_no_parquet_is_named(engine: LivePolarsEngine, tmp_path: Path, content) -> None:
    path = tmp_path / "events.parquet"
    path.write_bytes(content)
    with pytest.raises(Invalid, match=r"events\.parquet"):
        engine.scan(Scan("events", (str(path),), ParquetFormat()))


def test_a_path_with_brackets_is_a_file_where_there_is_one(engine: LivePolarsEngine, tmp_path: Path) -> None:
    path = tmp_path / "events[1].parquet"
    pl.DataFrame({"a": [1]}).write_parquet(path)
    assert engine.scan(Scan("events", (str(path),), ParquetFormat())).collect().height == 1


def test_a_pattern_is_every_file_that_fits(engine: LivePolarsEngine, tmp_path: Path) -> None:
    for name in ("a", "b"):
        pl.DataFrame({"a": [1]}).write_parquet(tmp_path / f"{name}.parquet")
    assert engine.scan(Scan("events", (str(tmp_path / "*.parquet"),), ParquetFormat())).collect().height == 2


def test_a_delta_table_is_refused_as_announced(engine: LivePolarsEngine) -> None:
    with pytest.raises(Unsupported, match="delta"):
        engine.scan(Scan("events", ("events",), DeltaFormat()))


def test_intervals_in_a_parquet_file_are_told_as_what_they_are(engine: LivePolarsEngine, tmp_path: Path) -> None:
    path = tmp_path / "events.parquet"
    duckdb.sql(f"COPY (SELECT 1 AS user, INTERVAL 1 MONTH AS since) TO '{path}'")
    with refused(Invalid, "'events'", "events.parquet has a column of the type INTERVAL"):
        engine.scan(Scan("events", (str(path),), ParquetFormat()))
