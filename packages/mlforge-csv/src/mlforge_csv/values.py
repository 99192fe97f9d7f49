"""What a text of a CSV file is worth: as a type that was declared, or the type that all of a column's texts fit."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

import polars as pl

from mlforge.model.schema import is_float, is_integer
from mlforge.model.source import CSVFormat
from mlforge.plugin.engine.types import is_decimal, is_list
from mlforge_csv.words import dtype_of

NONE = "Null"
"""The type of a column without any value: it fits every other."""
TRUE, FALSE = ("true", "True", "TRUE"), ("false", "False", "FALSE")
_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_CLOCK = r"[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?"


def can_be_read(word: str) -> bool:
    """Whether a text can be of a type."""
    return not is_list(word)


def reads_itself(word: str, form: CSVFormat) -> bool:
    """Whether Polars' reader of CSV takes a text that is of a type for the same value as `values`."""
    is_usual = form.decimal == "." and not form.thousands and not form.null_values
    return is_usual and (word == "Boolean" or is_integer(word) or is_float(word))


def values(text: pl.Expr, word: str, form: CSVFormat) -> pl.Expr:
    """Texts as values of a type; null for one that is none."""
    if word in ("String", NONE):
        return text
    if word == "Boolean":
        return pl.when(text.is_in(TRUE)).then(True).when(text.is_in(FALSE)).then(False)
    if word in _TIMES:
        written, parsed = _TIMES[word]
        return parsed(pl.when(text.str.contains(f"^(?:{written})$") & ~text.str.starts_with("0000")).then(text))
    if word == "Duration":
        return text.cast(pl.Int64, strict=False).cast(pl.Duration("us"))
    return _numbers(text, word, form) if _is_number(word) else text.cast(dtype_of(word), strict=False)


def _is_number(word: str) -> bool:
    return is_integer(word) or is_float(word) or is_decimal(word)


def _numbers(text: pl.Expr, word: str, form: CSVFormat) -> pl.Expr:
    text = pointed(text, form)
    if is_decimal(word):
        scale = int(word.rstrip(")").split(",")[1])
        text = pl.when(text.str.contains(rf"^[+-]?[0-9]*\.?[0-9]{{0,{scale}}}0*$")).then(text)
    number = text.cast(dtype_of(word), strict=False)
    if is_float(word):  # no digit is in a text that says infinity
        return pl.when(~(number.is_infinite() & text.str.contains("[0-9]"))).then(number)
    return number


def pointed(text: pl.Expr, form: CSVFormat) -> pl.Expr:
    """Numbers without marks between thousands, and with a point before the fraction.

    Where another mark stands there, a text with a point is null: it is no number.
    """
    point = re.escape(form.decimal)
    if form.thousands:
        grouped = rf"^[+-]?[0-9]{{1,3}}(?:{re.escape(form.thousands)}[0-9]{{3}})+(?:{point}[0-9]*)?$"
        without = text.str.replace_all(form.thousands, "", literal=True)
        text = pl.when(text.str.contains(grouped)).then(without).otherwise(text)
    if form.decimal != ".":
        has_point = text.str.contains(".", literal=True)
        text = pl.when(~has_point).then(text.str.replace(form.decimal, ".", literal=True))
    return text


def advice_on_width(column: str) -> str:
    """What to do about a column of whole numbers of more than 64 bits."""
    ways = " or ".join(f'CSVFormat(dtypes={{"{column}": "{word}"}})' for word in ("String", "Decimal(38, 0)"))
    return f"Say what they are: {ways}."


def advice(text: str, word: str) -> str:
    """What to do about a text that is not of the type that was declared."""
    if _is_number(word) and re.fullmatch(r"[+-]?[0-9]+,[0-9]+", text):
        return 'Say what the comma stands before: CSVFormat(decimal=",") for a fraction, thousands="," for thousands.'
    return "Mend it, name it in null_values, or declare another type."


def counts(column: str, text: pl.Expr, form: CSVFormat) -> list[pl.Expr]:
    """What `detected` asks of a column: how many texts there are, and how many of them are of each kind."""
    kinds = {kind: values(text, kind, form) for kind in ("Boolean", "Int64", "Float64")}
    number = pointed(text, form)
    kinds["whole"] = pl.when(number.str.contains("^[+-]?[0-9]+$")).then(number)
    return [text.count().alias(f"{column}\0"), *(e.count().alias(f"{column}\0{k}") for k, e in kinds.items())]


def detected(column: str, found: Mapping[str, int]) -> str:
    """The type of a column: the first that each of its texts is of."""
    texts = found[f"{column}\0"]
    if not texts:
        return NONE
    for kind in ("Boolean", "Int64"):
        if found[f"{column}\0{kind}"] == texts:
            return kind
    are_numbers = found[f"{column}\0Float64"] == texts
    return "Float64" if are_numbers and found[f"{column}\0whole"] < texts else "String"


def fits_no_integer(column: str, found: Mapping[str, int]) -> bool:
    """Whether a column has nothing but whole numbers, some of them of more than 64 bits: text, or what else?"""
    return detected(column, found) == "String" and found[f"{column}\0whole"] == found[f"{column}\0"]


def is_certain(column: str, found: Mapping[str, int]) -> bool:
    """Whether the type of a column's first texts holds until a text comes that is not of it."""
    return detected(column, found) != "String" or found[f"{column}\0Float64"] < found[f"{column}\0"]


def both(a: str, b: str) -> str | None:
    """The type that two files' types fit into: whole numbers and fractions are numbers, and no value fits all."""
    if NONE in (a, b):
        return b if a == NONE else a
    return "Float64" if {a, b} == {"Int64", "Float64"} else None


def _instants(text: pl.Expr) -> pl.Expr:
    local = text.str.strip_suffix("Z").str.replace("T", " ", literal=True)
    return local.str.to_datetime("%Y-%m-%d %H:%M:%S%.f", time_unit="us", time_zone="UTC", strict=False)


_TIMES: dict[str, tuple[str, Callable[[pl.Expr], pl.Expr]]] = {
    "Date": (_DATE, lambda text: text.str.to_date("%Y-%m-%d", strict=False)),
    "Time": (_CLOCK, lambda text: text.str.to_time("%H:%M:%S%.f", strict=False)),
    "Datetime": (f"{_DATE}[T ]{_CLOCK}Z?", _instants),
}
