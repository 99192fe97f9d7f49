"""The two routes that serve values, in as few steps as there can be between a request's bytes and its answer's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from mlforge.errors import Invalid
from mlforge_serve.answers import count_outcomes, encode_answer, encode_row
from mlforge_serve.catalog import Catalog, Plan
from mlforge_serve.head import Head
from mlforge_serve.keys import Key
from mlforge_serve.metrics import OUTCOMES, Tally
from mlforge_serve.problems import Problem
from mlforge_serve.requests import BatchRequest, Decoder, OnlineRequest, Request, spec_of, typed
from mlforge_serve.settings import Limits

AT_ONCE = 1000
"""Entries that are decoded in one go; other requests get their turn in between."""
_online = Decoder(OnlineRequest).decode
_batch = Decoder(BatchRequest).decode
Receive = Callable[[], Awaitable[dict[str, Any]]]


class ClientGone(Exception):
    """The client closed the connection before its request was whole."""


class Serving:
    """Answers requests for values."""

    def __init__(self, catalog: Catalog, limits: Limits, tally: Tally) -> None:
        self.catalog, self.limits, self.tally = catalog, limits, tally

    async def online(self, head: Head, key: Key | None, body: bytes) -> tuple[Plan, bytes]:
        """Several features of one entity."""
        request = _online(body, head.content_type)
        plan = self._plan(request, key)
        entity = _ready(request.entity, plan, "entity")
        found = await plan.reader.aread((entity,))
        (status,), tally = found.statuses, self.tally
        for name, place in zip(plan.names, plan.places, strict=True):
            tally.add(tally.board.outcome(place) + OUTCOMES.index(status[name]))
        msgpack = head.msgpack
        return plan, encode_answer(plan, encode_row(found.values[0], msgpack), status, msgpack)

    async def batch(self, head: Head, key: Key | None, body: bytes) -> tuple[Plan, bytes]:
        """Several features of many entities."""
        request = _batch(body, head.content_type)
        _bound("entities", len(request.entities), self.limits.entities)
        plan, msgpack = self._plan(request, key), head.msgpack
        rows = tuple(_ready(e, plan, f"entities[{n}]") for n, e in enumerate(request.entities))
        step = max(1, AT_ONCE // len(plan.names))
        values: list[msgspec.Raw] = []
        statuses: list[dict[str, str]] = []
        for start in range(0, len(rows), step):
            found = await self._part(plan, rows, start, start + step)
            values += [encode_row(row, msgpack) for row in found.values]
            statuses += found.statuses
        for place, counts in zip(plan.places, count_outcomes(plan.names, statuses, OUTCOMES), strict=True):
            for number, count in enumerate(counts):
                self.tally.add(self.tally.board.outcome(place) + number, count)
        return plan, encode_answer(plan, values, statuses, msgpack)

    async def _part(self, plan: Plan, rows: tuple[dict[str, Any], ...], start: int, end: int) -> Any:
        try:
            return await plan.reader.aread(rows[start:end])
        except Invalid:
            if start:  # the same again, with the entities' own numbers: a wrong key is told before anything is read
                await plan.reader.aread(rows[:end])
            raise

    def _plan(self, request: Request, key: Key | None) -> Plan:
        """How to read what is asked, if whoever asks may."""
        _bound("features", len(request.features), self.limits.features)
        if not request.features:
            raise Problem("invalid_request", "No feature is named.", "Name at least one.", field="features")
        if key is not None and key.features is not None:
            for one in request.features:
                refuse_others(key, spec_of(one).name)
        return self.catalog.plan((request.features, request.full_names))


def refuse_others(key: Key | None, feature: str) -> None:
    """Raise `Problem` where a key is limited to other features, whether this one exists or not."""
    if key is not None and not key.allows(feature):
        raise Problem(
            "key_limited", f"This API key may not read {feature!r}.", "GET /features lists what it may.",
            field="features",
        )  # fmt: skip


async def read_body(head: Head, receive: Receive, limit: int) -> bytes:
    """The whole body. Raises `Problem` where it is longer than it may be, `ClientGone` where it does not come."""
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


def _ready(entity: dict[str, Any], plan: Plan, where: str) -> dict[str, Any]:
    """An entity with its keys in their own types."""
    if plan.dtypes or dict in map(type, entity.values()):
        return typed(entity, plan.dtypes, where)
    return entity
