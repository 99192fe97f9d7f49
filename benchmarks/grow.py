"""Time aggregations of one entity: grow.py ENGINE RUNS EVENTS …"""

import random
import sys
import time
from itertools import pairwise

import polars as pl

import mlforge as mlf
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.metric import WindowPlan
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import ArrowStream

WORDS = (
    *("count", "sum", "mean", "std", "min", "max", "median", "p90", "skew", "kurtosis", "first", "last", "first_5"),
    *("last_5", "first_5_distinct", "last_5_distinct", "count_distinct", "mode", "top_3"),
)
SHAPE = Shape((Key("user_id"),), Timestamp("at"))


def events(size):
    """One entity's events, seven seconds apart, the commonest of a few hundred amounts being the small ones."""
    rng = random.Random(7)
    times = [i * 7_000_000 + rng.randrange(5_000_000) for i in range(size)]
    rows = {"user_id": [1] * size, "at": times, "amount": [rng.expovariate(0.01) // 1 for _ in range(size)]}
    return pl.DataFrame(rows).with_columns(pl.col("at").cast(pl.Datetime("us", "UTC")))


def taken(engine, frame, word):
    """Seconds of all cores."""
    plan = WindowPlan(None, mlf.Aggregate("amount", word, "30d").columns())
    held = engine.conform(engine.from_arrow(ArrowStream(frame)), SHAPE).frame
    start = time.process_time()
    engine.aggregate(held, SHAPE, plan)
    return time.process_time() - start


name, runs, *sizes = sys.argv[1], *map(int, sys.argv[2:])
with {"polars": mlf.PolarsEngine, "duckdb": mlf.DuckDBEngine}[name]().open() as engine:
    frames = [events(size) for size in sizes]
    for word in WORDS:
        found = [min(taken(engine, frame, word) for _ in range(runs)) for frame in frames]
        growth = " ".join(f"× {b / a:.1f}" for a, b in pairwise(found))
        print(f"  {word:18} {' '.join(f'{s:7.2f}' for s in found)} s   {growth}", flush=True)
