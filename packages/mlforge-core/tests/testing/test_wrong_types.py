"""The kit notices engines that hold wide types, the ends of time or decimals wrongly, or take what has no aggregate."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import msgspec
import polars as pl
import pytest

import mlforge as mlf
from mlforge.model.source import ParquetFormat
from mlforge.plugin import EngineDescriptor, Scan
from mlforge.plugin.registry import registry
from mlforge.testing import arrow  # noqa: F401 - what reads it
from mlforge.testing.reference import aggregations, engine, table, windows
from mlforge.testing.reference.aggregations import FUNCTIONS
from mlforge.testing.reference.times import LAST, instant

READ = sys.modules["mlforge.testing.arrow.read"]
CENTS = "decimals_in_windows_are_exact[cents]"
REFUSED = "metrics_of_any_kinds_are_refused_where_the_reference_refuses_them"
BEYOND = "a_time_outside_of_the_years_is_refused_when_rows_are_held[infinity]"
LABEL = "a_label_time_outside_of_the_years_is_refused[tsu:]"
ENDS = "windows_at_the_ends_are_those_of_the_reference[None]"
FRAME = "a_type_of_a_frame_is_read_right"
COMPARED = "times_of_any_zone_and_unit_are_compared_as_instants"
KEYS = "keys_of_categories_and_of_times_in_any_zone_are_those_of_their_values"
SPINE = "a_spine_asks_at_times_of_any_zone[tsu:+05:30]"
DECIMALS, DIGITS = (
    "decimals_in_windows_are_exact[one beside 38 digits]",
    "a_sum_of_more_than_38_digits_is_refused[some]",
)
change_points, from_number, present, result_of, total = (
    windows.change_points, READ.from_number, vars(READ)["_present"], windows.result_of, aggregations.total,
)  # fmt: skip


def ends_a_day_early(*given: Any) -> list[int]:
    return [p for p in change_points(*given) if p <= LAST - 86_400_000_000]


def clipped(form: str) -> Callable[[Any], Any]:
    """A time that Python does not hold is the last that it does."""

    def made(number: Any) -> Any:
        try:
            return from_number(form)(number)
        except OverflowError:
            return instant(LAST)

    return made


def without_units(form: str) -> Callable[[Any], Any]:
    return from_number("tDu" if form.startswith("tD") else form)


def local_to_its_zone(form: str) -> Callable[[Any], Any]:
    made = from_number(form)
    return (lambda number: made(number) + timedelta(hours=5, minutes=30)) if form.endswith("+05:30") else made


def by_the_nearest(form: str) -> Callable[[Any], Any]:
    made = from_number(form)
    return (lambda number: instant(round(number / 1000))) if form.startswith("tsn") else made


def in_microseconds(form: str) -> Callable[[Any], Any]:
    return from_number("tsu" + form[3:] if form.startswith("tsm") else form)


def codes(form: Any, array: Any, first: int, length: int) -> list[Any]:
    """Of a category its code, as text."""
    if not form.dictionary:
        return present(form, array, first, length)
    return [str(code) for code in vars(READ)["_fixed"](array.buffers[1], "i", first, length)]


def through_floats(values: Sequence[Any]) -> Any:
    found = total(values)
    return Decimal(float(found)) if isinstance(found, Decimal) else found


def sums_keep_their_digits(function: str, dtype: str) -> str:
    return dtype if function == "sum" and dtype.startswith("Decimal") else result_of(function, dtype)


WRONG: dict[str, tuple[Any, Any, Callable[..., Any], str]] = {
    "every aggregation takes every type": (windows, "takes", lambda *_: True, REFUSED),
    "nothing is taken but to be counted": (windows, "takes", lambda f, _: f == "count", REFUSED),
    "nothing is refused but what Python refuses": (windows, "need_aggregates", lambda _: None, REFUSED),
    "times beyond the last are the last": (READ, "from_number", clipped, BEYOND),
    "labels beyond the last are the last": (READ, "from_number", clipped, LABEL),
    "the last day is cut off": (windows, "change_points", ends_a_day_early, ENDS),
    "durations lose their unit": (READ, "from_number", without_units, FRAME + "[tDs]"),
    "times in a zone are local": (READ, "from_number", local_to_its_zone, FRAME + "[tsu:+05:30]"),
    "nanoseconds are rounded": (READ, "from_number", by_the_nearest, "instants_become_utc_wherever_they_stand"),
    "milliseconds are microseconds": (READ, "from_number", in_microseconds, COMPARED + "[tsm:]"),
    "categories are compared by their codes": (READ, "_present", codes, "categories_are_compared_as_text[b]"),
    "categories join by their codes": (READ, "_present", codes, "categories_join_text"),
    "codes of categories are times": (READ, "_present", codes, "a_category_of_texts_is_a_time"),
    "keys are made of codes": (READ, "_present", codes, KEYS),
    "single floats are those they were made of": (
        table,
        "single",
        float,
        "a_single_float_is_compared_by_its_own_value",
    ),
    "rows of any size are taken": (
        engine,
        "need_fitting",
        lambda *_: None,
        "rows_that_do_not_fit_their_schema_are_refused[70 bits]",
    ),
    "labels in a zone are local": (READ, "from_number", local_to_its_zone, SPINE),
    "decimals are summed as floats": (FUNCTIONS, "sum", through_floats, DECIMALS),
    "sums of decimals have the digits of one": (windows, "result_of", sums_keep_their_digits, CENTS),
    "sums of decimals have any number of digits": (
        aggregations,
        "decimal",
        lambda values: sum(values, Decimal(0)),
        DIGITS,
    ),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_the_kit_notices_when(wrong: Any, notices: Callable[[Any], None]) -> None:
    notices(wrong)


READ_AS, KEY, TIME = (
    "a_type_of_parquet_is_read_right_or_refused",
    "it_is_a_key_where_its_kind_can_be_one",
    "it_is_a_time_where_its_kind_can_be_one",
)
V = pl.col("v")
READ_WRONG: dict[str, tuple[pl.Expr, str]] = {
    "durations lose their unit": (V / 1000, f"{READ_AS}[durations of seconds]"),
    "nanoseconds are rounded up": (V.dt.round("1s"), f"{READ_AS}[times of day in nanoseconds]"),
    "large integers are floats": (V.cast(pl.Float64), f"{READ_AS}[unsigned integers beyond the signed]"),
    "decimals are floats": (V.cast(pl.Float64), f"{READ_AS}[decimals of 32 bits]"),
    "instants are local": (V.dt.offset_by("5h30m"), f"{READ_AS}[instants in +05:30]"),
    "structs are text": (pl.lit("{}").alias("v"), f"{READ_AS}[structs]"),
    "keys of floats are text": (V.cast(pl.String), f"{KEY}[floats of 16 bits]"),
    "keys of bytes are cut": (V.bin.slice(0, 8), f"{KEY}[UUIDs]"),
    "keys of structs are text": (pl.lit("{}").alias("v"), f"{KEY}[structs]"),
    "times are a second late": (V.dt.offset_by("1s"), f"{TIME}[instants of seconds]"),
    "durations are times": (V.cast(pl.Int64).cast(pl.Datetime("us")), f"{TIME}[durations of seconds]"),
    "structs are times": (pl.lit(0).cast(pl.Datetime("us")).alias("v"), f"{TIME}[structs]"),
}


@pytest.mark.parametrize("wrong", READ_WRONG.values(), ids=READ_WRONG)
def test_the_kit_notices_when_parquet_is_read_so(wrong: tuple[pl.Expr, str], passes: Callable[..., None]) -> None:
    column, name = wrong
    with mlf.PolarsEngine().open() as live:
        descriptor, right = registry().of(EngineDescriptor)["polars"], live.scan
        passes(name, live, descriptor)
        live.scan = lambda scan: right(scan).with_columns(column)
        with pytest.raises((Exception, pytest.fail.Exception)) as noticed:
            passes(name, live, descriptor)
    assert not isinstance(noticed.value, pl.exceptions.PolarsError)  # the seed itself can be computed


def the_first_file(scan: Scan) -> Scan:
    return msgspec.structs.replace(scan, uris=scan.uris[:1])


def as_parquet(scan: Scan) -> Scan:
    return msgspec.structs.replace(scan, format=ParquetFormat())


FILES_WRONG: dict[str, tuple[Callable[[Scan], Scan], str]] = {
    "one file of those that differ": (
        the_first_file,
        "files_of_parquet_that_do_not_agree_are_refused_by_name[another type]",
    ),
    "one file of those that are damaged": (the_first_file, "a_damaged_file_is_named_when_its_rows_are_read[parquet]"),
    "any format as Parquet": (as_parquet, "a_format_it_does_not_read_is_refused[delta]"),
}


@pytest.mark.parametrize("wrong", FILES_WRONG.values(), ids=FILES_WRONG)
def test_the_kit_notices_who_reads(wrong: tuple[Callable[[Scan], Scan], str], passes: Callable[..., None]) -> None:
    changed, name = wrong
    with mlf.PolarsEngine().open() as live:
        descriptor, right = registry().of(EngineDescriptor)["polars"], live.scan
        passes(name, live, descriptor)
        live.scan = lambda scan: right(changed(scan))
        with pytest.raises((Exception, pytest.fail.Exception)):
            passes(name, live, descriptor)
