"""Feast on the same data (an environment of its own): pit_feast.py DIR duckdb|file FEATURES

DIR holds labels.parquet and features.parquet, or features-0.parquet … for several. `file` is Feast's default store.
"""

import json
import sys
import tempfile
import time
import warnings
from datetime import timedelta
from pathlib import Path

warnings.filterwarnings("ignore")  # what it and its dependencies deprecate

import pandas as pd  # noqa: E402
import pyarrow.parquet as pq  # noqa: E402
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig  # noqa: E402
from feast.types import Float64  # noqa: E402
from feast.value_type import ValueType  # noqa: E402

folder, kind, count = Path(sys.argv[1]).resolve(), sys.argv[2], int(sys.argv[3])
state = tempfile.mkdtemp()
store = FeatureStore(
    config=RepoConfig(
        project="bench",
        provider="local",
        registry=f"{state}/registry.db",
        offline_store={"type": kind},
        online_store={"type": "sqlite", "path": f"{state}/online.db"},
        entity_key_serialization_version=3,
    )
)
user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)


def view(number):
    """One feature view over one file, all its columns."""
    path = folder / ("features.parquet" if count == 1 else f"features-{number}.parquet")
    names = [n for n in pq.read_schema(path).names if n not in ("user_id", "event_time", "created")]
    return FeatureView(
        name=f"facts{number}",
        entities=[user],
        ttl=timedelta(days=3650),
        schema=[Field(name=n, dtype=Float64) for n in names],
        source=FileSource(
            name=f"facts{number}", path=str(path), timestamp_field="event_time", created_timestamp_column="created"
        ),
    )


views = [view(number) for number in range(count)]
store.apply([user, *views])
labels = pd.read_parquet(folder / "labels.parquet")
wanted = [f"{v.name}:{f.name}" for v in views for f in v.schema if f.name != "user_id"]
start = time.perf_counter()
out = store.get_historical_features(entity_df=labels, features=wanted, full_feature_names=True).to_df()
seconds = time.perf_counter() - start
checksum = float(out["facts0__f0"].sum())
print(json.dumps({"rows": len(out), "lost": len(labels) - len(out), "seconds": seconds, "checksum": checksum}))
