"""Hand-written DuckDB: one aggregation of 1d, 7d, 30d windows at their change points. ranges_duckdb.py IN OUT WORD"""

import sys
import time

import duckdb

src, out, word = sys.argv[1:4]
start = time.perf_counter()
con = duckdb.connect()
con.sql("SET TimeZone='UTC'")
windows = {"1d": 1, "7d": 7, "30d": 30}
column = "merchant_id" if word in ("count_distinct", "top_3") else "amount"
counted = "map_entries(histogram(v) OVER w{0})"
best = f"list_sort(list_transform({counted}, lambda e: {{{{'n': -CAST(e.value AS BIGINT), 'v': e.key}}}}))"
made = {
    "count_distinct": "count(DISTINCT v) OVER w{0}",
    "last": "arg_max(v, seen) OVER w{0}",
    "p90": "quantile_cont(v, 0.9) OVER w{0}",
    "last_5": "(list(v) FILTER (WHERE v IS NOT NULL) OVER w{0})[-5:]",  # in the order of the events, which are sorted
    "top_3": f"list_transform({best}, lambda e: e.v)[:3]",
}
leave = " UNION ".join(f"SELECT user_id, t + INTERVAL {d} DAY FROM events" for d in (0, *windows.values()))
found = ", ".join(f"{made[word].format(d)} AS {word}__{w}" for w, d in windows.items())
frames = ", ".join(
    f"w{d} AS (PARTITION BY user_id ORDER BY t RANGE BETWEEN INTERVAL {d - 1} DAY PRECEDING AND CURRENT ROW)"
    for d in windows.values()
)
con.sql(f"""COPY (
WITH events AS MATERIALIZED (SELECT user_id, time_bucket(INTERVAL 1 DAY, event_time) + INTERVAL 1 DAY AS t,
event_time AS seen, {column} AS v FROM '{src}' ORDER BY user_id, seen),
points AS (SELECT DISTINCT * FROM ({leave}) p(user_id, t)),
marked AS (SELECT user_id, t, seen, v, false AS mark FROM events
UNION ALL SELECT user_id, t, NULL, NULL, true FROM points)
SELECT * EXCLUDE (mark) FROM (SELECT user_id, t AS event_time, {found}, mark FROM marked WINDOW {frames}) WHERE mark
) TO '{out}' (FORMAT parquet)""")
seconds = time.perf_counter() - start
size = "len" if word in ("last_5", "top_3") else ""
found = con.sql(f"SELECT count(*), coalesce(round(sum({size}({word}__7d)), 2), 0) FROM '{out}'").fetchall()
print(f"duckdb {seconds:.2f} s, rows and checksum", found)
