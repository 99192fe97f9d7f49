"""CSV files as a source: one set of columns, one type each, for every engine that takes the frame."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from mlforge.errors import Invalid, PluginFailed
from mlforge.model.source import CSVFormat, ParquetFormat
from mlforge.plugin import Scan
from mlforge_csv import scan_csv


def scan(folder: Path, *texts: str, form: CSVFormat | None = None) -> Scan:
    paths = [folder / f"{i}.csv" for i in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_text(text)
    return Scan("payments", tuple(map(str, paths)), form or CSVFormat())


def test_whole_numbers_beside_fractions_are_numbers(tmp_path: Path) -> None:
    rows = scan_csv(scan(tmp_path, "n,s\n1,a\n", "s,n\nb,2.5\n")).collect()
    assert rows.to_dict(as_series=False) == {"n": [1.0, 2.5], "s": ["a", "b"]}


def test_a_type_that_a_late_value_contradicts_is_not_detected(tmp_path: Path) -> None:
    text = "n\n" + "1\n" * 20_000 + "x\n"
    assert scan_csv(scan(tmp_path, text)).collect_schema() == {"n": pl.String}


def test_nothing_is_read_before_it_is_asked_for_and_only_the_columns_that_are(tmp_path: Path) -> None:
    rows = scan_csv(scan(tmp_path, "a,b\n1,2\n"))
    assert isinstance(rows, pl.LazyFrame)
    assert rows.select("b").collect()["b"].to_list() == [2]


def test_a_file_of_other_columns_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"1\.csv has other columns than .*0\.csv: no 'a', a new 'c'"):
        scan_csv(scan(tmp_path, "a,b\n1,2\n", "c,b\n1,2\n"))


def test_a_missing_file_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="there is no file"):
        scan_csv(Scan("payments", (str(tmp_path / "gone.csv"),), CSVFormat()))
    (tmp_path / "d.csv").mkdir()
    with pytest.raises((Invalid, PluginFailed), match=r"d\.csv"):
        scan_csv(Scan("payments", (str(tmp_path / "d.csv"),), CSVFormat()))


def test_another_format_is_a_mistake_of_the_engines(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="no CSVFormat"):
        scan_csv(Scan("payments", ("a",), ParquetFormat()))
