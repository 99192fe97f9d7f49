"""Writes the kit's Parquet files of types that only Arrow's schema tells, or wider than ours, and their values.

Run it with pyarrow and Polars: `hatch run test:python scripts/arrow_types.py`.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from mlforge.model.schema import Schema
from mlforge.testing.reference import Table, files

CASES = Path(__file__).parents[1] / "packages/mlforge-core/src/mlforge/testing/cases/arrow_types.json"
NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
FAR = [datetime(9999, 12, 31, tzinfo=UTC), datetime(1000, 1, 1, tzinfo=UTC)]
STORED = [b"0" * 16, bytes(range(16))]
ZONES = ("+05:30", "-03:45", "Z", "Europe/Berlin", "Mars/Phobos", "Etc/GMT+5")
SECOND = timedelta(seconds=1)


def extension(kind: Any, values: Sequence[Any]) -> pa.Array:
    return pa.ExtensionArray.from_storage(kind, pa.array(values, kind.storage_type))


KNOWN: dict[str, tuple[pa.Array, str, list[Any]]] = {
    "durations of seconds": (pa.array([1, -7], pa.duration("s")), "Duration", [SECOND, -7 * SECOND]),
    "durations of milliseconds": (pa.array([1000, -7000], pa.duration("ms")), "Duration", [SECOND, -7 * SECOND]),
    "durations of nanoseconds": (
        pa.array([10**9, -7 * 10**9], pa.duration("ns")), "Duration", [SECOND, -7 * SECOND]),
    "dates of milliseconds": (
        pa.array([date(2025, 1, 1), date(1969, 12, 31)], pa.date64()), "Datetime",
        [datetime(2025, 1, 1, tzinfo=UTC), datetime(1969, 12, 31, tzinfo=UTC)]),
    "floats of 16 bits": (pa.array(np.array([0.5, -2], np.float16)), "Float32", [0.5, -2.0]),
    "decimals of 32 bits": (
        pa.array([Decimal("1.25"), Decimal("-0.05")], pa.decimal32(5, 2)), "Decimal(5, 2)",
        [Decimal("1.25"), Decimal("-0.05")]),
    "decimals of 256 bits that 38 digits hold": (
        pa.array([Decimal("1.25"), Decimal("-0.05")], pa.decimal256(20, 2)), "Decimal(20, 2)",
        [Decimal("1.25"), Decimal("-0.05")]),
    "unsigned integers beyond the signed": (pa.array([2**64 - 1, 7], pa.uint64()), "UInt64", [2**64 - 1, 7]),
    "UUIDs": (extension(pa.uuid(), STORED), "Binary", STORED),
    "JSON": (extension(pa.json_(pa.string()), ["{}", '{"a": 1}']), "String", ["{}", '{"a": 1}']),
    "booleans of 8 bits": (extension(pa.bool8(), [1, 0]), "Int8", [1, 0]),
    "times of day in seconds": (pa.array([time(1, 2, 3), time(0)], pa.time32("s")), "Time", [time(1, 2, 3), time(0)]),
    "times of day in nanoseconds": (
        pa.array([1_234_999, 86_399_999_999_999], pa.time64("ns")), "Time",
        [time(0, 0, 0, 1234), time(23, 59, 59, 999_999)]),
    "instants of seconds": (pa.array([0, -1], pa.timestamp("s", "UTC")), "Datetime",
        [datetime(1970, 1, 1, tzinfo=UTC), datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)]),
    "instants of nanoseconds before 1970": (pa.array([-1, 1], pa.timestamp("ns")), "Datetime",
        [datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC)]),
    "text by code": (pa.array(["a", "b"]).dictionary_encode(), "String", ["a", "b"]),
    **{f"instants in {zone}": (pa.array([NOON, NOON + SECOND], pa.timestamp("us", zone)), "Datetime",
        [NOON, NOON + SECOND]) for zone in ZONES},
}  # fmt: skip
REFUSED: dict[str, tuple[Any, list[str]]] = {
    "decimals of 39 digits": (pa.array([5, 7], pa.decimal256(39, 0)), ["v", "38 digits"]),
    "structs": (pa.array([{"a": 1}, {"a": 2}]), ["v"]),
}


def written(column: pa.Array, **how: Any) -> str:
    """A Parquet file with a key, a time and the column, as text."""
    table = pa.table({"k": [1, 2], "t": pa.array([NOON, NOON], pa.timestamp("us", "UTC")), "v": column})
    out = BytesIO()
    pq.write_table(table, out, **how)
    return base64.b64encode(out.getvalue()).decode()


def integers(dtype: pl.DataType) -> str:
    """The same with integers of 128 bits, which Polars writes."""
    out = BytesIO()
    v = pl.Series("v", [2**100, 7], dtype=dtype)
    pl.DataFrame({"k": [1, 2], "t": [NOON, NOON]}).with_columns(v).write_parquet(out)
    return base64.b64encode(out.getvalue()).decode()


def expected(dtype: str, values: list[Any]) -> str:
    """The values as the reference writes them."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "values.jsonl"
        files.write(Table.of(Schema.of(v=dtype), [{"v": v} for v in values]), str(path))
        return path.read_text()


def main() -> None:
    int96 = written(pa.array(FAR, pa.timestamp("us")), use_deprecated_int96_timestamps=True, store_schema=False)
    cases = [{"name": n, "parquet": written(a), "values": expected(t, v)} for n, (a, t, v) in KNOWN.items()]
    cases += [{"name": "times of 96 bits, far away", "parquet": int96, "values": expected("Datetime", FAR)}]
    cases += [{"name": n, "parquet": written(a), "refused": words} for n, (a, words) in REFUSED.items()]
    for dtype in (pl.Int128(), pl.UInt128()):
        cases.append(
            {"name": f"integers of 128 bits, {dtype}", "parquet": integers(dtype), "refused": [""]}
        )  # pyarrow does not even tell its columns
    CASES.write_text(json.dumps(cases, indent=1) + "\n")


if __name__ == "__main__":
    main()
