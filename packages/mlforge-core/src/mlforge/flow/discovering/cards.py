"""What is known of each feature at a glance: from the manifest, and from the definitions where there are some."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from mlforge.model.feature import Feature
from mlforge.model.field import told
from mlforge.model.meta import Manifest, ManifestEntry
from mlforge.model.request import RequestFeature
from mlforge.model.schema import Column


class Card(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A feature at a glance.

    Args:
        name: The feature.
        latest: The version that readers get; None where nothing was built.
        built: When that was, in ISO 8601.
        rows: How many it has.
        columns: Its columns; those of a feature that was not built have no type.
        keys: The columns that say whom a row is about.
        entities: The entities that it is about.
        source: The name of what it is made of; empty where that is not known.
        description: What it is.
        owner: Who answers for it.
        tags: Words to find it by.
    """

    name: str
    latest: str | None = None
    built: str | None = None
    rows: int = 0
    columns: tuple[Column, ...] = ()
    keys: tuple[str, ...] = ()
    entities: tuple[str, ...] = ()
    source: str = ""
    description: str | None = None
    owner: str | None = None
    tags: tuple[str, ...] = ()


def cards(
    manifest: Manifest,
    features: Mapping[str, Feature] | None = None,
    requests: Mapping[str, RequestFeature] | None = None,
) -> tuple[Card, ...]:
    """A card for every feature, built or defined, in the order of their names."""
    found = {name: _of_entry(name, entry) for name, entry in manifest.features.items()}
    for name, feature in (features or {}).items():
        found[name] = _of_feature(feature, found.get(name) or Card(name))
    for name, request in (requests or {}).items():
        found[name] = _of_request(request)
    return tuple(found[name] for name in sorted(found))


def owners_of(found: Iterable[Card]) -> list[str]:
    """Everybody who answers for a feature, sorted."""
    return sorted({one.owner for one in found if one.owner})


def _of_entry(name: str, entry: ManifestEntry) -> Card:
    return Card(
        name, entry.latest, entry.updated_at, entry.row_count, entry.columns, entry.entity_keys, entry.entities,
        entry.source, entry.description, entry.owner, entry.tags,
    )  # fmt: skip


def _of_feature(feature: Feature, kept: Card) -> Card:
    """What was built, in the words of the definition, which are newer."""
    columns = kept.columns or _foreseen(feature)
    return msgspec.structs.replace(
        kept,
        columns=told(columns, feature.fields),
        keys=feature.shape.key_names,
        entities=tuple(e.name for e in feature.entities),
        source=feature.source.name,
        description=feature.description,
        owner=feature.owner,
        tags=feature.tags,
    )


def _foreseen(feature: Feature) -> tuple[Column, ...]:
    """The columns that a definition tells of before anything is built."""
    made = feature.plan.columns if feature.plan else ()
    known = {c.name: Column(c.name, "", description=c.description, unit=c.unit) for c in made}
    others = (*feature.derived, *(field.name for field in feature.fields))
    return tuple((known | {name: Column(name, "") for name in others if name not in known}).values())


def _of_request(request: RequestFeature) -> Card:
    columns = told([Column(name, "") for name in request.columns], request.fields)
    return Card(request.name, columns=columns, description=request.description, owner=request.owner, tags=request.tags)
