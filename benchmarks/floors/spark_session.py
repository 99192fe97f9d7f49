"""A session of the Spark benchmarks, whose processors are counted: the JVM is waited for."""

from contextlib import contextmanager

from pyspark.sql import SparkSession


@contextmanager
def session():
    """A session of two cores, which is ended with its JVM."""
    conf = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.driver.memory": "4g",
        "spark.ui.enabled": "false",
        "spark.ui.showConsoleProgress": "false",
        "spark.sql.shuffle.partitions": "8",
        "spark.sql.session.timeZone": "UTC",
        "spark.log.level": "ERROR",
    }
    builder = SparkSession.builder.master("local[2]")
    for name, value in conf.items():
        builder = builder.config(name, value)
    made = builder.getOrCreate()
    try:
        yield made
    finally:
        gateway = made.sparkContext._gateway  # noqa: SLF001 - no other way
        made.stop()
        gateway.shutdown()
        gateway.proc.stdin.close()
        gateway.proc.wait()
