"""Lengths of time: `7d`, `12h`, `timedelta(days=7)`."""

from __future__ import annotations

import re
from datetime import timedelta

import msgspec

from mlforge.errors import Invalid

MICROS = {"s": 1_000_000, "m": 60_000_000, "h": 3_600_000_000, "d": 86_400_000_000, "w": 604_800_000_000}
WEEK_ORIGIN = -259_200_000_000  # Monday 1969-12-29, three days before the Unix epoch
_FORM = re.compile(r"([0-9]+)([smhdw])")


class Duration(msgspec.Struct, frozen=True, order=True):
    """A length of time in whole microseconds, and how its author spelled it.

    Example:
        >>> Duration.parse("7d").micros
        604800000000
    """

    micros: int
    text: str

    @classmethod
    def parse(cls, value: object, what: str = "duration") -> Duration:
        """Read `30s`, `5m`, `12h`, `7d`, `2w` or a `timedelta`.

        Raises:
            Invalid: Another form, zero, or a fraction of a second.
        """
        if isinstance(value, Duration):
            return value
        if isinstance(value, timedelta):
            return cls._from_timedelta(value, what)
        text = value.strip() if isinstance(value, str) else ""
        match = _FORM.fullmatch(text)
        if match is None or int(match[1]) == 0:
            raise Invalid(f"{value!r} is not a {what}.", hint="Write a number and a unit: 30s, 5m, 12h, 7d or 2w.")
        return cls(int(match[1]) * MICROS[match[2]], text)

    @classmethod
    def _from_timedelta(cls, value: timedelta, what: str) -> Duration:
        micros = value // timedelta(microseconds=1)
        if micros <= 0 or micros % MICROS["s"]:
            raise Invalid(f"{value!r} is not a {what}.", hint="Give a positive timedelta of whole seconds.")
        return cls(micros, _spelled(micros))

    @property
    def canonical(self) -> str:
        """The one spelling of its length: `24h` and `1d` are both `1d`."""
        return _spelled(self.micros)

    @property
    def origin(self) -> int:
        """Where buckets of this length are counted from, in microseconds since the Unix epoch."""
        return WEEK_ORIGIN if self.micros % MICROS["w"] == 0 else 0

    def is_multiple_of(self, other: Duration) -> bool:
        return self.micros % other.micros == 0

    def __str__(self) -> str:
        return self.text


def _spelled(micros: int) -> str:
    unit = next(u for u in "dhms" if micros % MICROS[u] == 0)
    return f"{micros // MICROS[unit]}{unit}"
