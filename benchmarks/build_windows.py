"""Build the benchmark's feature: build_windows.py EVENTS STORE 1d,7d,30d [INTERVAL METRICS]

METRICS are words such as sum, p90 and last:merchant_id; of `sum?` half of the events are left out.
"""

import json
import sys

import polars as pl

import mlforge as mlf
import mlforge.validators as v

source, store, windows = sys.argv[1:4]
interval, metrics = sys.argv[4:] or ("1d", "sum,count,mean,min,max")
asked = [(word, column or "amount") for word, _, column in (m.partition(":") for m in metrics.split(","))]
columns = sorted({"amount"} | {column for _, column in asked})


def metric(word, column):
    """An aggregation of all events, or of those with a large amount."""
    if word.endswith("?"):
        return mlf.Aggregate(column, word[:-1], windows.split(","), name="some", where=mlf.col("amount") > 20)
    return mlf.Aggregate(column, word, windows.split(","))


@mlf.feature(
    source=source,
    keys="user_id",
    timestamp="event_time",
    interval=None if interval == "none" else interval,
    metrics=[metric(*one) for one in asked],
    validators={"user_id": [v.not_null()], "amount": [v.greater_than_or_equal(0)]},
)
def spend(df):
    return df.select("user_id", "event_time", *columns)


defs = mlf.Definitions("bench", features=[spend], store=mlf.LocalStore(store))
result = defs.build().raise_for_failure()["spend"]
column = "some_7d" if asked[0][0].endswith("?") else f"{asked[0][1]}__{asked[0][0]}__7d"
path = f"{store}/spend/{result.version}/data.parquet"
checksum = pl.scan_parquet(path).select(column).collect()[column]
checksum = (checksum.list.len() if checksum.dtype == pl.List else checksum).sum()
print(json.dumps({"rows": result.rows, "checksum": checksum}))
