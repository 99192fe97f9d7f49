"""Build windows with DuckDB in 4 GB: build_large.py EVENTS STORE SCRATCH"""

import json
import sys

import duckdb

import mlforge as mlf
from mlforge_duckdb.plugin import DuckDBEngine

source, store, scratch = sys.argv[1:4]


@mlf.feature(
    source=source,
    keys="user_id",
    timestamp="event_time",
    interval="1d",
    metrics=[f("amount", windows=["1d", "7d", "30d"]) for f in (mlf.Sum, mlf.Count, mlf.Mean, mlf.Min, mlf.Max)],
)
def spend(df: duckdb.DuckDBPyRelation):
    return df


engine = DuckDBEngine(memory_limit="4GB", temp_directory=scratch)
defs = mlf.Definitions("bench", features=[spend], store=mlf.LocalStore(store), engine=engine)
result = defs.build().raise_for_failure()["spend"]
print(json.dumps({"rows": result.rows}))
