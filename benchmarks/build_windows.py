"""Build the benchmark's feature: build_windows.py EVENTS STORE 1d,7d,30d [INTERVAL METRICS]"""

import json
import sys

import polars as pl

import mlforge as mlf
import mlforge.validators as v

source, store, windows = sys.argv[1:4]
interval, metrics = sys.argv[4:] or ("1d", "sum,count,mean,min,max")
KINDS = {"sum": mlf.Sum, "count": mlf.Count, "mean": mlf.Mean, "min": mlf.Min, "max": mlf.Max, "median": mlf.Median}


@mlf.feature(
    source=source,
    keys="user_id",
    timestamp="event_time",
    interval=None if interval == "none" else interval,
    metrics=[KINDS[m]("amount", windows=windows.split(",")) for m in metrics.split(",")],
    validators={"user_id": [v.not_null()], "amount": [v.greater_than_or_equal(0)]},
)
def spend(df):
    return df.select("user_id", "event_time", "amount")


defs = mlf.Definitions("bench", features=[spend], store=mlf.LocalStore(store))
result = defs.build().raise_for_failure()["spend"]
column, path = f"amount__{metrics.split(',')[0]}__7d", f"{store}/spend/{result.version}/data.parquet"
checksum = pl.scan_parquet(path).select(pl.col(column).sum()).collect().item()
print(json.dumps({"rows": result.rows, "checksum": checksum}))
