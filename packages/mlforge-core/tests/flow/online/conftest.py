"""A shelf of versions, an online store and a clock: what publishing and reading need, and nothing else."""

from __future__ import annotations

import msgspec
import pytest

from mlforge.errors import NotFound, PluginFailed
from mlforge.flow.online.publish import Publishing, PublishOrder, publish
from mlforge.flow.online.reader import Reader
from mlforge.model.duration import Duration
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.schema import Schema
from mlforge.model.timestamp import Timestamp
from mlforge.testing.engines.bench import reference_bench
from mlforge.testing.memory import LiveMemoryOnlineStore
from mlforge.testing.reference import Table
from mlforge.testing.reference.times import instant

HOUR = 3_600_000_000
NOON = 1_709_208_000_000_000


class CutOff(LiveMemoryOnlineStore):
    """A store whose connection breaks when `left` writes are done."""

    left = 10**9

    def write(self, entries):
        self.left -= 1
        if self.left < 0:
            raise PluginFailed("The connection broke.", hint="Mend it.")
        return super().write(entries)


class Interrupted(LiveMemoryOnlineStore):
    """Somebody else does something after the first write."""

    def meanwhile(self):
        pass

    def write(self, entries):
        kept = super().write(entries)
        self.meanwhile, now = lambda: None, self.meanwhile
        now()
        return kept


class Shop:
    """Versions of features over a few users, published and read at instants counted in hours from a noon."""

    def __init__(self, folder):
        self.bench = reference_bench(folder)
        self.online = LiveMemoryOnlineStore(None)
        self.kept = {}
        self.told = []

    def keep_cut_off(self, left=10**9):
        """Publish to a store of which so many writes are left."""
        self.online = CutOff(None)
        self.online.left = left
        return self.online

    def keep_interrupted(self):
        """Publish to a store where somebody else comes meanwhile."""
        self.online = Interrupted(None)

    def names(self):
        return list(self.kept)

    def versions(self, name):
        return list(self.kept.get(name, {}))

    def latest(self, name):
        return next(reversed(self.kept[name]), None) if name in self.kept else None

    def get(self, name, version):
        if version not in self.kept.get(name, {}):
            raise NotFound("It is gone.", hint="Build it.")
        return self.kept[name][version]

    def version(self, version, rows, name="spend", keys=("user",), timed=True, types=None, **meta):
        """Keep a version: rows are `(user, hour, amount)`, or dicts."""
        named = [
            row if isinstance(row, dict) else dict(zip(("user", "ts", "amount"), row, strict=True)) for row in rows
        ]
        stamped = [row | ({"ts": instant(NOON + int(row["ts"] * HOUR))} if timed else {}) for row in named]
        plain = [{k: v for k, v in row.items() if timed or k != "ts"} for row in stamped]
        types = types or {"user": "Int64", **({"ts": "Datetime"} if timed else {}), "amount": "Int64"}
        shape = Shape(tuple(k if isinstance(k, Key) else Key(k) for k in keys), Timestamp("ts") if timed else None)
        artifact = self.bench.stored(Table.of(Schema.of(**types), plain), shape=shape, name=name)
        meta = {"version": version, "content_hash": f"{version} {rows}"} | meta
        changed = msgspec.structs.replace(artifact, meta=msgspec.structs.replace(artifact.meta, **meta))
        self.kept.setdefault(name, {})[version] = changed

    def publish(self, at=0.0, version=None, name="spend", now=None, batch=2, engine="it", horizon="2h", **order):
        """Publish as of an hour; `at=None` for the present one."""
        as_of = None if at is None else NOON + int(at * HOUR)
        present = NOON + int(now * HOUR) if now is not None else NOON + 1000 * HOUR
        publishing = Publishing(self, self.online, self.bench.engine, engine, lambda: present, self.told.append, batch)
        wanted = PublishOrder(name, version, as_of, horizon and Duration.parse(horizon), **order)
        return publish(publishing, wanted)

    def reader(self, features="spend", at=0.0, **how):
        return Reader(self.online, features, clock=lambda: NOON + int(at * HOUR), **how)

    def amounts(self, users, at=0.0, name="spend"):
        return [v["amount"] for v in self.reader(name, at).read([{"user": user} for user in users]).values]

    def statuses(self, users, at=0.0, name="spend"):
        found = self.reader(name, at).read([{"user": user} for user in users])
        return [status[name] for status in found.statuses]


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)
