"""Cases worked out by hand, kept as data: keys, texts that are times, expressions, and drawn change points."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from importlib.resources import files
from typing import Any

import msgspec

from mlforge.model.duration import Duration
from mlforge.model.expr import Agg, Call, Col, Expr, IsIn, Lit, Matches
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.metric import MetricColumn, WindowPlan
from mlforge.model.schema import Column, Schema
from mlforge.model.timestamp import Timestamp
from mlforge.testing.reference import Table
from mlforge.testing.reference.times import as_utc


class Golden(msgspec.Struct, frozen=True):
    """Key values, and the key they have everywhere and for ever."""

    name: str
    dtypes: tuple[str, ...]
    values: tuple[Any, ...]
    key: str


class TextCase(msgspec.Struct, frozen=True):
    """Texts, and the instants they mean or the row of the first that is no time."""

    name: str
    texts: tuple[str, ...]
    format: str | None = None
    times: tuple[datetime, ...] = ()
    bad_row: int | None = None


class ArrowCase(msgspec.Struct, frozen=True):
    """A Parquet file (base 64) with a column `v`; what it holds, in the reference's writing, or what is said of it."""

    name: str
    parquet: str
    values: str = ""
    refused: tuple[str, ...] = ()


class ExpressionCase(msgspec.Struct, frozen=True):
    """A predicate, rows, and whether it is true, false or unknown in each."""

    name: str
    expr: Expr
    rows: tuple[Mapping[str, Any], ...]
    expected: tuple[bool | None, ...]


class DrawnCase(msgspec.Struct, frozen=True):
    """Events and the change points somebody drew on paper: a key, an instant and values each."""

    name: str
    table: Table
    plan: WindowPlan
    points: tuple[tuple[Any, ...], ...]
    shape: Shape = Shape((Key("k"),), Timestamp("ts"))

    def expected(self, schema: Schema) -> Table:
        rows = [
            dict(zip(schema.names, (k, as_utc(datetime.fromisoformat(t)), *v), strict=True)) for k, t, *v in self.points
        ]
        return Table.of(schema, rows)


def golden_keys() -> list[Golden]:
    """`golden_keys.json`."""
    return [
        Golden(c["name"], tuple(c["dtypes"]), tuple(map(value_of, c["values"], c["dtypes"])), c["key"])
        for c in load("golden_keys")
    ]


def text_cases() -> list[TextCase]:
    """`times.json`."""
    found = [msgspec.convert(c, TextCase) for c in load("times")]
    return [msgspec.structs.replace(c, times=tuple(map(as_utc, c.times))) for c in found]


def expression_cases() -> list[ExpressionCase]:
    """`expressions.json`."""
    return [
        ExpressionCase(c["name"], expr_of(c["expr"]), tuple(map(_row, c["rows"])), tuple(c["expected"]))
        for c in load("expressions")
    ]


def drawn_cases() -> list[DrawnCase]:
    """`change_points.json`."""
    return [_drawn(c) for c in load("change_points")]


def load(name: str) -> list[Any]:
    """The cases of one file."""
    text = (files(__name__) / f"{name}.json").read_text(encoding="utf-8")
    return list(json.loads(text))


def value_of(value: Any, dtype: str) -> Any:
    """A value as JSON holds it, in its type."""
    if value is None:
        return None
    match dtype:
        case "Date":
            return date.fromisoformat(value)
        case "Datetime":
            return as_utc(datetime.fromisoformat(value))
        case "Binary":
            return bytes.fromhex(value)
        case _:
            return value


def expr_of(form: Any) -> Expr:
    """An expression written as a list, `["gt", "$amount", 0]`; `$` marks a column."""
    match form:
        case ["is_in", arg, values]:
            return IsIn(expr_of(arg), tuple(values))
        case ["matches", arg, pattern]:
            return Matches(expr_of(arg), pattern)
        case ["agg", function, *args]:
            return Agg(function, expr_of(args[0]) if args else None)
        case [op, *args]:
            return Call(op, tuple(map(expr_of, args)))
        case str() if form.startswith("$"):
            return Col(form[1:])
        case _:
            return Lit(form)


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return row | {"t": value_of(row.get("t"), "Datetime")}


def _drawn(case: dict[str, Any]) -> DrawnCase:
    schema = Schema((Column("k", case["key"]), Column("ts", "Datetime"), Column("x", case["x"])))
    rows = [dict(zip(schema.names, (k, value_of(t, "Datetime"), x), strict=True)) for k, t, x in case["events"]]
    interval = Duration.parse(case["interval"]) if case["interval"] else None
    columns = tuple(_metric(i, window, form) for i, (window, form) in enumerate(case["metrics"]))
    return DrawnCase(
        case["name"], Table.of(schema, rows), WindowPlan(interval, columns), tuple(map(tuple, case["points"]))
    )


def _metric(number: int, window: str, form: Any) -> MetricColumn:
    return MetricColumn(f"m{number}", Duration.parse(window), expr_of(form), "drawn")


def arrow_cases() -> list[ArrowCase]:
    """Types of Arrow, written by `scripts/arrow_types.py`."""
    return msgspec.json.decode(files(__package__).joinpath("arrow_types.json").read_bytes(), type=list[ArrowCase])
