"""A small project that is built in milliseconds, wherever its store is."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import polars as pl

import mlforge as mlf
from mlforge.plugin import StoreConfig

NAME = "spend"
START = datetime(2025, 1, 1, tzinfo=UTC)
ROWS = [
    {"user": user, "at": START + timedelta(days=day), "amount__sum__1d": amount}
    for user, day, amount in [(1, 1, 1.0), (1, 2, 2.0), (1, 3, 0.0), (2, 3, 4.0), (2, 4, 0.0)]
]


class Place(msgspec.Struct, frozen=True):
    """Where a project is: its folder, and the store that its features go to."""

    folder: str
    store: StoreConfig


class Seen(msgspec.Struct, frozen=True):
    """What readers get of a feature: its versions with a digest of all that each holds, and which is the latest."""

    versions: dict[str, str]
    latest: str | None


def begin(folder: Path, store: StoreConfig) -> Place:
    """Make a project's data."""
    folder.mkdir(parents=True, exist_ok=True)
    times = [START, START + timedelta(days=1), START + timedelta(days=2)]
    frame = pl.DataFrame({"user": [1, 1, 2], "amount": [1.0, 2.0, 4.0], "at": times})
    frame.write_parquet(folder / "events.parquet")
    return Place(str(folder), store)


def definitions(place: Place) -> mlf.Definitions:
    """The project's definitions."""

    @mlf.feature(
        source=f"{place.folder}/events.parquet",
        keys="user",
        timestamp="at",
        interval="1d",
        metrics=[mlf.Sum("amount", windows=["1d"])],
    )
    def spend(df):
        return df

    online = mlf.SQLiteOnlineStore(f"{place.folder}/online.db")
    return mlf.Definitions("shop", [spend], offline_store=place.store, online_store=online, engine="polars")


def rows(place: Place, version: str | None = None) -> list[dict]:
    """The rows that a reader gets."""
    frame = mlf.Definitions("reader", store=place.store).read(NAME, version)
    return frame.sort("user", "at").to_dicts()


def look(place: Place) -> Seen:
    """Read all that is there; whatever is listed must be whole."""
    with place.store.open() as store:
        return Seen({v: digest(store, v) for v in store.versions(NAME)}, store.latest(NAME))


def digest(store, version: str) -> str:
    """A hash of a version's metadata and of each of its bytes, which must be those that were committed."""
    artifact = store.get(NAME, version)
    found = hashlib.sha256(msgspec.json.encode(artifact.meta))
    for part, data in zip(artifact.meta.parts, contents(store, artifact), strict=True):
        assert hashlib.sha256(data).hexdigest() == part.hash, (version, part.path)
        found.update(data)
    return found.hexdigest()


def contents(store, artifact):
    """The bytes of each part, read anew."""
    if not hasattr(store, "bucket"):
        return [Path(uri).read_bytes() for uri in artifact.uris]
    return [b"".join(store.bucket.chunks(f"{NAME}/{part.path}") or ()) for part in artifact.meta.parts]
