"""When a row became known."""

from __future__ import annotations

from typing import Any

import msgspec

from mlforge.errors import Invalid
from mlforge.model.spelling import Spelled
from mlforge.model.timeformat import fault


class Timestamp(msgspec.Struct, metaclass=Spelled, frozen=True):
    """The column that says when: times, dates, or text in `format` (detected where it is ISO 8601).

    Args:
        column: The column's name.
        format: A strftime pattern for text, such as `"%d.%m.%Y %H:%M"`; `mlforge.model.timeformat` tells what each
            directive fits. None detects ISO 8601.
        alias: The column's name in the feature; the same name if None.

    Raises:
        Invalid: No column, or a format that does not tell one instant: it fixes no day, has a year of two digits, …

    Example:
        >>> Timestamp("ts", format="%Y%m%d", alias="event_time").name
        'event_time'
    """

    column: str
    format: str | None = None
    alias: str | None = None

    def __post_init__(self) -> None:
        names: list[Any] = [self.column, *([] if self.alias is None else [self.alias])]
        for given in names:
            if not isinstance(given, str) or not given.strip():
                raise Invalid(f"A Timestamp needs a column, and {given!r} is none.", hint='Timestamp("event_time")')
        if self.format and (wrong := fault(self.format)):
            raise Invalid(f"The format {self.format!r} of timestamp {self.column!r} {wrong.why}", hint=wrong.hint)

    @property
    def name(self) -> str:
        return self.alias or self.column
