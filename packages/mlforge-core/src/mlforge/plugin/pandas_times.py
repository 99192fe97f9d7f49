"""Times in columns of Python objects of a pandas table, made columns of times before Arrow reads them.

To Arrow the first object of a column decides its type: the hours of a datetime behind a date would be lost, and what
pandas counts beyond the year 9999 would be another time. Nothing is imported here: a frame's library is loaded already.
"""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime
from typing import Any

from mlforge.errors import Invalid
from mlforge.model.constants import to_the_microsecond


def with_plain_times(frame: Any) -> Any:
    """A pandas table whose objects that are times are columns of times, and whose sparse columns are as others.

    A date among datetimes is the instant its day begins, a time without a zone among such with one is in UTC. Columns
    of dates alone stay; so does what is no pandas table.

    Raises:
        Invalid: A time beyond the years that Python counts.
    """
    if not _is_pandas(frame):
        return frame
    plain = frame
    for place, dtype in enumerate(frame.dtypes):
        column = _plain(frame.iloc[:, place], frame.columns[place]) if _may_differ(dtype) else None
        if column is not None:
            plain = frame.copy(deep=False) if plain is frame else plain
            plain.isetitem(place, column)
    return plain


def holds_times(column: Any) -> bool:
    """Whether all that a column of objects has, nulls apart, are times and dates, and there is one."""
    return bool(_times_of(column, column.notna()))


def _is_pandas(frame: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(frame, pandas.DataFrame)


def _may_differ(dtype: Any) -> bool:
    return str(dtype) == "object" or str(dtype).startswith("Sparse")


def _plain(column: Any, name: Any) -> Any:
    """The column as it is to be read; None where Arrow reads it right."""
    if str(column.dtype) != "object":
        return column.sparse.to_dense()
    known = column.notna()
    values = _times_of(column, known)
    if all(type(value) is date for value in values):
        return None
    try:
        times, kind = _alike([_native(value) for value in values])
    except (ValueError, OverflowError, NotImplementedError):  # pandas' times go further than Python's
        raise Invalid(
            f"Column {name!r} has a time out of range: times lie in the years 1 to 9999.",
            hint="Mend or drop such rows; NaT stands for a time that never comes.",
        ) from None
    found = iter(times)
    return sys.modules["pandas"].Series([next(found) if is_known else None for is_known in known], column.index, kind)


def _times_of(column: Any, known: Any) -> list[Any]:
    """What a column has, nulls apart; nothing where one of that is no time, which the first mostly tells."""
    if not known.any() or not _is_time(column.iloc[int(known.to_numpy().argmax())]):
        return []
    values = list(column[known])
    return values if all(map(_is_time, values)) else []


def _is_time(value: Any) -> bool:
    return isinstance(value, date) or type(value).__name__ == "datetime64"


def _native(value: Any) -> date:
    """The time or date as Python has it; `ValueError` for one that it has not."""
    found = to_the_microsecond(value)
    if hasattr(found, "to_pydatetime"):
        found = found.to_pydatetime(warn=False)
    if isinstance(found, date):
        return found
    raise ValueError


def _alike(times: list[date]) -> tuple[list[date], str]:
    """Times and dates as values of one type, and which that is to pandas; `OverflowError` for one beyond the years."""
    if not any(isinstance(time, datetime) for time in times):
        return times, "object"
    found = [time if isinstance(time, datetime) else datetime.combine(time, datetime.min.time()) for time in times]
    if any(time.tzinfo is not None for time in found):
        return [_in_utc(time) for time in found], "datetime64[us, UTC]"
    return [*found], "datetime64[us]"


def _in_utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
