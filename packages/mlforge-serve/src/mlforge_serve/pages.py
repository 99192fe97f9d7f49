"""Every route that serves no values: whether the server lives, what it serves, what it counted, how it is asked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route, Router

from mlforge.model.feature_set import FeatureSet
from mlforge.model.schema import Column
from mlforge.plugin import damaged_entries
from mlforge_serve import door
from mlforge_serve.answers import FORMATS
from mlforge_serve.api_keys import SHUT, APIKey
from mlforge_serve.docs import page
from mlforge_serve.head import admit, keys_unavailable
from mlforge_serve.openapi import description
from mlforge_serve.problems import Problem
from mlforge_serve.serving import refuse_others
from mlforge_serve.settings import ServerSettings
from mlforge_serve.telemetry import TEXT, exposition, gauges

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_POLICY = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'", "x-frame-options": "DENY"}
Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]


def pages(settings: ServerSettings) -> Router:
    """The routes beside the two that serve values. What they raise is answered by whoever calls them."""
    routes = [
        Route("/health", _health), Route("/ready", _ready), Route("/features", _features),
        Route("/features/{name:path}", _feature), Route("/metrics", _metrics),
    ]  # fmt: skip
    if settings.docs:
        routes += [Route("/openapi.json", _openapi(settings)), Route("/docs", _docs(settings))]
    return Router(routes, redirect_slashes=False, default=_nothing)


async def _health(request: Request) -> Response:
    return _document(request, {"status": "alive"})


async def _ready(request: Request) -> Response:
    app, _ = request.scope["mlforge"]
    if app.keys is SHUT:
        raise keys_unavailable()
    try:
        await app.catalog.ping()
    except Exception:
        app.tally.up("mlforge_store_up", False)
        raise
    app.tally.up("mlforge_store_up", True)
    return _document(request, {"status": "ready", "features": len(app.catalog.lookups) + len(app.catalog.requests)})


async def _features(request: Request) -> Response:
    app, key = _admitted(request)
    catalog = app.catalog
    served = [*catalog.lookups.values(), *catalog.requests.values()]
    shown = [feature(one) for one in served if key is None or key.allows(one.name)]
    sets = [feature_set(s) for s in catalog.sets.values() if key is None or all(map(key.allows, s.names))]
    return _document(request, {"project": catalog.served.project, "features": shown, "sets": sets})


async def _feature(request: Request) -> Response:
    app, key = _admitted(request)
    name = request.path_params["name"]
    refuse_others(key, name.partition("@")[0])
    return _document(request, feature(await app.catalog.find(name)))


async def _metrics(request: Request) -> Response:
    if request.scope["app"].keys is SHUT:  # whoever watches the server has no key that holds, and has to hear of it
        return Response(gauges(request.scope["app"].tally.board), media_type=TEXT.decode())
    app, key = _admitted(request)
    if key is not None and key.features is not None:
        raise Problem("key_limited", "This API key is limited to features.", "Ask with one that is not.")
    app.tally.damage(damaged_entries())
    text = await asyncio.to_thread(exposition, app.tally.board)  # long where there are many features
    return Response(text, media_type=TEXT.decode())


async def _nothing(*_: Any) -> None:
    raise Problem("route_not_found", "There is nothing here.", "GET /features lists what POST /features/online serves.")


def _openapi(settings: ServerSettings) -> Endpoint:
    text = description(settings)

    async def endpoint(_: Request) -> Response:
        return Response(text, media_type="application/json")

    return endpoint


def _docs(settings: ServerSettings) -> Endpoint:
    text = page(settings)

    async def endpoint(_: Request) -> Response:
        return Response(text, media_type="text/html; charset=utf-8", headers=_POLICY)

    return endpoint


def feature(one: door.Lookup | door.RequestLookup) -> dict[str, Any]:
    """What is said of a feature."""
    return _computed(one) if isinstance(one, door.RequestLookup) else _stored(one)


def _computed(one: door.RequestLookup) -> dict[str, Any]:
    """A request feature: it has the keys of the features that it uses, and no version of its own."""
    made, keys = one.feature, {key["name"]: key for use in one.uses for key in _keys(use)}
    return {
        "name": made.name,
        "version": None,
        "description": made.description,
        "owner": made.owner,
        "tags": made.tags,
        "keys": list(keys.values()),
        "inputs": [{"name": name, "type": dtype} for name, dtype in made.inputs.items()],
        "uses": {use.name: use.publish.version for use in one.uses},
        "columns": _columns(one.schema),
        "max_age": None,
        "published_as_of": None,
        "exact_until": None,
    }


def _keys(one: door.Lookup) -> list[dict[str, Any]]:
    meta = one.meta
    return [{"name": k.name, "type": meta.schema.dtype(k.name), "made_of": k.sources} for k in meta.keys]


def _columns(columns: Iterable[Column]) -> list[dict[str, Any]]:
    return [{"name": c.name, "type": c.dtype, "description": c.description, "unit": c.unit} for c in columns]


def _stored(one: door.Lookup) -> dict[str, Any]:
    meta, publish = one.meta, one.publish
    return {
        "name": meta.name,
        "version": publish.version,
        "description": meta.description,
        "owner": meta.owner,
        "tags": meta.tags,
        "keys": _keys(one),
        "inputs": [],
        "uses": {},
        "columns": _columns(meta.answered),
        "max_age": meta.max_age,
        "published_as_of": _shown(publish.as_of),
        "exact_until": None if publish.until is None else _shown(publish.until),
    }  # fmt: skip


def feature_set(one: FeatureSet) -> dict[str, Any]:
    """What is said of a feature set."""
    members = [{"name": s.name, "version": s.version, "columns": s.columns} for s in one.specs]
    return {
        "name": one.name, "description": one.description, "owner": one.owner, "tags": one.tags, "features": members,
    }  # fmt: skip


def _shown(micros: int) -> str:
    return (EPOCH + timedelta(microseconds=micros)).isoformat().replace("+00:00", "Z")


def _admitted(request: Request) -> tuple[Any, APIKey | None]:
    app, head = request.scope["mlforge"]
    return app, admit(app.keys, head)


def _document(request: Request, document: Any) -> Response:
    _, head = request.scope["mlforge"]
    form = FORMATS[head.msgpack]
    return Response(form.document(document), media_type=form.kind.decode())
