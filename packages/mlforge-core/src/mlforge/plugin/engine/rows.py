"""Rows as the contract wants them: which columns, in which order, and what is said of those that cannot be."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlforge.errors import Invalid
from mlforge.model.feature import Shape
from mlforge.plugin.engine.columns import need_columns
from mlforge.plugin.engine.frames import Join


def in_order(columns: Iterable[str], shape: Shape) -> list[str]:
    """Keys, stamp, and the rest as they stand.

    Example:
        >>> from mlforge.model.keys import Key
        >>> in_order(["amount", "user_id"], Shape((Key("user_id"),)))
        ['user_id', 'amount']
    """
    return list(dict.fromkeys((*shape.identity, *columns)))


def settled_columns(columns: Iterable[str], shape: Shape) -> list[str]:
    """The columns that stay: a surrogate key stands for those that it is made of."""
    spent = {s for k in shape.keys for s in k.sources} - set(shape.identity)
    return [c for c in columns if c not in spent]


def ranking(columns: Sequence[str], shape: Shape) -> list[str]:
    """The columns that settle a tie, one after the other: that which is named, then the others from left to right.

    In each the greatest value wins, and a null loses to any. Raises `Invalid` for a column that is not there.

    Example:
        >>> from mlforge.model.keys import Key
        >>> ranking(["user_id", "plan", "updated_at"], Shape((Key("user_id"),), None, "updated_at"))
        ['updated_at', 'plan']
    """
    if shape.tie_break is None:
        return []
    need_columns([shape.tie_break], columns, "tie_break: the frame")
    return [c for c in dict.fromkeys((shape.tie_break, *columns)) if c == shape.tie_break or c not in shape.identity]


def duplicates(rows: int, examples: Sequence[Mapping[str, Any]]) -> Invalid:
    """The error for rows that share their keys and stamp with another.

    Args:
        rows: How many do.
        examples: The keys and stamps of the first few.

    Example:
        >>> duplicates(1200, [{"user_id": "ada"}]).message
        "1,200 rows share their user_id with another, such as user_id='ada'."
    """
    shown = "; ".join(", ".join(f"{name}={_shown(value)}" for name, value in row.items()) for row in examples[:3])
    return Invalid(
        f"{rows:,} rows share their {' and '.join(examples[0])} with another, such as {shown}.",
        hint='Keep one of each in the function, or name the column whose greatest value wins: tie_break="updated_at".',
    )


def need_label(joins: Sequence[Join]) -> None:
    """Raise `Invalid` where a feature changes with time and nobody says at which time the spine asks."""
    if stamped := [repr(j.artifact.meta.name) for j in joins if j.artifact.meta.timestamp]:
        raise Invalid(
            f"{', '.join(stamped)} changes with time, and no timestamp of the spine is named.",
            hint='Name the column of label times: timestamp="label_time".',
        )


def need_stamp(shape: Shape) -> str:
    """The stamp of a feature with windows. Raises `Invalid` where it has none.

    Example:
        >>> from mlforge.model.timestamp import Timestamp
        >>> need_stamp(Shape((), Timestamp("paid_at")))
        'paid_at'
    """
    if shape.stamp is None:
        raise Invalid("Windows need a timestamp.", hint='Give the feature one: timestamp="event_time".')
    return shape.stamp


def _shown(value: Any) -> str:
    return value.isoformat() if hasattr(value, "isoformat") else repr(value)
