"""Texts in a format, read from left to right, one piece of the pattern after the other."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

DIGITS = {"%Y": 4, "%G": 4, "%m": 2, "%d": 2, "%j": 3, "%V": 2, "%u": 1, "%w": 1}
DIGITS |= {"%H": 2, "%I": 2, "%M": 2, "%S": 2, "%f": 6}
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
LONG_MONTHS = tuple(date(2024, month, 1).strftime("%B").lower() for month in range(1, 13))
DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LONG_DAYS = tuple(date(2024, 1, day).strftime("%A").lower() for day in range(1, 8))
NAMES = {"%b": MONTHS, "%B": LONG_MONTHS, "%a": DAYS, "%A": LONG_DAYS, "%p": ("am", "pm")}
ZONE = re.compile(r"Z|([+-])([0-9]{2})(?::?([0-9]{2}))?")

SAYS = {
    "%Y": "year",
    "%m": "month",
    "%b": "month",
    "%B": "month",
    "%d": "day",
    "%j": "day of the year",
    "%G": "ISO year",
    "%V": "ISO week",
    "%u": "weekday",
    "%w": "weekday",
    "%a": "weekday",
    "%A": "weekday",
    "%H": "hour",
    "%I": "hour",
    "%p": "half",
    "%M": "minute",
    "%S": "second",
    "%f": "fraction",
    "%z": "zone",
    "%s": "seconds",
}
"""What each directive that is read says."""
A_DAY = ({"year", "month", "day"}, {"year", "day of the year"}, {"ISO year", "ISO week", "weekday"})
OF_A_DAY = {"year", "month", "day", "day of the year", "ISO year", "ISO week", "seconds"}
WITHIN = {"minute": "hour", "second": "minute", "fraction": "second"}

Found = dict[str, Any]


def reader(pattern: str) -> Callable[[str], datetime]:
    """A reader for texts in one pattern, which raises `ValueError` for one that does not fit."""
    pieces = re.findall(r"%.|[ \t]+|.", pattern, re.DOTALL)
    return lambda text: read(text, pieces)


def tells_one_instant(pattern: str) -> bool:
    """Whether every text that fits a pattern is one instant, and only one."""
    pieces = re.findall(r"%.?|[ \t]+|[^% \t]+", pattern, re.DOTALL)
    directives = [piece for piece in pieces if piece[0] == "%" and piece != "%%"]
    said = [SAYS.get(piece, "") for piece in directives]
    if "" in said or len(set(said)) < len(said) or pieces[0].isspace() or pieces[-1].isspace():
        return False
    if "seconds" in said:
        return len(pieces) == 1
    return is_one_day(directives, set(said)) and is_one_time(directives, set(said))


def is_one_day(directives: list[str], said: set[str]) -> bool:
    """Whether a day is fixed once, in one way. The day of an ISO week is its number."""
    told = said & OF_A_DAY
    ways = [way for way in A_DAY if way <= said]
    return any(told == way & OF_A_DAY for way in ways) and ("%G" not in directives or "%u" in directives)


def is_one_time(directives: list[str], said: set[str]) -> bool:
    """Whether no part of a time of the day stands without what it is a part of."""
    return ("%I" in directives) == ("half" in said) and all(
        whole in said for part, whole in WITHIN.items() if part in said
    )


def read(text: str, pieces: list[str]) -> datetime:
    """The instant a text means."""
    if pieces == ["%s"]:
        return seconds(text)
    found: Found = {}
    for before, piece, after in zip(["", *pieces], pieces, [*pieces[1:], ""], strict=False):
        text = taken(text, piece, whole(before, piece, after), found)
    if text:
        raise ValueError(text)
    return moment(found)


def seconds(text: str) -> datetime:
    """The instant some whole seconds after 1970."""
    if not re.fullmatch("-?[0-9]{1,12}", text):
        raise ValueError(text)
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=int(text))


def whole(before: str, piece: str, after: str) -> bool:
    """Whether a number must have all its digits, since another one is beside it. A fraction may end early."""
    touches = [a in DIGITS or a[-1:].isdigit() for a in ([after] if piece == "%f" else [before, after])]
    return piece in ("%Y", "%G") or any(touches)


def taken(text: str, piece: str, full: bool, found: Found) -> str:
    """What is left of a text behind a piece."""
    if piece in DIGITS:
        return number(text, piece, full, found)
    if piece in NAMES:
        return name(text, piece, found)
    if piece == "%z":
        return zone(text, found)
    if piece.isspace():
        return after(text, r"[ \t]+")
    return after(text, re.escape("%" if piece == "%%" else piece))


def after(text: str, pattern: str) -> str:
    """What follows in a text."""
    match = re.match(pattern, text)
    if match is None:
        raise ValueError(text)
    return text[match.end() :]


def number(text: str, piece: str, full: bool, found: Found) -> str:
    """A number's digits: all of them, or as many as there are."""
    most = DIGITS[piece]
    match = re.match(f"[0-9]{{{most if full else 1},{most}}}", text)
    if match is None:
        raise ValueError(text)
    found[piece] = int(match[0].ljust(6, "0")) if piece == "%f" else int(match[0])
    return text[match.end() :]


def name(text: str, piece: str, found: Found) -> str:
    """A name, in any case, as its number."""
    for place, one in enumerate(NAMES[piece]):
        if text[: len(one)].lower() == one:
            found[piece] = place
            return text[len(one) :]
    raise ValueError(text)


def zone(text: str, found: Found) -> str:
    """How far a zone is ahead of UTC."""
    match = ZONE.match(text)
    if match is None:
        raise ValueError(text)
    sign, hours, minutes = match[1], int(match[2] or 0), int(match[3] or 0)
    if hours > 23 or minutes > 59:
        raise ValueError(text)
    found["%z"] = timedelta(hours=hours, minutes=minutes) * (-1 if sign == "-" else 1)
    return text[match.end() :]


def moment(found: Found) -> datetime:
    """The instant that the parts tell."""
    day = day_of(found)
    hour = found.get("%H", 0)
    if "%I" in found:
        if not 1 <= found["%I"] <= 12:
            raise ValueError(found)
        hour = found["%I"] % 12 + 12 * found["%p"]
    ahead = timezone(found.get("%z", timedelta(0)))
    return datetime(
        day.year, day.month, day.day, hour, found.get("%M", 0), found.get("%S", 0), found.get("%f", 0), tzinfo=ahead
    )


def day_of(found: Found) -> date:
    """The day that the parts tell, and whose weekday must be the one they tell."""
    if "%G" in found:
        return date.fromisocalendar(found["%G"], found["%V"], found["%u"])
    if "%j" in found:
        day = date(found["%Y"], 1, 1) + timedelta(days=found["%j"] - 1)
        if day.year != found["%Y"]:
            raise ValueError(found)
    else:
        month = next(found[m] + n for m, n in (("%m", 0), ("%b", 1), ("%B", 1)) if m in found)
        day = date(found["%Y"], month, found["%d"])
    told = {"%a": day.weekday(), "%A": day.weekday(), "%u": day.isoweekday(), "%w": day.isoweekday() % 7}
    if any(found[piece] != weekday for piece, weekday in told.items() if piece in found):
        raise ValueError(found)
    return day
