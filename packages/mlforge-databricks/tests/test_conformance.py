"""The Unity Catalog store is held to the whole kit, over HTTP and on real Delta tables."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable

from mlforge.testing import PluginTests, PruningStoreTests, StoreTests
from mlforge.testing.versions import meta_of
from mlforge_databricks import address, sql
from mlforge_databricks.store import LiveUnityCatalogStore


class Killed(BaseException):
    """What stands for the end of a process: nothing that the store does afterwards reaches the workspace."""


class Dying:
    """Statements whose user dies before the n-th change, and changes nothing from then on."""

    def __init__(self, statements: Any, step: int) -> None:
        self._statements = statements
        self._left = step
        self._describes = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._statements, name)

    def rows(self, statement: str) -> Any:
        is_said = statement.startswith("ALTER")  # what only describes is one step, the last
        if not statement.startswith(("SELECT", "DESCRIBE", "SHOW")) and not (is_said and self._describes):
            self._step()
        self._describes = self._describes or is_said
        return self._statements.rows(statement)

    def send(self, path: str, there: str) -> None:
        self._step()
        self._statements.send(path, there)

    def remove(self, there: str) -> None:
        self._step()
        self._statements.remove(there)

    def _step(self) -> None:
        self._left -= 1
        if self._left <= 0:
            raise Killed


class TestPlugin(PluginTests):
    entry_point = "databricks"
    settings = {  # noqa: RUF012
        "unity-catalog": {"catalog": "main", "schema": "features"},
        "databricks-online-tables": {"catalog": "main"},
        "databricks-online": {"catalog": "main"},
    }


class _Subject:
    """How tests write to a table and read one: a row holds the bytes, with a key of its own."""

    @pytest.fixture(autouse=True)
    def _double(self, store_of, workspace):
        self.store_of, self.workspace = store_of, workspace
        self.seen = {}

    def config(self, folder):
        return self.store_of(folder)

    def broken(self, folder):
        return msgspec.structs.replace(self.config(folder), schema="nowhere")

    def fill(self, target, data):
        self._fill(target.uri, data)

    def fill_gone(self, target, data):
        self._fill(target.gone, data)

    def _fill(self, uri, data):
        table = address.parse(uri)
        key = int(hashlib.sha256(data).hexdigest()[:12], 16)
        order = self.seen.setdefault(data, len(self.seen))
        ts = datetime(2024, 2, 29, tzinfo=UTC)
        rows = pa.table({"user": [key], "ts": [ts], "payload": [data], "written": [order]})
        self.workspace.lake.write(table.shown, rows)

    def contents(self, artifact):
        """Read by delta-rs, which has no part in what is tested."""
        held = [self._held(address.parse(uri)) for uri in artifact.uris]
        return [payload for rows in held for payload in rows]

    def _held(self, table):
        found = DeltaTable(str(self.workspace.lake.path(table.shown)), version=table.version)
        rows = found.to_pyarrow_table(columns=["written", "payload"]).to_pylist()
        return [row["payload"] for row in sorted(rows, key=lambda row: row["written"])]

    def damage(self, artifact, part, change):
        """Change the bytes of the files that a version is read from, keeping their names."""
        table = address.parse(artifact.uris[min(part, len(artifact.uris) - 1)])  # parts are merged
        for path in DeltaTable(str(self.workspace.lake.path(table.shown)), version=table.version).file_uris():
            data, payloads = Path(path).read_bytes(), pq.read_table(path)["payload"].to_pylist()
            held = [payload for payload in payloads if payload in data]  # others are compressed
            assert held
            for payload in held:
                data = data.replace(payload, change(payload))
            Path(path).write_bytes(data)

    def rewrite_metadata(self, folder, mark, change):
        self._rewrite(folder, f"data LIKE '%{mark}%'", change)

    def rewrite_pointer(self, folder, version, change):
        self._rewrite(folder, f"kind = 'latest' AND data LIKE '%{version}%'", change)

    def _rewrite(self, folder, condition, change):
        table = f"main.{self.config(folder).schema}._mlforge_metadata"
        held = self.workspace.lake.run(f"SELECT tag, data FROM {table} WHERE {condition}").to_pylist()
        assert held
        for row in held:
            data = change(row["data"].encode()).decode(errors="replace")
            self.workspace.lake.run(f"UPDATE {table} SET data = {sql.text(data)} WHERE tag = '{row['tag']}'")

    def crash(self, config, folder, step, doing):
        with config.open() as store:
            dying = LiveUnityCatalogStore(config, Dying(store.statements, step))
            try:
                if doing == "prune":
                    dying.prune("spend", 1)
                else:
                    parts = store.get("spend", "1.0.0").meta.parts if doing == "increment" else ()
                    dying.commit(self.begin(dying, data=b"new"), meta_of("1.1.0", parts=parts), "1.0.0")
            except Killed:
                return True
            return False


class TestStore(_Subject, StoreTests, PruningStoreTests):
    flips_every = 64
    most_examples = 1
    commits = 2

    def freed(self, size):
        return 0  # VACUUM frees it

    @pytest.fixture
    def sent(self):
        return []  # it takes no copies: what it has are no bytes
