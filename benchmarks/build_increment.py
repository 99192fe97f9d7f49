"""Build the benchmark's feature, all of it or from a day on: build_increment.py EVENTS STORE ENGINE [SINCE]"""

import json
import sys

import mlforge as mlf

source, store, engine = sys.argv[1:4]


@mlf.feature(
    source=source,
    keys="user_id",
    timestamp="event_time",
    interval="1d",
    metrics=[f("amount", windows=["1d", "7d", "30d"]) for f in (mlf.Sum, mlf.Count, mlf.Mean, mlf.Min, mlf.Max)],
)
def spend(df):
    return df


defs = mlf.Definitions("bench", features=[spend], store=mlf.LocalStore(store), engine=engine)
meta = defs.build(since=sys.argv[4] if len(sys.argv) > 4 else None).raise_for_failure()["spend"].meta
mine = [part for part in meta.parts if part.version == meta.version]
print(json.dumps({"rows": meta.row_count, "written": sum(p.rows for p in mine), "bytes": sum(p.bytes for p in mine)}))
