"""What is written is read equal: by the engine itself, and by every other."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlforge.errors import Invalid, Unsupported
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.meta import Target
from mlforge.model.schema import Schema
from mlforge.model.source import CSVFormat, ParquetFormat
from mlforge.plugin import Scan
from mlforge.testing.compare import assert_same
from mlforge.testing.engines.bench import Bench
from mlforge.testing.engines.subject import EngineSubject
from mlforge.testing.generated import generated
from mlforge.testing.reference import Table
from mlforge.testing.refusals import refused
from mlforge.testing.strategies.tables import every_value, tables
from mlforge.testing.strategies.values import DTYPES

SHAPE = Shape((Key("k"),))
NUMBERS = Table.of(Schema.of(k="Int64", x="String"), [{"k": i, "x": str(i)} for i in range(5)])
CSV = 'zip,name,amount,note\n01234,"a,b",1.5,\n99999,é,-2,NA\n'
CSV_FORMAT = CSVFormat(null_values=("NA",), dtypes=(("zip", "String"),))
CSV_TABLE = Table.of(
    Schema.of(zip="String", name="String", amount="Float64", note="String"),
    [{"zip": "01234", "name": "a,b", "amount": 1.5}, {"zip": "99999", "name": "é", "amount": -2.0}],
)
EACH_TYPE = "each_type_is_read_equal_by_every_engine"


class StorageTests(EngineSubject):
    """Writing, reading back, and scanning sources."""

    @generated(0.04, tables())
    def test_what_is_written_is_read_equal_by_every_engine(self, bench: Bench, table: Table) -> None:
        stored = [c.name for c in table.schema if f"{EACH_TYPE}[{c.dtype}]" not in bench.descriptor.lacks]
        if stored:
            assert_read_equal(bench, table.select(stored))

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_each_type_is_read_equal_by_every_engine(self, bench: Bench, dtype: str) -> None:
        assert_read_equal(bench, every_value(dtype))

    def test_writing_says_how_many_rows_there_were(self, bench: Bench) -> None:
        assert bench.engine.write(bench.frame(NUMBERS), bench.target()).rows == 5

    def test_the_parts_of_a_version_are_read_as_one(self, bench: Bench) -> None:
        first, second = (Table(NUMBERS.schema, rows) for rows in (NUMBERS.rows[:2], NUMBERS.rows[2:]))
        artifact = bench.stored(first, second, shape=SHAPE)
        assert bench.table(bench.engine.read_version(artifact)).column("k") == [*range(5)]

    def test_only_the_columns_that_are_asked_for_are_read(self, bench: Bench) -> None:
        artifact = bench.stored(NUMBERS, shape=SHAPE)
        assert_same(NUMBERS.select(["x"]), bench.table(bench.engine.read_version(artifact, ["x"])))

    def test_a_format_it_does_not_write_is_refused(self, bench: Bench) -> None:
        with refused(Unsupported, "papyrus"):
            bench.engine.write(bench.frame(NUMBERS), Target("x", str(bench.folder / "x"), "papyrus"))

    @pytest.mark.parametrize("ability", ["parquet"])
    def test_a_written_file_is_a_source(self, bench: Bench, ability: str) -> None:
        path = bench.folder / "events.parquet"
        bench.engine.write(bench.frame(NUMBERS), Target("x", str(path), "parquet"))
        assert_same(NUMBERS, bench.table(bench.engine.scan(Scan("events", (str(path),), ParquetFormat()))))

    @pytest.mark.parametrize("ability", ["csv"])
    def test_csv_is_read_with_the_types_and_nulls_it_was_told(self, bench: Bench, ability: str) -> None:
        assert_same(CSV_TABLE, bench.table(bench.engine.scan(_csv(bench.folder, CSV))))

    @pytest.mark.parametrize("ability", ["csv"])
    def test_several_addresses_are_read_as_one(self, bench: Bench, ability: str) -> None:
        scans = [_csv(bench.folder, CSV, name).uris[0] for name in ("a.csv", "b.csv")]
        both = bench.engine.scan(Scan("zips", tuple(scans), CSV_FORMAT))
        assert_same(Table(CSV_TABLE.schema, CSV_TABLE.rows * 2), bench.table(both))

    @pytest.mark.parametrize("ability", ["csv"])
    def test_a_source_that_is_not_there_is_named(self, bench: Bench, ability: str) -> None:
        with refused(Invalid, "nowhere.csv"):
            bench.table(bench.engine.scan(Scan("zips", (str(bench.folder / "nowhere.csv"),), CSVFormat())))

    @pytest.mark.parametrize("ability", ["csv"])
    def test_a_file_that_does_not_parse_is_named(self, bench: Bench, ability: str) -> None:
        with refused(Invalid, "broken.csv"):
            bench.table(bench.engine.scan(_csv(bench.folder, "zip,x\n1,2\n3,4,5,6\n", "broken.csv")))


def assert_read_equal(bench: Bench, table: Table) -> None:
    """Fail unless the engine, and every other, reads what this one writes."""
    artifact = bench.stored(table, shape=SHAPE)
    assert_same(table, bench.table(bench.engine.read_version(artifact)))
    for other in bench.others():
        with other.open() as engine:
            reader = Bench(engine, bench.descriptor, bench.folder)
            assert_same(table, reader.table(engine.read_version(artifact)))


def _csv(folder: Path, text: str, name: str = "zips.csv") -> Scan:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return Scan("zips", (str(path),), CSV_FORMAT)
