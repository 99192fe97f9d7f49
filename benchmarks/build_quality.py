"""Build the benchmark's feature, measured or not: build_quality.py EVENTS STORE ENGINE quality|plain"""

import shutil
import sys
import time

import mlforge as mlf

events, store, engine, how = sys.argv[1:]


@mlf.feature(
    source=events,
    keys="user_id",
    timestamp="event_time",
    interval="1d",
    metrics=[mlf.Aggregate("amount", a, ["1d", "7d", "30d"]) for a in ("sum", "count", "mean", "min", "max")],
)
def spend(df):
    return df


defs = mlf.Definitions("bench", features=[spend], store=mlf.LocalStore(store), engine=engine)
started = time.perf_counter()
defs.build(quality=how == "quality").raise_for_failure()
print(f"built in {time.perf_counter() - started:.3f} s")
shutil.rmtree(store)
