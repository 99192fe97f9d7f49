"""Formats of times, made of their parts; texts written in them, right or a little wrong; and ISO 8601 alike."""

from __future__ import annotations

import re

import msgspec
from hypothesis import strategies as st

from mlforge.testing.reference.formats import tells_one_instant
from mlforge.testing.reference.times import instant

DAYS = (
    *(("%Y", "%m", "%d"), ("%d", "%m", "%Y"), ("%m", "%d", "%Y"), ("%d", "%b", "%Y"), ("%B", "%d", "%Y")),
    *(("%a", "%d", "%b", "%Y"), ("%A", "%Y", "%m", "%d"), ("%Y", "%m", "%d", "%u"), ("%w", "%Y", "%m", "%d")),
    *(("%Y", "%j"), ("%j", "%Y"), ("%G", "%V", "%u")),
)
CLOCKS = (
    *((), (), ("%H",), ("%H", "%M"), ("%H", "%M", "%S"), ("%H", "%M", "%S", "%f"), ("%I", "%p")),
    *(("%I", "%M", "%p"), ("%p", "%I", "%M", "%S")),
)
BETWEEN = ("-", "/", ".", ":", " ", "  ", "", "T", ",", "年", "%%", "1", "[", "+")
ISO = (
    *("%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S.%f"),
    *("%Y-%m-%d %H:%M:%S%z", "%Y-%m-%dT%H:%M%z"),
)
ANYTHING = (
    *(f"%{letter}" for letter in "YmdjGVuwbBaAHIpMSfz" * 3 + "yUWZDxgQ%s"),
    *("-", "/", ":", " ", "T", "1"),
)
MICROS = (0, 1, 500_000, 123_456)
ZONES = ("+0200", "+02:00", "-05", "Z", "+00:00", "-2359", "+2400", "+0260")


class WrittenText(msgspec.Struct, frozen=True):
    """A text that tells a time, or nearly; `format` is None where its form is to be detected."""

    text: str
    format: str | None


@st.composite
def formats(draw: st.DrawFn) -> str:
    """A day, mostly a time of the day and sometimes a zone, with something between them, or nothing."""
    pieces = [*draw(st.sampled_from(DAYS)), *draw(st.sampled_from(CLOCKS))]
    pieces += ["%z"] if draw(st.integers(0, 3)) == 0 else []
    between = st.sampled_from(BETWEEN)
    usual = draw(between)
    return pieces[0] + "".join(draw(st.sampled_from([usual, usual, draw(between)])) + piece for piece in pieces[1:])


@st.composite
def careless_formats(draw: st.DrawFn) -> str:
    """A format that somebody put together in a hurry: it may tell an instant, none, or half of one."""
    if draw(st.booleans()):
        return "".join(draw(st.lists(st.sampled_from(ANYTHING), min_size=1, max_size=9)))
    pieces = re.findall("%.|[^%]+", draw(formats()))
    at = draw(st.integers(0, len(pieces) - 1))
    other = draw(st.sampled_from(ANYTHING))
    ways = (
        *(
            pieces[:at] + pieces[at + 1 :],
            [*pieces[:at], other, *pieces[at + 1 :]],
            [*pieces[:at], other, *pieces[at:]],
        ),
        *([*pieces, pieces[at]], [*pieces, other], pieces[::-1], [" ", *pieces], [*pieces, "%"]),
    )
    return "".join(draw(st.sampled_from(ways)))


@st.composite
def written_carelessly(draw: st.DrawFn) -> WrittenText:
    """A time as such a format writes it."""
    format = draw(careless_formats())
    return WrittenText(written(draw, format) if tells_one_instant(format) else "", format)


@st.composite
def written_texts(draw: st.DrawFn) -> WrittenText:
    """A time in a format or in ISO 8601, as it is written or with one or two slips of the pen."""
    format = draw(formats() | st.just("%s")) if draw(st.booleans()) else None
    text = written(draw, format or draw(st.sampled_from(ISO)))
    for _ in range(draw(st.sampled_from([0, 0, 1, 1, 2]))):
        text = draw(slips(text))
    return WrittenText(text, format)


def written(draw: st.DrawFn, format: str) -> str:
    """A time in a format, its zone spelled in one of several ways."""
    micros = draw(st.integers(-(10**15), 10**16)) // 1_000_000 * 1_000_000 + draw(st.sampled_from(MICROS))
    if format == "%s":
        return str(micros // 1_000_000)
    zone = draw(st.sampled_from(ZONES))
    return instant(micros).strftime(format.replace("%z", zone))


@st.composite
def slips(draw: st.DrawFn, text: str) -> str:
    """A text with a character more, less or other, in another case, or without a leading zero."""
    at = draw(st.integers(0, len(text)))
    other = draw(st.sampled_from("0 1959-:.+Zz\té٣"))
    ways = (
        *(text[:at] + other + text[at:], text[:at] + text[at + 1 :], text[:at] + other + text[at + 1 :]),
        *(text.upper(), text.lower(), text.replace("0", "", 1), text.replace("-0", "-", 1), text.replace(" 0", " ", 1)),
    )
    return draw(st.sampled_from(ways))
