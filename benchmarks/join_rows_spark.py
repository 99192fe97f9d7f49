"""Join the benchmark's labels with Spark: join_rows_spark.py DATA STORE OUT"""

import json
import sys
from pathlib import Path

from pyspark.sql import functions as F

import mlforge as mlf

sys.path.insert(0, str(Path(__file__).parent / "floors"))
from spark_session import session

folder, store, out = sys.argv[1:4]
with session() as spark:
    labels = spark.read.parquet(f"{folder}/labels.parquet")
    found = mlf.get_training_data(labels, ["facts"], store=mlf.LocalStore(store), engine="pyspark")
    found.write.mode("overwrite").parquet(out)
    rows, checksum = spark.read.parquet(out).agg(F.count("*"), F.sum("f0")).collect()[0]
    print(json.dumps({"rows": rows, "checksum": checksum}))
