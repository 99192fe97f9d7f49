"""A workspace over HTTP, started once and ended with the session."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlforge_databricks.plugin import UnityCatalogStore
from mlforge_databricks.testing import TOKEN, WAREHOUSE, Workspace


@pytest.fixture(scope="session")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with Workspace(tmp_path_factory.mktemp("lake")) as workspace:
        yield workspace


@pytest.fixture(autouse=True)
def settings_of_databricks(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No settings of Databricks that the machine may have."""
    for name in [n for n in os.environ if n.startswith(("DATABRICKS_", "SPARK_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("DATABRICKS_CONFIG_FILE", str(tmp_path_factory.getbasetemp() / "none"))


@pytest.fixture
def store_of(workspace: Workspace) -> Any:
    """Makes a config with a schema of its own for a folder."""

    def make(folder: Path, **settings: Any) -> UnityCatalogStore:
        schema = f"t{hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]}"
        workspace.lake.make_schema(schema)
        given = {"catalog": "main", "schema": schema, "host": workspace.url, "token": TOKEN, "warehouse_id": WAREHOUSE}
        return UnityCatalogStore(**given | settings)

    return make
