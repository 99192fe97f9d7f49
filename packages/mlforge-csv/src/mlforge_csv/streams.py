"""Frames whose types Polars names but does not take: times in zones it does not know, and intervals."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import RLock
from typing import Any

import polars as pl

from mlforge.errors import Invalid
from mlforge.plugin import ArrowStream

_LENIENT = "POLARS_IGNORE_TIMEZONE_PARSE_ERROR"
_STRICT = "0"
_alone = RLock()


@contextmanager
def any_zone() -> Iterator[None]:
    """Within it Polars takes a zone for whatever it is called: an instant is the same instant in all of them."""
    with _alone, _set("1"):
        yield


@contextmanager
def _set(value: str) -> Iterator[None]:
    """The variable is never taken away: another thread that goes through all of them would fail."""
    before = os.environ.get(_LENIENT, _STRICT)
    os.environ[_LENIENT] = value
    try:
        yield
    finally:
        os.environ[_LENIENT] = before


def storage(options: dict[str, Any]) -> dict[str, Any]:
    """How Polars is told what a store says of its addresses: settings, and who gives credentials, if anybody."""
    settings = {name: value for name, value in options.items() if name != "credential_provider"}
    return {"storage_options": settings or None, "credential_provider": options.get("credential_provider", "auto")}


def frame_of(stream: ArrowStream) -> pl.DataFrame:
    """A stream's rows, times that have a zone in UTC. Raises `Invalid` for intervals."""
    with any_zone(), telling_of_intervals("The frame"):
        return in_utc(pl.DataFrame(stream).lazy()).collect()


@contextmanager
def telling_of_intervals(what: str) -> Iterator[None]:
    """Within it, months and days beside each other, for which Polars has no type, are told as what they are."""
    try:
        yield
    except (pl.exceptions.ComputeError, pl.exceptions.PanicException) as error:
        if "interval` type" not in str(error):
            raise
        raise Invalid(
            f"{what} has a column of the type INTERVAL, whose months and days are no length of time.",
            hint="Make it a duration or a number of microseconds where it is written, or leave it out.",
        ) from error


def knows_zone(dtype: pl.DataType) -> bool:
    """Whether Polars knows the zone of a type by itself, if it has one."""
    with _alone, _set(_STRICT):
        try:
            if isinstance(dtype, pl.Datetime) and dtype.time_zone:
                pl.Series([0]).cast(dtype)
        except pl.exceptions.PolarsError:
            return False
    return True


def in_utc(rows: pl.LazyFrame) -> pl.LazyFrame:
    """The rows, times that have a zone in UTC."""
    zoned = {n: t for n, t in rows.collect_schema().items() if isinstance(t, pl.Datetime) and t.time_zone}
    return rows.with_columns(pl.col(n).cast(pl.Datetime(t.time_unit, "UTC")) for n, t in zoned.items())
