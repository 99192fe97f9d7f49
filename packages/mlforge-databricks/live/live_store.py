"""The kit on a real workspace: `hatch run databricks-live`, which names the variables that it needs.

Each run makes schemas of its own in the catalog, and drops them. It runs some thousand statements on the warehouse.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import msgspec
import pyarrow.parquet as pq
import pytest

from mlforge.testing import PruningStoreTests, StoreTests
from mlforge_databricks import address
from mlforge_databricks.fetching import fetch
from mlforge_databricks.plugin import UnityCatalogStore
from mlforge_databricks.runner import statements_of

NEEDED = {
    "DATABRICKS_HOST": "the workspace",
    "DATABRICKS_WAREHOUSE_ID": "a SQL warehouse that may be used",
    "MLFORGE_DATABRICKS_CATALOG": "a catalog in which schemas may be made",
}
MISSING = [f"{name} ({what})" for name, what in NEEDED.items() if not os.environ.get(name)]
if MISSING:
    pytest.exit(f"These variables are missing: {', '.join(MISSING)}.", 2)
CATALOG = os.environ["MLFORGE_DATABRICKS_CATALOG"]
REACHED_ONLY_BEHIND_THE_STORE = ("kill", "died", "damage", "flipped", "other_bytes", "made_of_all_its_parts")
"""What these tests hurt, a real workspace keeps out of reach."""


@pytest.fixture(scope="session")
def schemas():
    """The schemas that were made, and who runs statements."""
    made: set[str] = set()
    statements = statements_of(UnityCatalogStore(CATALOG, "default"))
    yield made, statements
    for schema in made:
        statements.rows(f"DROP SCHEMA IF EXISTS {CATALOG}.{schema} CASCADE")


class LiveStore(StoreTests, PruningStoreTests):
    most_examples = 1

    @pytest.fixture(autouse=True)
    def _workspace(self, schemas, request):
        if any(word in request.node.name for word in REACHED_ONLY_BEHIND_THE_STORE):
            pytest.skip("a real workspace keeps out of reach what this hurts")
        self.made, self.statements = schemas
        self.seen = {}

    def config(self, folder):
        schema = f"mlforge_live_{hashlib.sha256(os.fsencode(Path(folder))).hexdigest()[:12]}"
        if schema not in self.made:
            self.statements.rows(f"CREATE SCHEMA IF NOT EXISTS {CATALOG}.{schema}")
            self.made.add(schema)
        return UnityCatalogStore(CATALOG, schema)

    def broken(self, folder):
        return msgspec.structs.replace(self.config(folder), schema="mlforge_live_nowhere")

    def fill(self, target, data):
        self._fill(target.uri, data)

    def fill_gone(self, target, data):
        self._fill(target.gone, data)

    def _fill(self, uri, data):
        order = self.seen.setdefault(data, len(self.seen))
        key = int(hashlib.sha256(data).hexdigest()[:12], 16)
        self.statements.rows(
            f"CREATE OR REPLACE TABLE {address.parse(uri).quoted} USING delta AS SELECT CAST({key} AS BIGINT) AS user, "
            f"TIMESTAMP '2024-02-29 00:00:00' AS ts, X'{data.hex()}' AS payload, {order} AS written"
        )

    def contents(self, artifact):
        (uri,) = artifact.uris
        rows = pq.read_table(fetch(self.statements, artifact, address.parse(uri)).uris[0]).to_pylist()
        return [row["payload"] for row in sorted(rows, key=lambda row: row["written"])]

    def freed(self, size):
        return 0

    @pytest.fixture
    def sent(self):
        return []


TestLiveStore = LiveStore
