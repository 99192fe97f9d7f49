"""Numbers of CSV in another notation: the refusal names the option that reads them, and it does."""

from __future__ import annotations

import re
from pathlib import Path

import polars as pl
import pytest

import mlforge as mlf

ENGINES = ["polars", "duckdb"]
CASES = {
    "a comma before the fraction": ("6,61", "0,5", {"delimiter": ";"}, 'CSVFormat(delimiter=";", decimal=",")', 7.11),
    "points between thousands": (
        "1.234,50",
        "0,5",
        {"delimiter": ";"},
        'CSVFormat(delimiter=";", decimal=",", thousands=".")',
        1235.0,
    ),
    "commas between thousands": ('"1,234.5"', "0.5", {}, 'CSVFormat(thousands=",")', 1235.0),
    "blanks between thousands": ("1 234,5", "0,5", {"delimiter": ";"}, '"CSVFormat', 1235.0),
    "other columns declared": (
        "6,61",
        "0,5",
        {"delimiter": ";", "dtypes": {"user": "String"}},
        'CSVFormat(delimiter=";", dtypes={"user": "String"}, decimal=",")',
        7.11,
    ),
    "a word for nothing": ("1.5", "n/a", {}, 'CSVFormat(null_values=["n/a"])', 1.5),
}


def as_it_is(df: pl.DataFrame) -> pl.DataFrame:
    return df


def cast(df: pl.DataFrame) -> pl.DataFrame:
    return df.with_columns(pl.col("spent").cast(pl.Float64))


def definitions(root: Path, engine: str, form: mlf.CSVFormat, body=as_it_is) -> mlf.Definitions:
    def spend(df: pl.DataFrame):
        return body(df)

    source = mlf.Source(str(root / "events.csv"), format=form)
    made = mlf.feature(source=source, keys="user", metrics=mlf.Sum("spent", windows="1d", name="s"), timestamp="at")
    return mlf.Definitions("shop", features=[made(spend)], engine=engine, store=mlf.LocalStore(root / engine))


def write(root: Path, first: str, second: str, delimiter: str = ",") -> None:
    lines = (["user", "at", "spent"], ["1", "2025-01-01", first], ["1", "2025-01-01", second])
    (root / "events.csv").write_text("\n".join(map(delimiter.join, lines)) + "\n", encoding="utf-8")


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("body", [as_it_is, cast], ids=["metric", "function"])
@pytest.mark.parametrize("case", CASES)
def test_the_hint_is_the_format_that_reads_them(tmp_path: Path, engine: str, body, case: str) -> None:
    first, second, form, said, total = CASES[case]
    write(tmp_path, first, second, form.get("delimiter", ","))
    failure = definitions(tmp_path, engine, mlf.CSVFormat(**form), body).build()["spend"].failure
    assert failure is not None
    hint = failure.hint or ""
    assert said.strip('"') in hint
    assert "cast" not in hint.lower()
    (typed,) = re.findall(r"CSVFormat\(.*\)", hint)
    defs = definitions(tmp_path, engine, eval(f"mlf.{typed}"))
    defs.build().raise_for_failure()
    rows = defs.read("spend")
    assert (rows if isinstance(rows, pl.DataFrame) else rows.pl())["s_1d"].max() == total


@pytest.mark.parametrize("engine", ENGINES)
def test_where_either_could_be_meant_both_are_named(tmp_path: Path, engine: str) -> None:
    write(tmp_path, '"1,234"', '"2,345"')
    hint = definitions(tmp_path, engine, mlf.CSVFormat()).validate()["spend"].failure.hint
    assert 'CSVFormat(thousands=",") or CSVFormat(decimal=",")' in hint


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("form", [{}, {"dtypes": {"spent": "String"}}])
def test_text_that_no_option_reads_is_the_functions(tmp_path: Path, engine: str, form: dict) -> None:
    write(tmp_path, '"6,61"' if form else "12 EUR", "3")
    failure = definitions(tmp_path, engine, mlf.CSVFormat(**form)).build()["spend"].failure
    assert failure is not None
    assert "CSVFormat" not in (failure.hint or "")
    assert "Cast it in the function" in (failure.hint or "")


@pytest.mark.parametrize("engine", ENGINES)
def test_a_missing_column_is_answered_with_those_there_are(engine: str, tmp_path: Path) -> None:
    (tmp_path / "events.csv").write_text("sep=;\nuser;at\n1;2025-01-01\n", encoding="utf-8")
    failure = definitions(tmp_path, engine, mlf.CSVFormat(delimiter=";")).build()["spend"].failure
    assert failure is not None
    assert failure.hint == "Columns: sep=, column_2."
