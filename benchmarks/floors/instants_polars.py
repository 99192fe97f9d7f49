"""Hand-written: windows_polars.py without an interval. instants_polars.py IN OUT"""

import sys
import time

import polars as pl

src, out = sys.argv[1:3]
start = time.perf_counter()
day, gap = 86_400_000_000, 1 << 46  # gap: key room for one user's microseconds, and for the longest window
windows = {"1d": day, "7d": 7 * day, "30d": 30 * day}
events = pl.scan_parquet(src).select("user_id", t=pl.col("event_time").dt.epoch("us"), amount="amount")
first = events.select(pl.col("t").min()).collect().item()
tiles = (
    events.group_by((pl.col("user_id") * gap + (pl.col("t") - first)).alias("key"))
    .agg(s=pl.col("amount").sum(), n=pl.col("amount").count(), lo=pl.col("amount").min(), hi=pl.col("amount").max())
    .collect(engine="streaming")
    .sort("key")
)
keys = pl.concat([tiles["key"]] + [tiles["key"] + d for d in windows.values()]).sort()
points = pl.DataFrame({"key": keys.filter(keys.ne_missing(keys.shift(1)))}).join(
    tiles, on="key", how="left", maintain_order="left"
)
rolled = [
    getattr(pl.col(column), f"rolling_{roll}_by")("key", f"{d}i").alias(f"amount__{name}__{w}")
    for w, d in windows.items()
    for name, column, roll in (("sum", "s", "sum"), ("count", "n", "sum"), ("min", "lo", "min"), ("max", "hi", "max"))
]
rows = points.lazy().select(*rolled, "key").collect()
rows = rows.with_columns(
    user_id=pl.col("key") // gap,
    event_time=(pl.col("key") % gap + first).cast(pl.Datetime("us", "UTC")),
    **{f"amount__mean__{w}": pl.col(f"amount__sum__{w}") / pl.col(f"amount__count__{w}") for w in windows},
).drop("key")
rows.write_parquet(out)
print(f"polars {time.perf_counter() - start:.2f} s, {rows.height} rows, checksum {rows['amount__sum__7d'].sum():.2f}")
