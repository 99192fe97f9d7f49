"""Hand-written Spark: the last feature row before each label, of a union, with one exchange. pit_spark.py DIR OUT"""

import sys
import time

from pyspark.sql import Window
from pyspark.sql import functions as F
from spark_session import session

folder, out = sys.argv[1:3]
with session() as spark:
    start = time.perf_counter()
    labels = spark.read.parquet(f"{folder}/labels.parquet")
    features = spark.read.parquet(f"{folder}/features.parquet").drop("created")
    row = F.struct(*(c for c in features.columns if c.startswith("f")))
    known = features.select(
        "user_id", F.col("event_time").alias("event_timestamp"), F.lit(0).alias("side"), row.alias("row")
    )
    asked = labels.select("user_id", "event_timestamp", F.lit(1).alias("side"))
    upto = Window.partitionBy("user_id").orderBy("event_timestamp", "side").rowsBetween(Window.unboundedPreceding, 0)
    both = known.unionByName(asked, allowMissingColumns=True)
    found = both.select("user_id", "event_timestamp", "side", F.last("row", ignorenulls=True).over(upto).alias("row"))
    found.where("side = 1").select("user_id", "event_timestamp", "row.*").write.mode("overwrite").parquet(out)
    seconds = time.perf_counter() - start
    rows, checksum = spark.read.parquet(out).agg(F.count("*"), F.sum("f0")).collect()[0]
    print(f"spark {seconds:.2f} s, {rows} rows, checksum {checksum:.6f}")
