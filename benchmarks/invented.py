"""A store of invented features: versions with metadata and a manifest, and files of a few bytes for data."""

import random
from pathlib import Path

import msgspec

from mlforge.flow.moments import now
from mlforge.flow.versions.manifest import refresh_manifest
from mlforge.model.entity import Entity
from mlforge.model.meta import Change, FeatureMeta, Recipe
from mlforge.model.quality import ColumnQuality, Histogram, Quality, TopValue
from mlforge.model.schema import Column

NOUNS = [
    "user",
    "merchant",
    "device",
    "account",
    "card",
    "session",
    "product",
    "store",
    "basket",
    "order",
    "refund",
    "login",
    "payment",
    "driver",
    "sensor",
]
VALUES = [
    "spend",
    "count",
    "mean",
    "amount",
    "latency",
    "risk",
    "score",
    "balance",
    "churn",
    "visits",
    "clicks",
    "delay",
    "distance",
    "speed",
    "failures",
]


def store_of(config, features, versions=1, *, measured=False):
    """Fill a store with so many features, each with so many versions; nine columns each, `measured` or not."""
    chance = random.Random(7)
    with config.open() as store:
        for number in range(features):
            noun, value = chance.choice(NOUNS), chance.choice(VALUES)
            name = f"{noun}_{value}_{number}"
            for minor in range(versions):
                meta = _meta(name, noun, value, minor, number)
                if measured:
                    meta = msgspec.structs.replace(meta, quality=_quality(meta, chance))
                target = store.begin(name, "parquet")
                Path(target.uri).write_bytes(f"{name} {minor}".encode())
                store.commit(target, meta, f"1.{minor - 1}.0" if minor else None)
        refresh_manifest(store, now())


def _meta(name, noun, value, minor, number):
    windows = ("1d", "7d", "28d", "90d")[: 3 + min(minor, 1)]
    columns = [
        Column(f"{value}_{how}_{window}", "Float64", how, window, f"The {how} of the {value} over {window}", "EUR")
        for how in ("sum", "mean", "max")
        for window in windows
    ]
    keys = Entity(noun, join_key=f"{noun}_id").keys
    change = Change("initial", "first_build") if not minor else Change("minor", "added_metrics", (f"{value}_sum_90d",))
    return FeatureMeta(
        name=name, version=f"1.{minor}.0", created_at="2026-01-01T00:00:00Z", updated_at="2026-01-01T00:00:00Z",
        row_count=1000, entity_keys=(f"{noun}_id",), timestamp="at", interval="1d",
        columns=(Column(f"{noun}_id", "String"), Column("at", "Datetime"), *columns), schema_hash=f"{minor}",
        config_hash=f"{minor}", config=Recipe(keys, "at", interval="1d"), change_summary=change, engine="polars",
        source=f"data/{noun}.parquet", entities=(noun,), tags=(noun, "daily"), owner=f"team-{number % 30}",
        description=f"The {value} of a {noun}, for the models of risk {number % 50}",
    )  # fmt: skip


def _quality(meta, chance):
    """What a build would have measured: histograms of numbers and times, the most frequent of the keys."""
    return Quality(rows=1000, entities=700, columns=tuple(_measured(column, chance) for column in meta.columns))


def _measured(column, chance):
    given = {"name": column.name, "dtype": column.dtype, "count": 980, "nulls": 20, "distinct": chance.randrange(980)}
    if column.dtype == "String":
        top = sorted((chance.randrange(1, 90) for _ in range(10)), reverse=True)
        return ColumnQuality(**given, min="a", max="z", top=tuple(TopValue(f"key-{n}", n) for n in top))
    middle = chance.random() * 1000
    counts = [0, *(int(100 * chance.random() ** 2) for _ in range(20)), chance.randrange(5)]
    return ColumnQuality(
        **given, min=middle - chance.random() * 50, max=middle + chance.random() * 900, mean=middle,
        std=chance.random() * 90, quantiles=tuple(middle * n / 4 for n in range(7)),
        histogram=Histogram(tuple(middle + 40.0 * n for n in range(21)), tuple(counts)),
    )  # fmt: skip
