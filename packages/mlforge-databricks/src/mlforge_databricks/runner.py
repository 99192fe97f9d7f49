"""Who runs a store's statements: the warehouse that is named, or the session of Spark that is there."""

from __future__ import annotations

import os

from mlforge.errors import Invalid
from mlforge_databricks.client import Workspace
from mlforge_databricks.plugin import UnityCatalogStore
from mlforge_databricks.session import SparkStatements, active_session
from mlforge_databricks.statements import Statements
from mlforge_databricks.warehouse import WarehouseStatements

WAREHOUSE = "DATABRICKS_WAREHOUSE_ID"


def statements_of(config: UnityCatalogStore) -> Statements:
    """What runs statements. Nothing is asked of it yet.

    Raises:
        Invalid: Neither a warehouse is named, nor is a session active.
    """
    if warehouse := config.warehouse_id or os.environ.get(WAREHOUSE):
        return WarehouseStatements(Workspace(config), warehouse, config.timeout)
    if (session := active_session()) is not None:
        return SparkStatements(session)
    raise Invalid(
        "The store has nobody to run its statements: no SQL warehouse is named, and no session of Spark is active.",
        hint=f'Give warehouse_id="…", set {WAREHOUSE}, or open the store where a Spark session is.',
    )
