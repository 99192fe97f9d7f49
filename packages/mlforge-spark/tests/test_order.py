"""Rows are put back into their order by ranges of their numbers, which are even whatever partitions they come from."""

from __future__ import annotations

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from mlforge_spark import order

ROWS = [0, 1, 250, 0, 30, 5]
"""Of the partitions that they come in."""


@pytest.fixture
def frame(session: SparkSession) -> DataFrame:
    each = [session.range(n, numPartitions=1).select(F.lit(p).alias("p"), "id") for p, n in enumerate(ROWS)]
    whole = each[0]
    for one in each[1:]:
        whole = whole.union(one)
    return whole


@pytest.mark.parametrize("least", [1, 7, 100, 1_000])
def test_rows_come_back_in_their_order_in_even_parts(session, monkeypatch, frame, least):
    monkeypatch.setattr(order, "_LEAST", least)
    session.conf.set("spark.sql.shuffle.partitions", "20")
    try:
        rows, number = order.numbered(frame)
        back = order.put_back(rows.repartition(3, "id"), number, frame)
        expected = [(p, i) for p, n in enumerate(ROWS) for i in range(n)]
        assert [(row["p"], row["id"]) for row in back.collect()] == expected
        if hasattr(back, "repartitionById"):
            most = max(least, -(-sum(ROWS) // 20))
            parts = [row["count"] for row in back.groupBy(F.spark_partition_id()).count().collect()]
            assert (sum(parts), max(parts)) == (sum(ROWS), min(most, sum(ROWS)))
            assert "rangepartitioning" not in _plan(back), "which would compute the rows twice"
    finally:
        session.conf.set("spark.sql.shuffle.partitions", "1")


def test_rows_that_are_not_counted_and_rows_that_are_none_come_back_too(session, frame):
    rows, number = order.numbered(frame)
    assert [row["p"] for row in order.put_back(rows, number, None).collect()][:2] == [1, 2]
    rows, number = order.numbered(frame.limit(0))
    assert order.put_back(rows, number, frame.limit(0)).collect() == []


def _plan(frame: DataFrame) -> str:
    return str(frame._jdf.queryExecution().executedPlan().toString())  # noqa: SLF001 - no other way
