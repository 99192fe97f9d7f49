"""A key that holds much of a feature's rows is joined by several tasks, and gives what one would."""

from __future__ import annotations

import random

import pytest
from pyspark.sql import functions as F

import mlforge as mlf
from mlforge_spark import asof, crowds

FEATURES = 3_000


@pytest.fixture(scope="module")
def store(tmp_path_factory, session):
    """Two features of the same keys, most of whose rows are of one, and labels of which some are of nobody."""
    folder = tmp_path_factory.mktemp("crowd")
    chance = random.Random(7)
    times = chance.sample(range(100_000), FEATURES)
    users = [chance.choice(["a", "a", "a", "b", "c", "d", "e", "f"]) for _ in times]
    rows = session.createDataFrame(
        [*zip(users, times, range(FEATURES), strict=True)], "user string, t bigint, n bigint"
    )
    rows = rows.select("user", F.timestamp_micros(F.col("t") * F.lit(1_000_000)).alias("at"), "n")
    rows.write.parquet(str(folder / "rows"))

    def feature(name):
        @mlf.feature(
            source=str(folder / "rows" / "*.parquet"), keys="user", timestamp="at", engine="pyspark", name=name
        )
        def made(rows):
            return rows.withColumnRenamed("n", name) if name == "one" else rows.where(F.col("n") % 3 == 0)

        return made

    features, kept = [feature("one"), feature("two")], mlf.LocalStore(str(folder / "store"))
    defs = mlf.Definitions("crowd", features=features, store=kept, engine="pyspark")
    defs.build(preview=False, quality=False).raise_for_failure()
    labels = [(chance.choice(["a", "a", "b", "c", "nobody", None]), chance.randrange(120_000), i) for i in range(500)]
    labels += [("a", t, 500 + i) for i, t in enumerate(times[:100])]  # at the very instants of rows
    spine = session.createDataFrame(labels, "user string, t bigint, i bigint").repartition(3)
    return defs, spine.select("user", F.timestamp_micros(F.col("t") * F.lit(1_000_000)).alias("at"), "i").persist()


def test_the_history_of_a_crowded_key_is_joined_in_pieces(store, monkeypatch):
    defs, spine = store
    frame = _joined(defs, spine)
    assert _exchanges(frame) == 2, "by keys, and back into the order of the labels"
    whole = frame.collect()
    cut = []
    monkeypatch.setattr(crowds, "LARGE", 100)
    monkeypatch.setattr(asof, "crowds", lambda *about: cut.append(crowds.crowds(*about)) or cut[-1])
    frame = _joined(defs, spine)
    assert _exchanges(frame) == 3, "features with crowded keys are joined one after the other"
    assert frame.collect() == whole
    assert [[len(crowd.stamps) > 4 for crowd in found if crowd.key == ("a",)] for found in cut] == [[True], [True]]
    assert sum(row["one"] is not None for row in whole) > 300


def _joined(defs, spine):
    return defs.get_training_data(spine, features=["one", "two"], timestamp="at")


def _exchanges(frame):
    """How many exchanges a frame's physical plan has."""
    return str(frame._jdf.queryExecution().executedPlan().toString()).count("Exchange")  # noqa: SLF001 - no other way
