"""Hand-written DuckDB: the rows of instants_polars.py. instants_duckdb.py IN OUT"""

# ruff: noqa: E501 - SQL

import sys
import time

import duckdb

src, out = sys.argv[1:3]
start = time.perf_counter()
con = duckdb.connect()
con.sql("SET TimeZone='UTC'")
windows = {"1d": 1, "7d": 7, "30d": 30}
leave = " UNION ALL ".join(
    f"SELECT user_id, t + INTERVAL {d} DAY, NULL::DOUBLE, NULL::BIGINT, NULL::DOUBLE, NULL::DOUBLE FROM tiles"
    for d in windows.values()
)
cols = ", ".join(
    f"coalesce(sum(s) OVER w{w}, 0) amount__sum__{w}, coalesce(sum(n) OVER w{w}, 0)::BIGINT amount__count__{w}, sum(s) OVER w{w} / sum(n) OVER w{w} amount__mean__{w}, min(lo) OVER w{w} amount__min__{w}, max(hi) OVER w{w} amount__max__{w}"
    for w in windows
)
frames = ", ".join(
    f"w{w} AS (PARTITION BY user_id ORDER BY t RANGE BETWEEN INTERVAL '{d * 86_400 - 1}.999999 seconds' PRECEDING AND CURRENT ROW)"
    for w, d in windows.items()
)
con.sql(f"""COPY (
WITH tiles AS MATERIALIZED (SELECT user_id, event_time AS t, sum(amount) s, count(amount) n, min(amount) lo, max(amount) hi FROM '{src}' GROUP BY ALL),
points AS (SELECT user_id, t, max(s) s, max(n) n, max(lo) lo, max(hi) hi FROM (SELECT * FROM tiles UNION ALL {leave}) GROUP BY ALL)
SELECT user_id, t AS event_time, {cols} FROM points WINDOW {frames}) TO '{out}' (FORMAT parquet)""")
seconds = time.perf_counter() - start
print(
    f"duckdb {seconds:.2f} s, rows and checksum",
    con.sql(f"SELECT count(*), round(sum(amount__sum__7d), 2) FROM '{out}'").fetchall(),
)
