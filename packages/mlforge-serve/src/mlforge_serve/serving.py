"""The two routes that serve values, in as few steps as there can be between a request's bytes and its answer's."""

from __future__ import annotations

from asyncio import sleep
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Any

from msgspec import UNSET

from mlforge.errors import Invalid
from mlforge.model.keys import BadKey
from mlforge.plugin import Asked, Entry, damaged_entries
from mlforge_serve.api_keys import APIKey
from mlforge_serve.catalog import Catalog, Plan
from mlforge_serve.head import Head
from mlforge_serve.notes import Unwatched
from mlforge_serve.problems import Problem
from mlforge_serve.requests import BatchRequest, Decoder, OnlineRequest, Request, bad_key, typed
from mlforge_serve.rows import Row, Rows
from mlforge_serve.settings import Limits
from mlforge_serve.telemetry import OUTCOMES, Tally

AT_ONCE = 1000
"""Entries that are decoded in one go; other requests get their turn in between."""
_online = Decoder(OnlineRequest).decode
_batch = Decoder(BatchRequest).decode
Sent = Sequence[dict[str, Any]]
Part = tuple[int, Sent, list[Asked], Sequence[Sequence[bytes | Entry | None]]]
"""Entities that are read in one go: the number of the first, what was sent, what is asked, what is kept."""
Receive = Callable[[], Awaitable[dict[str, Any]]]


class ClientGone(Exception):
    """The client closed the connection before its request was whole."""


class Serving:
    """Answers requests for values."""

    def __init__(self, catalog: Catalog, limits: Limits, tally: Tally) -> None:
        self.catalog, self.limits, self.tally = catalog, limits, tally

    async def online(self, head: Head, key: APIKey | None, body: bytes) -> tuple[Plan, bytes]:
        """Several features of one entity."""
        request = _online(body, head.content_type)
        plan, msgpack = await self._planned(request, key), head.msgpack
        rows = plan.rows[msgpack]
        (row,) = await self._found(plan, rows, (request.entity,), "entity")
        return plan, rows.form.answer(row.values, row.status, plan.versions[msgpack])

    async def batch(self, head: Head, key: APIKey | None, body: bytes) -> tuple[Plan, bytes]:
        """Several features of many entities."""
        request = _batch(body, head.content_type)
        _bound("entities", len(request.entities), self.limits.entities)
        plan, msgpack = await self._planned(request, key), head.msgpack
        rows = plan.rows[msgpack]
        found = await self._found(plan, rows, request.entities, "entities[{}]")
        values, statuses = [row.values for row in found], [row.status for row in found]
        return plan, rows.form.answers(values, statuses, plan.versions[msgpack])

    async def _found(self, plan: Plan, rows: Rows, entities: Sequence[dict[str, Any]], where: str) -> list[Row]:
        """The row of each entity."""
        found: list[Row] = []
        step = max(1, AT_ONCE // len(plan.names))
        parts: list[Part] = []
        for start in range(0, len(entities), step):
            sent, asked = _asked(plan, entities[start : start + step], where, start)
            parts.append((start, sent, asked, await plan.reader.akept(asked)))
        now = plan.reader.now()  # one instant for all, once the last entry is read
        for start, sent, asked, kept in parts:
            if start:
                await sleep(0)
            try:
                found += rows.at(now, sent, asked, kept)
            except BadKey as error:
                raise bad_key(error, where.format(start + error.entity)) from None
        self._count(plan, found)
        return found

    def _count(self, plan: Plan, found: Sequence[Row]) -> None:
        for statuses, times in Counter([row.statuses for row in found]).items():
            if "missing" in statuses:  # what is damaged is
                self.tally.damage(damaged_entries())
            for place, status in zip(plan.places, statuses, strict=True):
                self.tally.add(self.tally.board.outcome(place) + OUTCOMES.index(status), times)

    async def _planned(self, request: Request, key: APIKey | None) -> Plan:
        """How to read what is asked, if whoever asks may. Versions nobody asked for before are looked for first."""
        while True:
            try:
                return self._plan(request, key)
            except Unwatched as missing:
                await self.catalog.watch(missing.place)

    def _plan(self, request: Request, key: APIKey | None) -> Plan:
        features = request.features if request.set is UNSET else self._set(request)
        if features is UNSET or not features:
            raise Problem("invalid_request", "No feature is named.", "Name at least one, or a set.", field="features")
        _bound("features", len(features), self.limits.features)
        if key is not None and key.features is not None:
            for one in features:
                for spec in self.catalog.members(one):
                    refuse_others(key, spec.name)
        return self.catalog.plan((features, request.full_names))

    def _set(self, request: Request) -> tuple[str]:
        if request.features is not UNSET:
            raise Problem("invalid_request", "Both features and a set are named.", "Name one of them.", field="set")
        name = str(request.set)
        if name not in self.catalog.sets:
            raise Problem(
                "feature_not_found", f"There is no feature set {name!r} here.", "GET /features lists them.",
                field="set",
            )  # fmt: skip
        return (name,)


def refuse_others(key: APIKey | None, feature: str) -> None:
    """Raise `Problem` where a key is limited to other features, whether this one exists or not."""
    if key is not None and not key.allows(feature):
        raise Problem(
            "key_limited", f"This API key may not read {feature!r}.", "GET /features lists what it may.",
            field="features",
        )  # fmt: skip


async def read_body(head: Head, receive: Receive, limit: int) -> bytes:
    """The whole body. Raises `Problem` where it is encoded or too long, `ClientGone` where it does not come."""
    if head.encoding:
        raise Problem(
            "unsupported_media_type", f"A body that is encoded as {head.encoding.decode('latin-1')!r} is not read.",
            "Send it as it is, without compressing it.", field="body",
        )  # fmt: skip
    if head.length > limit:
        raise _too_large(limit)
    message = await receive()
    if not message.get("more_body") and message["type"] == "http.request":
        body: bytes = message["body"]
        return _within(body, limit)
    parts, size = [], 0
    while message["type"] == "http.request":
        parts.append(message["body"])
        size += len(message["body"])
        if size > limit:
            raise _too_large(limit)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()
    raise ClientGone


def _within(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _too_large(limit: int) -> Problem:
    return Problem(
        "body_too_large", f"The body is larger than {limit} bytes.", "Ask for fewer entities at once.",
        field="body", limit=limit,
    )  # fmt: skip


def _bound(field: str, count: int, limit: int) -> None:
    if count > limit:
        raise Problem(
            f"too_many_{field}", f"{count} {field} are asked for, and {limit} are answered at once.",
            "Ask several times.", field=field, limit=limit,
        )  # fmt: skip


def _asked(plan: Plan, entities: Sequence[dict[str, Any]], where: str, first: int) -> tuple[Sent, list[Asked]]:
    """The entities, the first of which has a number, and for each feature their keys. Raises `Problem`."""
    if not plan.dtypes:
        with suppress(Invalid):  # a value may say its type itself: told below, or read as what it says
            return entities, plan.reader.asked(entities, first)
    try:
        ready = [typed(e, plan.given, plan.dtypes, where.format(n)) for n, e in enumerate(entities, first)]
        return ready, plan.reader.asked(ready, first)
    except BadKey as error:
        raise bad_key(error, where.format(error.entity)) from None
