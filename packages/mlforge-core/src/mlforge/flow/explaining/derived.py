"""Explaining a derived column: computed of the stored row and of the recomputed one."""

from __future__ import annotations

from datetime import datetime

from mlforge.flow.explaining.explanation import ExplainedValue
from mlforge.flow.explaining.recompute import Again, agree
from mlforge.flow.rows import Row
from mlforge.model.meta import FeatureMeta
from mlforge.plugin.engine.evaluation import Derivation


def derived_value(
    meta: FeatureMeta, column: str, seen: Row, stored: Row, again: Again | None, at: datetime
) -> ExplainedValue:
    """What a derived column is at an instant.

    Args:
        meta: The version.
        column: The column.
        seen: The row that retrieval sees; empty where there is none, or where it is too old.
        stored: The stored row.
        again: The row as it is recomputed.
        at: The instant.
    """
    expr = meta.expressions[column]
    derivation = Derivation({column: expr}, {c: meta.schema.dtype(c) for c in expr.column_names})
    known = again is not None and all(c in again.schema for c in expr.column_names)
    was = derivation.of(stored, at)[column]
    now = derivation.of(again.row, at)[column] if again is not None and known else None
    return ExplainedValue(
        column=column,
        answer=derivation.of(seen, at)[column],
        stored=was,
        recomputed=now,
        agrees=agree(was, now) if known else None,
        aggregation="derived",
    )
