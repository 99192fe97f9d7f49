"""The description of the interface: OpenAPI 3.1, made once."""

from __future__ import annotations

from typing import Any

import msgspec

from mlforge_serve.__about__ import __version__
from mlforge_serve.problems import CODES, title
from mlforge_serve.settings import Limits, ServerSettings

JSONSchema = dict[str, Any]
_COMMON = (401, 429, 500, 503)
_SERVING = (400, 401, 403, 404, 408, 413, 415, 422, 429, 500, 503, 504)
VALUE: JSONSchema = {"description": "A value of the column's type, or null."}
STATUS: JSONSchema = {"type": "string", "enum": ["present", "missing", "expired", "stale"]}
VERSION = r"^(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})$"
# What strip() takes for blank, letter by letter: a regular expression's \s means other letters in each language.
BLANK = r"\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
NAME = rf"^[^@]*[^@{BLANK}][^@]*(@{VERSION[1:-1]})?$"


def description(settings: ServerSettings) -> bytes:
    """The document, as JSON."""
    return msgspec.json.encode(document(settings))


def document(settings: ServerSettings) -> JSONSchema:
    """The document."""
    found: JSONSchema = {
        "openapi": "3.1.0",
        "info": {
            "title": settings.title, "version": __version__,
            "description": "Feature values, as they were published. Read-only.",
        },
        "paths": _paths(),
        "components": {"schemas": _schemas(settings.limits), "responses": _responses()},
    }  # fmt: skip
    if settings.key_file is not None:
        found["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
        for path, methods in found["paths"].items():
            for operation in methods.values():
                operation["security"] = [] if path in ("/health", "/ready") else [{"key": []}]
    return found


def _paths() -> JSONSchema:
    return {
        "/features/online": {"post": _asking("Several features of one entity", "online", "Online")},
        "/features/batch": {"post": _asking("Several features of many entities", "batch", "Batch")},
        "/features": {"get": _showing("What is served", "features", "Features", _COMMON)},
        "/features/{name}": {"get": _one_feature()},
        "/health": {"get": _showing("Whether the server lives", "health", "Health", (500,))},
        "/ready": {"get": _showing("Whether requests for values can be answered", "ready", "Ready", (500, 503, 504))},
        "/metrics": {"get": {
            "summary": "What was counted, for Prometheus", "operationId": "metrics",
            "responses": {
                "200": {"description": "Text", "content": {"text/plain": {"schema": {"type": "string"}}}},
                **_refusals((401, 403, 429, 500, 503)),
            },
        }},
    }  # fmt: skip


def _asking(summary: str, name: str, schema: str) -> JSONSchema:
    kinds = ("application/json", "application/msgpack")
    asked = {"application/json": {"schema": _named(f"{schema}Request")}}
    given = {kind: {"schema": _named(f"{schema}Answer")} for kind in kinds}
    return {
        "summary": summary,
        "description": "Bodies may be MessagePack too (`Content-Type: application/msgpack`).",
        "operationId": name,
        "requestBody": {"required": True, "content": asked},
        "responses": {"200": {"description": "The values", "content": given}, **_refusals(_SERVING)},
    }  # fmt: skip


def _showing(summary: str, name: str, schema: str, refusals: tuple[int, ...]) -> JSONSchema:
    kinds = ("application/json", "application/msgpack")
    content = {kind: {"schema": _named(schema)} for kind in kinds}
    return {
        "summary": summary,
        "operationId": name,
        "responses": {"200": {"description": "As asked", "content": content}, **_refusals(refusals)},
    }


def _one_feature() -> JSONSchema:
    shown = _showing("One feature", "feature", "Feature", (401, 403, 404, 422, 429, 500, 503))
    return shown | {"parameters": [{"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}]}


def _refusals(statuses: tuple[int, ...]) -> JSONSchema:
    return {str(status): {"$ref": f"#/components/responses/{status}"} for status in statuses}


def _responses() -> JSONSchema:
    return {
        str(status): {
            "description": title(status),
            "content": {"application/problem+json": {"schema": _named("Problem")}},
        }
        for status in sorted(set(CODES.values()))
    }


_NAMED = {"type": "string", "minLength": 1}
_TEXT, _TEXTS = {"type": "string"}, {"type": "array", "items": {"type": "string"}}
_MAYBE = {"type": ["string", "null"]}
_ROW = {"type": "object", "additionalProperties": VALUE}
_STATUS, _VERSIONS = ({"type": "object", "additionalProperties": s} for s in (STATUS, _TEXT))


def _schemas(limits: Limits) -> JSONSchema:
    return _requests(limits) | _answers() | _features() | _states()


def _requests(limits: Limits) -> JSONSchema:
    entity = {
        "type": "object",
        "description": "The key columns, and the inputs of request features; others are ignored.",
        "examples": [{"user_id": 1}],
    }
    entities = {"type": "array", "maxItems": limits.entities, "items": entity}
    asked, either = _asked(limits), [{"required": ["features"]}, {"required": ["set"]}]
    return {
        "OnlineRequest": _object({**asked, "entity": entity}, required=["entity"]) | {"oneOf": either},
        "BatchRequest": _object({**asked, "entities": entities}, required=["entities"]) | {"oneOf": either},
    }


def _asked(limits: Limits) -> JSONSchema:
    """What is asked for: features or a set, and how columns are called."""
    number = {"type": "string", "pattern": VERSION, "examples": ["1.0.0"]}
    some = {"type": "array", "minItems": 1, "items": _NAMED}
    chosen = {"version": {"anyOf": [number, {"type": "null"}]}, "columns": {"anyOf": [some, {"type": "null"}]}}
    pick = _object({"name": _NAMED | {"pattern": f"[^{BLANK}]"}, **chosen}, required=["name"])
    return {
        "features": {
            "type": "array", "minItems": 1, "maxItems": limits.features,
            "items": {"anyOf": [_NAMED | {"pattern": NAME}, pick]},
            "description": "Features, or sets of them by their names.",
        },
        "set": {"type": "string", "minLength": 1, "description": "A feature set, instead of features."},
        "full_names": {
            "type": "boolean", "default": False,
            "description": "Call columns {feature}__{column}, or {feature}@{version}__{column} of several versions.",
        },
    }  # fmt: skip


def _answers() -> JSONSchema:
    rows, statuses = ({"type": "array", "items": one} for one in (_ROW, _STATUS))
    return {
        "OnlineAnswer": _object({"values": _ROW, "status": _STATUS, "versions": _VERSIONS}),
        "BatchAnswer": _object({"values": rows, "status": statuses, "versions": _VERSIONS}),
    }


def _features() -> JSONSchema:
    key = _object({"name": _TEXT, "type": _TEXT, "made_of": _TEXTS})
    column = _object({"name": _TEXT, "type": _TEXT, "description": _MAYBE, "unit": _MAYBE})
    feature = {
        "name": _TEXT, "version": _MAYBE, "description": _MAYBE, "owner": _MAYBE, "tags": _TEXTS,
        "keys": {"type": "array", "items": key}, "columns": {"type": "array", "items": column},
        "inputs": {"type": "array", "items": _object({"name": _TEXT, "type": _TEXT})}, "uses": _VERSIONS,
        "max_age": _MAYBE, "published_as_of": _MAYBE, "exact_until": _MAYBE,
    }  # fmt: skip
    members, features, sets = ({"type": "array", "items": _named(name)} for name in ("Member", "Feature", "FeatureSet"))
    return {
        "Feature": _object(feature),
        "FeatureSet": _object(
            {"name": _TEXT, "description": _MAYBE, "owner": _MAYBE, "tags": _TEXTS, "features": members}
        ),
        "Member": _object({"name": _TEXT, "version": _MAYBE, "columns": {"anyOf": [_TEXTS, {"type": "null"}]}}),
        "Features": _object({"project": _TEXT, "features": features, "sets": sets}),
    }


def _states() -> JSONSchema:
    return {
        "Health": _object({"status": {"const": "alive"}}),
        "Ready": _object({"status": {"const": "ready"}, "features": {"type": "integer"}}),
        "Problem": {
            "type": "object",
            "properties": {
                "type": _TEXT, "title": _TEXT, "status": {"type": "integer"}, "code": {"enum": list(CODES)},
                "detail": _TEXT, "hint": _TEXT, "field": _TEXT, "limit": {"type": "number"},
            },
            "required": ["type", "title", "status", "code", "detail", "hint"],
        },
    }  # fmt: skip


def _object(properties: JSONSchema, required: list[str] | None = None) -> JSONSchema:
    return {
        "type": "object", "properties": properties, "required": list(properties) if required is None else required,
        "additionalProperties": False,
    }  # fmt: skip


def _named(name: str) -> JSONSchema:
    return {"$ref": f"#/components/schemas/{name}"}
