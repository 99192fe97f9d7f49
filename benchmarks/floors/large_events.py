"""Events like those of windows_events.py, any number of them, in little memory: large_events.py ROWS ENTITIES OUT"""

import sys

import duckdb

rows, entities, out = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
con = duckdb.connect(config={"memory_limit": "2GB", "preserve_insertion_order": False})
con.sql(f"""COPY (
SELECT CAST((pow(1 - random(), -1 / 1.2) - 1) * {entities} / 50 AS BIGINT) % {entities} AS user_id,
    CAST(make_timestamp(1735689600000000 + CAST(random() * 31535999999999 AS BIGINT)) AS TIMESTAMPTZ) AS event_time,
    round(exp(3 + sqrt(-2 * ln(1 - random())) * cos(2 * pi() * random())), 2) AS amount
FROM range({rows})) TO '{out}' (FORMAT parquet)""")
