"""Build the benchmark's feature with DuckDB: build_windows_duckdb.py EVENTS STORE 1d,7d,30d"""

import json
import sys

import duckdb

import mlforge as mlf
import mlforge.validators as v

source, store, windows = sys.argv[1], sys.argv[2], sys.argv[3].split(",")


@mlf.feature(
    source=source,
    keys="user_id",
    timestamp="event_time",
    interval="1d",
    metrics=[f("amount", windows=windows) for f in (mlf.Sum, mlf.Count, mlf.Mean, mlf.Min, mlf.Max)],
    engine="duckdb",
    validators={"user_id": [v.not_null()], "amount": [v.greater_than_or_equal(0)]},
)
def spend(df: duckdb.DuckDBPyRelation):
    return df.select("user_id", "event_time", "amount")


defs = mlf.Definitions("bench", features=[spend], store=mlf.LocalStore(store))
result = defs.build().raise_for_failure()["spend"]
if len(sys.argv) == 4:
    path = f"{store}/spend/{result.version}/data.parquet"
    ((checksum,),) = duckdb.sql(f"SELECT sum(amount__sum__7d) FROM '{path}'").fetchall()
    print(json.dumps({"rows": result.rows, "checksum": checksum}))
