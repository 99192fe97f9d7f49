"""What is said of sources that cannot be read, whatever the engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlforge.errors import Invalid, PluginFailed, Unsupported
from mlforge.model.source import CSVFormat, ParquetFormat
from mlforge.plugin import Scan
from mlforge.plugin.engine.sources import agreed, is_one_file, read_by, unreadable

FILES = Scan("payments", ("a.csv", "b.csv", "c.csv"), CSVFormat())


def widest(a: str, b: str) -> str | None:
    return "Float64" if {a, b} == {"Int64", "Float64"} else None


def test_a_format_is_read_by_its_own_reader() -> None:
    readers = {CSVFormat: lambda scan: ("csv", scan), ParquetFormat: lambda scan: ("parquet", scan)}
    assert read_by(readers, FILES, "Mine") == ("csv", FILES)


def test_a_format_without_a_reader_is_refused_by_name() -> None:
    with pytest.raises(Unsupported, match=r"Mine does not read csv, the format of source 'payments'\."):
        read_by({ParquetFormat: print}, FILES, "Mine")


def test_a_source_without_files_is_refused() -> None:
    with pytest.raises(Invalid, match="has no files"):
        read_by({CSVFormat: print}, Scan("payments", (), CSVFormat()), "Mine")


def test_the_order_is_the_first_files_and_a_type_holds_for_all() -> None:
    schemas = [{"a": "Int64", "b": "String"}, {"b": "String", "a": "Float64"}, {"a": "Int64", "b": "String"}]
    assert list(agreed(FILES, schemas, widest).items()) == [("a", "Float64"), ("b", "String")]


@pytest.mark.parametrize(
    ("other", "said"),
    [
        ({"a": "Int64"}, "no 'b'"),
        ({"a": "Int64", "b": "String", "c": "Int64"}, "a new 'c'"),
        ({"a": "String", "b": "String"}, "'a' as String, not Int64"),
        ({"a": "Float64", "c": "String"}, "no 'b', a new 'c', 'a' as Float64, not Int64"),
        ({"a": "Float64", "b": "Date"}, "'a' as Float64, not Int64, 'b' as Date, not String"),
    ],
)
def test_a_file_with_other_columns_is_named_with_what_differs(other: dict[str, str], said: str) -> None:
    first = {"a": "Int64", "b": "String"}
    with pytest.raises(Invalid, match=r"b\.csv has other columns than a\.csv: ") as refused:
        agreed(FILES, [first, other, first])
    assert said in refused.value.message


def test_what_cannot_be_read_is_told_by_why(tmp_path: Path) -> None:
    empty, broken = tmp_path / "empty.csv", tmp_path / "broken.csv"
    empty.touch()
    broken.write_text("x")
    gone = unreadable(FILES, str(tmp_path / "gone.csv"), ValueError("x"))
    assert (type(gone), gone.message.endswith("gone.csv.")) == (Invalid, True)
    assert "there is no file" in unreadable(FILES, "s3://bucket/a.csv", FileNotFoundError()).message
    assert "is empty (0 bytes)" in unreadable(FILES, str(empty), ValueError("x")).message
    assert unreadable(FILES, str(broken), ValueError("bad\nthing")).message.endswith("cannot be read as csv: bad.")
    denied = unreadable(FILES, str(broken), PermissionError("denied"))
    assert (type(denied), "denied" in denied.message) == (PluginFailed, True)


def test_wildcards_in_the_name_of_a_file_are_none(tmp_path: Path) -> None:
    (tmp_path / "[a]*.csv").touch()
    assert is_one_file(str(tmp_path / "[a]*.csv"))
    assert not is_one_file(str(tmp_path / "*.csv"))


def test_types_that_fit_together_are_not_blamed() -> None:
    with pytest.raises(Invalid) as refused:
        agreed(FILES, [{"a": "Int64", "b": "String"}, {"a": "Float64", "b": "Date"}, {}], widest)
    assert refused.value.message.endswith("a.csv: 'b' as Date, not String.")


def test_the_first_file_that_differs_is_named_before_later_ones_are_looked_at() -> None:
    def schemas() -> Iterator[dict[str, str]]:
        yield {"a": "Int64"}
        yield {"b": "Int64"}
        raise AssertionError("the third file was looked at")

    with pytest.raises(Invalid, match=r"b\.csv has other columns"):
        agreed(FILES, schemas())
