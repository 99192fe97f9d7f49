"""What folders tell of the files in them means the same to every engine."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from mlforge.model.meta import Target
from mlforge.model.schema import Schema
from mlforge.model.source import CSVFormat, ParquetFormat
from mlforge.plugin import Scan
from mlforge.testing.compare import assert_same
from mlforge.testing.engines.bench import Bench
from mlforge.testing.engines.subject import EngineSubject
from mlforge.testing.reference import Table

TOLD: dict[str, tuple[tuple[str, ...], str, tuple[Any, ...]]] = {
    "numbers": (("2024", "2025"), "Int64", (2024, 2025)),
    "numbers with zeros before them": (("01", "12"), "Int64", (1, 12)),
    "days": (("2024-02-29", "2025-01-31"), "Date", (date(2024, 2, 29), date(2025, 1, 31))),
    "text": (("DE", "Bad%20Ems", "é%3Dx"), "String", ("DE", "Bad Ems", "é=x")),
    "text that could be a number": (("1", "x"), "String", ("1", "x")),
    "nothing": (("7", "__HIVE_DEFAULT_PARTITION__"), "Int64", (7, None)),
    "nothing of text": (("x", "__HIVE_DEFAULT_PARTITION__"), "String", ("x", None)),
    "a column of the files": (("1", "2"), "Int64", (1, 2)),
    "days that one calendar left out": (("1582-10-04", "1582-10-10"), "Date", (date(1582, 10, 4), date(1582, 10, 10))),
    "letters by their bytes": (("%C3%A9", "é", "caf%c3%a9s"), "String", ("é", "é", "cafés")),
    "bytes that are no letters": (("%ff", "x"), "String", ("\ufffd", "x")),
    "encoded what stands for nothing": (("%5F_HIVE_DEFAULT_PARTITION__",), "String", ("__HIVE_DEFAULT_PARTITION__",)),
    "letters of patterns": (("a?", "[b]", "{c}", "d*"), "String", ("a?", "[b]", "{c}", "d*")),
    "letters that end a text elsewhere": (("a\\b", "c\nd", "e'f"), "String", ("a\\b", "c\nd", "e'f")),
}
ASIDE = {
    "a column of the files above": "n=9/{}/part=1",
    "a column of the files above, in capitals": "N=9/{}/part=1",
    "a folder above that tells nothing": "n=/{}/part=1",
    "a folder between": "{}/part=1/more",
    "a folder between that tells nothing": "{}/part=1/=x",
}
"""Folders of a file: `{}` is that of the source."""


class FolderTests(EngineSubject):
    """Files under folders that tell columns."""

    @pytest.mark.parametrize("ability", ["csv"])
    @pytest.mark.parametrize("case", TOLD)
    def test_folders_of_csv_tell_columns(self, bench: Bench, case: str, ability: str) -> None:
        names, dtype, values = TOLD[case]
        paths = [bench.folder / f"lake=1/part={name}/0.csv" for name in names]
        for n, path in enumerate(paths):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"n,part\n{n},x\n" if case == "a column of the files" else f"n\n{n}\n")
        scan = Scan("events", tuple(map(str, paths)), CSVFormat(), partitions=(("part", dtype),))
        expected = [{"n": n, "part": v} for n, v in enumerate(values)]
        assert_same(Table(Schema.of(n="Int64", part=dtype), expected), bench.table(bench.engine.scan(scan)))
        assert_same(bench.reference.scan(scan), bench.table(bench.engine.scan(scan)))

    @pytest.mark.parametrize("ability", ["parquet"])
    @pytest.mark.parametrize("case", ASIDE)
    def test_folders_beside_those_that_tell_columns_tell_none(self, bench: Bench, case: str, ability: str) -> None:
        path = bench.folder / ASIDE[case].format("lake") / "0.parquet"
        path.parent.mkdir(parents=True)
        bench.engine.write(bench.frame(Table(Schema.of(n="Int64"), [{"n": 5}])), Target("e", str(path), "parquet"))
        scan = Scan("events", (str(path),), ParquetFormat(), partitions=(("part", "Int64"),))
        expected = Table(Schema.of(n="Int64", part="Int64"), [{"n": 5, "part": 1}])
        assert_same(expected, bench.table(bench.engine.scan(scan)))

    @pytest.mark.parametrize("ability", ["parquet"])
    @pytest.mark.parametrize("case", TOLD)
    def test_folders_of_parquet_tell_columns(self, bench: Bench, case: str, ability: str) -> None:
        names, dtype, values = TOLD[case]
        paths = [bench.folder / f"lake=1/part={name}/0.parquet" for name in names]
        for n, path in enumerate(paths):
            path.parent.mkdir(parents=True, exist_ok=True)
            rows = [{"n": n, "part": "x"}]
            table = Table(Schema.of(n="Int64", part="String"), rows)
            table = table if case == "a column of the files" else table.select(["n"])
            bench.engine.write(bench.frame(table), Target("events", str(path), "parquet"))
        scan = Scan("events", tuple(map(str, paths)), ParquetFormat(), partitions=(("part", dtype),))
        expected = [{"n": n, "part": v} for n, v in enumerate(values)]
        found = bench.table(bench.engine.scan(scan))
        in_order = Table(found.schema, sorted(found.rows, key=lambda row: int(row["n"])))  # files have none
        assert_same(Table(Schema.of(n="Int64", part=dtype), expected), in_order)
