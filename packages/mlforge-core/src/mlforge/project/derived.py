"""Columns that are derived of stored ones when they are asked for: what can be told of them where they are defined."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mlforge.errors import Invalid
from mlforge.model.constants import native
from mlforge.model.expr import Agg, Call, Expr, It, lift
from mlforge.model.feature import Feature
from mlforge.plugin.engine.columns import no_column, refuse_unnamable

EXAMPLE = 'derived={"share": col("spend_7d") / col("spend_30d")}'


def expressions(given: Any, where: str, example: str = EXAMPLE) -> dict[str, Expr]:
    """New columns and their expressions. Raises `Invalid` for what is none, or has no value in one row."""
    if not isinstance(given, Mapping):
        raise Invalid(f"{where} has {given!r}, which names no columns.", hint=example)
    names: list[Any] = list(map(native, given))
    if wrong := [n for n in names if not isinstance(n, str)]:
        raise Invalid(f"{where} has a column {wrong[0]!r}, which is no name.", hint=example)
    refuse_unnamable(names, where)
    return {name: _expression(name, value, where, example) for name, value in zip(names, given.values(), strict=True)}


def _expression(name: str, value: Any, where: str, example: str) -> Expr:
    found = lift(value)
    if not isinstance(value, Expr):
        raise Invalid(f"{where}: {name!r} is {value!r}, which is no expression.", hint=example)
    for node in found.walk():
        if isinstance(node, Agg):
            raise Invalid(
                f"{where}: {name!r} aggregates, and is computed of one row.", hint="Make it a metric, and read that."
            )
        if isinstance(node, It):
            raise Invalid(f"{where}: {name!r} reads it(), a validator's column.", hint='Name one: col("amount").')
        if isinstance(node, Call) and node.op == "duplicated":
            raise Invalid(
                f"{where}: {name!r} reads all rows with duplicated(), and is computed of one.",
                hint="Count them with a metric, and read that.",
            )
    return found


def refuse_derived(made: Feature) -> None:
    """Raise `Invalid` for derived columns that a feature cannot have, as far as its columns are known by now."""
    where = f"Feature {made.name!r}"
    metrics = [c.name for c in made.plan.columns] if made.plan else []
    refuse_taken(made.derived, [*made.shape.identity, *metrics], where)
    refuse_reads(made.derived, made.shape.identity, metrics or None, where)


def refuse_taken(derived: Iterable[str], columns: Iterable[str], where: str) -> None:
    """Raise `Invalid` for a derived column that has the name of another, whatever the case of its letters."""
    taken = {name.lower(): name for name in columns}
    for name in derived:
        if found := taken.get(name.lower()):
            raise Invalid(
                f"{where} has a column {found!r}, and derives {name!r}.", hint="Give the derived one another name."
            )


def refuse_reads(
    derived: Mapping[str, Expr], identity: Iterable[str], columns: Iterable[str] | None, where: str
) -> None:
    """Raise `Invalid` for a derived column that reads what is no value; `columns` are the values, None if not known."""
    known = None if columns is None else list(columns)
    for name, expr in derived.items():
        for column in expr.column_names:
            if column in identity:
                raise Invalid(
                    f"{where}: {name!r} reads {column!r}, which is a key or the timestamp and no value.",
                    hint='Keep it as a value: return it under another name, or with a metric: Max("paid_at", …).',
                )
            if column in derived:
                raise Invalid(
                    f"{where}: {name!r} reads {column!r}, which is derived itself.",
                    hint="Write its expression out, or name the new column otherwise.",
                )
            if known is not None and column not in known:
                raise no_column(column, known, f"{where}, of which {name!r} is derived,")
