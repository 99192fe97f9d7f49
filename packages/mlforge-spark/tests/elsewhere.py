"""Build and join on a Spark that is elsewhere, and compare with Polars: elsewhere.py FOLDER SETTINGS AGGREGATIONS …"""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import polars as pl

import mlforge as mlf
from mlforge_spark.plugin import SparkEngine

folder, settings, words = Path(sys.argv[1]), json.loads(sys.argv[2]), sys.argv[3:]
SPARK = SparkEngine(**settings)


def built(engine: Any) -> mlf.Definitions:
    """A project with one feature of windows and one without, built by an engine."""
    store = mlf.LocalStore(tempfile.mkdtemp(prefix="store ", dir=folder))
    common = {"source": f"{folder / 'events'}/", "keys": "user", "timestamp": "at", "engine": engine}

    @mlf.feature(**common, interval="1h", metrics=[mlf.Aggregate("amount", word, ["1h", "6h"]) for word in words])
    def spend(events):
        return events.select("user", "at", "amount")

    @mlf.feature(**common, tie_break="amount")
    def payments(events):
        return events.select("user", "at", "amount", "half", "city")

    defs = mlf.Definitions("elsewhere", features=[spend, payments], store=store, engine=engine)
    defs.build(preview=False).raise_for_failure()
    return defs


def rows(defs: mlf.Definitions, spine: Any) -> list[tuple[Any, ...]]:
    """What a project says of labels."""
    found = defs.get_training_data(spine, features=["spend", "payments"], timestamp="at")
    return pl.DataFrame(found).rows()


def figures(defs: mlf.Definitions) -> list[tuple[Any, ...]]:
    """What a project says of its columns, numbers to nine digits."""
    measured = [defs.metadata(name).quality for name in ("spend", "payments")]
    columns = [c for quality in measured for c in (quality, *quality.columns)]
    return [tuple(_rounded(getattr(c, name)) for name in c.__struct_fields__ if name != "columns") for c in columns]


def _rounded(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_rounded(v) for v in value]
    return float(f"{value:.9g}") if isinstance(value, float) else value


labels = pl.read_parquet(folder / "labels.parquet")
both = [built(engine) for engine in (SPARK, mlf.PolarsEngine())]
mine, theirs = (rows(defs, labels) + figures(defs) for defs in both)
differ = [str(pair) for pair in zip(mine, theirs, strict=True) if str(pair[0]) != str(pair[1])]
found = {
    "rows": len(labels), "known": sum(row[-1] is not None for row in mine[: len(labels)]),
    "figures": len(mine) - len(labels), "differ": differ[:3],
}  # fmt: skip
sys.stdout.write(json.dumps(found) + "\n")
