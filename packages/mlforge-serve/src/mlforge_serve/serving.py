"""The two routes that serve values, in as few steps as there can be between a request's bytes and its answer's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from mlforge.model.keys import BadKey
from mlforge.plugin import Asked
from mlforge_serve.catalog import Answering, Catalog, Plan
from mlforge_serve.head import Head
from mlforge_serve.keys import Key
from mlforge_serve.metrics import OUTCOMES, Tally
from mlforge_serve.pieces import Piece
from mlforge_serve.problems import Problem
from mlforge_serve.requests import BatchRequest, Decoder, OnlineRequest, Request, bad_key, spec_of, typed
from mlforge_serve.settings import Limits

AT_ONCE = 1000
"""Entries that are decoded in one go; other requests get their turn in between."""
STATUSES = 1000
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
        answering = plan.answering[head.msgpack]
        found = await self._found(plan, answering, _asked(plan, (request.entity,), "entity"), 1)
        (values,), (status,) = _rows(plan, answering, found, 1)
        return plan, answering.form.answer(values, status, answering.versions)

    async def batch(self, head: Head, key: Key | None, body: bytes) -> tuple[Plan, bytes]:
        """Several features of many entities."""
        request = _batch(body, head.content_type)
        count = len(request.entities)
        _bound("entities", count, self.limits.entities)
        plan = self._plan(request, key)
        answering = plan.answering[head.msgpack]
        found = await self._found(plan, answering, _asked(plan, request.entities, "entities[{}]"), count)
        values, statuses = _rows(plan, answering, found, count)
        form = answering.form
        return plan, form.answer(form.array(values), form.array(statuses), answering.versions)

    async def _found(self, plan: Plan, answering: Answering, asked: Sequence[Asked], count: int) -> list[list[Piece]]:
        """For each feature the pieces of every entity's answer."""
        found: list[list[Piece]] = [[] for _ in asked]
        step = max(1, AT_ONCE // len(asked))
        for start in range(0, count, step):
            some = asked if count <= step else [(name, keys[start : start + step]) for name, keys in asked]
            kept, now = await plan.reader.akept(some), plan.reader.now()
            for column, pieces, (_, keys), one in zip(found, answering.pieces, some, kept, strict=True):
                column.extend(pieces.at(now, keys, one))
        for place, column in zip(plan.places, found, strict=True):
            self._count(self.tally.board.outcome(place), [piece[1] for piece in column])
        return found

    def _count(self, place: int, statuses: list[str]) -> None:
        left = len(statuses)
        for number, outcome in enumerate(OUTCOMES):
            if not left:
                break
            count = statuses.count(outcome)
            self.tally.add(place + number, count)
            left -= count

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


def _asked(plan: Plan, entities: Sequence[dict[str, Any]], where: str) -> list[Asked]:
    """For each feature the keys of the entities. Raises `Problem`."""
    if plan.dtypes or any(dict in map(type, entity.values()) for entity in entities):
        entities = [typed(entity, plan.dtypes, where.format(n)) for n, entity in enumerate(entities)]
    try:
        return plan.reader.asked(entities)
    except BadKey as error:
        raise bad_key(error, where.format(error.entity)) from None


def _rows(plan: Plan, answering: Answering, found: Sequence[Sequence[Piece]], count: int) -> tuple[list[bytes], ...]:
    """Each entity's row of values, and its status by feature."""
    runs = [[piece[0] for piece in found[number]] for number in plan.shown]
    values = answering.form.objects(zip(*runs, strict=True) if runs else [()] * count, plan.width)
    known = answering.statuses
    seen = zip(*([piece[1] for piece in column] for column in found), strict=True)
    return values, [known.get(one) or _learned(plan, answering, one) for one in seen]


def _learned(plan: Plan, answering: Answering, statuses: tuple[str, ...]) -> bytes:
    """The status by feature, encoded, and remembered: there are few."""
    known = answering.statuses
    if len(known) >= STATUSES:
        known.clear()
    return known.setdefault(statuses, answering.form.document(dict(zip(plan.names, statuses, strict=True))))
