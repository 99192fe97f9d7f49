"""A stand-in for a workspace of Databricks, over HTTP: real SQL on real Delta tables, run by Sail, in this process.

It needs `mlforge-databricks[testing]`, which does not go together with the whole of pyspark in one environment.
"""

from mlforge_databricks.testing.lake import Lake
from mlforge_databricks.testing.workspace import TOKEN, WAREHOUSE, Workspace

__all__ = ["TOKEN", "WAREHOUSE", "Lake", "Workspace"]
