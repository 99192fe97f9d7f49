"""Feast on the sources of the project that is served (an environment of its own).

online_feast.py apply REPOSITORY SOURCES PORT SKIP_DEDUP
online_feast.py materialize REPOSITORY [PORT]

`apply` makes Feast's repository for the sources in a folder and Redis at a port; `materialize` brings them there and
tells how long it took. With a port it does so twice, empties Redis in between and tells of the second time, when all is
loaded.
"""

import json
import sys
import time
import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

warnings.filterwarnings("ignore")  # what it and its dependencies deprecate

from feast import Entity, FeatureStore, FeatureView, Field, FileSource  # noqa: E402
from feast.types import Float64  # noqa: E402
from feast.value_type import ValueType  # noqa: E402
from redis import Redis  # noqa: E402

CONFIG = """
project: bench
provider: local
registry: {folder}/registry.db
offline_store:
  type: file
online_store:
  type: redis
  connection_string: 127.0.0.1:{port}
  skip_dedup: {skip}
entity_key_serialization_version: 3
"""
YEAR = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)


def main():
    verb, repository, *more = sys.argv[1:]
    if verb == "apply":
        apply(Path(repository), *more)
    else:
        materialize(repository, *more)


def apply(repository, sources, port, skip):
    repository.mkdir()
    (repository / "feature_store.yaml").write_text(CONFIG.format(folder=repository, port=port, skip=skip))
    user = Entity(name="user", join_keys=["user_id"], value_type=ValueType.INT64)
    store = FeatureStore(repo_path=str(repository))
    store.apply([user, *(view(Path(sources), n, user) for n in range(5))])


def materialize(repository, port=None):
    store = FeatureStore(repo_path=repository)
    if port:
        store.materialize(*YEAR)
        Redis(port=int(port)).flushall()
    wall, processor = time.perf_counter(), time.process_time()
    store.materialize(*YEAR)
    print(json.dumps({"seconds": time.perf_counter() - wall, "cpu": time.process_time() - processor}))


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
