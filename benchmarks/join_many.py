"""Join the benchmark's labels with many features: join_many.py DATA STORE ENGINE FEATURES"""

import json
import sys

import polars as pl

import mlforge as mlf

folder, store, engine, features = *sys.argv[1:4], int(sys.argv[4])
labels = pl.read_parquet(f"{folder}/labels.parquet")
names = [f"facts_{n}" for n in range(features)]
out = mlf.get_training_data(labels, names, store=mlf.LocalStore(store), engine=engine)
print(json.dumps({"rows": out.height, "checksum": sum(out[f"f{n}_0"].sum() for n in range(features))}))
