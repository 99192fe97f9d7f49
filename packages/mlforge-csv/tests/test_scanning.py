"""CSV files as a source: one set of columns, one type each, for every engine that takes the frame."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from mlforge.errors import Invalid, PluginFailed
from mlforge.model.source import CSVFormat, ParquetFormat
from mlforge.plugin import Scan
from mlforge_csv import dtype_of, scan_csv


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


def read(folder: Path, *texts: str, **form: Any) -> dict[str, list[Any]]:
    return scan_csv(scan(folder, *texts, form=CSVFormat(**form))).collect().to_dict(as_series=False)


@pytest.mark.parametrize("late", ["x", "1.5", "9223372036854775808", "true", ""])
@pytest.mark.parametrize("first", ["1", "2.5", "false", "", "99999999999999999999"])
def test_what_a_column_is_does_not_depend_on_where_its_texts_stand(tmp_path: Path, first: str, late: str) -> None:
    lines = [f"{first},k\n" * 10_500, f"{late},k\n"]
    assert schema_or_refusal(tmp_path, lines) == schema_or_refusal(tmp_path, lines[::-1])


def schema_or_refusal(folder: Path, lines: list[str]) -> pl.Schema | str:
    """What a file's columns are; of a refusal what it says of the column."""
    try:
        return scan_csv(scan(folder, "a,b\n" + "".join(lines))).collect_schema()
    except Invalid as error:
        return error.message.partition(" in column ")[2] + error.hint


def test_whole_numbers_of_more_than_64_bits_are_what_is_said_of_them(tmp_path: Path) -> None:
    text = "id,b\n5,1\n18446744073709551615,2\n"
    with pytest.raises(Invalid, match=r"0\.csv, line 3: '18446744073709551615' in column 'id' does not") as refused:
        read(tmp_path, text)
    hints = re.findall(r"CSVFormat\(.*?\)(?= or|\.$)", refused.value.hint)
    assert [read(tmp_path, text, dtypes=dict(eval(hint).dtypes))["id"] for hint in hints] == [
        ["5", "18446744073709551615"],
        [Decimal(5), Decimal(18446744073709551615)],
    ]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a,b\n1,2\n3\n4,5\n", "line 3 has 1 field"),
        ("a,b\n1,2\n3,4,5\n", "line 3 has 3 fields"),
        ("a,b\n1,2\n\n3,4\n", "line 3 has 1 field"),
        ('a,b\n"1,2",2\n"x\ny",3\n4\n', "line 5 has 1 field"),
        ('a,b\n"1,""2",2\n4\n', "line 3 has 1 field"),
        ('a,b\n1,2\n3,"open\n4,5\n', "line 3"),
    ],
    ids=["short", "long", "blank", "after a field of two lines", "after quotes", "open quote"],
)
def test_a_broken_line_is_named_with_its_fields(tmp_path: Path, text: str, line: str) -> None:
    with pytest.raises(Invalid, match=rf"'payments'.*0\.csv.*{line}"):
        read(tmp_path, text)


@pytest.mark.parametrize("dtype", ["Int64", "Date", "Boolean", "Decimal(10, 2)"])
def test_text_that_is_not_of_its_declared_type_is_named_with_its_column(tmp_path: Path, dtype: str) -> None:
    with pytest.raises(Invalid, match="line 3: 'x' in column 'a'"):
        read(tmp_path, "a,b\n,2\nx,2\n", dtypes={"a": dtype})


def test_a_declared_column_that_is_not_there_is_told_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"no column 'amuont'.*'amount'"):
        read(tmp_path, "amount\n1\n", dtypes={"amuont": "Int64"})


def test_a_line_that_is_too_long_is_found_whatever_the_types(tmp_path: Path) -> None:
    for form in (CSVFormat(), CSVFormat(dtypes={"zip": "String"}), CSVFormat(dtypes={"zip": "String", "x": "String"})):
        with pytest.raises(Invalid, match=r"0\.csv, line 3 has 4 fields, and there are 2 columns"):
            scan_csv(scan(tmp_path, "zip,x\n1,2\n3,4,5,6\n", form=form))


def test_a_byte_that_is_not_utf_8_is_found_in_text_that_nobody_parses(tmp_path: Path) -> None:
    found = scan(tmp_path, "", form=CSVFormat(dtypes={"a": "String"}))
    Path(found.uris[0]).write_bytes(b"a,b\n" + b"x,1\n" * 20_000 + b"\xe9,1\n")
    with pytest.raises(Invalid, match=r"0\.csv, line 20,002 is not UTF-8") as refused:
        scan_csv(found)
    assert 'CSVFormat(encoding="latin-1")' in refused.value.hint


def test_a_line_is_counted_where_rows_run_over_several_and_comments_stand_between(tmp_path: Path) -> None:
    text = 'made by "us\n# it"s\na,b\n"x\n#y",1\n# 5" long\nz,no\n'
    form = CSVFormat(skip_rows=1, comment="#", dtypes={"b": "Int64"})
    with pytest.raises(Invalid, match=r"0\.csv, line 7: 'no' in column 'b' is not Int64"):
        scan_csv(scan(tmp_path, text, form=form))


def test_marks_in_a_number_are_what_a_refusal_recommends(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="'6,61' in column 'n' is not Float64") as refused:
        scan_csv(scan(tmp_path, "n;s\n6,61;a\n", form=CSVFormat(delimiter=";", dtypes={"n": "Float64"})))
    assert 'CSVFormat(decimal=",")' in refused.value.hint
    found = read(tmp_path, "n;s\n6,61;a\n", delimiter=";", dtypes={"n": "Float64"}, decimal=",")
    assert found == {"n": [6.61], "s": ["a"]}


def test_a_column_without_a_name_is_called_by_its_place(tmp_path: Path) -> None:
    assert read(tmp_path, ",a\n0,x\n") == {"column_1": [0], "a": ["x"]}
    with pytest.raises(Invalid, match="two columns 'column_1'"):
        read(tmp_path, ",column_1\n0,x\n")
    with pytest.raises(Invalid, match="two columns 'a'"):
        read(tmp_path, "a,b,a\n1,2,3\n")


def test_an_unknown_word_is_no_type() -> None:
    with pytest.raises(Invalid, match="int64"):
        dtype_of("int64")


def test_a_list_cannot_be_declared(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"column 'a' cannot be List\(Int64\)"):
        read(tmp_path, "a\n1\n", dtypes={"a": "List(Int64)"})


def test_text_in_another_encoding_is_refused_where_it_is_not_in_it(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"0\.csv is not ascii"):
        read(tmp_path, "a\né\n", encoding="ascii")


@pytest.mark.parametrize("width", [2, 3, 1_200])
@pytest.mark.parametrize("quote", ['"', ""])
def test_a_line_of_another_width_is_found_however_many_columns_there_are(
    tmp_path: Path, quote: str, width: int
) -> None:
    def line(count: int) -> str:
        return ",".join(f"{quote}{'c' * (i % 2)}{i}{quote}" for i in range(count)) + "\n"

    assert read(tmp_path, line(width) * 3)["0"] == [0, 0]
    for other in (width - 1, width + 1):
        with pytest.raises(Invalid, match=rf"0\.csv, line 3 has {other:,}".replace(",", ",?") + " field"):
            read(tmp_path, line(width) * 2 + line(other))
