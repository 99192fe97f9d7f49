"""Hand-written Spark: the rows of windows_polars.py, with one exchange. windows_spark.py IN OUT"""

# ruff: noqa: E501 - SQL

import sys
import time

from spark_session import session

src, out = sys.argv[1:3]
windows = {"1d": 1, "7d": 7, "30d": 30}
columns = ", ".join(
    f"coalesce(sum(s) OVER w{w}, 0D) amount__sum__{w}, coalesce(sum(n) OVER w{w}, 0L) amount__count__{w}, sum(s) OVER w{w} / sum(n) OVER w{w} amount__mean__{w}, min(lo) OVER w{w} amount__min__{w}, max(hi) OVER w{w} amount__max__{w}"
    for w in windows
)
frames = ", ".join(
    f"w{w} AS (PARTITION BY user_id ORDER BY t RANGE BETWEEN {d - 1} PRECEDING AND CURRENT ROW)"
    for w, d in windows.items()
)
shifts = ", ".join(map(str, windows.values()))
with session() as spark:
    start = time.perf_counter()
    spark.read.parquet(src).createOrReplaceTempView("events")
    spark.sql(f"""
WITH spread AS (SELECT /*+ REPARTITION(user_id) */ user_id, event_time, amount FROM events),
tiles AS (SELECT user_id, unix_date(CAST(event_time AS DATE)) + 1 AS t, sum(amount) s, count(amount) n, min(amount) lo, max(amount) hi FROM spread GROUP BY ALL),
moved AS (SELECT user_id, t + shift AS t, if(shift = 0, s, NULL) s, if(shift = 0, n, NULL) n, if(shift = 0, lo, NULL) lo, if(shift = 0, hi, NULL) hi FROM tiles LATERAL VIEW explode(array(0, {shifts})) AS shift),
points AS (SELECT user_id, t, max(s) s, max(n) n, max(lo) lo, max(hi) hi FROM moved GROUP BY ALL)
SELECT user_id, CAST(date_from_unix_date(t) AS TIMESTAMP) AS event_time, {columns} FROM points WINDOW {frames}""").write.mode(
        "overwrite"
    ).option("compression", "zstd").parquet(out)
    seconds = time.perf_counter() - start
    found = spark.sql(f"SELECT count(*), round(sum(amount__sum__7d), 2) FROM parquet.`{out}`").collect()[0]
    print(f"spark {seconds:.2f} s, rows and checksum {tuple(found)}")
