"""When a row became known."""

from __future__ import annotations

import msgspec

from mlforge.errors import Invalid


class Timestamp(msgspec.Struct, frozen=True):
    """The column that says when: times, dates, or text in `format` (detected where it is ISO 8601).

    Args:
        column: The column's name.
        format: A strftime pattern for text, such as `"%d.%m.%Y %H:%M"`. None detects ISO 8601.
        alias: The column's name in the feature; the same name if None.

    Example:
        >>> Timestamp("ts", format="%Y%m%d", alias="event_time").name
        'event_time'
    """

    column: str
    format: str | None = None
    alias: str | None = None

    def __post_init__(self) -> None:
        if not self.column:
            raise Invalid("A Timestamp needs a column.", hint='Timestamp("event_time")')

    @property
    def name(self) -> str:
        return self.alias or self.column
