"""The live store: versions in tables of Unity Catalog, and what is recorded of them in a table beside.

A commit writes the rows to where they are read, which no reader knows yet; then one statement creates the version's row
in `_mlforge_metadata` and replaces the pointer, if it is still what was read. A lost race changes nothing.
"""

from __future__ import annotations

import logging
import os
import time
from contextlib import suppress
from types import TracebackType
from typing import Self

import msgspec

from mlforge.errors import Conflict, Invalid, NotFound, Unsupported
from mlforge.model.meta import Artifact, FeatureMeta, Manifest, Part, Target
from mlforge.model.version import Version
from mlforge.plugin import Leftover, Pruned, layout
from mlforge_databricks import address, metadata
from mlforge_databricks.address import Table
from mlforge_databricks.adorning import adorn
from mlforge_databricks.failures import Refused, is_absent, is_vacuumed
from mlforge_databricks.fetching import fetch
from mlforge_databricks.metadata import LATEST, MANIFEST, PRUNED, VERSION, Metadata, Record
from mlforge_databricks.plugin import UnityCatalogStore
from mlforge_databricks.runner import statements_of
from mlforge_databricks.staged import Staged
from mlforge_databricks.statements import Statements
from mlforge_databricks.tables import Contents, Tables

FORMATS = ("delta", "parquet")
_log = logging.getLogger("mlforge.databricks")


def open_store(config: UnityCatalogStore) -> LiveUnityCatalogStore:
    """The store. Nothing is asked of Databricks yet."""
    return LiveUnityCatalogStore(config, statements_of(config))


class LiveUnityCatalogStore:
    """Its methods are those of `Store`, `PruningStore` and the other protocols."""

    def __init__(self, config: UnityCatalogStore, statements: Statements) -> None:
        place, form = (config.catalog, config.schema), config.table_format
        self.statements = statements
        self.tables = Tables(statements, *place, form, config.table_per_version)
        self.metadata = Metadata(statements, *place, form)
        self._staged = Staged(statements, self.tables, (*place, config.volume), form)
        self._config = config

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._staged.close()
        self.statements.close()

    def names(self) -> list[str]:
        return sorted(self.metadata.column("feature", VERSION))

    def versions(self, name: str) -> list[str]:
        return sorted(self.metadata.column("version", VERSION, layout.safe_name(name)), key=Version.parse)

    def latest(self, name: str) -> str | None:
        held = self._pointer(name)
        try:
            return None if held is None else self._pointed(held)
        except Invalid as error:
            raise layout.led_out(error, lambda: self._way_out(name)) from error

    def pointers(self) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        for held in self.metadata.all(LATEST):
            try:
                found[held.feature] = self._pointed(held)
            except Invalid:
                found[held.feature] = None
        return found

    def _pointer(self, name: str) -> Record | None:
        return self.metadata.read(LATEST, layout.safe_name(name))

    def _pointed(self, held: Record) -> str:
        return layout.decode(held.data, layout.Pointer, self._where(held)).version

    def _where(self, record: Record) -> str:
        return " ".join(filter(None, (self.metadata.where, record.kind, record.feature, record.version)))

    def begin(self, name: str, format: str) -> Target:
        layout.safe_name(name)
        if format not in FORMATS:
            raise Unsupported(f"The store keeps no {format!r} files.", hint=f"It takes {' and '.join(FORMATS)}.")
        self.metadata.make()
        return self._staged.begin(name, format)

    def commit(self, target: Target, meta: FeatureMeta, expected: str | None) -> FeatureMeta:
        Version.parse(meta.version)
        if meta.name != target.name:
            raise Invalid(f"Metadata of {meta.name!r} cannot be committed to {target.name!r}.", hint="Begin it anew.")
        _refuse_types(meta)
        self._refuse_rivals(meta, expected)
        table, size = self._written(target, meta, expected)
        whole = _complete(meta, self.tables.contents(table), size)
        self._show(whole, table, self._refuse_rivals(meta, expected))  # again: writing may have taken long
        self._discard(target, kept=table)
        adorn(self.statements, table, whole)
        return whole

    def _written(self, target: Target, meta: FeatureMeta, expected: str | None) -> tuple[Table, int]:
        """Where the rows are now, and how many bytes they have."""
        base = self._base(meta, expected)
        with self._staged.rows(target, grows=base is not None) as rows:
            return self.tables.write(meta, self._staged.table(target), rows, base)

    def _base(self, meta: FeatureMeta, expected: str | None) -> Table | None:
        """Where the version is that this one continues: the latest, or its parts would be others."""
        if not meta.parts:
            return None
        held = self.metadata.read(VERSION, meta.name, expected or "")
        if held is None or held.table is None or _places(self._decoded(held)) != _places(meta):
            raise Conflict(f"{meta.name!r} continues a version that is not {expected}.", hint="Build it again.")
        return held.table

    def _refuse_rivals(self, meta: FeatureMeta, expected: str | None) -> Record | None:
        """Raise `Conflict` for a number that is taken, or a pointer that is not as expected; else the pointer."""
        asked = " AND ".join((metadata.of_feature(meta.name), metadata.of_versions(meta.version, "")))
        there = {record.kind: record for record in self.metadata.find(asked)}
        if VERSION in there:
            raise _taken(meta)
        if PRUNED in there:
            raise Conflict(
                f"{meta.name!r} had a version {meta.version}, which was removed.",
                hint="Choose a number that was never taken.",
            )
        held = there.get(LATEST)
        latest = None if held is None else self._pointed(held)
        if latest != expected:
            raise _moved(meta.name, latest, expected)
        return held

    def _show(self, meta: FeatureMeta, table: Table, seen: Record | None) -> None:
        """Create the version's row and flip the pointer that was seen, at once. A lost race changes nothing."""
        version = Record(VERSION, meta.name, meta.version, layout.encode(meta), table)
        if self.metadata.show(version, _pointer_to(meta.name, meta.version), seen):
            return
        expected = None if seen is None else self._pointed(seen)
        self._refuse_rivals(meta, expected)
        raise _moved(meta.name, self.latest(meta.name), expected)

    def _flip(self, name: str, version: str, seen: Record | None) -> bool:
        wanted = _pointer_to(name, version)
        done = self.metadata.create(wanted) if seen is None else self.metadata.swap(wanted, seen)
        return done is not None

    def abort(self, target: Target) -> None:
        table = self._staged.table(target)
        with suppress(Refused):  # where it cannot be asked what is named, all stays
            named = {held.table.name for held in self.metadata.all(VERSION, target.name) if held.table}
            self._discard(target, kept=table if table.name in named else None)

    def _discard(self, target: Target, kept: Table | None) -> None:
        """Remove what was written, but for the table that is kept. What cannot be removed is a leftover."""
        try:
            self._staged.drop(target, kept)
        except Refused as error:
            _log.warning("%s is left, until mlforge store gc: %s", self._staged.table(target).shown, error.message)

    def get(self, name: str, version: str) -> Artifact:
        held = self.metadata.read(VERSION, layout.safe_name(name), version) if Version.is_valid(version) else None
        if held is None:
            raise self._missing(name, version)
        try:
            meta = self._decoded(held)
        except Invalid as error:
            raise layout.led_out(error, lambda: self._way_out(name, version)) from error
        return Artifact(meta, (held.table.uri,) if held.table else ())

    def _decoded(self, held: Record) -> FeatureMeta:
        return layout.decode_meta(held.data, held.feature, held.version, self._where(held))

    def _missing(self, name: str, version: str) -> NotFound:
        there = ", ".join(self.versions(name)) or "none"
        return NotFound(f"{name!r} has no version {version!r}.", hint=f"Versions: {there}.")

    def fetch(self, artifact: Artifact) -> Artifact:
        self.verify(artifact, relied=True)
        try:
            return fetch(self.statements, artifact, address.parse(artifact.uris[0]))
        except Refused as error:
            raise self._unreadable(artifact.meta, error) from error

    def verify(self, artifact: Artifact, relied: bool) -> None:
        if not relied or not any(uri.startswith(address.SCHEME) for uri in artifact.uris):
            return
        (part,), table = artifact.meta.parts, address.parse(artifact.uris[0])
        try:
            found = self.tables.contents(table)
        except Refused as error:
            raise self._unreadable(artifact.meta, error) from error
        if found.hash != part.hash:
            raise Invalid(
                f"{table.uri} is damaged: its rows are not those that were committed of {_told(artifact.meta)}.",
                hint=layout.rebuild(artifact.meta.name),
            )

    def _unreadable(self, meta: FeatureMeta, error: Refused) -> NotFound | Refused:
        if is_vacuumed(error) or is_absent(error):
            again = f"Build it again: mlforge build --features {meta.name} --full-refresh"
            return NotFound(
                f"The data of {_told(meta)} is gone: VACUUM removed the files of that version of its table, or it was "
                f"dropped. {error.message}",
                hint=f"{again}; table_per_version=True keeps every version from VACUUM.",
            )
        return Refused(f"{_told(meta)} cannot be read. {error.message}", error.hint, error.word)

    def point(self, name: str, version: str) -> None:
        self._need(name, version)
        seen = self._pointer(name)
        if not self._flip(name, version, seen):
            raise Conflict(
                f"Somebody pointed {name!r} at {self.latest(name)} meanwhile.", hint="Look at it, then point again."
            )
        try:
            self._need(name, version)
        except NotFound:  # it was pruned meanwhile
            self._put_back(name, version, seen)
            raise

    def _need(self, name: str, version: str) -> None:
        held = self.metadata.read(VERSION, layout.safe_name(name), version) if Version.is_valid(version) else None
        if held is None:
            raise self._missing(name, version)

    def _put_back(self, name: str, version: str, seen: Record | None) -> None:
        """Let the pointer name what it did, unless somebody else has moved it since."""
        held = self._pointer(name)
        if seen is not None and held is not None and held.data == layout.encode(layout.Pointer(version)):
            self.metadata.swap(seen, held)

    def prune(self, name: str, keep: int) -> Pruned:
        """Tables of one version are dropped. Of tables that have many, VACUUM frees what no reader names any more."""
        versions = self.versions(name)
        if not versions:
            raise NotFound(f"There is no version of {name!r}.", hint="Build it.")
        wanted = {*versions[-keep:], self.latest(name)}
        for version in set(versions).intersection(wanted):
            with suppress(NotFound):  # somebody else removed it, or a lost race took it back
                self.get(name, version)  # refused where it is damaged
        return self._removed(name, [version for version in versions if version not in wanted])

    def _removed(self, name: str, versions: list[str]) -> Pruned:
        gone, freed = list[str](), 0
        for version in versions:
            held = self.metadata.read(VERSION, name, version)
            if held is None:
                continue
            self.metadata.create(Record(PRUNED, name, version))
            self.metadata.delete(held)
            if self.latest(name) == version:  # somebody pointed at it meanwhile
                self.metadata.create(held)
                continue
            gone.append(version)
            freed += self._freed(held)
        return Pruned(tuple(gone), freed)

    def _freed(self, held: Record) -> int:
        """Drop the table of one version; how many bytes that frees at once."""
        if held.table is None or held.table.version is not None:
            return 0
        self.tables.drop(held.table)
        try:
            return sum(part.bytes for part in self._decoded(held).parts)
        except Invalid:
            return 0

    def collect(self, older: float, dry_run: bool) -> list[Leftover]:
        """What was begun and never committed: tables that no version is read from and nobody wrote to of late.

        Tables are looked for first: what is committed meanwhile is named then.
        """
        before = time.time() - older
        left = [one for one, begun in self.tables.left() if begun < before and self.tables.written(one) < before]
        named = {held.table.name for held in self.metadata.all(VERSION) if held.table}
        found = [table for table in left if table.name not in named]
        if not dry_run:
            for table in found:
                self.tables.drop(table)
        return [Leftover(table.uri, 0) for table in found]

    def read_manifest(self) -> Manifest | None:
        held = self.metadata.read(MANIFEST)
        try:
            return None if held is None else layout.decode(held.data, Manifest, self._where(held))
        except Invalid:
            return None

    def write_manifest(self, manifest: Manifest) -> None:
        self.metadata.make()
        self.metadata.put(Record(MANIFEST, data=layout.encode(manifest)))

    def _way_out(self, name: str, damaged: str | None = None) -> str:
        """The hint to go to the newest version that is whole, unless readers get one that is."""
        others = [v for v in self.versions(name) if v != damaged]
        return layout.way_out(
            name,
            others,
            lambda version: bool(self.get(name, version).uris),
            lambda: self.latest(name) if damaged else None,
        )


def _places(meta: FeatureMeta) -> list[str]:
    """Where a version's parts are: of one that was fetched, bytes and hashes are those of files of this machine."""
    return [part.path for part in meta.parts]


def _refuse_types(meta: FeatureMeta) -> None:
    times = [column.name for column in meta.columns if "Time" in (column.dtype, column.dtype[len("List(") : -1])]
    if times:
        raise Unsupported(
            f"{', '.join(map(repr, times))} of {meta.name!r} are times of day, which tables of Databricks do not have.",
            hint="Return seconds since midnight, or text.",
        )


def _complete(meta: FeatureMeta, found: Contents, size: int) -> FeatureMeta:
    """The metadata with its one part: a version of a table is whole."""
    mark = os.urandom(8).hex()
    part = Part(f"{meta.version}/data.{mark}", meta.row_count, size, found.hash)
    return msgspec.structs.replace(meta, parts=(part,), content_hash=found.hash)


def _pointer_to(name: str, version: str) -> Record:
    return Record(LATEST, name, data=layout.encode(layout.Pointer(version)))


def _told(meta: FeatureMeta) -> str:
    return f"{meta.name} {meta.version}"


def _taken(meta: FeatureMeta) -> Conflict:
    return Conflict(
        f"{meta.name!r} has a version {meta.version} already.", hint="Versions never change: choose a free number."
    )


def _moved(name: str, latest: str | None, expected: str | None) -> Conflict:
    return Conflict(
        f"The latest version of {name!r} is {latest}, no longer {expected}.",
        hint="Decide the version again, then commit.",
    )
