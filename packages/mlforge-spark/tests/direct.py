"""Build, continue, join and publish in a bucket that Spark reads and writes: direct.py FOLDER ENDPOINT SETTINGS"""

from __future__ import annotations

import json
import random
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import obstore
import polars as pl
from obstore.store import S3Store as Client

import mlforge as mlf
from mlforge_s3.bucket import S3Bucket
from mlforge_spark.plugin import SparkEngine

folder, endpoint, settings = Path(sys.argv[1]), sys.argv[2], json.loads(sys.argv[3])
CONF = {
    "spark.ui.enabled": "false", "spark.log.level": "OFF",
    "spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC", "spark.sql.shuffle.partitions": "3",
    "spark.sql.adaptive.enabled": "false", "spark.driver.maxResultSize": "1m",
    "spark.sql.session.timeZone": "Asia/Kolkata", **settings,
}  # fmt: skip
SPARK, POLARS = SparkEngine(master="local[2]", conf=CONF, direct=True), mlf.PolarsEngine()
ONLINE = mlf.SQLiteOnlineStore(folder / "online.db")
START, BUCKET = datetime(2025, 3, 1, tzinfo=UTC), "shop-features"
bucket = Client(BUCKET, region="us-east-1", endpoint=endpoint, client_options={"allow_http": True})


def store(prefix: str) -> mlf.S3Store:
    """A place in the bucket."""
    return mlf.S3Store(BUCKET, prefix=prefix, endpoint_url=endpoint, region="us-east-1")


def put(day: int, count: int) -> None:
    """Events of a day, below a folder that tells it, in the bucket and on this machine."""
    chance = random.Random(day)
    times = [START + timedelta(days=day, seconds=chance.randrange(86_400)) for _ in range(count)]
    users = [f"user {chance.randrange(3_000)}" for _ in times]
    path = folder / "events" / f"day={day}" / "part {1}.parquet"
    path.parent.mkdir(parents=True)
    amounts = [chance.random() for _ in times]
    pl.DataFrame({"user": users, "at": times, "amount": amounts}).write_parquet(path)
    obstore.put(bucket, f"events/day={day}/part {{1}}.parquet", path.read_bytes())


def project(engine: Any, place: Any, source: mlf.Source) -> mlf.Definitions:
    """A feature of windows and one without."""
    common = {"source": source, "keys": "user", "timestamp": "at", "engine": engine, "incremental": True}

    @mlf.feature(**common, interval="1h", metrics=[mlf.Aggregate("amount", w, ["1h", "1d"]) for w in ("sum", "last")])
    def spend(events):
        return events.select("user", "at", "amount")

    @mlf.feature(**common, tie_break="amount")
    def payments(events):
        return events.select("user", "at", "amount", "day")

    return mlf.Definitions("direct", features=[spend, payments], store=place, engine=engine, online_store=ONLINE)


def in_bucket(engine: Any, prefix: str) -> mlf.Definitions:
    """The project with all of it in the bucket."""
    options = {"endpoint_url": endpoint, "region": "us-east-1"}
    return project(engine, store(prefix), mlf.Source(f"s3://{BUCKET}/events/", options=options))


def by_this_machine(*_: Any, **__: Any) -> Any:
    """Fail, where data is to come by this machine."""
    raise RuntimeError("by way of this machine")


def rows(place: Any, name: str) -> pl.DataFrame:
    """All rows of the latest version, as Polars reads them."""
    with place.open() as opened, POLARS.open() as engine:
        return pl.DataFrame(engine.read_version(opened.get(name, opened.latest(name))))


def versions() -> dict[str, Any]:
    """Two builds, the second of which continues the first, beside Polars' from files; then labels and a publish."""
    put(0, 30_000)
    ours = in_bucket(SPARK, "spark")
    places = store("spark"), mlf.LocalStore(folder / "store")
    theirs = project(POLARS, places[1], mlf.Source(f"{folder / 'events'}/"))
    kept = S3Bucket.chunks, S3Bucket.upload
    S3Bucket.chunks = S3Bucket.upload = by_this_machine
    built = [ours.build(preview=False).raise_for_failure()]
    put(1, 500)
    built.append(ours.build(preview=False).raise_for_failure())
    labels = pl.DataFrame({"user": [f"user {i}" for i in range(100)], "at": [START + timedelta(days=1)] * 100})
    joined = pl.DataFrame(ours.get_training_data(labels, ["spend", "payments"])).sort("user")
    published = ours.publish(as_of=START + timedelta(days=1)).raise_for_failure()
    S3Bucket.chunks, S3Bucket.upload = kept
    theirs.build(preview=False).raise_for_failure()
    parts = {name: len(ours.metadata(name).parts) for name in ("spend", "payments")}
    figures = [[d.metadata(n).quality.rows for n in ("spend", "payments")] for d in (ours, theirs)]
    keys = [one["path"] for page in obstore.list(bucket, "spark") for one in page]
    return {
        "same": {name: rows(places[0], name).equals(rows(places[1], name)) for name in ("spend", "payments")},
        "joined": joined.equals(pl.DataFrame(theirs.get_training_data(labels, ["spend", "payments"])).sort("user")),
        "known": joined["amount"].count(), "parts": parts, "figures": figures[0] == figures[1],
        "published": len(published.results), "is_increment": ours.metadata("payments").increment is not None,
        "left": [key for key in keys if "_writing" in key], "files": sum("/spend/1.0.0/data" in key for key in keys),
    }  # fmt: skip


def types() -> dict[str, Any]:
    """Rows of each type, which Polars wrote to the bucket, as Spark's machines read them there."""
    start, values = datetime(2024, 2, 29, 12, tzinfo=UTC), [0, 1, 2]
    numbers = {t.__name__: pl.Series(values, dtype=t) for t in (pl.Int8, pl.UInt8, pl.UInt32, pl.UInt64, pl.Float32)}
    other = {
        "user": [f"u{i}" for i in values], "at": [start] * 3, "flag": [True, None, False], "text": ["ä", "", None],
        "bytes": [b"\x00", b"", None], "day": [date(1, 1, 1), None, date(9999, 1, 1)],
        "money": [Decimal("1.50"), Decimal("-0.01"), None],
        "span": [timedelta(days=1), None, timedelta(microseconds=-1)],
        "list": [[1], [], None], "seen": [start, None, start - timedelta(days=900_000 // 2)],
    }  # fmt: skip
    frame = pl.DataFrame({**other, **numbers})

    @mlf.feature(source=mlf.Source.from_frame(frame, name="typed"), keys="user", timestamp="at", engine=POLARS)
    def typed(events):
        return events

    defs = mlf.Definitions("types", features=[typed], store=store("types"))
    defs.build(preview=False).raise_for_failure()
    labels = frame.select("user", "at")
    found = [mlf.get_training_data(labels, ["typed"], store=store("types"), engine=e) for e in (SPARK, POLARS)]
    mine, right = (pl.DataFrame(f).sort("user") for f in found)
    return {"differ": [n for n in right.columns if mine[n].dtype != right[n].dtype or not mine[n].equals(right[n])]}


def damage() -> dict[str, Any]:
    """A build that continues a version of which a byte was changed in the bucket."""
    key = next(
        one["path"] for page in obstore.list(bucket, "spark/payments/1.0.0") for one in page if "part-" in one["path"]
    )
    data = bytearray(obstore.get(bucket, key).bytes())
    data[len(data) // 2] ^= 1
    obstore.put(bucket, key, bytes(data))
    put(2, 10)
    report = in_bucket(SPARK, "spark").build("payments", preview=False)
    return {"ok": report.ok, "said": str(report), "key": key}


sys.stdout.write("\n" + json.dumps({f.__name__: f() for f in (versions, types, damage)}) + "\n")
