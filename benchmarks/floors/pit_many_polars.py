"""Floor: a naive Polars as-of join with each of several features, Parquet to frame. pit_many_polars.py DIR FEATURES"""

import sys
import time

import polars as pl

folder, features = sys.argv[1], int(sys.argv[2])
start = time.perf_counter()
out = pl.scan_parquet(f"{folder}/labels.parquet").sort("event_timestamp")
for n in range(features):
    rows = pl.scan_parquet(f"{folder}/features_{n}.parquet").rename({"event_time": f"t{n}"}).sort(f"t{n}")
    out = out.join_asof(rows, left_on="event_timestamp", right_on=f"t{n}", by="user_id", check_sortedness=False)
frame = out.collect()
checksum = sum(frame[f"f{n}_0"].sum() for n in range(features))
print(f"polars {time.perf_counter() - start:.2f} s, {frame.height} rows, checksum {checksum:.6f}")
