"""Sources mean the same to every engine: what CSV it refuses, the types it detects, each value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mlforge.errors import Invalid
from mlforge.model.schema import Schema
from mlforge.model.source import CSVFormat, SQLFormat
from mlforge.plugin import Narrow, Scan
from mlforge.testing.arrow import Export
from mlforge.testing.compare import assert_same
from mlforge.testing.engines.bench import Bench
from mlforge.testing.engines.subject import EngineSubject
from mlforge.testing.generated import generated
from mlforge.testing.reference import Table
from mlforge.testing.reference.times import instant
from mlforge.testing.refusals import refused
from mlforge.testing.strategies.csvs import Files, csv_files

MANY = "a,b\n" + "1,2\n" * 12_000
"""More than what any reader looks at to tell types."""

READ: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "a header alone": ({}, ("a,b\n",)),
    "a header without a line end": ({}, ("a,b",)),
    "a header alone beside rows": ({}, ("a,b\n", "a,b\n1,true\n")),
    "a column that is empty throughout": ({}, ("a,b\n1,\n2,\n",)),
    "a column that is empty in one file": ({}, ("a,b\n1,\n", "b,a\n1.5,2\n")),
    "whole numbers beside fractions": ({}, ("n\n1\n", "n\n\n", "n\n2.5\n")),
    "an empty text is no null": ({}, ('a,b\n"",\n',)),
    "an empty text that is a null": ({"null_values": [""]}, ('a,b\n"",1\n',)),
    "a quoted null": ({"null_values": ["NA"]}, ('a,b\n"NA",1\n2,NA\n',)),
    "an empty field at the end of a line": ({}, ('a,b\n1,\n"2,5",\n',)),
    "a number that was quoted": ({}, ('a,b\n"1","2.5"\n',)),
    "whole numbers of more than 64 bits beside fractions": ({}, ("a\n9223372036854775808\n1.5\n",)),
    "whole numbers of more than 64 bits beside text": ({}, ("a\n9223372036854775808\nx\n",)),
    "whole numbers of more than 64 bits, as text": ({"dtypes": {"a": "String"}}, ("a\n9223372036854775808\n1\n",)),
    "blanks around a number": ({}, ("a,b\n 1,2 \n",)),
    "lines that end in both ways": ({}, ("a,b\r\n1,2\n3,4\r\n",)),
    "a carriage return within quotes": ({}, ('a,b\n1,"x\ry"\n',)),
    "a field of two lines": ({}, ('a,b\n"x\r\ny",1\n',)),
    "a byte order mark": ({}, ('\ufeff"a",b\n1,2\n',)),
    "no header": ({"header": False}, ("1,x\n2,y\n",)),
    "another delimiter and no header": ({"delimiter": ";", "header": False}, ("1;2\n3;4\n",)),
    "a time, which stays text": ({}, ("t\n2024-01-31\n",)),
    "columns in another order": ({}, ("a,b\n1,2\n", "b,a\n2.5,1\n")),
    "a fraction after many whole numbers": ({}, (MANY + "1.5,2\n",)),
    "text after many numbers": ({}, (MANY + "x,2\n",)),
    "as many numbers, and one more": ({}, (MANY + "7,2\n",)),
    "a number after many empty fields": ({}, (MANY.replace("1,2", "1,") + "1,5\n",)),
    "blank lines above the header": ({}, ("\n\na,b\n1,2\n",)),
    "blank lines of one column": ({}, ("a\n1\n\n2\n",)),
    "a comma before the fraction": ({"delimiter": ";", "decimal": ","}, ("a;b\n1,5;1.5\n2;3\n",)),
    "points between thousands": (
        {"delimiter": ";", "decimal": ",", "thousands": "."},
        ("a;b\n1.234,5;1.5\n1.000;3\n",),
    ),
    "commas between thousands": ({"thousands": ","}, ('a,b\n"1,234",12\n"1,234,567",1\n',)),
    "groups that are not of three": ({"thousands": ","}, ('a,b\n"1,23",12\n',)),
    "quotes of another kind": ({"quote": "'"}, ("a,b\n'x,y','it''s'\n\"z,1\n",)),
    "quotes as they stand": ({"quote": None}, ('a,b\n5" pipe,"x\n',)),
    "lines above the header": ({"skip_rows": 2}, ('made by "us\n\na,b\n1,2\n',)),
    "comments": ({"comment": "#"}, ('# it"s\na,b\n1,2\n# 5" long, or so\n"x\n#y",4\n',)),
    "declared types": (
        {"dtypes": {"d": "Date", "t": "Datetime", "c": "Decimal(10, 2)", "b": "Boolean", "z": "String"}},
        ("d,t,c,b,z\n2024-01-31,2024-01-31T01:02:03.5Z,1.25,TRUE,007\n,,,,\n",),
    ),
    "infinities": (
        {"dtypes": {"a": "Float32", "b": "Float64"}},
        ("a,b,c\ninf,-Infinity,-inf\nnan,NaN,+INF\n3.4028235e38,1.7e308,1e308\n",),
    ),
    "a number beyond all floats beside others": ({}, ("a\n1.5\n1e309\n",)),
    "declared decimals with a comma": (
        {"delimiter": ";", "decimal": ",", "dtypes": {"c": "Decimal(10, 2)", "f": "Float32", "i": "UInt8"}},
        ("c;f;i\n1,25;0,5;255\n",),
    ),
}
REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "whole numbers of more than 64 bits": ({}, "a\n1\n9223372036854775808\n", "line 3"),
    "a short line": ({}, "a,b\n1,2\n3\n", "line 3"),
    "a long line": ({}, "a,b\n1,2,3\n", "line 2"),
    "a blank line": ({}, "a,b\n1,2\n\n3,4\n", "line 3"),
    "a blank line at the end": ({}, "a,b\n1,2\n\n", "line 3"),
    "a short line after a field of two lines": ({}, 'a,b\n"x\ny",1\n4\n', "line 4"),
    "a short line after quotes in a field": ({}, 'a,b\n"1,""2",2\n4\n', "line 3"),
    "a short line after a comment": ({"comment": "#"}, 'a,b\n#"x\n4\n', "line 3"),
    "a short line after lines that are skipped": ({"skip_rows": 1}, "x\na,b\n4\n", "line 3"),
    "a quote that never ends": ({}, 'a,b\n1,"2\n3,4\n', "line 2"),
    "a quote within a field": ({}, 'a,b\n5" by 6",1\n', "line 2"),
    "text behind a quote": ({}, 'a,b\n"1"x,1\n', "line 2"),
    "a carriage return within a field": ({}, "a,b\n1\r,2\n", "line 2"),
    "lines that end in a carriage return": ({}, "a,b\r1,2\r", "carriage return"),
    "lines that end in a carriage return, behind quotes": ({}, 'a,"b"\r1,2', "carriage return"),
    "a column that stands twice": ({}, "a,b,a\n1,2,3\n", "'a'"),
    "no line": ({}, "", "empty"),
    "a blank line alone": ({}, "\n", "empty"),
    "blank lines alone": ({}, "\n\n", "empty"),
    "fewer lines than are skipped": ({"skip_rows": 3}, "a\n1\n", "empty"),
    "a declared column that is not there": ({"dtypes": {"amuont": "Int64"}}, "amount\n1\n", "no column 'amuont'"),
    "no number": ({"dtypes": {"a": "Int64"}}, 'b,a\n"x\ny",1\n2,x\n', "line 4: 'x'"),
    "no number after nothing": ({"dtypes": {"a": "Int64"}}, "a,b\n,2\nx,2\n", "line 3: 'x'"),
    "no day": ({"dtypes": {"a": "Date"}}, "a,b\n,2\nx,2\n", "line 3: 'x'"),
    "no truth value": ({"dtypes": {"a": "Boolean"}}, "a,b\n,2\nx,2\n", "line 3: 'x'"),
    "no decimal": ({"dtypes": {"a": "Decimal(10, 2)"}}, "a,b\n,2\nx,2\n", "line 3: 'x'"),
    "a number that is too great": ({"dtypes": {"a": "Int8"}}, "a\n127\n128\n", "line 3"),
    "a number beyond single floats": ({"dtypes": {"a": "Float32"}}, "a\n3.4e38\n3.5e38\n", "line 3"),
    "a number beyond all floats": ({"dtypes": {"a": "Float64"}}, "a\ninf\n-1e309\n", "line 3"),
    "a decimal of too many digits": ({"dtypes": {"a": "Decimal(10, 2)"}}, "a\n1.255\n", "line 2"),
    "a day that is none": ({"dtypes": {"a": "Date"}}, "a\n2023-02-29\n", "line 2"),
    "a point where a comma is meant": (
        {"delimiter": ";", "decimal": ",", "dtypes": {"a": "Float64"}},
        "a\n1.5\n",
        "line 2",
    ),
}
OTHERS: dict[str, tuple[bytes, tuple[str, ...]]] = {
    "less": (b"a\n1\n", ("no 'b'",)),
    "more": (b"a,b,c\n1,2,3\n", ("a new 'c'",)),
    "other": (b"a,c\n1,2\n", ("no 'b'", "a new 'c'")),
    "another type": (b"a,b\n1,x\n", ("'b'",)),
}

GIVEN = Table(
    Schema.of(user="Int64", name="String", at="Datetime", day="Date", paid="Boolean", amount="Float64"),
    [
        {"user": 1, "name": "a", "at": instant(0), "day": date(2024, 2, 29), "paid": True, "amount": 1.5},
        {"user": None, "name": None, "at": None, "day": None, "paid": None, "amount": None},
        {"user": -3, "name": "é", "at": instant(-1), "day": date(1969, 12, 31), "paid": False, "amount": -0.0},
    ],
)


class CSVTests(EngineSubject):
    """What is CSV, of what types its columns are, and what they hold."""

    @generated(0.05, csv_files())
    def test_csv_is_read_and_refused_as_the_reference_does(self, bench: Bench, files: Files) -> None:
        if "csv" not in bench.descriptor.reads:
            return
        assert_read_alike(bench, _source(bench.folder, files.form, *files.contents))

    @pytest.mark.parametrize("ability", ["csv"])
    @pytest.mark.parametrize("case", READ)
    def test_csv_is_read_where_it_tells_what_it_means(self, bench: Bench, case: str, ability: str) -> None:
        form, texts = READ[case]
        scan = _source(bench.folder, CSVFormat(**form), *map(str.encode, texts))
        assert_same(bench.reference.scan(scan), bench.table(bench.engine.scan(scan)))

    @pytest.mark.parametrize("ability", ["csv"])
    @pytest.mark.parametrize("case", REFUSED)
    def test_what_is_no_csv_is_refused_by_file_and_line(self, bench: Bench, case: str, ability: str) -> None:
        form, text, word = REFUSED[case]
        with refused(Invalid, "'events'", "0.csv", word):
            bench.table(bench.engine.scan(_source(bench.folder, CSVFormat(**form), text.encode())))

    @pytest.mark.parametrize("ability", ["csv"])
    def test_other_encodings_are_read_when_they_are_named(self, bench: Bench, ability: str) -> None:
        scan = _source(bench.folder, CSVFormat(encoding="cp1252"), "né,b\n€,1\n".encode("cp1252"))
        assert bench.table(bench.engine.scan(scan)).rows == [{"né": "€", "b": 1}]

    @pytest.mark.parametrize("ability", ["csv"])
    def test_a_byte_that_is_not_utf_8_is_refused_by_its_line(self, bench: Bench, ability: str) -> None:
        with refused(Invalid, "0.csv", "line 3"):
            bench.table(bench.engine.scan(_source(bench.folder, CSVFormat(), b"a,b\n1,2\ncaf\xe9,2\n")))

    @pytest.mark.parametrize("ability", ["csv"])
    @pytest.mark.parametrize("case", OTHERS)
    def test_files_that_do_not_agree_are_refused_by_name(self, bench: Bench, case: str, ability: str) -> None:
        second, words = OTHERS[case]
        with refused(Invalid, "1.csv", "0.csv", *words):
            bench.table(bench.engine.scan(_source(bench.folder, CSVFormat(), b"a,b\n1,2\n", second)))


def assert_read_alike(bench: Bench, scan: Scan) -> None:
    """Fail unless the engine reads what the reference reads, and refuses what it refuses."""
    try:
        expected = bench.reference.scan(scan)
    except Invalid:
        with refused(Invalid, ".csv"):
            bench.table(bench.engine.scan(scan))
    else:
        assert_same(expected, bench.table(bench.engine.scan(scan)))


def _source(folder: Path, form: CSVFormat, *contents: bytes) -> Scan:
    paths = [folder / f"{number}.csv" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return Scan("events", tuple(map(str, paths)), form)


class ArrowTests(EngineSubject):
    """Rows that a source gives as Arrow, for engines that announce to read it."""

    @pytest.mark.parametrize("size", [0, 1, 2, 5])
    def test_rows_come_as_arrow_batch_by_batch(self, bench: Bench, size: int) -> None:
        if "arrow" not in bench.descriptor.reads:
            return
        given = Given(GIVEN, size)
        scan = Scan("events", ("mine://events",), SQLFormat(), rows=given)
        assert_same(given.whole, bench.table(bench.engine.scan(scan)))
        assert_same(bench.reference.scan(scan), given.whole)

    def test_no_more_columns_are_asked_of_a_source_than_it_has_and_times_are_handed_on(self, bench: Bench) -> None:
        if "arrow" not in bench.descriptor.reads:
            return
        given, narrow = Given(GIVEN, 2), Narrow("at", 0, None)
        rows = bench.engine.scan(Scan("events", ("mine://events",), SQLFormat(), rows=given, narrow=narrow))
        assert bench.table(bench.engine.select(rows, ["name"])).column("name") == GIVEN.column("name")
        assert given.asked
        assert all(found is narrow and set(columns) <= set(GIVEN.schema.names) for columns, found in given.asked)

    def test_what_a_source_refuses_while_it_is_read_is_told_as_it_is(self, bench: Bench) -> None:
        if "arrow" not in bench.descriptor.reads:
            return
        given = Given(GIVEN, 2, fails=True)
        with refused(Invalid, "the source's own words"):
            bench.table(bench.engine.persist(bench.engine.scan(Scan("e", ("mine://e",), SQLFormat(), rows=given))))


class Given:
    """A table's rows, given as a source gives them, a few at a time; 0 for no batch at all."""

    def __init__(self, table: Table, size: int, *, fails: bool = False) -> None:
        self.whole = table if size else Table(table.schema, [])
        self.asked: list[tuple[Sequence[str], Narrow | None]] = []
        self._size, self._fails = size, fails

    def state(self) -> str | None:
        return None

    def empty(self) -> Export:
        return Export(self.whole.schema, [])

    def batches(self, columns: Sequence[str] | None = None, narrow: Narrow | None = None) -> Iterator[Export]:
        asked = list(columns or self.whole.schema.names)
        self.asked.append((asked, narrow))
        part = self.whole.select(asked)
        for start in range(0, len(part.rows), self._size or 1):
            yield Export(part.schema, part.rows[start : start + self._size])
            if self._fails:
                raise Invalid("It is refused in the source's own words.", hint="Look there.")
