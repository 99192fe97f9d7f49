"""What is said of frames whose session somebody has stopped. It runs last: the session is that of all tests."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pyspark.sql import SparkSession

from mlforge.errors import PluginFailed
from mlforge.model.schema import Schema
from mlforge_spark.plugin import SparkEngine


def test_a_frame_of_a_stopped_session_says_so(session: SparkSession) -> None:
    with SparkEngine().open() as engine:
        frame = engine.from_rows([{"amount": 1}], Schema.of(amount="Int64"))
        session.stop()
        for asked in (lambda: list(engine.rows(frame)), lambda: engine.extent(frame, None),
                      lambda: engine.from_rows([{"amount": 1}], Schema.of(amount="Int64")),
                      lambda: engine.select(frame, ["amount"])):  # fmt: skip
            with pytest.raises(PluginFailed, match="was stopped"):
                asked()


GONE = """
import os
import mlforge as mlf
import polars as pl
from mlforge_spark.plugin import SparkEngine
from mlforge_spark.session import session_of
from pyspark import SparkContext

def of_the_session(events):
    session = events.sparkSession
    {ends}
    return events

if __name__ == "__main__":
    pl.DataFrame({{"k": [1]}}).write_parquet("events.parquet")
    made = mlf.feature(source="events.parquet", keys="k", engine=SparkEngine(master="local[1]"))(of_the_session)
    shop = mlf.Definitions("shop", features=[made], offline_store=mlf.LocalStore("store"))
    for _ in range(2):
        (built,) = shop.build()
        print(built.status, built.failure)
    print([p for p in os.listdir("store/of_the_session") if p != ".lock"] if os.path.exists("store") else [])
"""
LATER = "__import__('threading').Timer(2, {}).start(); {}"
SLOW = "from pyspark.sql.functions import udf; sleeps = udf(lambda k: __import__('time').sleep(30)); "


def ended(folder, ends: str) -> list[str]:
    """What two builds say, of a function that ends its session."""
    (folder / "ending.py").write_text(GONE.format(ends=ends))
    done = subprocess.run([sys.executable, "ending.py"], capture_output=True, text=True, check=False, cwd=folder)
    return done.stdout.strip().splitlines() or [done.stderr]


def test_a_session_that_is_stopped_while_it_computes_is_said_to_be(tmp_path):
    slow = SLOW + "events = events.where(sleeps('k').isNull())"
    said = ended(tmp_path, LATER.format("session.stop", slow))
    assert "was stopped" in said[0]


@pytest.mark.parametrize("then", ["SparkContext._gateway.proc.wait()", "events = events.where('k > 0')"])
def test_a_java_that_has_ended_is_said_to_have(tmp_path, then):
    said = ended(tmp_path, f"SparkContext._gateway.proc.kill(); {then}")
    assert ["the Java that Spark runs in has ended" in line for line in said[:2]] == [True, True]
    assert said[2] == "[]"
