"""What is recorded beside the data: `.meta.json`, `_latest.json`, `manifest.json`. Nothing in it is ever executed."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any, Literal

import msgspec

from mlforge.errors import Invalid
from mlforge.model.expr import Expr
from mlforge.model.html import table
from mlforge.model.keys import Key
from mlforge.model.lineage import Lineage
from mlforge.model.plain import expression
from mlforge.model.quality import Quality
from mlforge.model.schema import Column, Schema, same_key_type
from mlforge.model.text import number_of


class Change(msgspec.Struct, frozen=True, rename={"bump": "bump_type"}):
    """Why a version got its number: `major`, `minor`, `patch`, `initial` or `explicit`, and the reason."""

    bump: str
    reason: str
    details: tuple[str, ...] = ()


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """A data file of a version: where below the feature's folder, its rows (-1: not known), bytes and SHA-256.

    A part of the role `gone` names, by keys and stamp, rows of earlier parts that are there no longer.
    """

    path: str
    rows: int
    bytes: int
    hash: str
    role: Literal["rows", "gone"] = "rows"

    @property
    def version(self) -> str:
        """The version that wrote it."""
        return self.path.split("/", 1)[0]


class Increment(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a version has more, or other, than the one it continues.

    Args:
        base: The version it continues; None for a first one.
        since: Events from here on were built, in microseconds since the Unix epoch; None: from the beginning.
        until: Up to, not including, here; None: to the end.
        rows: Rows that are new or replace others.
        gone: Rows that are there no longer.
    """

    base: str | None
    since: int | None = None
    until: int | None = None
    rows: int = 0
    gone: int = 0


class Recipe(msgspec.Struct, frozen=True, omit_defaults=True):
    """The part of a definition that decides values: what `config_hash` covers and `diff` compares."""

    keys: tuple[Key, ...]
    timestamp: str | None = None
    timestamp_column: str | None = None
    timestamp_format: str | None = None
    interval: str | None = None
    metrics: dict[str, Any] = {}
    tie_break: str | None = None
    timestamp_zone: str | None = None
    timestamp_nonexistent: Literal["raise", "forward"] = "raise"
    derived: dict[str, Any] = {}


class FeatureMeta(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One committed version of a feature.

    `content_hash` is for integrity; `schema_hash`, `config_hash`, `logic_hash` and `source_hash` tell changes.
    `logic_unknown` says what of the function `logic_hash` cannot cover.
    Times are ISO 8601 in UTC. `dropped_rows` counts the rows with a null key that were left out. `watermark` is the
    latest time of an event that was built, in microseconds since the Unix epoch. Parts may be those of earlier
    versions: a later part's rows replace earlier ones with the same keys and stamp. `key_types` has, for each surrogate
    key, the types of the columns it was made of; nothing where the function made it, or an earlier mlforge. `derived`
    are the columns that are computed of a row when it is asked for, as `config.derived` says; `columns` those that are
    stored. `quality` is what was measured of the rows; None where nothing was, or by an earlier mlforge. `lineage` is
    where the columns come from; None by an earlier mlforge, and in what is noted where it is served.
    """

    name: str
    version: str
    created_at: str
    updated_at: str
    row_count: int
    entity_keys: tuple[str, ...]
    timestamp: str | None
    interval: str | None
    columns: tuple[Column, ...]
    derived: tuple[Column, ...] = ()
    schema_hash: str
    config_hash: str
    logic_hash: str | None = None
    logic_unknown: tuple[str, ...] = ()
    source_hash: str | None = None
    content_hash: str = ""
    checks_hash: str = ""
    change_summary: Change | None = None
    config: Recipe
    parts: tuple[Part, ...] = ()
    increment: Increment | None = None
    watermark: int | None = None
    key_types: dict[str, dict[str, str]] = {}
    format: str = "parquet"
    dropped_rows: int = 0
    engine: str = ""
    mlforge_version: str = ""
    source: str = ""
    entities: tuple[str, ...] = ()
    max_age: str | None = None
    tags: tuple[str, ...] = ()
    description: str | None = None
    owner: str | None = None
    quality: Quality | None = None
    lineage: Lineage | None = None

    @property
    def schema(self) -> Schema:
        return Schema(self.columns)

    @property
    def keys(self) -> tuple[Key, ...]:
        return self.config.keys

    @property
    def identity(self) -> tuple[str, ...]:
        """The columns that tell rows apart: keys, then the stamp if there is one."""
        return self.entity_keys + ((self.timestamp,) if self.timestamp else ())

    @property
    def value_columns(self) -> tuple[str, ...]:
        """The columns that are stored and neither key nor timestamp."""
        return tuple(c.name for c in self.columns if c.name not in (*self.entity_keys, self.timestamp))

    @property
    def answered(self) -> Schema:
        """The columns that answers can have: those that are stored, then those that are derived of them."""
        stored = tuple(c for c in self.columns if c.name not in (*self.entity_keys, self.timestamp))
        return Schema((*stored, *self.derived))

    @property
    def expressions(self) -> dict[str, Expr]:
        """What the derived columns are computed with, by column."""
        return {name: expression(data) for name, data in self.config.derived.items()}

    def check_sources(self, key: Key, found: Mapping[str, str | None], where: str) -> None:
        """Raise `Invalid` for a column that would give other keys than those the version has, being of another type.

        Args:
            key: A surrogate key.
            found: The types of the columns to make it of; None where there is nothing but nulls.
            where: What these are columns of, such as `entity_df`.
        """
        for name, wanted in self.key_types.get(key.name, {}).items():
            dtype = found[name]
            if dtype is not None and not same_key_type(dtype, wanted):
                raise Invalid(
                    f"Column {name!r} of {where} is {dtype}, and the key {key.name!r} of feature {self.name!r} was "
                    f"made of {wanted}.",
                    hint=f"Cast {name!r} to {wanted}, or give {key.name!r} itself.",
                )

    def _repr_html_(self) -> str:
        rows = [(c.name, c.dtype, c.unit or "", c.description or "") for c in (*self.columns, *self.derived)]
        said = f"{self.row_count:,} rows, built {self.created_at} by {self.engine or 'an engine'}"
        return table(("column", "type", "unit", "meaning"), rows, caption=f"{self.name} {self.version}", note=said)


class VersionSummary(msgspec.Struct, frozen=True, omit_defaults=True):
    """A version in a list: when it was built, its rows, by which engine, and why."""

    version: str
    created_at: str
    row_count: int
    engine: str = ""
    change_summary: Change | None = None


class ManifestEntry(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """A feature in the manifest: its latest version, and which others there are.

    `history` has a summary of each, in the manifest of a store that is far away; otherwise it is empty.
    """

    latest: str
    versions: tuple[str, ...]
    row_count: int
    updated_at: str
    entity_keys: tuple[str, ...]
    columns: tuple[Column, ...]
    content_hash: str
    tags: tuple[str, ...] = ()
    description: str | None = None
    owner: str | None = None
    history: tuple[VersionSummary, ...] = ()
    entities: tuple[str, ...] = ()
    source: str = ""


class Manifest(msgspec.Struct, frozen=True):
    """Every feature of a store at a glance; always derivable from the versions' metadata."""

    generated_at: str
    features: dict[str, ManifestEntry]

    def _repr_html_(self) -> str:
        rows = [
            (name, e.latest, f"{len(e.versions):,}", f"{e.row_count:,}", ", ".join(e.tags), e.description or "")
            for name, e in self.features.items()
        ]
        heads = ("feature", "latest", "versions", "rows", "tags", "description")
        return table(heads, rows, caption=number_of(len(rows), "feature"), note=f"as of {self.generated_at}")


class Layer(msgspec.Struct, frozen=True):
    """The addresses of what one version wrote: its rows, and the keys and stamps of rows that it took away."""

    rows: tuple[str, ...]
    gone: tuple[str, ...] = ()


class Artifact(msgspec.Struct, frozen=True):
    """A committed version and where its data is: one address a part, for engines to read."""

    meta: FeatureMeta
    uris: tuple[str, ...]
    options: dict[str, Any] = {}

    @property
    def layers(self) -> tuple[Layer, ...]:
        """What each version wrote, oldest first. A row goes where a later layer has its keys and stamp.

        One layer where no earlier version's parts are used: its rows are the version's.
        """
        if not self.meta.parts:
            return (Layer(self.uris),)
        pairs = zip(self.meta.parts, self.uris, strict=True)
        return tuple(_layer(list(written)) for _, written in groupby(pairs, lambda pair: pair[0].version))


def _layer(written: list[tuple[Part, str]]) -> Layer:
    return Layer(*(tuple(uri for part, uri in written if part.role == role) for role in ("rows", "gone")))


class DataFile(msgspec.Struct, frozen=True):
    """A data file of a version about to be committed: where below the version's folder, its bytes and SHA-256."""

    path: str
    bytes: int
    hash: str

    @property
    def role(self) -> Literal["rows", "gone"]:
        """What is in it, by its name."""
        return "gone" if self.path.startswith("gone.") else "rows"


class Target(msgspec.Struct, frozen=True):
    """Where an engine writes before a commit: an address no reader sees. `token` is the store's own.

    What is written to `gone` are the keys and stamps of rows that are there no longer. `files` are those that were
    written where the store itself is, below the folder of `uri`.
    """

    name: str
    uri: str
    format: str = "parquet"
    options: dict[str, Any] = {}
    token: str = ""
    gone: str = ""
    files: tuple[DataFile, ...] = ()


class Written(msgspec.Struct, frozen=True):
    """What an engine wrote: how many rows and, where the store itself is, which files."""

    rows: int
    files: tuple[DataFile, ...] = ()
