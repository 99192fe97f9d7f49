"""What is paid by whom, on Spark."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

import mlforge as mlf


@mlf.feature(
    source="lake/payments/*.parquet",
    keys="user_id",
    timestamp="paid_at",
    interval="1d",
    metrics=[mlf.Sum("amount", windows=["1d", "7d", "30d"])],
    engine="pyspark",
)
def spend(payments: DataFrame) -> DataFrame:
    return payments.where(F.col("amount") > 0)
