"""The order of a frame's rows, which Spark keeps by partitions: numbers for rows, and the first of some."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from mlforge_spark.types import column

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_PARTITION = 33
"""Bits of a row's number within its partition."""

_LEAST = 100_000
"""Rows of a range: fewer are no task of their own."""


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


def put_back(frame: DataFrame, number: str, counted: DataFrame | None) -> DataFrame:
    """The rows in the order of their numbers.

    Spark sorts by ranges that it finds by computing the frame once before. Of the numbers of a frame that is `counted`
    the ranges follow from how many rows its partitions have, which is cheaper where the frame is dear.
    """
    if counted is None or not hasattr(frame, "repartitionById"):  # since Spark 4.1
        return frame.orderBy(column(number))
    begins = _begins(counted)
    return frame.repartitionById(len(begins), _place(begins, column(number))).sortWithinPartitions(column(number))


def _begins(counted: DataFrame) -> list[int]:
    """The numbers at which ranges of about as many rows begin."""
    each = counted.groupBy(F.spark_partition_id().alias("p")).agg(F.count(F.lit(1)).alias("n")).orderBy("p").collect()
    most = str(counted.sparkSession.conf.get("spark.sql.shuffle.partitions"))  # some platforms say "auto"
    size = max(_LEAST, -(-sum(row["n"] for row in each) // int(most if most.isdigit() else 200)))
    found, due = [0], size
    for partition, rows in each:
        while due < rows:
            found.append((partition << _PARTITION) + due)
            due += size
        due -= rows
    return found


def _place(begins: Sequence[int], number: Column) -> Column:
    """In which range a number lies, found by halves."""

    def among(low: int, high: int) -> Column:
        if low == high:
            return F.lit(low)
        middle = (low + high + 1) // 2
        return F.when(number < F.lit(begins[middle]), among(low, middle - 1)).otherwise(among(middle, high))

    return among(0, len(begins) - 1)


def first_row(frame: DataFrame, asked: Column, value: Column) -> tuple[int, Any] | None:
    """The place, from 0, and a value of the first row for which something is true."""
    rows = frame.select(F.monotonically_increasing_id().alias("n"), asked.alias("b"), value.alias("v"))
    found = rows.where(column("b")).orderBy("n").select("n", "v").head()
    if found is None:
        return None
    partition, within = found[0] >> _PARTITION, found[0] & ((1 << _PARTITION) - 1)
    before = frame.where(F.spark_partition_id() < F.lit(partition)).count() if partition else 0
    return before + within, found[1]
