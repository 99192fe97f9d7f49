"""The same with mlforge: pit_mlforge.py build|join DIR STORE ENGINE FEATURES"""

import json
import sys
import time
from pathlib import Path

import polars as pl

import mlforge as mlf

verb, folder, store, engine, count = sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4], int(sys.argv[5])


def facts(number):
    """One feature over one file, all its columns."""
    source = str(folder / ("features.parquet" if count == 1 else f"features-{number}.parquet"))
    make = mlf.feature(source=source, keys="user_id", timestamp="event_time", name=f"facts{number}")
    return make(lambda df: df.drop("created"))


if verb == "build":
    made = mlf.Definitions("bench", features=[facts(i) for i in range(count)], store=mlf.LocalStore(store))
    made.build(engine=engine).raise_for_failure()
    sys.exit()

labels = pl.read_parquet(folder / "labels.parquet")
wanted = [f"facts{i}" for i in range(count)]
start = time.perf_counter()
out = mlf.get_training_data(labels, wanted, store=mlf.LocalStore(store), engine=engine, full_names=True)
seconds = time.perf_counter() - start
checksum = out["facts0__f0"].sum()
print(json.dumps({"rows": out.height, "lost": labels.height - out.height, "seconds": seconds, "checksum": checksum}))
