"""When a row became known."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from mlforge.errors import Invalid
from mlforge.model.spelling import Spelled
from mlforge.model.timeformat import fault, parts
from mlforge.model.zones import zone_of


class Timestamp(msgspec.Struct, metaclass=Spelled, frozen=True):
    """The column that says when: times, dates, or text in `format` (detected where it is ISO 8601).

    Args:
        column: The column's name.
        format: A strftime pattern for text, such as `"%d.%m.%Y %H:%M"`; `mlforge.model.timeformat` tells what each
            directive fits. None detects ISO 8601.
        alias: The column's name in the feature; the same name if None.
        timezone: Where times that have no zone are local, such as `"Europe/Berlin"`; None for UTC. A local time that
            exists twice is the earlier.
        nonexistent: What becomes of a local time that clocks skipped: `"raise"` refuses it, `"forward"` moves it
            forward by as much as clocks were.

    Raises:
        Invalid: No column, no such zone, or a format that does not tell one instant: it fixes no day, has a year of two
            digits, …

    Example:
        >>> Timestamp("ts", format="%Y%m%d", alias="event_time").name
        'event_time'
    """

    column: str
    format: str | None = None
    alias: str | None = None
    timezone: str | None = None
    nonexistent: Literal["raise", "forward"] = "raise"

    def __post_init__(self) -> None:
        names: list[Any] = [self.column, *([] if self.alias is None else [self.alias])]
        for given in names:
            if not isinstance(given, str) or not given.strip():
                raise Invalid(f"A Timestamp needs a column, and {given!r} is none.", hint='Timestamp("event_time")')
        if self.format and (wrong := fault(self.format)):
            raise Invalid(f"The format {self.format!r} of timestamp {self.column!r} {wrong.why}", hint=wrong.hint)
        if self.timezone is not None:
            self._check_zone(self.timezone)
        if self.nonexistent not in ("raise", "forward"):
            raise Invalid(
                f"Timestamp {self.column!r} cannot treat times that do not exist as {self.nonexistent!r}.",
                hint='nonexistent="forward" moves them, "raise" refuses them.',
            )

    def _check_zone(self, name: str) -> None:
        zone_of(name)
        if own := {"z", "s"} & {part.letter for part in parts(self.format or "")}:
            raise Invalid(
                f"The format {self.format!r} of timestamp {self.column!r} tells instants by %{own.pop()}, and "
                f"{name!r} is the zone of times without one.",
                hint="Leave timezone= out.",
            )

    @property
    def name(self) -> str:
        return self.alias or self.column
