"""What this plugin is: the Spark engine, announced without importing pyspark."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import ClassVar

import msgspec

from mlforge.model.aggregation import PARTS
from mlforge.plugin import API_VERSION, EngineConfig, EngineDescriptor, Lack, hookimpl

_HALVES_SINCE = (4, 0)
_TIMES_SINCE = (4, 1)
_DISTRIBUTIONS = ("pyspark", "pyspark-client", "databricks-connect")


class SparkEngine(EngineConfig, frozen=True, tag="pyspark"):
    """Compute with Spark: in the session that is active, or in one made of these settings.

    Args:
        master: Where a new session runs, such as `"local[4]"` or `"spark://host:7077"`; on this machine if None.
        remote: The address of a Spark Connect server, such as `"sc://host:15002"`, instead of `master`.
        conf: What else a new session is set to, such as `{"spark.executor.memory": "8g"}`.
        direct: Whether Spark's machines read and write what stores keep in buckets themselves, by the session's file
            systems (`s3a`, `gs`) and credentials. If not, it goes by way of this machine's disk.

    Example:
        >>> SparkEngine(master="local[2]").kind
        'pyspark'
    """

    target: ClassVar[str] = "mlforge_spark.engine:LiveSparkEngine"

    master: str | None = None
    remote: str | None = None
    conf: dict[str, str] = msgspec.field(default_factory=dict)
    direct: bool = False

    def __hash__(self) -> int:
        return hash((self.kind, self.master, self.remote, self.direct, *sorted(self.conf.items())))


class PySparkEngine(SparkEngine, frozen=True, tag="spark"):
    """The same under the other name people give it, `spark`."""


def _described(name: str, config: type[SparkEngine]) -> EngineDescriptor:
    return EngineDescriptor(
        name=name,
        summary="Feature building on a cluster, where one machine is not enough.",
        api=API_VERSION,
        config=config,
        frames=(
            "pyspark.sql.dataframe.DataFrame",
            "pyspark.sql.classic.dataframe.DataFrame",
            "pyspark.sql.connect.dataframe.DataFrame",
        ),
        reads=frozenset({"parquet", "csv", "arrow", "delta", "iceberg"}),
        writes=frozenset({"parquet", "delta", "iceberg"}),
        schemes=frozenset({"file", "gs", "s3", "table"}),
        aggregations=PARTS,
        lacks=lacks_of(_installed()),
    )


def _installed() -> str | None:
    """The version of Spark's Python that is installed, by whichever name."""
    for name in _DISTRIBUTIONS:
        try:
            return version(name)
        except PackageNotFoundError:
            continue
    return None


def lacks_of(release: str | None) -> dict[str, Lack]:
    """What a release of Spark keeps the engine from.

    Example:
        >>> list(lacks_of("4.0.1")), lacks_of("4.1.0")
        (['each_type_is_read_equal_by_every_engine[Time]'], {})
    """
    if release is None:
        return {}
    number, found = tuple(map(int, release.split(".")[:2])), {}
    if number < _TIMES_SINCE:
        reason = f"Spark {release} has no type for times of day, and stores none; Spark 4.1 does."
        found["each_type_is_read_equal_by_every_engine[Time]"] = Lack("upstream", reason)
    if number < _HALVES_SINCE:
        reason = f"Spark {release} can open no Parquet file with floats of 16 bits; Spark 4.0 can."
        found["a_type_of_parquet_is_read_right_or_refused[floats of 16 bits]"] = Lack("upstream", reason)
    return found


@hookimpl
def mlforge_engines() -> list[EngineDescriptor]:
    """The one engine, under both its names."""
    return [_described("pyspark", SparkEngine), _described("spark", PySparkEngine)]
