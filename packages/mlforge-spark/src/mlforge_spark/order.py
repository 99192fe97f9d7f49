"""The order of a frame's rows, which Spark keeps by partitions: numbers for rows, and the first of some."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from mlforge_spark.types import column

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_PARTITION = 33
"""Bits of a row's number within its partition."""


def fresh(name: str, taken: list[str]) -> str:
    """A name that no column has."""
    there = {one.lower() for one in taken}
    while name.lower() in there:
        name += "_"
    return name


def numbered(frame: DataFrame) -> tuple[DataFrame, str]:
    """The frame with a number for each row, which grows in their order; and that column's name."""
    name = fresh("row of mlforge", frame.columns)
    return frame.select("*", F.monotonically_increasing_id().alias(name)), name


def first_row(frame: DataFrame, asked: Column, value: Column) -> tuple[int, Any] | None:
    """The place, from 0, and a value of the first row for which something is true."""
    rows = frame.select(F.monotonically_increasing_id().alias("n"), asked.alias("b"), value.alias("v"))
    found = rows.where(column("b")).orderBy("n").select("n", "v").head()
    if found is None:
        return None
    partition, within = found[0] >> _PARTITION, found[0] & ((1 << _PARTITION) - 1)
    before = frame.where(F.spark_partition_id() < F.lit(partition)).count() if partition else 0
    return before + within, found[1]
