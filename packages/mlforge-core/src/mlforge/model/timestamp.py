"""When a row became known."""

from __future__ import annotations

import re

import msgspec

from mlforge.errors import Invalid

_SHORT_YEAR = re.compile(r"%[-_0#^E]?[ygDx]")


class Timestamp(msgspec.Struct, frozen=True):
    """The column that says when: times, dates, or text in `format` (detected where it is ISO 8601).

    Args:
        column: The column's name.
        format: A strftime pattern for text, such as `"%d.%m.%Y %H:%M"`. None detects ISO 8601.
        alias: The column's name in the feature; the same name if None.

    Raises:
        Invalid: No column, or a format with a year of two digits: `%y`, `%g`, `%D`, `%x`.

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
        if short := _SHORT_YEAR.search((self.format or "").replace("%%", "")):
            raise Invalid(
                f"The format {self.format!r} of timestamp {self.column!r} has {short[0]}, a year of two digits, which "
                "does not tell its century: libraries differ on 69.",
                hint="Write years in four digits and read them with %Y, or make a time of the text in the function.",
            )

    @property
    def name(self) -> str:
        return self.alias or self.column
