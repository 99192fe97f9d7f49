"""Naive Spark: a RANGE frame over the events for each change point. windows_spark_naive.py IN OUT"""

# ruff: noqa: E501 - SQL

import sys
import time

from spark_session import session

src, out = sys.argv[1:3]
windows = {"1d": 1, "7d": 7, "30d": 30}
columns = ", ".join(
    f"coalesce(sum(amount) OVER w{w}, 0D) amount__sum__{w}, count(amount) OVER w{w} amount__count__{w}, avg(amount) OVER w{w} amount__mean__{w}, min(amount) OVER w{w} amount__min__{w}, max(amount) OVER w{w} amount__max__{w}"
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
WITH known AS (SELECT user_id, unix_date(CAST(event_time AS DATE)) + 1 AS t, amount FROM events),
points AS (SELECT DISTINCT user_id, t + shift AS t FROM known LATERAL VIEW explode(array(0, {shifts})) AS shift),
both AS (SELECT user_id, t, amount, false AS point FROM known UNION ALL SELECT user_id, t, NULL, true FROM points)
SELECT * EXCEPT (point) FROM (SELECT user_id, CAST(date_from_unix_date(t) AS TIMESTAMP) AS event_time, {columns}, point FROM both WINDOW {frames}) WHERE point""").write.mode(
        "overwrite"
    ).option("compression", "zstd").parquet(out)
    seconds = time.perf_counter() - start
    found = spark.sql(f"SELECT count(*), round(sum(amount__sum__7d), 2) FROM parquet.`{out}`").collect()[0]
    print(f"spark {seconds:.2f} s, rows and checksum {tuple(found)}")
