"""Formats of times in text: the directives that are read, and which formats tell one instant.

| directive | fits |
|---|---|
| `%Y` `%G` | a year, or the year of an ISO week, of four digits |
| `%m` `%d` `%j` | month, day of the month, day of the year |
| `%b` `%B` | the month's English name, short or long, in any case |
| `%V` `%u` | ISO week, day of the week from 1 for Monday |
| `%a` `%A` `%w` `%u` | beside a date, a weekday that must be the date's own |
| `%H` `%M` `%S` `%f` | hour, minute, second, one to six digits of its fraction |
| `%I` `%p` | hour from 1 to 12, and AM or PM |
| `%z` | `Z`, or an offset such as `+02`, `+0200` or `+02:00`; right before a number, one with minutes |
| `%s` | whole seconds since 1970-01-01 00:00 UTC, alone |

A number may lack its leading zeros, unless it stands right beside another one. Blanks fit blanks, however many.
`%F %T %R %X %c %r %v %h %e %k %l %P %n %t` and flags such as that of `%-d` stand for what strftime makes of them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

NUMBERS = {"Y": 4, "G": 4, "m": 2, "d": 2, "j": 3, "V": 2, "u": 1, "w": 1, "H": 2, "I": 2, "M": 2, "S": 2, "f": 6}
"""The directives of plain numbers, and of how many digits they are."""

_SHORTHANDS = {
    "F": "%Y-%m-%d",
    "T": "%H:%M:%S",
    "X": "%H:%M:%S",
    "R": "%H:%M",
    "r": "%I:%M:%S %p",
    "v": "%d-%b-%Y",
    "c": "%a %b %d %H:%M:%S %Y",
    "h": "%b",
    "e": "%d",
    "k": "%H",
    "l": "%I",
    "P": "%p",
    "n": " ",
    "t": " ",
}
_READ = frozenset((*NUMBERS, *"bBaApzs"))
_PART = re.compile(r"(?P<directive>%[-_0#^E:]*(?P<dot>\.?)[0-9]?(?P<letter>[A-Za-z+%]?))|(?P<blank>[ \t]+)|[^% \t]+")
_SAME = {**dict.fromkeys("bB", "m"), **dict.fromkeys("aAw", "u"), "I": "H"}  # what says the same as another one
_WAYS = (frozenset("Ymd"), frozenset("Yj"), frozenset("GVu"), frozenset("s"))  # each fixes a day
_ABOVE = (("M", "H", "an hour"), ("S", "M", "minutes"), ("f", "S", "seconds"))

_CENTURY = (
    "a year of two digits, which does not tell its century: libraries differ on 69.",
    "Write years in four digits and read them with %Y, or make a time of the text in the function.",
)
_WEEK = (
    "a week that libraries count differently.",
    "Read the ISO week with %G-W%V-%u, or make a date of the text in the function.",
)
_REFUSED = {
    **dict.fromkeys("ygDx", _CENTURY),
    **dict.fromkeys("UW", _WEEK),
    "Z": (
        "but a zone's name does not tell its offset.",
        "Use %z for an offset such as +0200, or write the name as it stands and tell it: timezone='Europe/Berlin'.",
    ),
}


class Piece(NamedTuple):
    """A directive's letter and how it is written; without a letter, text that stands as it is."""

    letter: str
    text: str

    @property
    def blank(self) -> bool:
        return not self.letter and not self.text.strip()


class Fault(NamedTuple):
    """What is wrong with a format, as the end of a sentence, and the way out."""

    why: str
    hint: str


def parts(format: str) -> tuple[Piece, ...]:
    """What a format is made of, shorthands written out.

    Example:
        >>> [part.letter or part.text for part in parts("%F %H")]
        ['Y', '-', 'm', '-', 'd', ' ', 'H']
    """
    return tuple(_parts(format))


def _parts(format: str) -> Iterator[Piece]:
    for found in _PART.finditer(format):
        text, letter = found[0], found["letter"]
        if not text.startswith("%"):
            yield Piece("", " " if found["blank"] else text)
        elif letter == "%":
            yield Piece("", "%")
        elif letter in _SHORTHANDS:
            yield from _parts(_SHORTHANDS[letter])
        elif found["dot"] and letter == "f":
            yield from (Piece("", "."), Piece("f", text))
        else:
            yield Piece(letter or "%", text)


def fault(format: str) -> Fault | None:
    """Why a format does not tell one instant, if it does not.

    Example:
        >>> fault("%Y-%m").why
        'does not fix a day.'
    """
    made_of = parts(format)
    written = {part.letter: part.text for part in made_of if part.letter}
    for letter, text in written.items():
        if letter not in _READ:
            why, hint = _REFUSED.get(letter, ("which is no directive.", f"Directives: {_shown(_READ)}."))
            return Fault(f"has {text}, {why}", hint)
    if made_of[0].blank or made_of[-1].blank:
        return Fault("begins or ends with a blank.", "Leave it out, and strip the text in the function.")
    return _said_twice(made_of) or _day(set(written), len(made_of)) or _clock(set(written))


def _said_twice(made_of: tuple[Piece, ...]) -> Fault | None:
    seen: dict[str, str] = {}
    for letter, text in (part for part in made_of if part.letter):
        role = _SAME.get(letter, letter)
        if role in seen:
            return Fault(f"has both {seen[role]} and {text}, which say the same.", "Leave one of them out.")
        seen[role] = text
    return None


def _day(letters: set[str], length: int) -> Fault | None:
    roles = {_SAME.get(letter, letter) for letter in letters}
    way = next((way for way in _WAYS if way <= roles), None)
    if way is None:
        hint = "Make one text of year, month and day in the function, and read it with a format such as %Y-%m-%d."
        return Fault("does not fix a day.", hint)
    if more := roles & frozenset("YmdjGVs") - way:
        return Fault(f"fixes the day, and has {_shown(more)} besides.", "Leave out what is not needed.")
    if "G" in way and "u" not in letters:
        return Fault("does not fix a day.", "The day of an ISO week is %u, from 1 for Monday.")
    if "s" in way and length > 1:
        return Fault("has something beside %s.", "%s stands alone: make a time of the text in the function.")
    return None


def _clock(letters: set[str]) -> Fault | None:
    if "I" in letters and "p" not in letters:
        return Fault("has %I, but does not tell which half of the day.", "Read AM or PM with %p, or 24 hours with %H.")
    if "p" in letters and "I" not in letters:
        return Fault("has %p without %I.", "Hours beside AM and PM are %I.")
    roles = {_SAME.get(letter, letter) for letter in letters}
    for letter, above, word in _ABOVE:
        if letter in roles and above not in roles:
            return Fault(f"has %{letter} without {word}.", "Read the whole time of the day, or leave its parts out.")
    return None


def _shown(letters: set[str] | frozenset[str]) -> str:
    return " ".join(f"%{letter}" for letter in sorted(letters))
