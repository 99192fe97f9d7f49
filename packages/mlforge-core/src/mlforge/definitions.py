"""`Definitions`: a project with the verbs a person uses."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal, overload

import msgspec

from mlforge.errors import Invalid
from mlforge.flow.building.build import BuildOptions, build
from mlforge.flow.building.build_report import BuildReport
from mlforge.flow.building.validate import validate
from mlforge.flow.explaining.explain import Question, explain
from mlforge.flow.explaining.explanation import Explanation
from mlforge.flow.lock import Lock, opened
from mlforge.flow.moments import Instant, now
from mlforge.flow.observing import Audience
from mlforge.flow.planning.session import Session
from mlforge.flow.progress import Progress, quiet
from mlforge.flow.specs import resolved
from mlforge.flow.training.retrieve import TrainingData
from mlforge.flow.versions.diff import Diff, diff
from mlforge.flow.versions.find import artifact, history
from mlforge.flow.versions.glance import FeatureVersions, all_versions, version_summaries
from mlforge.flow.versions.manifest import read_manifest, refresh_manifest
from mlforge.flow.versions.prune import prune
from mlforge.flow.versions.reach import reading, within_reach
from mlforge.flow.versions.rollback import rollback
from mlforge.lock_verbs import LockVerbs
from mlforge.model.entity import Entity
from mlforge.model.feature import Feature, FeatureSpec, spec_of
from mlforge.model.feature_set import FeatureSet
from mlforge.model.html import Listing, table
from mlforge.model.meta import FeatureMeta, Manifest, VersionSummary
from mlforge.model.request import RequestFeature
from mlforge.model.several import several
from mlforge.model.source import Source
from mlforge.model.span import micros_of, read_instant, read_span
from mlforge.model.spelling import spelled
from mlforge.model.timestamp import Timestamp
from mlforge.plugin.config import EngineConfig, StoreConfig
from mlforge.plugin.stores import Pruned, Store
from mlforge.project.project import default_engine, engine_config
from mlforge.project.selection import Words, select, words
from mlforge.standalone import Features, train


class Definitions(LockVerbs):
    """A project's features and where they go, and everything one does with them.

    Args: those of a project – `name`, `features`, `offline_store` (or `store`), `online_store`, `engine`, `profile`,
    `feature_sets`.

    Example:
        >>> import mlforge as mlf
        >>> @mlf.feature(source="flights.parquet", keys="carrier")
        ... def carriers(df):
        ...     return df
        >>> mlf.Definitions("flights", features=[carriers]).list_features()[0].name
        'carriers'

    The examples below are about the project that `mlforge init shop` makes, built once, with `online_store: {KIND:
    sqlite, path: online.db}` in its profile; `defs` are its definitions.
    """

    @spelled
    def build(
        self,
        features: Words = None,
        *,
        feature_names: Words = None,
        tags: Words = None,
        schedule: Words = None,
        version: str | None = None,
        force: bool = False,
        engine: str | EngineConfig | None = None,
        dry_run: bool = False,
        preview: bool = False,
        online: bool = False,
        online_only: bool = False,
        as_of: Instant | None = None,
        since: Instant | None = None,
        until: Instant | None = None,
        last: str | timedelta | None = None,
        full_refresh: bool = False,
        quality: bool | None = None,
        profile: str | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> BuildReport:
        """Compute, check, version and keep features; those that have not changed are left alone.

        Args:
            features: Names or features, all if None.
            feature_names: The same.
            tags: Only features with one of these tags.
            schedule: Only features with one of these schedule tags, such as `"daily"`.
            version: This version number instead of the next one; it must be free.
            force: Build even what has not changed.
            engine: Build with this engine, whatever the features say.
            dry_run: Only say what would be done.
            preview: Bring the first rows along.
            online: Publish what was built, and what has not changed, to the online store; see `report.published`.
            online_only: Build nothing; publish what is built: `version`, or the latest.
            as_of: The instant to publish for; now if None.
            since: Build incrementally: only events from here on are new, or other than they were. A time, a date, ISO
                8601 text for either (UTC where it has no zone), or how long ago: `"7d"`.
            until: The same, up to, not including, here.
            last: The same, this long before `until`, or before now: `"7d"`, `"12h"`.
            full_refresh: Build everything, also of features that are built incrementally.
            quality: Whether to measure what is built, see `defs.quality`; unless the profile says `quality: false`, if
                None.
            profile: A profile of `mlforge.yaml`; wins over everything else.
            on_progress: Called as the build goes on.

        Returns:
            A report. Features are independent: one that fails is in `report.failed` and stops no other.

        Raises:
            Unknown: A feature, tag, schedule, engine or profile that there is none of.
            Invalid: A range that has no end after its beginning, or that is given together with `full_refresh`; an
                `as_of` that is no time.

        Example:
            >>> report = defs.build("user_spend", force=True)
            >>> [(r.feature, r.status, r.version, r.rows) for r in report]
            [('user_spend', 'built', '1.0.1', 726)]
        """
        chosen = self._chosen(features, feature_names, tags, schedule)
        if version is not None and len(chosen) > 1:
            raise Invalid(f"One version for {len(chosen)} features.", hint="Name the one feature it is for.")
        publishes = online or online_only
        if as_of is not None and not publishes:
            raise Invalid("as_of is for publishing.", hint="Publish too: online=True, or --online.")
        session = self._session(engine, profile, on_progress)
        span = read_span(since, until, last, now())
        at = None if as_of is None else read_instant(as_of, now(), "as_of")
        if online_only:
            _refuse_building(since, until, last, force, full_refresh, dry_run)
        options = BuildOptions(version, force, dry_run, preview, span, full_refresh, quality)
        if not publishes:
            return build(session, chosen, options)
        pins = dict(self._pinned(features if features is not None else feature_names, tags, schedule))
        self._publishes_to(self.settings(profile))
        report = BuildReport(()) if online_only else build(session, chosen, options)
        names = [f.name for f in chosen] if online_only else [r.feature for r in report if r.ok]
        if dry_run or not names:
            return report
        orders = [self._order(name, version if online_only and version else pins[name], at) for name in names]
        named = features if features is not None else feature_names
        published = self._published(orders, engine, profile, on_progress, self._noted(named, tags, schedule))
        return msgspec.structs.replace(report, published=published, seconds=report.seconds + published.seconds)

    @spelled
    def validate(
        self,
        features: Words = None,
        *,
        tags: Words = None,
        schedule: Words = None,
        engine: str | EngineConfig | None = None,
        profile: str | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> BuildReport:
        """Compute features and check every promise, and write nothing. A report, as from `build`.

        Example:
            >>> defs.validate(tags="daily").ok
            True
        """
        chosen = self._chosen(features, None, tags, schedule)
        return validate(self._session(engine, profile, on_progress), chosen)

    @spelled
    def explain(
        self,
        feature: str | Feature | FeatureSpec | tuple[str, str],
        key: Mapping[str, Any],
        at: Instant | None = None,
        *,
        columns: str | Sequence[str] | None = None,
        version: str | None = None,
        engine: str | EngineConfig | None = None,
        profile: str | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> Explanation:
        """Why a feature has the values it has, for one entity at one instant, and whether recomputing gives the same.

        Args:
            feature: `"f"`, `"f@1.0.0"`, `("f", "1.0.0")`, a `FeatureSpec` or the feature.
            key: The entity's keys: `{"user_id": 42}`; for a surrogate key, itself or the columns it is made of.
            at: The instant: a time, a date, or ISO 8601 text, in UTC where it has no zone, or how long ago: `"7d"`;
                now if None.
            columns: Some of its columns; all if None.
            version: A version; the latest if None.
            engine: Recompute with this engine, whatever the feature says.
            profile: A profile of `mlforge.yaml`.
            on_progress: Called as it goes on.

        Returns:
            The row that was used, the windows with the events in them, and each value, stored and recomputed.

        Raises:
            Unknown: There is no such feature.
            NotFound: It was not built, or has no such version or column.
            Invalid: The key names no entity, or `at` is no time.

        Example:
            >>> print(defs.explain("user_spend", {"user_id": "u01"}, at="2026-02-01", columns="spend_7d"))
            user_spend 1.0.0, user_id=u01 at 2026-02-01 00:00:00 UTC
            The row stamped 2026-01-30 00:00:00: 2 events became known.
              spend_7d = 88.22, 2 events in [2026-01-25 00:00:00, 2026-02-01 00:00:00)
            Recomputing gives the same.
        """
        spec = spec_of(feature)
        self.refuse_requests([spec.name], "explain")
        wanted = FeatureSpec(spec.name, version or spec.version, spec.columns if columns is None else columns)
        present = now()
        instant = micros_of(present) if at is None else read_instant(at, present, "at")
        return explain(self._session(engine, profile, on_progress), Question(wanted, key, instant))

    @overload
    def get_training_data(
        self, spine: Any = ..., features: Features = ..., timestamp: str | Timestamp | None = ..., *,
        entity_df: Any = ..., store: StoreConfig | None = ..., engine: str | EngineConfig | None = ...,
        full_names: bool = ..., profile: str | None = ..., with_lock: Literal[True],
        lock: Lock | str | Path | None = ...,
    ) -> TrainingData: ...  # fmt: skip

    @overload
    def get_training_data(
        self, spine: Any = ..., features: Features = ..., timestamp: str | Timestamp | None = ..., *,
        entity_df: Any = ..., store: StoreConfig | None = ..., engine: str | EngineConfig | None = ...,
        full_names: bool = ..., profile: str | None = ..., with_lock: bool = ...,
        lock: Lock | str | Path | None = ...,
    ) -> Any: ...  # fmt: skip

    @spelled
    def get_training_data(
        self,
        spine: Any = None,
        features: Features = (),
        timestamp: str | Timestamp | None = None,
        *,
        entity_df: Any = None,
        store: StoreConfig | None = None,
        engine: str | EngineConfig | None = None,
        full_names: bool = False,
        profile: str | None = None,
        with_lock: bool = False,
        lock: Lock | str | Path | None = None,
    ) -> Any:
        """Every row of the spine, in order, with what each feature's value was at the row's own time.

        Args:
            spine: Keys, label times and the inputs of request features: a Polars, pandas or pyarrow table.
            entity_df: The same.
            features: `"f"`, `("f", "1.0.0")`, `FeatureSpec("f", columns=[…])`, features, a set's name, or a `Lock`.
            timestamp: The spine's column of label times; told from its type where there is only one.
            store: Another store than the project's.
            engine: Another engine than the project's.
            full_names: Name the columns `{feature}__{column}`, and `{feature}@{version}__{column}` where several
                versions of the feature are asked for.
            profile: A profile of `mlforge.yaml`.
            with_lock: Return the frame and the versions that were used.
            lock: What a model was trained with, or its file: its versions of `features`, or of all that it has.

        Returns:
            A table of the spine's own type, its columns first; with `with_lock` a `TrainingData(frame, lock)`.

        Raises:
            NotFound: A feature or version that was not built.
            Invalid: A missing key or time column, or two columns of one name.

        Example:
            >>> labels = pl.DataFrame({"user_id": ["u01", "nobody"], "label_time": [datetime(2026, 2, 15)] * 2})
            >>> defs.get_training_data(labels, "user_spend")["purchases_7d"].to_list()
            [4, None]
        """
        settings = self.settings(profile)
        chosen = engine if engine is not None else settings.engine
        place = store.at(self.root) if store is not None else settings.offline_store
        named = resolved(self.spelled_out(features), self.request_features)
        audience = Audience(self.name, settings.observers)
        held = opened(lock)
        with self._leading_on(features):
            found = train(place, spine, entity_df, named, timestamp, chosen, full_names, with_lock, held, audience)
        return found if with_lock else found.frame

    @spelled
    def read(
        self, name: str, version: str | None = None, columns: Sequence[str] | None = None, profile: str | None = None
    ) -> Any:
        """The rows of a version, the latest if None, as the engine's own frame. Raises `NotFound`.

        Example:
            >>> defs.read("user_spend", columns=["user_id", "purchases_7d"]).shape
            (726, 2)
        """
        settings = self.settings(profile)
        computing = settings.engine or default_engine()
        wanted = [columns] if isinstance(columns, str) else None if columns is None else several(columns)
        with self._looking_into(name), self._store(profile) as store, computing.open() as engine:
            found = within_reach(store, engine, artifact(store, name, version), relied=False)
            with reading(store, [found]):
                return engine.read_version(found, wanted)

    @spelled
    def metadata(self, name: str, version: str | None = None, profile: str | None = None) -> FeatureMeta:
        """What is recorded of a version, the latest if None. Raises `NotFound`.

        Example:
            >>> meta = defs.metadata("user_spend")
            >>> meta.version, meta.row_count, meta.entity_keys
            ('1.0.0', 726, ('user_id',))
        """
        with self._looking_into(name), self._store(profile) as store:
            return artifact(store, name, version).meta

    @spelled
    def list_features(self, tags: Words = None, schedule: Words = None) -> list[Feature]:
        """The features, those with one of these tags and schedules where given.

        Example:
            >>> defs.list_features(tags="daily")
            [Feature('user_spend', keys=['user_id'], source='data/purchases.csv')]
        """
        heads = ("feature", "keys", "source", "tags", "description")
        return Listing(select(self.features, None, tags, schedule), heads, _feature_row)

    def list_request_features(self) -> list[RequestFeature]:
        """The features that are computed of a request; see `request_feature`.

        Example:
            >>> defs.list_request_features()
            []
        """
        heads = ("request feature", "columns", "tags", "description")
        return Listing(
            self.request_features.values(),
            heads,
            lambda f: (f.name, ", ".join(f.columns), ", ".join(f.tags), f.description or ""),
        )

    def list_entities(self) -> list[Entity]:
        """The entities of all features, each once.

        Example:
            >>> [e.name for e in defs.list_entities()]
            ['user']
        """
        return Listing(
            self.entities().values(), ("entity", "keys"), lambda e: (e.name, ", ".join(k.name for k in e.keys))
        )

    def list_sources(self) -> list[Source]:
        """The sources of all features, each once.

        Example:
            >>> [s.path for s in defs.list_sources()]
            ['data/purchases.csv']
        """
        return Listing(self.sources().values(), ("source", "path"), lambda s: (s.name, s.path))

    def list_feature_sets(self) -> list[FeatureSet]:
        """The feature sets.

        Example:
            >>> defs.list_feature_sets()
            []
        """
        heads = ("set", "features", "tags", "description")
        return Listing(
            self.feature_sets.values(),
            heads,
            lambda s: (s.name, ", ".join(s.names), ", ".join(s.tags), s.description or ""),
        )

    def list_tags(self) -> list[str]:
        """The tags of all features, sorted.

        Example:
            >>> defs.list_tags()
            ['daily', 'users']
        """
        return sorted({t for f in self.features.values() for t in f.tags})

    @spelled
    def list_versions(self, name: str, profile: str | None = None) -> list[str]:
        """The versions of a feature that were built, oldest number first; none for one that never was.

        Example:
            >>> defs.list_versions("user_spend"), defs.list_versions("nobody")
            (['1.0.0'], [])
        """
        with self._store(profile) as store:
            return store.versions(name)

    @spelled
    def all_versions(self, profile: str | None = None) -> dict[str, FeatureVersions]:
        """Of every feature the version readers get and all there are, oldest number first.

        Of a bucket they are read from the manifest and the pointers; where the two differ, or there is no manifest,
        that is logged and the store itself is asked.

        Example:
            >>> defs.all_versions()["user_spend"]
            FeatureVersions(latest='1.0.0', versions=('1.0.0',))
        """
        with self._store(profile) as store:
            return all_versions(store, self.features)

    @spelled
    def version_summaries(self, name: str, profile: str | None = None) -> list[VersionSummary]:
        """What a list says of each version of a feature, oldest first: of a bucket without reading its metadata.

        Raises:
            NotFound: A feature that was never built.

        Example:
            >>> [(one.version, one.row_count, one.engine) for one in defs.version_summaries("user_spend")]
            [('1.0.0', 726, 'polars')]
        """
        with self._looking_into(name), self._store(profile) as store:
            found = version_summaries(store, name)
        heads = ("version", "built", "rows", "engine", "why")
        return Listing(found, heads, _version_row)

    @spelled
    def history(self, name: str, profile: str | None = None) -> list[FeatureMeta]:
        """The metadata of every version of a feature, oldest first. Raises `NotFound`.

        Example:
            >>> [meta.version for meta in defs.history("user_spend")]
            ['1.0.0']
        """
        with self._looking_into(name), self._store(profile) as store:
            found = history(store, name)
        return Listing(found, ("version", "built", "rows", "engine", "why"), _version_row)

    @spelled
    def latest(self, name: str, profile: str | None = None) -> str | None:
        """The version readers get; None for a feature that was never built.

        Example:
            >>> defs.latest("user_spend")
            '1.0.0'
        """
        with self._store(profile) as store:
            return store.latest(name)

    @spelled
    def diff(self, name: str, before: str, after: str, profile: str | None = None) -> Diff:
        """What changed between two versions. Raises `NotFound`.

        Example:
            >>> _ = defs.build("user_spend", force=True)
            >>> found = defs.diff("user_spend", "1.0.0", "1.0.1")
            >>> found.columns, found.rows
            ({}, (726, 726))
        """
        with self._looking_into(name), self._store(profile) as store:
            return diff(store, name, before, after)

    @spelled
    def rollback(self, name: str, version: str, profile: str | None = None, *, online: bool = False) -> FeatureMeta:
        """Make an existing version the one readers get; with `online` also the one served, first. Raises `NotFound`.

        Example:
            >>> _ = defs.build("user_spend", force=True)
            >>> before = defs.latest("user_spend")
            >>> _ = defs.rollback("user_spend", "1.0.0")
            >>> before, defs.latest("user_spend")
            ('1.0.1', '1.0.0')
        """
        if online:
            self.feature(name)
            self._publishes_to(self.settings(profile))
            self.publish(f"{name}@{version}", profile=profile).raise_for_failure()
        with self._looking_into(name), self._store(profile) as store:
            return rollback(store, name, version, now())

    @spelled
    def prune(self, name: str, keep: int, profile: str | None = None) -> Pruned:
        """Remove all versions but the newest `keep` and the one readers get, and the data that none is read from.

        Raises:
            NotFound: A feature that was never built.
            Invalid: Fewer than one to keep.
            Unsupported: A store that removes nothing.

        Example:
            >>> _ = defs.build("user_spend", force=True)
            >>> defs.prune("user_spend", keep=1).versions
            ('1.0.0',)
        """
        with self._looking_into(name), self._store(profile) as store:
            return prune(store, name, keep, now())

    @spelled
    def manifest(self, regenerate: bool = False, profile: str | None = None) -> Manifest:
        """Every built feature at a glance; `regenerate` derives it anew from the metadata and keeps it.

        Example:
            >>> {name: entry.latest for name, entry in defs.manifest().features.items()}
            {'last_purchase': '1.0.0', 'user_spend': '1.0.0'}
        """
        with self._store(profile) as store:
            return refresh_manifest(store, now(), anew=True) if regenerate else read_manifest(store, now())

    def _chosen(self, features: Words, feature_names: Words, tags: Words, schedule: Words) -> tuple[Feature, ...]:
        if features is not None and feature_names is not None:
            raise Invalid("Both features and feature_names are given.", hint="They mean the same: give one.")
        named = features if features is not None else feature_names
        self.refuse_requests(words(named), "build")
        return select(self.features, named, tags, schedule, self.stored_sets)

    def _session(
        self,
        engine: str | EngineConfig | None,
        profile: str | None,
        on_progress: Callable[[Progress], None] | None,
    ) -> Session:
        forced = None if engine is None else engine_config(engine)
        return Session(self, self.settings(profile), forced, now, on_progress or quiet)

    @contextmanager
    def _store(self, profile: str | None) -> Iterator[Store]:
        with self.settings(profile).offline_store.open() as store:
            live: Store = store
            yield live

    def _repr_html_(self) -> str:
        rows = [
            (f.name, ", ".join(k.name for k in f.keys), f.source.path, ", ".join(f.tags))
            for f in self.features.values()
        ]
        return table(("feature", "keys", "source", "tags"), rows, caption=self.name)

    def __repr__(self) -> str:
        return f"Definitions({self.name!r}, {len(self.features)} features)"


def _refuse_building(*asked: object) -> None:
    if any(word not in (None, False) for word in asked):
        raise Invalid("online_only builds nothing.", hint="Leave out ranges, force, full_refresh and dry_run.")


def _feature_row(found: Feature) -> tuple[str, ...]:
    keys = ", ".join(found.shape.key_names)
    return found.name, keys, found.source.path, ", ".join(found.tags), found.description or ""


def _version_row(found: FeatureMeta | VersionSummary) -> tuple[str, ...]:
    change = found.change_summary
    why = (
        "" if change is None else ": ".join(filter(None, (change.reason.replace("_", " "), ", ".join(change.details))))
    )
    return found.version, found.created_at, f"{found.row_count:,}", found.engine, why
