"""Features of many columns: pit_many_data.py ROWS SPINE_ROWS ENTITIES FEATURES COLUMNS DIR -> labels, features_0 …"""

import sys

import numpy as np
import polars as pl

rows, labels, entities, features, columns, out = *map(int, sys.argv[1:6]), sys.argv[6]
rng = np.random.default_rng(13)
base, day, utc = np.datetime64("2025-01-01", "us").astype(np.int64), 86_400_000_000, pl.Datetime("us", "UTC")
for n in range(features):
    stamps = pl.Series(base + rng.integers(0, 90 * 86_400, rows) * 1_000_000).cast(utc)
    keyed = pl.DataFrame({"user_id": rng.integers(0, entities, rows), "event_time": stamps})
    values = pl.DataFrame({f"f{n}_{i}": rng.normal(size=rows) for i in range(columns)})
    whole = keyed.hstack(values).unique(["user_id", "event_time"], keep="first", maintain_order=True)
    whole.write_parquet(f"{out}/features_{n}.parquet")
times = pl.Series(base + rng.integers(0, 90 * day, labels)).cast(utc)
pl.DataFrame({"user_id": rng.integers(0, entities, labels), "event_timestamp": times}).write_parquet(
    f"{out}/labels.parquet"
)
