"""Build and join on a Spark that is elsewhere, and compare with Polars: elsewhere.py FOLDER SETTINGS AGGREGATIONS …"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import polars as pl

import mlforge as mlf
from mlforge_spark.plugin import SparkEngine

folder, settings, words = Path(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3:]
SPARK = SparkEngine(**settings)


def built(engine: Any, frame: type | None) -> mlf.Definitions:
    """A project with one feature of windows and one without, built by an engine."""
    store = mlf.LocalStore(str(folder / f"store [1] of {engine.kind}"))
    common = {"source": str(folder / "events.parquet"), "keys": "user", "timestamp": "at", "engine": engine}

    @mlf.feature(**common, interval="1h", metrics=[mlf.Aggregate("amount", word, ["1h", "6h"]) for word in words])
    def spend(events):
        return events.select("user", "at", "amount")

    @mlf.feature(**common, tie_break="amount")
    def payments(events):
        return events.select("user", "at", "amount")

    defs = mlf.Definitions("elsewhere", features=[spend, payments], store=store, engine=engine)
    defs.build(preview=False, quality=False).raise_for_failure()
    return defs


def rows(defs: mlf.Definitions, spine: Any) -> list[str]:
    """What a project says of labels."""
    found = defs.get_training_data(spine, features=["spend", "payments"], timestamp="at")
    return [str(row) for row in pl.DataFrame(found).rows()]


labels = pl.read_parquet(folder / "labels.parquet")
mine, theirs = (rows(built(engine, None), labels) for engine in (SPARK, mlf.PolarsEngine()))
differ = [pair for pair in zip(mine, theirs, strict=True) if pair[0] != pair[1]]
said = {"rows": len(mine), "known": sum("None" not in row for row in mine), "differ": differ[:3]}
sys.stdout.write(json.dumps(said) + "\n")
