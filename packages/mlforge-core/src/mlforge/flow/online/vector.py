"""The answer for one entity, put together of entries: values, what is derived, what is computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlforge.flow.online.lookup import ALWAYS, NEVER, EntityRow, Lookup, ServedStatus
from mlforge.flow.online.requested import RequestLookup
from mlforge.plugin.online_stores import Entry

Answered = tuple[list[Any], list[ServedStatus], int, int]
"""Values, a status by feature, and the instants between which that holds."""


class Vector:
    """Features that are answered together.

    Args:
        lookups: The stored features.
        requests: The request features, whose columns come last.
    """

    def __init__(self, lookups: Sequence[Lookup], requests: Sequence[RequestLookup] = ()) -> None:
        every: list[Lookup | RequestLookup] = [*lookups, *requests]
        self.names = tuple(one.label for one in every)
        self.features = tuple(one.name for one in every)
        self.columns = tuple(name for one in every for name in one.columns.values())
        first: dict[str, int] = {}
        read = list(lookups)
        for place, one in enumerate(lookups):
            first.setdefault(one.place, place)
        for use in (use for one in requests for use in one.uses):
            if use.place not in first:
                first[use.place] = len(read)
                read.append(use)
        self.read = tuple(read)
        self._found = tuple(one.found for one in lookups)
        self._requests = tuple((one, [(use.stored, first[use.place]) for use in one.uses]) for one in requests)

    def of(self, entries: Sequence[Entry | None], row: EntityRow, now: int) -> Answered:
        """The answer, of an entry for each of the features to `read`, and of the row that was asked with.

        Raises `Invalid` for an integer that does not fit 64 bits.
        """
        values: list[Any] = []
        statuses: list[ServedStatus] = []
        since, before = ALWAYS, NEVER
        found = [look(entry, now) for look, entry in zip(self._found, entries, strict=False)]
        found += [
            one.found([stored(entries[place], now) for stored, place in uses], row, now) for one, uses in self._requests
        ]
        for part, status, starts, ends in found:
            values += part
            statuses.append(status)
            since, before = max(since, starts), min(before, ends)
        return values, statuses, since, before
