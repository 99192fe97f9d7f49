"""The slices of a build as one Parquet file: their bytes put one after the other, beside DuckDB writing them again."""

import sys
import tempfile
from pathlib import Path

import duckdb
from harness import alternate, report

from mlforge_duckdb.files import copying, join_files
from mlforge_duckdb.sources import parquet_files
from mlforge_duckdb.types import types_of

COLUMNS = ", ".join(f"(i * {7 + c}) % {10 ** (c % 6 + 2)} * 1.5 AS x{c}" for c in range(15))
SLICES = 4


def main(options):
    """10 M rows, a key, a stamp and 15 floats, in 4 slices: `join_files` against one COPY of them in their order."""
    rows = int(10_000_000 * options.scale)
    with tempfile.TemporaryDirectory() as folder:
        connection = duckdb.connect()
        for number, files in enumerate(slices(folder)):
            query = (
                f"SELECT i // 20 AS k, make_timestamp(i) AS t, {COLUMNS} FROM range({number}, {rows}, {SLICES}) r(i)"
            )
            connection.execute(copying(query, types_of(connection.sql(query)), str(files)))
        sides = {way: [sys.executable, __file__, way, folder] for way in ("written again", "bytes joined")}
        found = alternate(sides, options.runs)
        report(f"One file of {SLICES} slices: {rows:,} rows × 17 columns", found, {"bytes joined": (0.77, None)})


def slices(folder):
    return [Path(folder, f"{number}.parquet") for number in range(SLICES)]


def once(way, folder):
    out = Path(folder, f"{way}.parquet")
    if way == "bytes joined":
        print(join_files(slices(folder), out))
        return
    connection = duckdb.connect()
    query = f"FROM {parquet_files(tuple(map(str, slices(folder))))}"
    print(connection.execute(copying(query, types_of(connection.sql(query)), str(out))).fetchall())


if __name__ == "__main__":
    once(*sys.argv[1:])
