"""Serving from Redis: a key an entity, written by scripts that let nothing older through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from types import TracebackType
from typing import Self

from mlforge.plugin import Address, Asked, Entry, decode_entry, encode_entry
from mlforge_redis.columns import Columns, portions, spread
from mlforge_redis.exchange import Command
from mlforge_redis.plugin import RedisStore
from mlforge_redis.scripts import OLDER, SWAP, WRITE
from mlforge_redis.server import Server
from mlforge_redis.settings import lifetime
from mlforge_redis.topology import Groups

_READ_KEYS, _PAGE = 10_000, 1000
_WRITE_ENTRIES, _WRITE_BYTES = 500, 1 << 20
_GLOB = str.maketrans({c: f"\\{c}" for c in "*?[]^-\\"})
_MONTH = 30 * 86_400_000_000
Batch = dict[str, tuple[int, str, bytes]]


class LiveRedisStore:
    """The live store: connections are made when they are needed."""

    def __init__(self, config: RedisStore) -> None:
        self._encoding, self._replicas = config.encoding, config.replicas
        self._prefix = f"{config.prefix}:"
        self._lifetime = lifetime(config.ttl)
        self._live, self._gone = _milliseconds(self._lifetime), _milliseconds(self._lifetime or _MONTH)
        self._server = Server(config)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.close()

    def read(self, addresses: Sequence[Address]) -> list[Entry | None]:
        found: list[Entry | None] = []
        for some in _parts(addresses):
            keys, groups = self._placed(some)
            found += _entries(some, groups, self._server.ask(_mgets(keys, groups), _firsts(keys, groups)))
        return found

    async def aread(self, addresses: Sequence[Address]) -> list[Entry | None]:
        found: list[Entry | None] = []
        for some in _parts(addresses):
            keys, groups = self._placed(some)
            found += _entries(some, groups, await self._server.aask(_mgets(keys, groups), _firsts(keys, groups)))
        return found

    def read_encoded(self, asked: Sequence[Asked]) -> list[Sequence[bytes | None]]:
        found: Columns = [[] for _ in asked]
        for some in portions(asked, _READ_KEYS):
            commands, firsts, groups = self._question(some)
            spread(found, some, groups, self._server.ask(commands, firsts))
        return [*found]

    async def aread_encoded(self, asked: Sequence[Asked]) -> list[Sequence[bytes | None]]:
        found: Columns = [[] for _ in asked]
        for some in portions(asked, _READ_KEYS):
            commands, firsts, groups = self._question(some)
            spread(found, some, groups, await self._server.aask(commands, firsts))
        return [*found]

    def _question(self, asked: Sequence[Asked]) -> tuple[list[Command], list[str], Groups]:
        """The commands that ask for some entities, a key of each, and the places of the answers."""
        prefix = self._prefix
        keys = [f"{prefix}{feature}:{key}" for feature, some in asked for key in some]
        groups = self._server.groups(keys)
        return _mgets(keys, groups), _firsts(keys, groups), groups

    async def aclose(self) -> None:
        await self._server.aclose()

    def write(self, entries: Iterable[Entry]) -> int:
        written, size = 0, 0
        batch: Batch = {}
        for entry in entries:
            key = f"{self._prefix}{entry.feature}:{entry.key}"
            if key in batch and batch[key][0] > entry.as_of:
                continue
            data = encode_entry(entry, self._encoding)
            batch[key] = entry.as_of, self._live if entry.points else self._gone, data
            size += len(data)
            if len(batch) >= _WRITE_ENTRIES or size >= _WRITE_BYTES:
                written += self._write(batch)
                batch, size = {}, 0
        return written + self._write(batch)

    def _write(self, batch: Batch) -> int:
        """Write a batch: a call for each instant, lifetime and group of keys."""
        calls: list[Command] = []
        firsts = []
        for (as_of, milliseconds), keys in _alike(batch).items():
            for group in self._server.groups(keys):
                some = [keys[p] for p in group]
                calls.append((len(some), *some, *_age(as_of), milliseconds, *[batch[k][2] for k in some]))
                firsts.append(some[0])
        return sum(self._server.run(WRITE, calls, firsts, replicas=self._replicas)) if calls else 0

    def older(self, feature: str, as_of: int) -> Iterator[str]:
        """Entities that keep something older. Keys of a store whose prefix goes on from here are not looked at."""
        start = f"{self._prefix}{feature}:"
        seen = {self._note(feature)}
        found = self._server.keys(f"{start.translate(_GLOB)}*")
        while page := list(islice(found, _PAGE)):
            keys = [k for k in dict.fromkeys(page) if k not in seen and ":" not in k[len(start) :]]
            addresses = [Address(feature, k.removeprefix(start)) for k in self._older(keys, as_of)]
            for entry in self.read(addresses):
                if entry is not None and entry.as_of < as_of:
                    seen.add(start + entry.key)
                    yield entry.key

    def _older(self, keys: Sequence[str], as_of: int) -> list[str]:
        """Those of some keys that keep something older, tombstones too."""
        if not keys:
            return []
        groups = self._server.groups(keys)
        calls: list[Command] = [(len(g), *[keys[p] for p in g], *_age(as_of)) for g in groups]
        answers = self._server.run(OLDER, calls, _firsts(keys, groups))
        return [keys[group[place]] for group, places in zip(groups, answers, strict=True) for place in places]

    def lifetime(self) -> int | None:
        return self._lifetime

    def read_note(self, feature: str) -> bytes | None:
        key = self._note(feature)
        note: bytes | None = self._server.ask([("GET", key)], [key])[0]
        return note

    def swap_note(self, feature: str, before: bytes | None, after: bytes) -> bool:
        key = self._note(feature)
        texts = (after,) if before is None else (after, before)
        return self._server.run(SWAP, [(1, key, *texts)], [key], again=False) == [1]

    def ping(self) -> None:
        self._server.ping()

    def _placed(self, addresses: Sequence[Address]) -> tuple[list[str], Groups]:
        """The keys of some addresses, and their places in groups that one command may name."""
        prefix = self._prefix
        keys = [f"{prefix}{a.feature}:{a.key}" for a in addresses]
        return keys, self._server.groups(keys)

    def _note(self, feature: str) -> str:
        return f"{self._prefix}{feature}:note"


def _parts(addresses: Sequence[Address]) -> Iterator[Sequence[Address]]:
    """As many as one command may name without holding up the server for others."""
    for start in range(0, len(addresses), _READ_KEYS):
        yield addresses[start : start + _READ_KEYS]


def _mgets(keys: Sequence[str], groups: Groups) -> list[Command]:
    return [("MGET", *[keys[p] for p in g]) for g in groups]


def _firsts(keys: Sequence[str], groups: Groups) -> list[str]:
    """A key of each group, which says where its command goes."""
    return [keys[g[0]] for g in groups]


def _entries(
    addresses: Sequence[Address], groups: Groups, answers: Sequence[Sequence[bytes | None]]
) -> list[Entry | None]:
    """What was found, at the places it was asked for; None for nothing and for tombstones."""
    if len(groups) == 1:
        return [None if data is None else _entry(data, a) for data, a in zip(answers[0], addresses, strict=True)]
    found: list[Entry | None] = [None] * len(addresses)
    for group, values in zip(groups, answers, strict=True):
        for place, data in zip(group, values, strict=True):
            found[place] = None if data is None else _entry(data, addresses[place])
    return found


def _entry(data: bytes, address: Address) -> Entry | None:
    entry = decode_entry(data, address.feature, address.key)
    return entry if entry and entry.points else None


def _alike(batch: Batch) -> dict[tuple[int, str], list[str]]:
    """The keys of a batch by what one call has once: the instant and the lifetime."""
    found: dict[tuple[int, str], list[str]] = {}
    for key, (as_of, milliseconds, _) in batch.items():
        found.setdefault((as_of, milliseconds), []).append(key)
    return found


def _milliseconds(micros: int | None) -> str:
    return "" if micros is None else str(micros // 1000)


def _age(as_of: int) -> tuple[bytes, str]:
    return as_of.to_bytes(8, signed=True), str(as_of)
