"""What people see of an explanation."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from mlforge.cli.views.terminal import Cell, ColumnHead, Styled, columns, facts, say, table, way_out
from mlforge.cli.views.wording import NONE, plain
from mlforge.flow.explaining.explanation import ExplainedValue, Explanation, Sample, counted, shown_time

_STYLES = {"equal": "green", "differs": "bold red", "not recomputed": "yellow"}


def show(found: Explanation) -> None:
    """The row, the values and the events, from the answer to what it is made of."""
    keys = "  ".join(f"{k}={_exact(v)}" for k, v in found.key.items())
    say(Styled(f"{found.feature} {found.version}", "bold"), f"  {keys}  at {shown_time(found.at)} UTC")
    say()
    facts(_facts(found))
    say()
    _values(found)
    for window in found.windows:
        say()
        count = f"  {counted(window.events.count, 'event')}" if window.events else ""
        say("  ", Styled(window.window, "bold"), f"  {window}", Styled(count, "dim"))
        _sample(window.events)
    if found.rows:
        say()
        say("  ", Styled("rows of the function", "bold"), Styled(f"  {found.rows.count:,}", "dim"))
        _sample(found.rows)
    say()
    say(Styled(found.verdict, "green" if found.agrees else "bold red"))
    if found.failure:
        way_out(found.failure.hint, found.failure.where)


def _facts(found: Explanation) -> list[tuple[str, Cell]]:
    given: list[tuple[str, Cell | None]] = [
        ("row", found.why),
        ("until", f"{shown_time(found.until)}, when the next row stands" if found.until else None),
        ("max_age", found.max_age),
        ("recomputed", _other_stamp(found)),
        *(("changed", f"the {name}, since the version was built") for name in found.since.changed),
        *(("definition", line) for line in found.since.definition),
        ("built", found.built),
        ("engine", found.engine),
    ]
    return [(name, value) for name, value in given if value]


def _other_stamp(found: Explanation) -> str | None:
    """The stamp that recomputing gives, where it is another."""
    if found.failure or found.recomputed_stamp == found.stamp:
        return None
    return f"stamped {shown_time(found.recomputed_stamp)}" if found.recomputed_stamp else "no row"


def _values(found: Explanation) -> None:
    """Each value stored and recomputed; to the last digit where the two differ."""
    heads, rows = columns("column", ">stored", ">recomputed", "*"), [_value_row(v) for v in found.values]
    if found.status == "expired":
        heads, rows = (
            [*heads, ColumnHead("answer", "right")],
            [(*r, plain(v.answer)) for r, v in zip(rows, found.values, strict=True)],
        )
    table(heads, rows, indent=2)


def _value_row(value: ExplainedValue) -> tuple[Cell, ...]:
    shown = _exact if value.agrees is False else plain
    recomputed = NONE if value.agrees is None else shown(value.recomputed)
    return value.column, shown(value.stored), recomputed, _verdict(value)


def _verdict(value: ExplainedValue) -> Cell:
    return Styled(value.verdict, _STYLES[value.verdict])


def _exact(value: Any) -> str:
    """A value to its last digit."""
    if isinstance(value, datetime):
        return shown_time(value)
    return repr(value) if isinstance(value, float) else plain(value)


def _sample(sample: Sample | None) -> None:
    """The first and the last rows, and how many lie between them."""
    if sample is None or not sample.first:
        return
    names = list(sample.first[0])
    hidden = sample.count - len(sample.first) - len(sample.last)
    between: list[tuple[Cell, ...]] = (
        [(Styled(f"… {hidden:,} more", "dim"), *("" for _ in names[1:]))] if hidden else []
    )
    rows: list[tuple[Cell, ...]] = [*map(_event, sample.first), *between, *map(_event, sample.last)]
    table(_heads(names, sample), rows, indent=6)


def _heads(names: Sequence[str], sample: Sample) -> list[ColumnHead]:
    rows = (*sample.first, *sample.last)
    numbers = [all(isinstance(r[n], int | float | None) for r in rows) for n in names]
    return [ColumnHead(n, "right" if number else "left") for n, number in zip(names, numbers, strict=True)]


def _event(row: dict[str, Any]) -> tuple[Cell, ...]:
    return tuple(_exact(v) for v in row.values())
