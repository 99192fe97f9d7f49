"""The example, from a build on this machine to values that are served, as its own files say."""

from __future__ import annotations

import runpy
import shutil
from pathlib import Path

from click.testing import CliRunner

from mlforge.cli.app import cli
from mlforge_databricks.testing import TOKEN, WAREHOUSE

EXAMPLE = Path(__file__).parents[3] / "examples" / "databricks"


def test_the_example_is_built_listed_and_served(workspace, database, tmp_path, monkeypatch):
    project = shutil.copytree(EXAMPLE, tmp_path / "project")
    monkeypatch.chdir(project)
    config = project / "mlforge.yaml"
    where = f"sync_mode: triggered\n      database: postgres\n      port: {database.port}\n      tls: false"
    config.write_text(config.read_text().replace("sync_mode: triggered", where))
    given = {"HOST": workspace.url, "TOKEN": TOKEN, "WAREHOUSE_ID": WAREHOUSE}
    for name, value in given.items():
        monkeypatch.setenv(f"DATABRICKS_{name}", value)
    workspace.lake.make_schema("features", "prod")
    runpy.run_path("prepare.py")
    for words in ("build", "--online"), ("list",), ("inspect", "user_spend"):
        answer = CliRunner().invoke(cli, [words[0], "--profile", "databricks-prod", *words[1:]])
        assert answer.exit_code == 0, answer.output
        assert words[0] == "build" or "user_spend" in answer.output
    defs = runpy.run_path("definitions.py")["defs"]
    (found,) = defs.get_online_features("user_spend", [{"user_id": 7}], profile="databricks-prod")
    assert found["amt__count__30d"] == 0, "what is served is as of now, long after the events"
