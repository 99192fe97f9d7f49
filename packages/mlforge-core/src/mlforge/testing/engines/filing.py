"""Files of a source: which there are, what they agree on, and what is said of those that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlforge.errors import Invalid, Unsupported
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.meta import Target
from mlforge.model.schema import Schema
from mlforge.model.source import CSVFormat, DeltaFormat, Format, IcebergFormat, ParquetFormat, format_name
from mlforge.plugin import Scan
from mlforge.testing.engines.bench import Bench
from mlforge.testing.engines.failing import files_at
from mlforge.testing.engines.subject import EngineSubject
from mlforge.testing.reference import Table
from mlforge.testing.refusals import refused

ONE = Table.of(Schema.of(a="Int64"), [{"a": 1}])
FORMATS: dict[str, Format] = {"csv": CSVFormat(), "parquet": ParquetFormat()}
OTHERS: dict[str, Table] = {
    "another type": Table.of(Schema.of(a="String"), [{"a": "x"}]),
    "another column": Table.of(Schema.of(b="Int64"), [{"b": 1}]),
    "a column more": Table.of(Schema.of(a="Int64", b="Int64"), [{"a": 1, "b": 1}]),
}


class FileTests(EngineSubject):
    """What is found at the addresses of a source."""

    @pytest.mark.parametrize("ability", FORMATS)
    def test_an_address_with_brackets_is_a_file_where_there_is_one(self, bench: Bench, ability: str) -> None:
        path = put(bench, f"events[1].{ability}", ONE)
        found = bench.engine.scan(Scan("events", (str(path),), FORMATS[ability]))
        assert bench.table(found).rows == ONE.rows

    @pytest.mark.parametrize("ability", ["parquet"])
    @pytest.mark.parametrize("case", OTHERS)
    def test_files_of_parquet_that_do_not_agree_are_refused_by_name(
        self, bench: Bench, case: str, ability: str
    ) -> None:
        paths = [put(bench, f"{number}.parquet", table) for number, table in enumerate((ONE, OTHERS[case]))]
        with refused(Invalid, "'events'", "1.parquet", "'a'" if case == "another type" else "'b'"):
            bench.table(bench.engine.scan(Scan("events", tuple(map(str, paths)), ParquetFormat())))

    @pytest.mark.parametrize("ability", ["parquet"])
    def test_a_damaged_file_is_named_when_its_rows_are_read(self, bench: Bench, ability: str) -> None:
        many = Table.of(ONE.schema, [{"a": i * 7919 % 100_003 << i % 30} for i in range(20_000)])
        paths = [put(bench, f"{number}.parquet", table) for number, table in enumerate((ONE, many))]
        for file in files_at(paths[1]):
            data = bytearray(file.read_bytes())
            data[4:5000] = b"\xff" * 4996
            file.write_bytes(data)
        with refused(Invalid, "1.parquet", "cannot be read"):
            frame = bench.engine.scan(Scan("events", tuple(map(str, paths)), ParquetFormat()))
            bench.engine.conform(frame, Shape((Key("a"),)))

    @pytest.mark.parametrize("ability", ["parquet"])
    @pytest.mark.parametrize("content", ["", "junk"])
    def test_a_file_that_is_no_parquet_is_named(self, bench: Bench, content: str, ability: str) -> None:
        path = bench.folder / "events.parquet"
        path.write_text(content)
        with refused(Invalid, "events.parquet"):
            bench.table(bench.engine.scan(Scan("events", (str(path),), ParquetFormat())))

    @pytest.mark.parametrize("form", [ParquetFormat(), DeltaFormat(), IcebergFormat()], ids=format_name)
    def test_a_format_it_does_not_read_is_refused(self, bench: Bench, form: Format) -> None:
        if format_name(form) in bench.descriptor.reads:
            return
        with refused(Unsupported, format_name(form)):
            bench.engine.scan(Scan("events", (str(bench.folder / "events"),), form))


def put(bench: Bench, name: str, table: Table) -> Path:
    """The address of a file of a table: CSV, or Parquet as the engine writes it."""
    path = bench.folder / name
    if path.suffix == ".csv":
        lines = [",".join(table.names), *(",".join(map(str, row.values())) for row in table.rows)]
        path.write_text("".join(f"{line}\n" for line in lines))
    else:
        bench.engine.write(bench.frame(table), Target("events", str(path), "parquet"))
    return path
