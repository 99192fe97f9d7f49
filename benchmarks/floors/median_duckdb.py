"""Hand-written DuckDB: medians of 1d, 7d, 30d windows at their change points. median_duckdb.py IN OUT"""

import sys
import time

import duckdb

src, out = sys.argv[1:3]
start = time.perf_counter()
con = duckdb.connect()
con.sql("SET TimeZone='UTC'")
windows = {"1d": 1, "7d": 7, "30d": 30}
leave = " UNION ".join(f"SELECT user_id, t + INTERVAL {d} DAY FROM events" for d in (0, *windows.values()))
medians = ", ".join(f"median(amount) OVER w{w} AS amount__median__{w}" for w in windows)
frames = ", ".join(
    f"w{w} AS (PARTITION BY user_id ORDER BY t RANGE BETWEEN INTERVAL {d - 1} DAY PRECEDING AND CURRENT ROW)"
    for w, d in windows.items()
)
con.sql(f"""COPY (
WITH events AS MATERIALIZED (SELECT user_id, time_bucket(INTERVAL 1 DAY, event_time) + INTERVAL 1 DAY AS t, amount
FROM '{src}'),
points AS (SELECT DISTINCT * FROM ({leave}) p(user_id, t)),
marked AS (SELECT user_id, t, amount, false AS mark FROM events UNION ALL SELECT user_id, t, NULL, true FROM points)
SELECT * EXCLUDE (mark) FROM (SELECT user_id, t AS event_time, {medians}, mark FROM marked WINDOW {frames}) WHERE mark
) TO '{out}' (FORMAT parquet)""")
seconds = time.perf_counter() - start
found = con.sql(f"SELECT count(*), round(sum(amount__median__7d), 2) FROM '{out}'").fetchall()
print(f"duckdb {seconds:.2f} s, rows and checksum", found)
