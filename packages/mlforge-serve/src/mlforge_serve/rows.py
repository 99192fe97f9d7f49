"""Rows as they are answered, made once: what a store gives again is answered with the same bytes again.

A store is asked for every request; only the way from its bytes to those of an answer is remembered, for as long as the
instant does not change what they mean.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain
from typing import Any

import msgspec

from mlforge.errors import Invalid
from mlforge.model.keys import BadKey
from mlforge.plugin import Asked, Entry, decode_entry
from mlforge_serve.answers import Form
from mlforge_serve.door import Vector

STATUSES = 1000
ROW = 400
"""About how many bytes a row takes beside what it is made of and what it says."""
RECORD = 33
GOING = 4
"""How many rows go for each that comes."""
Records = tuple[bytes | Entry | None, ...]
Owner = str | tuple[str, ...]
"""An entity by its key; by all of them, where features are about different ones."""


class Row(msgspec.Struct, frozen=True, gc=False):
    """An entity's values and their status by feature, encoded; from which instant on, and before which, that holds.

    `owner` is whose they are: none where nothing is kept of the entity. What stands at another's place is not theirs.
    """

    values: bytes
    status: bytes
    statuses: tuple[str, ...]
    since: int
    before: int
    owner: Owner | None


class Memory:
    """How much all rows of a process may take. Those that were not asked for lately go first, a few at a time.

    A third of it is for rows that were asked for since the last time it was full, one for those of the time before,
    one for those that go: to free many at once would hold up whoever asks meanwhile.
    """

    def __init__(self, limit: int) -> None:
        self._limit, self._used = limit // 3, 0
        self._owners: list[Rows] = []
        self._going: list[dict[Records, Row]] = []

    def own(self, rows: Rows) -> None:
        self._owners.append(rows)

    def disown(self, rows: Sequence[Rows]) -> None:
        """Let go of some rows, and of all that they know."""
        self._owners = [one for one in self._owners if one not in rows]
        for one in rows:
            one.age()
            one.age()

    def take(self, size: int) -> None:
        """Note what a new row takes. Where that is too much, what was not used since the last time goes."""
        self._let_go()
        self._used += size
        if self._used > self._limit:
            self._used = 0
            for one in self._owners:
                one.age()

    def free(self, rows: dict[Records, Row]) -> None:
        """Let go of some rows, soon."""
        self._going.append(rows)

    def _let_go(self) -> None:
        for _ in range(GOING):
            while self._going and not self._going[-1]:
                self._going.pop()
            if not self._going:
                return
            self._going[-1].popitem()


class Rows:
    """The rows of one combination of features in one format.

    Args:
        vector: How the answer for an entity is put together.
        form: How rows are written.
        memory: Where the rows of all combinations are counted.
    """

    def __init__(self, vector: Vector, form: Form, memory: Memory) -> None:
        self.form, self._memory = form, memory
        self._names, self._columns, self._answer = vector.names, vector.columns, vector.of
        self._statuses: dict[tuple[str, ...], tuple[bytes, tuple[str, ...]]] = {}
        self._young: dict[Records, Row] = {}
        self._old: dict[Records, Row] = {}
        memory.own(self)

    def age(self) -> None:
        """Let go of what was not used since the last time."""
        self._memory.free(self._old)
        self._old, self._young = self._young, {}

    def at(
        self,
        now: int,
        entities: Sequence[dict[str, Any]],
        asked: Sequence[Asked],
        kept: Sequence[Sequence[bytes | Entry | None]],
    ) -> list[Row]:
        """The rows of some entities, of what is kept of them by feature, and of what was sent.

        What is damaged is missing, and not remembered. Raises `BadKey` for values that cannot be computed.
        """
        together = list(zip(*kept, strict=True)) if kept else [()] * len(entities)
        owners = _owners(asked, len(entities))
        if Entry in map(type, chain.from_iterable(kept)):  # the store decodes by itself
            pairs = zip(together, owners, strict=True)
            return [self._made(now, entities, asked, number, *pair) for number, pair in enumerate(pairs)]
        known = self._young.get
        return [
            row
            if (row := known(one)) and row.since <= now < row.before and (row.owner == owner or row.owner is None)
            else self._row(now, entities, asked, number, one, owner)
            for number, one, owner in zip(range(len(together)), together, owners, strict=True)
        ]

    def _row(
        self, now: int, entities: Sequence[dict[str, Any]], asked: Sequence[Asked], number: int, records: Records,
        owner: Owner,
    ) -> Row:  # fmt: skip
        row = self._old.pop(records, None)
        if row is None or not row.since <= now < row.before or row.owner not in (owner, None):
            row = self._made(now, entities, asked, number, records, owner)
            if row.before == now + 1:  # it holds for this instant, or for what was sent, alone
                return row
        self._young[records] = row
        size = sum(map(len, filter(None, records)))  # type: ignore[arg-type] # no entries are remembered
        self._memory.take(size + len(row.values) + RECORD * len(records) + ROW)
        return row

    def _made(
        self, now: int, entities: Sequence[dict[str, Any]], asked: Sequence[Asked], number: int, records: Records,
        owner: Owner,
    ) -> Row:  # fmt: skip
        entries: list[Entry | None] = []
        damaged = False
        for (feature, keys), record in zip(asked, records, strict=True):
            entry: Any = record
            if type(record) is bytes:
                entry = decode_entry(record, feature, keys[number])
                damaged = damaged or entry is None
            entries.append(entry)
        try:
            values, statuses, since, before = self._answer(entries, entities[number], now)
        except Invalid as error:
            raise BadKey(error.message, error.hint or "", entity=number, what="value") from None
        before = since if damaged else before  # it is met, and counted, again
        whose = owner if any(record is not None for record in records) else None
        return Row(self.form.row(self._columns, values), *self._status(tuple(statuses)), since, before, whose)

    def _status(self, statuses: tuple[str, ...]) -> tuple[bytes, tuple[str, ...]]:
        """The status by feature, encoded, and as all rows with the same have it."""
        found = self._statuses.get(statuses)
        if found is None:
            if len(self._statuses) >= STATUSES:
                self._statuses.clear()
            document = self.form.document(dict(zip(self._names, statuses, strict=True)))
            found = self._statuses[statuses] = (document, statuses)
        return found


def _owners(asked: Sequence[Asked], count: int) -> Sequence[Owner]:
    """The entities, each by its keys; features that are about the same ones share a list of them."""
    lists = list({id(keys): keys for _, keys in asked}.values())
    if len(lists) == 1:
        return lists[0]
    return list(zip(*lists, strict=True)) if lists else [()] * count
