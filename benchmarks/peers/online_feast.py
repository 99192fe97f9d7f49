"""Feast on the sources of the project that is served (an environment of its own).

online_feast.py apply DIR OFFLINE PORT
online_feast.py materialize DIR OFFLINE [twice]

`apply` makes Feast's repository DIR/feast-OFFLINE, with this offline store and with Redis at PORT; `materialize` brings
the sources into Redis, and tells how long that took; of two times, the second, when all is loaded.
"""

import json
import sys
import time
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

warnings.filterwarnings("ignore")  # what it and its dependencies deprecate

from feast import Entity, FeatureService, FeatureStore, FeatureView, Field, FileSource  # noqa: E402
from feast.types import Float64  # noqa: E402
from feast.value_type import ValueType  # noqa: E402

CONFIG = """
project: bench
provider: local
registry: {folder}/registry.db
offline_store:
  type: {offline}
online_store:
  type: redis
  connection_string: 127.0.0.1:{port}
  skip_dedup: true
entity_key_serialization_version: 3
"""
YEAR = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)


def main():
    verb, folder, offline, *more = sys.argv[1:]
    repository = Path(folder, f"feast-{offline}")
    if verb == "apply":
        apply(repository, Path(folder).resolve(), offline, *more)
        return
    store = FeatureStore(repo_path=str(repository))
    if more == ["twice"]:
        store.materialize(*YEAR)
    wall, processor = time.perf_counter(), time.process_time()
    store.materialize(*YEAR)
    print(json.dumps({"seconds": time.perf_counter() - wall, "cpu": time.process_time() - processor}))


def apply(repository, folder, offline, port):
    repository.mkdir()
    text = CONFIG.format(folder=repository.resolve(), port=port, offline=offline)
    (repository / "feature_store.yaml").write_text(text)
    user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
    views = [view(folder, n, user) for n in range(5)]
    store = FeatureStore(repo_path=str(repository))
    store.apply([user, *views, FeatureService(name="all", features=views)])


def view(folder, number, user):
    """One feature view over one file, all its columns."""
    source = FileSource(
        name=f"group_{number}", path=str(folder / f"group_{number}.parquet"), timestamp_field="event_time"
    )
    return FeatureView(
        name=f"group_{number}",
        entities=[user],
        ttl=timedelta(days=3650),
        schema=[Field(name=f"g{number}_f{n}", dtype=Float64) for n in range(10)],
        source=source,
    )


main()
