"""What a list in a Parquet file holds is of the type that it has elsewhere, whichever engine builds and reads it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import mlforge as mlf

LENGTH, NOON = timedelta(hours=1, milliseconds=5), datetime(2025, 1, 1, 12, tzinfo=UTC)
WHOLE = timedelta(hours=1)
LISTS = {
    "durations in s": (pa.list_(pa.duration("s")), [WHOLE, None], "List(Duration)"),
    "durations in ms": (pa.list_(pa.duration("ms")), [LENGTH, None], "List(Duration)"),
    "durations in us": (pa.list_(pa.duration("us")), [-LENGTH, None], "List(Duration)"),
    "durations in ns": (pa.list_(pa.duration("ns")), [LENGTH, None], "List(Duration)"),
    "durations in lists": (pa.list_(pa.list_(pa.duration("s"))), [[WHOLE, None], None, []], "List(List(Duration))"),
    "dates in ms": (pa.list_(pa.date64()), [NOON.replace(hour=0), None], "List(Datetime)"),
    "instants in ns": (pa.list_(pa.timestamp("ns", "UTC")), [NOON, None], "List(Datetime)"),
    "instants in ns, in lists": (pa.list_(pa.list_(pa.timestamp("ns"))), [[NOON], []], "List(List(Datetime))"),
}


@pytest.mark.parametrize("builds", ["polars", "duckdb"])
@pytest.mark.parametrize("case", LISTS)
def test_a_list_in_a_file_is_built_and_read_alike(tmp_path, case, builds):
    dtype, value, word = LISTS[case]
    pq.write_table(pa.table({"user": [1, 2, 3], "v": pa.array([value, None, []], dtype)}), tmp_path / "source.parquet")

    @mlf.feature(source=str(tmp_path / "source.parquet"), keys="user")
    def listed(df):
        return df

    defs = mlf.Definitions("shop", features=[listed], store=mlf.LocalStore(tmp_path / "store"), root=tmp_path)
    defs.build(engine=builds).raise_for_failure()
    assert defs.metadata("listed").schema.dtype("v") == word
    for reads in ("polars", "duckdb"):
        found = defs.get_training_data(pl.DataFrame({"user": [3, 2, 1]}), "listed", engine=reads)
        assert found["v"].to_list() == [[], None, value]
