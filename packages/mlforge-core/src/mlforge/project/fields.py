"""What is said of a feature's columns: refused where there is no such column, or where a metric says it already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from mlforge.errors import Invalid
from mlforge.model.feature import Feature
from mlforge.model.field import Field
from mlforge.plugin.engine.columns import need_columns

EXAMPLE = 'fields=[Field("amount", description="The last payment", unit="USD")]'


def fields_of(given: Any, where: str) -> tuple[Field, ...]:
    """One field or several. Raises `Invalid` for anything else, and for two of one column."""
    found: tuple[Any, ...] = (given,) if isinstance(given, Field) else () if given is None else tuple(given)
    if wrong := [f for f in found if not isinstance(f, Field)]:
        raise Invalid(f"{where} has {wrong[0]!r} among its fields, which is no Field.", hint=EXAMPLE)
    names = [f.name for f in found]
    if twice := [n for n in names if names.count(n) > 1]:
        raise Invalid(f"{where} has two fields for the column {twice[0]!r}.", hint="Say it all in one.")
    return found


def refuse_described(made: Feature) -> None:
    """Raise `Invalid` for a field of what a metric describes, or of no column, as far as those are known by now."""
    metrics = {c.name: c for c in made.plan.columns} if made.plan else {}
    for field in made.fields:
        metric = metrics.get(field.name)
        if metric and ((metric.description and field.description) or (metric.unit and field.unit)):
            raise Invalid(
                f"Feature {made.name!r}: what {field.name!r} means is said by its metric and by a Field.",
                hint="Say it once: in the metric.",
            )
    if made.plan:
        refuse_fields(made, [*made.shape.identity, *metrics, *made.derived])


def refuse_fields(made: Feature, columns: Sequence[str]) -> None:
    """Raise `Invalid` for a field of no column."""
    need_named(made.fields, columns, f"Feature {made.name!r}, which has a Field for it,")


def need_named(fields: Iterable[Field], columns: Sequence[str], where: str) -> None:
    """Raise `Invalid` for a field whose column is not there."""
    need_columns([field.name for field in fields], columns, where)
