"""The workflow on Databricks as people write it: Spark builds from a table, Unity Catalog keeps, Lakebase serves."""

from __future__ import annotations

import runpy
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from click.testing import CliRunner

from mlforge.cli.app import cli
from mlforge.plugin.registry import registry
from mlforge_databricks.store import LiveUnityCatalogStore
from mlforge_databricks.testing import TOKEN, WAREHOUSE

SPARK = Path(__file__).parents[2] / "mlforge-spark" / "src"
START = datetime(2026, 1, 1, tzinfo=UTC)
DEFINITIONS = """
import mlforge as mlf
from pyspark.sql import DataFrame as SparkDataFrame

transactions = mlf.Source("main.raw.transactions")
user = mlf.Entity(name="user", join_key="user_id")
totals = [mlf.Sum("amt", windows=["1d", "30d"], name="spent"), mlf.Count("amt", windows=["1d", "30d"], name="bought")]


@mlf.feature(source=transactions, entities=[user], timestamp="event_time", interval="1d", metrics=totals)
def user_spend(df: SparkDataFrame) -> SparkDataFrame:
    return df.select("user_id", "event_time", "amt")


defs = mlf.Definitions("fraud-detection", [user_spend])
"""
PROFILES = """
target: definitions.py
profiles:
  databricks-prod:
    offline_store:
      KIND: unity-catalog
      catalog: prod
      schema: flow
    online_store:
      KIND: databricks-online-tables
      catalog: prod
      schema: features_online
      sync_mode: triggered
    engine: pyspark
"""


@pytest.fixture
def spark(workspace, tmp_path, monkeypatch):
    """The Spark engine, as if it were installed, and a session: the engine's tests have environments of their own."""
    told = tmp_path / "site" / "mlforge_spark-0.9.0.dist-info"
    told.mkdir(parents=True)
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: mlforge-spark\nVersion: 0.9.0\n")
    (told / "entry_points.txt").write_text("[mlforge]\nspark = mlforge_spark.plugin\n")
    for place in (told.parent, SPARK):
        monkeypatch.syspath_prepend(str(place))
    registry.cache_clear()
    yield workspace.lake.connect()  # not stopped: on the server it is one with the lake's own
    monkeypatch.undo()
    registry.cache_clear()
    for name in [n for n in sys.modules if n.partition(".")[0] == "mlforge_spark"]:
        del sys.modules[name]


@pytest.fixture
def project(workspace, database, tmp_path, monkeypatch):
    """A project that finds the stand-ins by variables, and where PostgreSQL listens."""
    project = tmp_path / "project"
    project.mkdir()
    monkeypatch.chdir(project)
    for name, value in {"HOST": workspace.url, "TOKEN": TOKEN, "WAREHOUSE_ID": WAREHOUSE}.items():
        monkeypatch.setenv(f"DATABRICKS_{name}", value)
    place = f"      port: {database.port}\n      tls: false\n    engine: pyspark"
    Path("mlforge.yaml").write_text(PROFILES.replace("    engine: pyspark", place))
    Path("definitions.py").write_text(DEFINITIONS)
    workspace.lake.make_schema("flow", "prod")
    workspace.lake.make_schema("raw")
    database.run("DROP DATABASE IF EXISTS databricks_postgres WITH (FORCE)")
    database.run("CREATE DATABASE databricks_postgres")
    return project


@pytest.mark.filterwarnings("ignore::DeprecationWarning:pyspark", "ignore::ResourceWarning")
def test_spark_increments_and_publishes_where_the_rows_are(spark, project, workspace, monkeypatch):
    def fetch(self, artifact):
        raise AssertionError(f"{artifact.uris} came to this machine")

    monkeypatch.setattr(LiveUnityCatalogStore, "fetch", fetch)
    Path("definitions.py").write_text(DEFINITIONS.replace("metrics=totals", "metrics=totals, incremental=True"))
    defs = runpy.run_path("definitions.py")["defs"]
    now = datetime.now(UTC)
    events = {"user_id": [1, 1, 2], "event_time": [now - timedelta(days=d) for d in (9, 8, 7)], "amt": [1.5, 2.0, 4.0]}
    for count in (2, 3):
        rows = {name: values[:count] for name, values in events.items()}
        workspace.lake.write("main.raw.transactions", pa.table(rows))
        defs.build(profile="databricks-prod", online=True, preview=False).raise_for_failure()
    assert defs.metadata("user_spend", profile="databricks-prod").increment.base == "1.0.0"
    found = defs.get_online_features("user_spend", [{"user_id": n} for n in (1, 2)], profile="databricks-prod")
    assert [row["spent_30d"] for row in found] == [3.5, 4.0]


@pytest.mark.filterwarnings("ignore::DeprecationWarning:pyspark", "ignore::ResourceWarning")
def test_spark_builds_and_the_catalog_keeps_and_lakebase_serves(spark, project, workspace):
    now = datetime.now(UTC)
    events = {"user_id": [1, 1, 2], "event_time": [now - timedelta(days=d) for d in (3, 2, 60)], "amt": [1.5, 2.0, 4.0]}
    workspace.lake.write("main.raw.transactions", pa.table(events))
    for words in (("build", "--online"), ("list",), ("versions", "user_spend")):
        answer = CliRunner().invoke(cli, [words[0], "--profile", "databricks-prod", *words[1:]])
        assert answer.exit_code == 0, answer.output
    defs = runpy.run_path("definitions.py")["defs"]
    found = defs.get_online_features("user_spend", [{"user_id": n} for n in (1, 2, 3)], profile="databricks-prod")
    assert [row["spent_30d"] for row in found] == [3.5, 0.0, None]
    assert {row["tableName"] for row in workspace.lake.run("SHOW TABLES IN prod.flow").to_pylist()} == {
        "user_spend",
        "_mlforge_metadata",
    }
