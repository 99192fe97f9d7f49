"""mlforge-sdk 0.7.0 on the same events (an environment of its own): windows_sdk.py EVENTS STORE 1d,7d,30d ENGINE"""

import json
import sys
import warnings
from importlib.metadata import version

warnings.filterwarnings("ignore")  # what it and its dependencies deprecate

import polars as pl  # noqa: E402

import mlforge as mlf  # noqa: E402 - of mlforge-sdk, which has the same import name

source, store, windows, engine = sys.argv[1], sys.argv[2], sys.argv[3].split(","), sys.argv[4]
if version("mlforge-sdk") != "0.7.0":
    sys.exit("mlforge-sdk 0.7.0 is what is compared with.")


@mlf.feature(
    source=source,
    keys=["user_id"],
    timestamp="event_time",
    interval="1d",
    metrics=[mlf.Rolling(windows=windows, aggregations={"amount": ["sum", "count", "mean", "min", "max"]})],
    engine=engine,
)
def spend(df: pl.DataFrame) -> pl.DataFrame:
    return df.select("user_id", "event_time", "amount")


defs = mlf.Definitions(name="bench", features=[spend], offline_store=mlf.LocalStore(store))
result = defs.build(preview=False)
if result.failed:
    sys.exit(f"{result.failed} failed")
path = str(next(iter(result.paths.values())))
print(json.dumps({"rows": pl.scan_parquet(path).select(pl.len()).collect().item()}))
