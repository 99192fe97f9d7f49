"""Times in text: what fits, and what every engine says of what does not.

An engine parses, and finds the first text that does not fit; the rest is here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import msgspec

from mlforge.errors import Invalid
from mlforge.model.timeformat import NUMBERS, Piece, parts
from mlforge.model.timestamp import Timestamp

FIRST, LAST = -62_135_596_800_000_000, 253_402_300_799_999_999
"""The first and the last instant there is, in microseconds since the Unix epoch: years 1 to 9999."""

FIRST_DAY, LAST_DAY = -719_162, 2_932_896
"""The first and the last date there is, in days since the Unix epoch."""

ZONE = "(?:Z|[+-](?:[01][0-9]|2[0-3])(?::?[0-5][0-9])?)"
"""A zone in text, as a regular expression that RE2, Rust and Python read alike, as all of this module's are."""

_WHOLE_ZONE = "(?:Z|[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9])"
_DATE = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_LOCAL = _DATE + r"[T ](?:[01][0-9]|2[0-3]):[0-5][0-9](?::[0-5][0-9](?:\.[0-9]{1,9})?)?"
_ANY_LOCAL = _DATE + r"[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]{1,9})?)?"
_ANY_ZONE = "(?:Z|[+-][0-9]{2}(?::?[0-9]{2})?)"
_ISO = ((_DATE, _DATE), (_LOCAL, _ANY_LOCAL), (_LOCAL + ZONE, _ANY_LOCAL + _ANY_ZONE))
_DETECTED = "Detected, one a column: 2026-01-31, 2026-01-31T12:00:00.123456, 2026-01-31 12:00:00+02:00."

_MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
_WEEKDAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]
_TEXTS = {
    "b": f"(?i:{'|'.join(name[:3] for name in _MONTHS)})",
    "B": f"(?i:{'|'.join(_MONTHS)})",
    "a": f"(?i:{'|'.join(name[:3] for name in _WEEKDAYS)})",
    "A": f"(?i:{'|'.join(_WEEKDAYS)})",
    "p": "(?i:AM|PM)",
    "s": "-?[0-9]{1,12}",
    "z": ZONE,
}


class Iso(msgspec.Struct, frozen=True):
    """The ISO 8601 form that a column's first text has, and so all of its texts.

    Args:
        first: That text.
        regex: What all of a text fits. Its days may still not be in the calendar.
        loose: What looks like one, whatever its numbers.
    """

    first: str
    regex: str
    loose: str

    @property
    def has_time(self) -> bool:
        return self.regex != _DATE

    @property
    def has_zone(self) -> bool:
        return self.regex.endswith(ZONE)

    def misread(self, name: str, row: int, text: str) -> Invalid:
        """The error for the first text that does not fit."""
        return _unlike(name, row, text, "" if re.fullmatch(self.loose, text) else self.first)


class Formatted(msgspec.Struct, frozen=True):
    """What texts in a format fit.

    Example:
        >>> day = Formatted("%d/%m/%Y")
        >>> day.regex
        '[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}'
        >>> day.spelled({"d": "dd"})
        'dd/%m/%Y'
    """

    format: str

    @property
    def parts(self) -> tuple[Piece, ...]:
        return parts(self.format)

    @property
    def letters(self) -> tuple[str, ...]:
        """The directives, in order."""
        return tuple(part.letter for part in self.parts if part.letter)

    @property
    def regex(self) -> str:
        """What all of a text fits. Its numbers may still be too great."""
        return "".join(_regexes(self.parts))

    def around(self, letter: str) -> str:
        """The same in three groups, the second of which is what one directive fits."""
        at = next(i for i, part in enumerate(self.parts) if part.letter == letter)
        regexes = _regexes(self.parts)
        return f"^({''.join(regexes[:at])})({regexes[at]})({''.join(regexes[at + 1 :])})$"

    def before(self, letter: str) -> Literal["number", "text", ""]:
        """What a directive stands before: a number, something else, or nothing, as where it is not there.

        Example:
            >>> Formatted("%z - %F").before("z"), Formatted("%H%M%S%f%d.%m.%Y").before("f"), Formatted("%F").before("z")
            ('text', 'number', '')
        """
        after = dict(zip((part.letter for part in self.parts), self.parts[1:], strict=False)).get(letter)
        if after is None:
            return ""
        return "number" if _is_number(after, 0) else "text"

    def spelled(self, own: Mapping[str, str] | None = None) -> str:
        """The format in plain directives, some of them in an engine's own spelling."""
        named = {part: f"%{part}" for part in self.letters} | dict(own or {})
        return "".join(named[part.letter] if part.letter else part.text.replace("%", "%%") for part in self.parts)

    @property
    def told_twice(self) -> str:
        """The directive that may contradict the day: a weekday beside a date, or the 53rd week of a year of 52."""
        beside = set(self.letters) & ({"V"} if "G" in self.letters else set("aAwu"))
        return next(iter(beside), "")

    def misread(self, name: str, row: int, text: str) -> Invalid:
        """The error for the first text that does not fit."""
        return Invalid(
            f"Timestamp {name!r}: {text!r} in row {row:,} does not fit {self.format!r}.",
            hint="Mend the value, or give another format.",
        )


Form = Iso | Formatted


def detected(name: str, row: int, first: str) -> Iso:
    """The form of a column's first text, which is in this row. Raises `Invalid` where it is no time.

    Example:
        >>> detected("paid_at", 0, "2026-01-31").has_time
        False
    """
    for regex, loose in _ISO:
        if re.fullmatch(loose, first):
            return Iso(first, regex, loose)
    raise _unlike(name, row, first, "")


def null_times(name: str, nulls: int, rows: int) -> Invalid:
    """The error for rows without a time.

    Example:
        >>> null_times("paid_at", 2, 1000).message
        "Timestamp 'paid_at' is null in 2 of 1,000 rows."
    """
    return Invalid(
        f"Timestamp {name!r} is null in {nulls:,} of {rows:,} rows.", hint="Drop or fill these rows in the function."
    )


def no_time(name: str, dtype: object, from_number: str | None) -> Invalid:
    """The error for a column that is neither times, dates nor text.

    Args:
        name: The column.
        dtype: Its type, as the engine calls it.
        from_number: How the engine makes times of numbers, where it has numbers.

    Example:
        >>> str(no_time("paid_at", "Time", None))
        "Timestamp 'paid_at' is Time, not a time, a date or text. Cast it to a time."
    """
    return Invalid(
        f"Timestamp {name!r} is {dtype}, not a time, a date or text.",
        hint=f"{from_number} makes times of numbers of seconds." if from_number else "Cast it to a time.",
    )


def out_of_range(name: str, row: int, shown: str) -> Invalid:
    """The error for the first time, whatever its column is for, that lies outside the years 1 to 9999.

    Example:
        >>> out_of_range("valid_to", 2, "infinity").message
        "Column 'valid_to': infinity in row 2 is out of range: times lie in the years 1 to 9999."
    """
    return Invalid(
        f"Column {name!r}: {shown} in row {row:,} is out of range: times lie in the years 1 to 9999.",
        hint="Mend or drop such rows in the function; null stands for a time that never comes.",
    )


def alias_taken(timestamp: Timestamp) -> Invalid:
    """The error for a timestamp's new name that another column has.

    Example:
        >>> alias_taken(Timestamp("at", alias="amount")).message
        "Timestamp 'at' is to be called 'amount', and there is a column of that name."
    """
    return Invalid(
        f"Timestamp {timestamp.column!r} is to be called {timestamp.name!r}, and there is a column of that name.",
        hint="Drop or rename that column in the function, or choose another alias.",
    )


def _unlike(name: str, row: int, text: str, first: str) -> Invalid:
    why = f"is not of the form of {first!r}" if first else "is not a time"
    return Invalid(
        f"Timestamp {name!r}: {text!r} in row {row:,} {why}.",
        hint=f'Name the form: Timestamp("{name}", format="%d.%m.%Y"). {_DETECTED}',
    )


def _regexes(made_of: tuple[Piece, ...]) -> list[str]:
    """For each part what it fits: a number beside another one has all its digits, or nobody could tell them apart."""
    bounds = (Piece("", ""), *made_of, Piece("", ""))
    triples = zip(bounds, made_of, bounds[2:], strict=False)
    return [_regex(part, _is_number(before, -1), _is_number(after, 0)) for before, part, after in triples]


def _is_number(part: Piece, end: int) -> bool:
    return part.letter in NUMBERS or (not part.letter and part.text[end:][:1].isdigit())


def _regex(part: Piece, after_number: bool, before_number: bool) -> str:
    letter = part.letter
    if not letter:
        return "[ \\t]+" if part.blank else re.sub(r"([\\.^$|?*+()\[\]{}])", r"\\\1", part.text)
    if letter == "z" and before_number:  # whose digits could be the zone's minutes
        return _WHOLE_ZONE
    if letter in _TEXTS:
        return _TEXTS[letter]
    whole = before_number or letter in "YG" or (after_number and letter != "f")
    if letter == "S":  # or some would read 60
        return "[0-5][0-9]" if whole else "[0-5]?[0-9]"
    return f"[0-9]{{{NUMBERS[letter]}}}" if whole else f"[0-9]{{1,{NUMBERS[letter]}}}"
