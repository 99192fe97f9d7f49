"""Spark's tests run where this package is installed, in environments of their own: `hatch run spark:test`."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import pytest

collect_ignore_glob = [] if find_spec("mlforge_spark") else ["*"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What stops the session comes last."""
    items.sort(key=lambda item: item.path.name == "test_stopping.py")


@pytest.fixture(scope="session", autouse=True)
def session() -> Iterator[object]:
    """One session for all tests: what makes it takes seconds."""
    from mlforge_spark.plugin import SparkEngine
    from mlforge_spark.session import session_of

    made = session_of(SparkEngine(master="local[2]", conf=CONF))
    if hasattr(made, "sparkContext"):
        made.sparkContext.setLogLevel("OFF")
    yield made
    made.stop()


CONF = {
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",  # thousands of plans, few rows
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.constraintPropagation.enabled": "false",  # takes most of the time of a plan, and changes no row
    "spark.driver.memory": "3g",
    "spark.sql.shuffle.partitions": "1",
    "spark.default.parallelism": "2",
    "spark.sql.session.timeZone": "America/St_Johns",  # half an hour beside everybody: nothing may depend on it
    "spark.driver.maxResultSize": "1m",
}
