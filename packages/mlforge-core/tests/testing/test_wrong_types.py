"""The kit notices engines that hold wide types, the ends of time or decimals wrongly, or take what has no aggregate."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

import mlforge as mlf
from mlforge.plugin import EngineDescriptor
from mlforge.plugin.registry import registry
from mlforge.testing import arrow  # noqa: F401 - what reads it
from mlforge.testing.reference import aggregations, windows
from mlforge.testing.reference.aggregations import FUNCTIONS
from mlforge.testing.reference.times import LAST, instant

READ = sys.modules["mlforge.testing.arrow.read"]
CENTS = "decimals_in_windows_are_exact[cents]"
REFUSED = "metrics_of_any_kinds_are_refused_where_the_reference_refuses_them"
BEYOND = "a_time_outside_of_the_years_is_refused_when_rows_are_held[infinity]"
LABEL = "a_label_time_outside_of_the_years_is_refused[tsu:]"
ENDS = "windows_at_the_ends_are_those_of_the_reference[None]"
FRAME = "a_type_of_a_frame_is_read_right"
SPINE = "a_spine_asks_at_times_of_any_zone[tsu:+05:30]"
DECIMALS, DIGITS = (
    "decimals_in_windows_are_exact[one beside 38 digits]",
    "a_sum_of_more_than_38_digits_is_refused[some]",
)
change_points, from_number, result_of, total = (
    windows.change_points, READ.from_number, windows.result_of, aggregations.total,
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
    with mlf.PolarsEngine().open() as engine:
        descriptor, right = registry().of(EngineDescriptor)["polars"], engine.scan
        passes(name, engine, descriptor)
        engine.scan = lambda scan: right(scan).with_columns(column)
        with pytest.raises((Exception, pytest.fail.Exception)) as noticed:
            passes(name, engine, descriptor)
    assert not isinstance(noticed.value, pl.exceptions.PolarsError)  # the seed itself can be computed
