"""What cannot be read, shown or computed is refused in words that help; what can is not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from mlforge.errors import Invalid
from mlforge.model.check import Validator
from mlforge.model.duration import Duration
from mlforge.model.expr import Agg, col, it
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.metric import MetricColumn, WindowPlan
from mlforge.model.source import CSVFormat
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import Scan
from mlforge_polars.engine import LivePolarsEngine
from mlforge_polars.times import instants

SHAPE = Shape((Key("k"),), Timestamp("t"))
FAR = pl.Series("t", [3 * 10**17, 2**62, 0]).cast(pl.Datetime("us", "UTC"))


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        *(("20240131", "%Y%m%d"), ("2024031", "%Y%j"), ("2024-01-31", "%F"), ("31.1.2024", "%-d.%-m.%Y")),
        *(("1/31/2024", "%-m/%-d/%Y"), ("31 Jan 2024", "%d %b %Y"), ("2024-W05-3", "%G-W%V-%u")),
    ],
)
def test_a_format_that_fixes_a_day_is_read(text, pattern) -> None:
    assert instants(pl.Series("t", [text]), Timestamp("t", pattern))[0] == datetime(2024, 1, 31, tzinfo=UTC)


def test_strings_in_lists_become_pandas(engine: LivePolarsEngine) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pandas")
    frame = pl.DataFrame({"s": ["a"], "l": [["a", None]], "b": [[b"x"]]})
    table = pyarrow.table(engine.to_arrow(frame))
    assert "view" not in str(table.schema)
    assert list(table.to_pandas()["l"][0]) == ["a", None]


def test_times_beyond_python_are_text_in_examples(engine: LivePolarsEngine) -> None:
    frame = pl.DataFrame({"t": FAR, "d": pl.Series([3_000_000, 2**31 - 1, 0], dtype=pl.Int32).cast(pl.Date)})
    stamps, dates = engine.check(frame, [Validator("v", ~it().is_null()).on(c) for c in frame.columns])
    assert "11476-08-15" in stamps.examples[0] and stamps.examples[2].year == 1970
    assert "10183-09-21" in dates.examples[0] and isinstance(dates.examples[1], str)


def test_duplicates_at_times_beyond_python_are_shown(engine: LivePolarsEngine) -> None:
    frame = pl.DataFrame({"k": [1, 1], "t": FAR[[0, 0]]})
    with pytest.raises(Invalid, match=r"2 rows share.*11476-08-15"):
        engine.settle(frame, SHAPE)


def test_rows_beyond_python_are_refused(engine: LivePolarsEngine) -> None:
    with pytest.raises(Invalid) as caught:
        list(engine.rows(FAR.to_frame()))
    assert "9999" in (caught.value.hint or "")


@pytest.mark.parametrize("text", [b"a,b\r1,2\r3,4\r", b"a,b\r1,2\r3,4", b'"a",b\r"1",2\r\n'])
@pytest.mark.parametrize("header", [True, False])
def test_a_csv_whose_lines_end_in_cr_is_refused(engine: LivePolarsEngine, tmp_path: Path, text, header) -> None:
    (path := tmp_path / "x.csv").write_bytes(text)
    with pytest.raises(Invalid, match="carriage return") as caught:
        engine.scan(Scan("events", (str(path),), CSVFormat(header=header)))
    assert "newline" in (caught.value.hint or "")


@pytest.mark.parametrize("text", [b"a,b\r\n1,2\r\n", b'a,"b\rc"\n1,2\n', b'a,"b\r\nc"\r\n1,2\r\n'])
def test_other_carriage_returns_are_read(engine: LivePolarsEngine, tmp_path: Path, text) -> None:
    (path := tmp_path / "x.csv").write_bytes(text)
    assert engine.scan(Scan("events", (str(path),), CSVFormat())).collect().rows() == [(1, 2)]


def aggregated(engine: LivePolarsEngine, times: pl.Series, xs: list[int], expr) -> pl.DataFrame:
    plan = WindowPlan(None, (MetricColumn("total", Duration.parse("1d"), expr, "sum"),))
    return engine.aggregate(pl.DataFrame({"k": 1, "t": times, "x": xs}), SHAPE, plan)


def test_overflows_are_told_apart(engine: LivePolarsEngine) -> None:
    now = pl.Series([0, 0]).cast(pl.Datetime("us", "UTC"))
    last = pl.Series([2**63 - 1, 0]).cast(pl.Datetime("us", "UTC"))
    with pytest.raises(Invalid, match="total: int64 overflow: a sum") as of_sum:
        aggregated(engine, now, [2**62, 2**62], Agg("sum", col("x")))
    assert "Float64" in (of_sum.value.hint or "")
    with pytest.raises(Invalid, match="a stamp would leave") as of_stamp:
        aggregated(engine, last, [1, 2], Agg("sum", col("x")))
    assert "Float64" not in (of_stamp.value.hint or "") and "time" in (of_stamp.value.hint or "")
    with pytest.raises(Invalid, match="int64 overflow"):
        aggregated(engine, now, [2**62, 1], Agg("sum", col("x") * 4))
