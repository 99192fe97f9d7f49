"""Build the benchmark's feature with Spark: build_windows_spark.py EVENTS STORE"""

import json
import sys
from pathlib import Path

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

import mlforge as mlf

sys.path.insert(0, str(Path(__file__).parent / "floors"))
from spark_session import session

source, store = sys.argv[1:3]


@mlf.feature(
    source=source,
    keys="user_id",
    timestamp="event_time",
    interval="1d",
    metrics=[mlf.Aggregate("amount", word, ["1d", "7d", "30d"]) for word in ("sum", "count", "mean", "min", "max")],
    engine="pyspark",
)
def spend(events: DataFrame) -> DataFrame:
    return events.select("user_id", "event_time", "amount")


with session() as spark:
    defs = mlf.Definitions("bench", features=[spend], store=mlf.LocalStore(store))
    result = defs.build(preview=False).raise_for_failure()["spend"]
    rows = spark.read.parquet(f"{store}/spend/{result.version}/data.parquet")
    print(json.dumps({"rows": result.rows, "checksum": rows.agg(F.sum("amount__sum__7d")).collect()[0][0]}))
