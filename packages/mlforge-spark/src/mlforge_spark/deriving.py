"""Columns that are computed of each row when it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mlforge.model.expr import Expr
from mlforge.model.timestamp import Timestamp
from mlforge.plugin.engine.columns import need_columns, need_free
from mlforge.plugin.engine.expressions import derivations
from mlforge_spark import times
from mlforge_spark.expressions import evaluate
from mlforge_spark.order import fresh
from mlforge_spark.types import column, named, words_of

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def derived(frame: DataFrame, columns: Mapping[str, Expr], at: Timestamp | None) -> DataFrame:
    """The rows with columns more, as of the instants in the column of `at`."""
    need_free(columns, frame.columns)
    label = fresh("at of mlforge", [*frame.columns, *columns])
    nodes = derivations(columns, words_of(frame), label if at else None)
    asked = frame
    if at is not None:
        need_columns([at.column], frame.columns, "The frame")
        asked = frame.select("*", times.instants(frame, at).alias(label))
    made = [named(evaluate(node, asked), name, node.word) for name, node in nodes.items()]
    return asked.select(*map(column, frame.columns), *made)
