"""Floor: raw DuckDB ASOF LEFT JOIN, Parquet to Arrow. pit_duckdb.py DIR"""

# ruff: noqa: E501 - SQL

import sys
import time

import duckdb

start = time.perf_counter()
rel = duckdb.sql(f"""SELECT l.*, f.* EXCLUDE (user_id, created) FROM '{sys.argv[1]}/labels.parquet' l
ASOF LEFT JOIN '{sys.argv[1]}/features.parquet' f ON l.user_id = f.user_id AND l.event_timestamp >= f.event_time""")
out = rel.to_arrow_table()
print(
    f"duckdb {time.perf_counter() - start:.2f} s, {out.num_rows} rows, checksum {sum(v for v in out['f0'].to_pylist() if v is not None):.6f}"
)
