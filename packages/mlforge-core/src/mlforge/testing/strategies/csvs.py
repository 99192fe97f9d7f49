"""Files of CSV in any notation, as programs and people write them, right or with a slip of the pen."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from hypothesis import strategies as st

from mlforge.errors import Invalid
from mlforge.model.source import CSVFormat

NAMES = ("n", "user id", "né", "amount,EUR", 'the "x"', "#", "a.b", "select", "'q'")
TEXTS = {
    "whole": ("0", "1", "-7", "+3", "007", "9223372036854775807", "-9223372036854775808", "255"),
    "wide": ("9223372036854775808", "99999999999999999999", "1"),
    "fraction": ("1.5", "-.5", "2.", "1e5", "1E-3", "3", "123456789012345678901234567890", "0.1", "-0.0", "1e400"),
    "odd": ("inf", "-Infinity", "NaN", "nan", "2.5"),
    "boolean": ("true", "false", "True", "FALSE"),
    "grouped": ("1.234", "1,234", "1.234,5", "1,234.5", "1'234", "12,34", "0,5", "1.234.567"),
    "text": (
        "x",
        "é",
        "a,b",
        "a;b",
        'say "so"',
        "it's",
        "two\nlines",
        "a\rb",
        " 1",
        "1 ",
        "#x",
        "",
        "NA",
        "-",
        "٣",
        "1_0",
    ),
    "day": ("2024-02-29", "2023-02-29", "2024-1-31", "0001-01-01", "9999-12-31", "0000-01-01", "2024-01-31 "),
    "clock": ("01:02:03", "23:59:59.5", "24:00:00", "1:2:3", "01:02:03.1234567", "01:02"),
    "instant": ("2024-01-31T01:02:03Z", "2024-01-31 01:02:03.25", "2024-01-31", "2024-01-31T01:02:03+02:00"),
    "cents": ("1.25", "-3", "1.255", "12345678.90", "123456789.1", "1.500", "1e2", "."),
}
DECLARED = {
    "whole": ("Int64", "Int8", "UInt8", "Float64", "String"),
    "wide": ("UInt64", "Float64", "String"),
    "fraction": ("Float64", "Float32", "Decimal(10, 2)"),
    "boolean": ("Boolean", "String"),
    "day": ("Date",),
    "clock": ("Time",),
    "instant": ("Datetime",),
    "cents": ("Decimal(10, 2)", "Float64"),
}
NULLS = ("NA", "-", "", "1", "1.5", 'say "so"', "a,b")


class Files(msgspec.Struct, frozen=True):
    """The files of one source, and how they are said to be written."""

    form: CSVFormat
    contents: tuple[bytes, ...]


@st.composite
def csv_files(draw: st.DrawFn) -> Files:
    """One file or two with the columns of the first, of no, one or a few rows."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True))
    kinds = {name: draw(st.sampled_from(list(TEXTS))) for name in names}
    form = draw(_forms(kinds))
    texts = [_slipped(draw, draw(_written(draw(st.permutations(names)), kinds, form))) for _ in range(draw(_FEW))]
    return Files(form, tuple(text.encode(form.encoding, "replace") for text in texts))


_FEW = st.sampled_from([1, 1, 2])


@st.composite
def _forms(draw: st.DrawFn, kinds: dict[str, str]) -> CSVFormat:
    header = draw(st.sampled_from([True, True, True, False]))
    chosen = {n: draw(st.sampled_from(DECLARED[k])) for n, k in kinds.items() if k in DECLARED and draw(st.booleans())}
    declared = chosen if header and draw(st.booleans()) else {}
    try:
        return CSVFormat(
            delimiter=draw(st.sampled_from([",", ",", ";", "\t", "|"])),
            header=header,
            null_values=tuple(draw(st.lists(st.sampled_from(NULLS), max_size=2, unique=True))),
            dtypes=tuple(declared.items()),
            decimal=draw(st.sampled_from([".", ".", ","])),
            thousands=draw(st.sampled_from([None, None, ",", ".", "'"])),
            encoding=draw(st.sampled_from(["utf-8", "utf-8", "utf-8", "latin-1", "utf-16", "utf-8-sig"])),
            quote=draw(st.sampled_from(['"', '"', '"', "'", None])),
            skip_rows=draw(st.sampled_from([0, 0, 1, 2])),
            comment=draw(st.sampled_from([None, None, "#", "//"])),
        )
    except Invalid:  # marks that cannot be together
        return CSVFormat(header=header)


@st.composite
def _written(draw: st.DrawFn, names: Sequence[str], kinds: dict[str, str], form: CSVFormat) -> str:
    """A file as a program writes it: all fields quoted, or those that need it."""
    every, blanks = draw(st.booleans()), draw(st.sampled_from([0, 0, 1, 4]))
    fields = [st.sampled_from((*TEXTS[kinds[name]], *[""] * blanks)) for name in names]
    rows = [*([names] if form.header else []), *draw(st.lists(st.tuples(*fields), max_size=4))]
    lines = [form.delimiter.join(quoted(text, form, every=every) for text in row) for row in rows]
    if form.comment and every:
        lines = [line for row in lines for line in (f"{form.comment} a note", row)]
    end = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    above = ['exported, by "us"', ""][: form.skip_rows]
    return end.join([*above, *lines]) + draw(st.sampled_from([end, end, ""]))


def quoted(text: str, form: CSVFormat, *, every: bool) -> str:
    """A field, within quotes where it must be, or where they all are."""
    if form.quote is None:
        return text
    needs = {form.delimiter, form.quote, "\n", "\r"} & set(text)
    return f"{form.quote}{text.replace(form.quote, form.quote * 2)}{form.quote}" if needs or (every and text) else text


def _slipped(draw: st.DrawFn, text: str) -> str:
    """The file as it is or, one time in three, with a character more or less somewhere."""
    if draw(st.integers(0, 2)):
        return text
    at = draw(st.integers(0, len(text)))
    other = draw(st.sampled_from("\",;\n\r '#1x"))
    ways: tuple[Callable[[], str], ...] = (
        lambda: text[:at] + other + text[at:],
        lambda: text[:at] + text[at + 1 :],
        lambda: text + "\n",
        lambda: "\n" + text,
    )
    return draw(st.sampled_from(ways))()
