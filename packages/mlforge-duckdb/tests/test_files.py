"""Parquet files put one after the other are one Parquet file, to every reader."""

from __future__ import annotations

from pathlib import Path

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest

from mlforge.errors import PluginFailed
from mlforge_duckdb.exchange import to_polars
from mlforge_duckdb.files import copying, join_files, written
from mlforge_duckdb.footer import footer_bytes, read_footer
from mlforge_duckdb.types import types_of

COLUMNS = (
    "i, i % 7 AS few, i * 1.5 AS x, CASE WHEN i % 3 = 0 THEN NULL ELSE 's' || (i % 11) END AS s, i % 2 = 0 AS b, "
    "make_timestamp(i) AS t, [i, i + 1] AS l, 'b'::BLOB AS raw, NULL::DATE AS d, (i % 100)::DECIMAL(9, 2) AS money, "
    "'nan'::DOUBLE AS broken, i::FLOAT AS f32, (i % 5)::SMALLINT AS small, '' AS empty, to_microseconds(i) AS lasts, "
    "CAST(make_timestamp(i) AS TIMESTAMPTZ) AS at, md5(i::VARCHAR) AS hash"
)


def query(first: int, rows: int) -> str:
    return f"SELECT {COLUMNS} FROM range({first}, {first + rows}) r(i)"


@pytest.fixture
def connection() -> duckdb.DuckDBPyConnection:
    made = duckdb.connect()
    made.execute("SET TimeZone = 'UTC'")
    return made


@pytest.mark.parametrize(
    "sizes", [[5], [5, 7], [3, 0, 9], [0, 4], [0], [0, 0], [300_000, 10, 260_000], [1] * 40], ids=str
)
def test_files_put_together_hold_all_rows_in_order(connection, tmp_path: Path, sizes: list[int]) -> None:
    types = types_of(connection.sql(query(0, 1)))
    paths, first = [], 0
    for number, size in enumerate(sizes):
        paths.append(tmp_path / f"{number}.parquet")
        connection.execute(copying(query(first, size) + " ORDER BY i", types, str(paths[-1])))
        first += size
    whole = tmp_path / "whole.parquet"
    assert join_files(paths, whole) == first
    expected = connection.sql(f"FROM ({query(0, first)}) ORDER BY i")
    for files in (paths, [whole]):
        rows = connection.sql(written(files, types, connection))
        assert rows.types == expected.types
        assert to_polars(rows).equals(to_polars(expected), null_equal=True)
    assert pl.read_parquet(whole)["i"].to_list() == list(range(first))
    table = pq.read_table(whole)
    assert table["s"].to_pylist() == to_polars(expected)["s"].to_list()
    assert table.num_rows == pq.read_metadata(whole).num_rows == first


def test_what_readers_skip_by_is_moved_along(connection, tmp_path: Path) -> None:
    types = types_of(connection.sql(query(0, 1)))
    paths = [tmp_path / f"{n}.parquet" for n in range(3)]
    for number, path in enumerate(paths):
        connection.execute(copying(query(number * 1000, 1000), types, str(path)))
    whole = tmp_path / "whole.parquet"
    join_files(paths, whole)
    assert connection.sql(f"SELECT i FROM '{whole}' WHERE few = 3 AND i > 2500").fetchall()[0] == (2502,)
    groups = connection.sql(f"SELECT row_group_id, min(data_page_offset) FROM parquet_metadata('{whole}') GROUP BY 1")
    offsets = [offset for _, offset in sorted(groups.fetchall())]
    assert len(set(offsets)) == 3
    assert offsets == sorted(offsets)
    probed = connection.sql(f"FROM parquet_bloom_probe('{whole}', 's', 's3')").fetchall()
    assert {excluded for *_, excluded in probed} == {False}


def test_a_footer_comes_back_as_it_was(connection, tmp_path: Path) -> None:
    path = tmp_path / "rows.parquet"
    connection.execute(copying(query(0, 300_000), types_of(connection.sql(query(0, 1))), str(path)))
    footer = read_footer(path)
    assert footer_bytes(footer.fields) == path.read_bytes()[footer.start :]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1 and something else that is no footer"])
def test_what_is_no_parquet_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "rows.parquet"
    path.write_bytes(content)
    with pytest.raises(PluginFailed, match="no Parquet file"):
        read_footer(path)
