"""Drift as profiles tell it, without reading rows: in the catalog, beside what `mlforge drift` finds by the rows."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from random import Random
from typing import Any

import polars as pl
import pytest

import mlforge as mlf
from mlforge.cli.catalog.retrieval import Place
from mlforge.cli.catalog.site import files
from mlforge.flow.discovering.book import Book, book
from mlforge.flow.drifting.profiles import drift_of_profiles

AT = datetime(2026, 1, 1, tzinfo=UTC)


def project(folder: Any, **options: Any) -> mlf.Definitions:
    @mlf.feature(source="rows.parquet", keys="user", timestamp="at", **options)
    def visit(df):
        return df

    return mlf.Definitions("shop", features=[visit], store=mlf.LocalStore("store"), root=folder)


def build(defs: mlf.Definitions, folder: Any, profile: bool = True, **columns: list[Any]) -> None:
    """A version whose rows have these columns."""
    rows = len(next(iter(columns.values())))
    users = {"user": range(rows), "at": [AT] * rows}
    empty = {name: pl.Float64 for name, values in columns.items() if not any(v is not None for v in values)}
    pl.DataFrame(users | columns, schema_overrides=empty, strict=False).write_parquet(folder / "rows.parquet")
    defs.build(quality=profile).raise_for_failure()


def pages(folder: Any) -> Book:
    with mlf.LocalStore(str(folder / "store")).open() as store:
        return book("shop", store, AT)


def normal(seed: int, rows: int = 2000, mean: float = 0.0, spread: float = 1.0) -> list[float]:
    draw = Random(seed)
    return [draw.gauss(mean, spread) for _ in range(rows)]


def chosen(seed: int, values: str, rows: int = 2000) -> list[str]:
    draw = Random(seed)
    return [draw.choice(values) for _ in range(rows)]


def rare(value: float, part: float, rows: int = 2000) -> list[float]:
    return [value if n < part * rows else 0.0 for n in range(rows)]


BEGIN = "https://shop.example.org/" + "x" * 64  # longer than what is recorded of a text
PAIRS = {
    "the same": (normal(1), normal(2), False),
    "another mean": (normal(1), normal(2, mean=0.7), True),
    "another spread": (normal(1), normal(2, spread=2.0), True),
    "beyond the range": (normal(1), normal(2, mean=100.0), True),
    "few": (normal(1, 30), normal(2, 30, mean=0.3), False),
    "a constant that moves": ([1.5] * 200, [2.5] * 200, True),
    "a constant that stays": ([1.5] * 200, [1.5] * 200, False),
    "a rare number that becomes frequent": (rare(1.0, 0.02), rare(1.0, 0.5), True),
    "a rare least number that becomes frequent": (rare(-1.0, 0.02), rare(-1.0, 0.5), True),
    "a rare number that stays": (rare(1.0, 0.02), rare(1.0, 0.022), False),
    "more nulls": (normal(1), [None if n % 2 else x for n, x in enumerate(normal(2))], True),
    "nothing but nulls": ([*normal(1)], [None] * 2000, True),
    "nothing but nulls before": ([None] * 2000, normal(1), True),
    "no finite number before": ([float("nan"), float("inf")] * 1000, normal(1), True),
    "a constant that is gone": ([1.5] * 2000, [None] * 2000, True),
    "no number": (normal(1), [float("nan") if n % 2 else x for n, x in enumerate(normal(2))], True),
    "the same choices": (chosen(1, "abc"), chosen(2, "abc"), False),
    "a new choice": (chosen(1, "abc"), chosen(2, "abcd"), True),
    "other choices": (chosen(1, "abcdefghijklmnop"), chosen(2, "qrstuvwxyz012345"), True),
    "many choices": (chosen(1, "abcdefghijklmnop"), chosen(2, "abcdefghijklmnop"), False),
    "names": ([f"a{n}" for n in range(2000)], [f"b{n}" for n in range(2000)], False),
    "texts that begin alike": ([BEGIN + "ab"[n == 0] for n in range(2000)], [BEGIN + "a"] * 2000, False),
    "flags": ([True, False] * 1000, [True, True, True, False] * 500, True),
    "counts": ([n % 3 for n in range(2000)], [n % 3 for n in range(1500)], False),
}


@pytest.mark.parametrize("case", PAIRS)
def test_profiles_say_what_the_rows_say(tmp_path: Any, case: str) -> None:
    before, after, drifted = PAIRS[case]
    defs = project(tmp_path)
    build(defs, tmp_path, x=before, other=normal(5, len(before)))
    build(defs, tmp_path, x=after, other=normal(6, len(after)))
    by_rows = defs.drift("visit")
    for file in (tmp_path / "store").rglob("*.parquet"):
        file.write_bytes(bytes(file.stat().st_size))  # nothing of it is read
    (page,) = pages(tmp_path).pages
    assert page.drift is not None
    assert (page.drift.reference, page.drift.compared) == (by_rows.reference, by_rows.compared)
    assert [c.column for c in page.drift.columns] == [c.column for c in by_rows.columns]
    x, other = page.drift.columns
    assert (x.drifted, other.drifted) == (drifted, False), x.reason
    if case != "names":  # texts of which each stands there once are told apart by nobody
        assert by_rows.columns[0].drifted is drifted, by_rows.columns[0].reason
    assert x.null_rates == by_rows.columns[0].null_rates


def test_few_pairs_of_one_distribution_are_told_apart(tmp_path: Any) -> None:
    for rows in (50, 500):
        defs = project(tmp_path)
        shutil.rmtree(tmp_path / "store", ignore_errors=True)
        draw = Random(rows)
        for _ in range(2):
            build(defs, tmp_path, **{f"x{n}": normal(draw.randrange(10**9), rows) for n in range(60)})
        (page,) = pages(tmp_path).pages
        assert page.drift is not None
        assert [c.reason for c in page.drift.drifted] == []


def test_what_profiles_do_not_tell_is_said_with_the_command_that_does(tmp_path: Any) -> None:
    defs = project(tmp_path)
    build(defs, tmp_path, x=[5.0] * 400)
    build(defs, tmp_path, x=[float(n % 11) for n in range(400)])
    (page,) = pages(tmp_path).pages
    assert page.drift is not None
    (x,) = page.drift.columns
    assert not x.drifted
    assert "mlforge drift visit reads the rows" in x.reason


@pytest.mark.parametrize("kind", ["html", "markdown"])
def test_a_page_does_not_call_steady_what_was_not_compared(tmp_path: Any, kind: Any) -> None:
    defs = project(tmp_path)
    for _ in range(2):
        build(defs, tmp_path, words=[["a"], []] * 20)
    ((_, page),) = (one for one in files(pages(tmp_path), Place(), kind) if one[0].startswith("features/"))
    assert "not compared" in page
    assert "steady" not in page
    assert "0 of 1 column drifted; 1 could not be compared" in page.replace("\\", "")
    assert "not compared" in defs.drift("visit")._repr_html_()
    assert "1 could not be compared" in str(defs.drift("visit"))


@pytest.mark.parametrize("kind", ["html", "markdown"])
def test_a_page_has_the_figures_of_each_column(tmp_path: Any, kind: Any) -> None:
    defs = project(tmp_path)
    build(defs, tmp_path, x=[1.5, 2.5, None, 1234.5] * 10)
    ((_, page),) = (one for one in files(pages(tmp_path), Place(), kind) if one[0].startswith("features/"))
    assert "Quality" in page
    assert "1234.5" in page.replace("\\", "")


def test_nothing_is_said_of_one_version_or_where_there_is_no_profile(tmp_path: Any) -> None:
    defs = project(tmp_path)
    build(defs, tmp_path, x=normal(1))
    assert pages(tmp_path).pages[0].drift is None
    assert "Drift" not in dict(files(pages(tmp_path), Place(), "html"))["features/visit.html"]
    build(defs, tmp_path, False, x=normal(2, mean=9.0))
    assert pages(tmp_path).pages[0].drift is None


def test_a_column_that_is_new_has_nothing_to_be_compared_with(tmp_path: Any) -> None:
    defs = project(tmp_path)
    build(defs, tmp_path, x=normal(1))
    build(defs, tmp_path, x=normal(2), y=normal(3))
    (page,) = pages(tmp_path).pages
    assert page.drift is not None
    assert [c.column for c in page.drift.columns] == ["x"]
    with mlf.LocalStore(str(tmp_path / "store")).open() as store:
        first, second = (store.get("visit", version).meta for version in store.versions("visit"))
    assert drift_of_profiles(second, first) is not None


@pytest.mark.parametrize("kind", ["html", "markdown"])
def test_a_page_says_it_in_words_and_takes_values_for_text(tmp_path: Any, kind: Any) -> None:
    defs = project(tmp_path)
    build(defs, tmp_path, x=chosen(1, "ab"), y=normal(1))
    build(defs, tmp_path, x=["<b>", "a"] * 1000, y=normal(2))
    (page,) = (text for path, text in files(pages(tmp_path), Place(), kind) if path.startswith("features/"))
    assert "1 of 2 columns drifted" in page.replace("\\", "")
    assert "is more than 0.100, which matters" in page
    assert "steady" in page
    assert "<b>" not in page
    assert "&lt;b&gt;" in page
