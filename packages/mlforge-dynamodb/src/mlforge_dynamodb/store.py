"""Serving from DynamoDB: an item an entity, each put under the condition that nothing newer is there."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from types import TracebackType
from typing import Self

from mlforge.plugin import Address, Entry
from mlforge_dynamodb.client import EXPIRES
from mlforge_dynamodb.items import SHARDS, Item, entry_of, item_of, note_of, place_of, refuse_large, shard
from mlforge_dynamodb.plugin import DynamoDBStore
from mlforge_dynamodb.table import BATCH, Table

_WINDOW = 1000
_MONTH = 30 * 86_400
_NOT_NEWER = "attribute_not_exists(as_of) OR as_of <= :as_of"
_OLDER = f"as_of < :as_of AND attribute_not_exists(gone) AND (attribute_not_exists({EXPIRES}) OR {EXPIRES} > :now)"


class LiveDynamoDBStore:
    """The live store: connections are made when they are needed."""

    def __init__(self, config: DynamoDBStore) -> None:
        self._workers, self._ttl = config.workers, config.ttl_seconds
        self.table = Table(config)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.table.close()

    def read(self, addresses: Sequence[Address]) -> list[Entry | None]:
        keys = [place_of(a) for a in dict.fromkeys(addresses)]
        parts = [keys[start : start + BATCH] for start in range(0, len(keys), BATCH)]
        now = time.time()
        entries = (entry_of(item, now) for items in self._all(parts) for item in items)
        found = {e.address: e for e in entries if e is not None}
        return [found.get(a) for a in addresses]

    def _all(self, parts: Sequence[Sequence[Item]]) -> list[list[Item]]:
        if len(parts) < 2:
            return [self.table.get_many(p) for p in parts]
        with ThreadPoolExecutor(min(self._workers, len(parts))) as pool:
            return list(pool.map(self.table.get_many, parts))

    def write(self, entries: Iterable[Entry]) -> int:
        written, rest = 0, iter(entries)
        with ThreadPoolExecutor(self._workers) as pool:
            while window := list(islice(rest, _WINDOW)):
                items = [item_of(e, self._expires(e)) for e in _newest(window)]
                written += sum(pool.map(self._put, items))
        return written

    def _expires(self, entry: Entry) -> int | None:
        """The second after which an entry is forgotten: a tombstone always is some day."""
        seconds = self._ttl if entry.points else self._ttl or _MONTH
        return None if seconds is None else math.ceil(time.time()) + seconds

    def _put(self, item: Item) -> bool:
        return self.table.put(item, _NOT_NEWER, {":as_of": item["as_of"]})

    def older(self, feature: str, as_of: int) -> Iterator[str]:
        values: Item = {":as_of": {"N": str(as_of)}, ":now": {"N": str(int(time.time()))}}
        for start in SHARDS:
            for item in self.table.query(shard(feature, start), _OLDER, values):
                yield item["sk"]["S"]

    def lifetime(self) -> int | None:
        return None if self._ttl is None else self._ttl * 1_000_000

    def read_note(self, feature: str) -> bytes | None:
        item = self.table.get(note_of(feature))
        return None if item is None else item.get("body", {}).get("B", b"")

    def swap_note(self, feature: str, before: bytes | None, after: bytes) -> bool:
        refuse_large(after, feature, "its note")
        item: Item = note_of(feature) | {"body": {"B": after}}
        if before is None:
            return self.table.swap(item, "attribute_not_exists(pk)", {})
        return self.table.swap(item, "body = :before", {":before": {"B": before}})

    def ping(self) -> None:
        self.table.get(note_of("ping"))


def _newest(entries: Sequence[Entry]) -> list[Entry]:
    """Of each address the entry that stays: the one with the greatest instant, of equal ones the last."""
    found: dict[Address, Entry] = {}
    for entry in entries:
        there = found.get(entry.address)
        if there is None or there.as_of <= entry.as_of:
            found[entry.address] = entry
    return list(found.values())
