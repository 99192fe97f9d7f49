"""Where the rows of a version come from."""

from __future__ import annotations

from functools import cached_property

from mlforge.errors import Invalid, MlforgeError, NotFound
from mlforge.flow.explaining.explanation import Compared, Since
from mlforge.flow.planning.plan import check_scan
from mlforge.flow.planning.resolve import resolve, source_fingerprint
from mlforge.flow.planning.session import Session
from mlforge.flow.versions.fingerprints import definition_changes, recipe_of
from mlforge.flow.versions.logic.told import logic_of
from mlforge.model.feature import Feature
from mlforge.model.keys import Key
from mlforge.model.meta import FeatureMeta
from mlforge.model.schema import Schema
from mlforge.plugin.config import EngineConfig
from mlforge.plugin.descriptors import EngineDescriptor
from mlforge.plugin.engine.frames import Frame, Scan
from mlforge.plugin.engine.protocol import Engine
from mlforge.plugin.registry import registry


class Origin:
    """Where a version's rows come from: the feature's function over its source, as they are now."""

    def __init__(
        self, session: Session, engine: Engine, feature: Feature | None, config: EngineConfig, meta: FeatureMeta
    ) -> None:
        self.engine, self.meta = engine, meta
        self._session, self._feature, self._config = session, feature, config

    @property
    def feature(self) -> Feature:
        """The definition. Raises `NotFound` for a feature that is only kept in the store."""
        if self._feature is None:
            raise NotFound(f"{self.meta.name!r} is not defined any more.", hint="Define it, or go back to its code.")
        return self._feature

    @cached_property
    def scan(self) -> Scan:
        source = self.feature.source
        scan = resolve(source, self._session.project.root)
        check_scan(scan, source.scheme, registry().get(EngineDescriptor, self._config.kind))
        return scan

    @cached_property
    def result(self) -> Frame:
        """What the function returns."""
        given = self.engine.with_surrogates(self.engine.scan(self.scan), self.meta.keys)
        return self.engine.apply(self.feature.function, given)

    @cached_property
    def schema(self) -> Schema:
        """The columns that the function returns."""
        return self.engine.schema(self.result)

    def types(self, key: Key) -> dict[str, str]:
        """The types of what a surrogate key is made of: as recorded, or else as they are where it is made."""
        if recorded := self.meta.key_types.get(key.name):
            return recorded
        given = self._given_schema if key.name in self.schema else None
        for schema in (given, self.schema):
            if schema is not None and set(key.sources) <= set(schema.names):
                return {s: schema.dtype(s) for s in key.sources}
        raise Invalid(
            f"{self.meta.name!r} has no columns {', '.join(key.sources)} to make {key.name!r} of.",
            hint=f"Give the key itself: {key.name}.",
        )

    @property
    def _given_schema(self) -> Schema | None:
        """The columns of the source; None where one is of a type that no feature can hold."""
        try:
            return self.engine.schema(self.engine.scan(self.scan))
        except Invalid:
            return None

    @property
    def since(self) -> Since:
        """What has changed since the version was built."""
        if self._feature is None:
            return Since()
        definition = definition_changes(self.meta.config, recipe_of(self._feature))
        return Since(self._source(self._feature), self._function(self._feature), tuple(definition))

    def _function(self, feature: Feature) -> Compared:
        now = logic_of(feature.function)
        found = _compared(self.meta.logic_hash, now.hash)
        return "unknown" if found == "same" and (now.unknown or self.meta.logic_unknown) else found

    def _source(self, feature: Feature) -> Compared:
        try:
            return _compared(self.meta.source_hash, source_fingerprint(feature.source, self.scan))
        except MlforgeError:
            return "unknown"


def _compared(before: str | None, now: str | None) -> Compared:
    if before is None or now is None:
        return "unknown"
    return "same" if before == now else "changed"
