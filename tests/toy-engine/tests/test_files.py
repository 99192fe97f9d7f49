"""Sources: what a file must be, and what several must have in common."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlforge.errors import Invalid, Unsupported
from mlforge.model.source import CSVFormat, DeltaFormat, ParquetFormat
from mlforge.plugin import Scan
from toy_engine.files import scan


def source(folder: Path, form: CSVFormat, *texts: str) -> Scan:
    paths = [folder / f"{number}.csv" for number in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text, encoding="utf-8")
    return Scan("payments", tuple(map(str, paths)), form)


def test_a_type_that_is_detected_holds_for_every_row(tmp_path: Path) -> None:
    late = source(tmp_path, CSVFormat(), "n\n" + "1\n" * 500_000 + "x\n")
    assert scan(late).schema.field("n").type == pa.string()


def test_whole_numbers_and_fractions_of_two_files_are_both_numbers(tmp_path: Path) -> None:
    found = scan(source(tmp_path, CSVFormat(), "a,n\nx,1\n", "n,a\n1.5,y\n"))
    assert found.to_pylist() == [{"a": "x", "n": 1.0}, {"a": "y", "n": 1.5}]


def test_a_file_of_other_columns_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"1\.csv has other columns"):
        scan(source(tmp_path, CSVFormat(), "a\n1\n", "b\n1\n"))


def test_parquet_files_of_other_types_are_refused(tmp_path: Path) -> None:
    for name, values in (("a", [1]), ("b", [1.0])):
        pq.write_table(pa.table({"n": values}), tmp_path / name)
    with pytest.raises(Invalid, match="has other columns"):
        scan(Scan("payments", tuple(str(tmp_path / name) for name in "ab"), ParquetFormat()))


def test_a_file_without_a_header_has_numbered_columns(tmp_path: Path) -> None:
    found = scan(source(tmp_path, CSVFormat(header=False, delimiter=";"), "1;a\n2;b\n"))
    assert found.to_pylist() == [{"column_1": 1, "column_2": "a"}, {"column_1": 2, "column_2": "b"}]


def test_times_are_read_as_they_were_declared(tmp_path: Path) -> None:
    found = scan(source(tmp_path, CSVFormat(dtypes={"at": "Datetime"}), "at\n2024-03-01T12:00:00Z\n"))
    assert found.schema.field("at").type == pa.timestamp("us", "UTC")


@pytest.mark.parametrize("text", ["", "a,a\n1,2\n", "b\n1\n"], ids=["empty", "a name twice", "no declared column"])
def test_a_file_that_is_no_such_csv_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(Invalid, match=r"0\.csv"):
        scan(source(tmp_path, CSVFormat(dtypes={"a": "Int64"}), text))


def test_another_format_is_refused() -> None:
    with pytest.raises(Unsupported, match="delta"):
        scan(Scan("payments", ("x",), DeltaFormat()))
