"""Hand-written Polars: one aggregation of 1d, 7d, 30d windows at their change points. ranges_polars.py IN OUT WORD"""

import sys
import time

import polars as pl

src, out, word = sys.argv[1:4]
start = time.perf_counter()
windows, day, gap = {"1d": 1, "7d": 7, "30d": 30}, 86_400_000_000, 1 << 20  # gap: key room for one user's days
column = "merchant_id" if word in ("count_distinct", "top_3") else "amount"
value = pl.col("v")
key = pl.col("user_id") * gap + (pl.col("event_time").dt.epoch("us") // day + 1)
events = pl.scan_parquet(src).select(key=key, at="event_time", v=column).sort("key", "at", "v").collect()
known = events["key"].unique()
points = pl.concat([known, *(known + d for d in windows.values())]).unique().sort().to_frame()
if word == "last":
    tiles = events.lazy().group_by("key", maintain_order=True).agg(value.last()).with_columns(entered="key")
    found = points.lazy().set_sorted("key").join_asof(tiles.set_sorted("key"), on="key")
    ages = pl.col("key") - pl.col("entered")
    rows = found.select("key", **{f"{word}__{w}": pl.when(ages < d).then(value) for w, d in windows.items()}).collect()
elif word == "p90":
    marked = pl.concat([events.select("key", "v", point=False), points.select("key", v=None, point=True)]).sort("key")
    rolled = {
        f"{word}__{w}": value.rolling_quantile_by("key", f"{d}i", quantile=0.9, interpolation="linear")
        for w, d in windows.items()
    }
    rows = marked.lazy().select("key", "point", **rolled).filter("point").drop("point").collect()
else:
    of = {
        "count_distinct": value.drop_nulls().n_unique(),
        "last_5": value.drop_nulls().tail(5),
        "top_3": value.drop_nulls().value_counts(sort=True).struct.field("v").head(3),
    }[word]
    marked = pl.concat([events.select("key", "v", point=False), points.select("key", v=None, point=True)])
    marked = marked.sort("key", maintain_order=True)
    parts = [
        marked.lazy()
        .rolling("key", period=f"{d}i")
        .agg(of.alias(f"{word}__{w}"))
        .select(f"{word}__{w}")
        .collect()
        .filter(marked["point"])
        for w, d in windows.items()
    ]
    rows = pl.concat([points, *parts], how="horizontal")
stamp = (pl.col("key") % gap * day).cast(pl.Datetime("us", "UTC"))
rows = rows.with_columns(user_id=pl.col("key") // gap, event_time=stamp).drop("key")
rows.write_parquet(out)
week = rows[f"{word}__7d"]
checksum = (week.list.len() if week.dtype == pl.List else week).sum()
print(f"polars {time.perf_counter() - start:.2f} s, {rows.height} rows, checksum {checksum:.2f}")
