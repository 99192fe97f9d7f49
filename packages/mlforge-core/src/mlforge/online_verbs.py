"""The online verbs of a project: publish, read what is served, and compare it with what training saw."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from mlforge.discovery_verbs import DiscoveryVerbs
from mlforge.errors import Invalid
from mlforge.flow.lock import Lock, LockPolicy, checked_policy, opened
from mlforge.flow.moments import Instant, now
from mlforge.flow.observing import Audience
from mlforge.flow.online.answer import online_features
from mlforge.flow.online.publish import Publishing, PublishOrder
from mlforge.flow.online.publish_report import PublishReport
from mlforge.flow.online.reader import Reader
from mlforge.flow.online.replay import Replaying, replay, replay_safely
from mlforge.flow.online.replay_report import ReplayReport
from mlforge.flow.online.replay_requests import replay_request
from mlforge.flow.online.request_notes import publish_request_safely
from mlforge.flow.online.watched import publish_watched
from mlforge.flow.online.withdraw import Withdrawing, withdraw_safely
from mlforge.flow.planning.plan import check_publishing
from mlforge.flow.progress import Progress, quiet
from mlforge.flow.specs import listed, resolved
from mlforge.model.feature import FeatureSpec, spec_of
from mlforge.model.request import RequestFeature
from mlforge.model.span import micros_of, read_instant
from mlforge.model.spelling import spelled
from mlforge.plugin.config import EngineConfig, OnlineStoreConfig
from mlforge.plugin.online_stores import OnlineStore
from mlforge.project.project import Project, Settings
from mlforge.project.selection import Words, members, select, words
from mlforge.standalone import Entities, aread, engine_of, split_names

SAMPLE = 1000


class OnlineVerbs(DiscoveryVerbs):
    """A project with the verbs that need an online store."""

    @spelled
    def publish(
        self,
        features: Words = None,
        *,
        tags: Words = None,
        schedule: Words = None,
        as_of: Instant | None = None,
        force: bool = False,
        beside: bool = False,
        engine: str | EngineConfig | None = None,
        profile: str | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> PublishReport:
        """Bring built versions into the online store: what has changed since the last time; what is gone goes.

        For each entity the values as of an instant are written, and those at each later instant within the feature's
        `online_horizon` at which they change. One that was cut off within the hour is taken up where it was.

        Args:
            features: Names, `"name@1.0.0"` for a version that is not the latest, or features; all if None.
            tags: Only features with one of these tags.
            schedule: Only features with one of these schedule tags.
            as_of: The instant: a time, a date, ISO 8601 text (UTC where it names no zone) or how long ago; now if None.
            force: Write every entity, changed or not.
            beside: Leave what is served to those who name no version, and publish these versions beside it, for those
                who name them: an A/B test. What is served so is in the report by the name `"f@1.0.0"`.
            engine: Read the versions with this engine.
            profile: A profile of `mlforge.yaml`.
            on_progress: Called as the publishing goes on.

        Returns:
            A report. Features are independent: one that fails is in `report.failed` and stops no other. A `Conflict`
            there says that a newer publish is in the store; nothing older ever replaces it.

        Raises:
            Invalid: There is no online store, or `as_of` is no time.
            Unknown: A feature, tag or schedule that there is none of.

        Example:
            >>> report = defs.publish("user_spend", as_of="2026-02-15")
            >>> report["user_spend"].status, report["user_spend"].entities
            ('published', 25)
        """
        at = None if as_of is None else read_instant(as_of, now(), "as_of")
        requests = [] if beside else self._noted(features, tags, schedule)
        stored = self._stored(features)
        if requests and features is not None and not stored:
            return self._published([], engine, profile, on_progress, requests)
        features = features if beside else stored
        if beside:
            specs = self._beside(features, tags, schedule)
            orders = [self._order(spec.name, spec.version, at, force, beside=True) for spec in specs]
        else:
            orders = [self._order(name, version, at, force) for name, version in self._pinned(features, tags, schedule)]
        return self._published(orders, engine, profile, on_progress, requests)

    @spelled
    def unpublish(
        self,
        versions: str | FeatureSpec | Sequence[str | FeatureSpec],
        *,
        profile: str | None = None,
        on_progress: Callable[[Progress], None] | None = None,
    ) -> PublishReport:
        """Take versions out of the online store that were published beside what is served: the end of an A/B test.

        What is served to those who name no version stays. Those who name one that was withdrawn are told that it is not
        served. One that was cut off is ended by the next.

        Args:
            versions: `"name@1.0.0"`, or several.
            profile: A profile of `mlforge.yaml`.
            on_progress: Called as it goes on.

        Returns:
            A report. Versions are independent: one that fails is in `report.failed` and stops no other. One that is not
            beside what is served fails, and so does the one that is served to all.

        Raises:
            Invalid: There is no online store, or no version is named.

        Example:
            >>> _ = defs.publish("user_spend", as_of="2026-02-15")
            >>> _ = defs.publish("user_spend@1.0.0", beside=True, as_of="2026-02-15")
            >>> report = defs.unpublish("user_spend@1.0.0")
            >>> [(r.feature, r.status, r.removed) for r in report]
            [('user_spend@1.0.0', 'withdrawn', 25)]
        """
        given = listed(split_names(versions))
        if not given:
            raise Invalid("No version is named.", hint="Name one that is published beside: user_spend@1.0.0")
        specs, settings = list(dict.fromkeys(map(spec_of, given))), self.settings(profile)
        self.refuse_requests([spec.name for spec in specs], "withdraw")
        started, config = perf_counter(), _online_store(None, settings, self)
        with settings.offline_store.open() as offline, config.open() as online:
            withdrawing = Withdrawing(online, offline.versions, micros_of(now()), on_progress or quiet)
            results = tuple(withdraw_safely(withdrawing, FeatureSpec(s.name, s.version)) for s in specs)
        return PublishReport(results, perf_counter() - started)

    @spelled
    def get_online_features(
        self,
        features: Any,
        entity_df: Entities,
        *,
        store: OnlineStoreConfig | None = None,
        engine: str | EngineConfig | None = None,
        full_names: bool = False,
        profile: str | None = None,
        with_status: bool = False,
        lock: Lock | str | Path | None = None,
        policy: LockPolicy = "refuse",
    ) -> Any:
        """What is served for some entities, in order, their own columns first; null where there is nothing.

        Args:
            features: `"f"`, `("f", "1.0.0")`, `FeatureSpec("f", columns=[…])`, features, sets, or several.
            entity_df: A list of dicts, or a Polars, pandas or pyarrow table: the key columns of every feature, or those
                that surrogate keys are made of, and the inputs of request features.
            store: Another online store than the project's.
            engine: The engine that reads a table; dicts need none.
            full_names: Name the columns `{feature}__{column}`.
            profile: A profile of `mlforge.yaml`.
            with_status: Return `OnlineFeatures(values, statuses)`: by feature `present`, `missing`, `expired` (older
                than `max_age`: null) or `stale` (the last known value: publish again).
            lock: What a model was trained with, or its file: its versions of `features`, or of all that it has.
            policy: Where another version is served than the lock has: `refuse` it; `refresh`: allow later rows of the
                same definition; `warn`: serve it and log a warning.

        Returns:
            A list of dicts for a list of dicts, a table of its own type for a table.

        Raises:
            NotFound: A feature that is not published, or is served as another version.
            Invalid: There is no online store, a key is missing or of another type, two columns have one name.
            Conflict: What is served is not what the lock has.

        Example:
            >>> _ = defs.publish("last_purchase", as_of="2026-02-15")
            >>> defs.get_online_features("last_purchase", [{"user_id": "nobody"}])
            [{'user_id': 'nobody', 'category': None, 'amount': None}]
        """
        with self.online_reader(
            features, store=store, full_names=full_names, profile=profile, lock=lock, policy=policy
        ) as reader:
            found = online_features(reader, entity_df, partial(self._opened, engine, profile))
        return found if with_status else found.values

    @spelled
    async def aget_online_features(
        self,
        features: Any,
        entity_df: Entities,
        *,
        store: OnlineStoreConfig | None = None,
        engine: str | EngineConfig | None = None,
        full_names: bool = False,
        profile: str | None = None,
        with_status: bool = False,
        lock: Lock | str | Path | None = None,
        policy: LockPolicy = "refuse",
    ) -> Any:
        """What `get_online_features` gives, without holding up the event loop while the store is asked.

        Example:
            >>> _ = defs.publish("last_purchase", as_of="2026-02-15")
            >>> asyncio.run(defs.aget_online_features("last_purchase", [{"user_id": "nobody"}]))
            [{'user_id': 'nobody', 'category': None, 'amount': None}]
        """
        found = await aread(
            _online_store(store, self.settings(profile), self),
            partial(self.reader_on, features=features, full_names=full_names, lock=lock, policy=policy), entity_df,
            partial(self._opened, engine, profile),
        )  # fmt: skip
        return found if with_status else found.values

    @spelled
    @contextmanager
    def online_reader(
        self,
        features: Any,
        *,
        store: OnlineStoreConfig | None = None,
        full_names: bool = False,
        profile: str | None = None,
        clock: Callable[[], int] | None = None,
        lock: Lock | str | Path | None = None,
        policy: LockPolicy = "refuse",
    ) -> Iterator[Reader]:
        """A reader to keep: prepared once for some features, then asked as often as one likes, from any thread.

        Args: those of `get_online_features`; `clock` gives the present instant in microseconds since the Unix epoch.

        Example:
            >>> _ = defs.publish("user_spend", as_of="2026-02-15")
            >>> noon = datetime(2026, 2, 15, 12, tzinfo=UTC).timestamp()
            >>> with defs.online_reader("user_spend", clock=lambda: int(noon * 1_000_000)) as reader:
            ...     values, statuses = reader.read([{"user_id": "u01"}])
            >>> values[0]["purchases_7d"], statuses
            (4, [{'user_spend': 'present'}])
        """
        config = _online_store(store, self.settings(profile), self)
        with config.open() as online:
            yield self.reader_on(online, features, full_names, clock, lock=lock, policy=policy)

    def reader_on(
        self,
        online: OnlineStore,
        features: Any,
        full_names: bool = False,
        clock: Callable[[], int] | None = None,
        *,
        lock: Lock | str | Path | None = None,
        policy: LockPolicy = "refuse",
    ) -> Reader:
        """A reader on a store that is open already, for one who keeps several on one store.

        Example:
            >>> _ = defs.publish("user_spend", as_of="2026-02-15")
            >>> with defs.online_store_of().open() as online:
            ...     defs.reader_on(online, "user_spend").read([{"user_id": "nobody"}]).statuses
            [{'user_spend': 'missing'}]
        """
        held, how = opened(lock), checked_policy(policy)
        with self._leading_on(split_names(features)):
            return Reader(online, self._online(features), full_names, clock, lock=held, policy=how)

    @spelled
    def replay(
        self,
        features: Words = None,
        *,
        sample: int = SAMPLE,
        seed: int = 0,
        at: Instant | None = None,
        engine: str | EngineConfig | None = None,
        profile: str | None = None,
    ) -> ReplayReport:
        """Compare what is served at an instant with what a training set would have then, cell by cell.

        Args:
            features: Names or features; all if None. Inputs of request features are drawn by chance.
            sample: How many entities of each feature, chosen by chance.
            seed: Another number chooses others.
            at: The instant: what a reader with that clock is given; now if None.
            engine: Compute the training side with this engine.
            profile: A profile of `mlforge.yaml`.

        Raises:
            Invalid: There is no online store, or `at` is no time.
            Unknown: A feature that there is none of.

        Example:
            >>> _ = defs.publish("user_spend", as_of="2026-02-15")
            >>> report = defs.replay("user_spend", at="2026-02-16")
            >>> report.ok, report["user_spend"].entities
            (True, 25)
        """
        present = now()
        instant = micros_of(present) if at is None else read_instant(at, present, "at")
        settings = self.settings(profile)
        requests = self._requests(features)
        chosen = [] if features is not None and not self._stored(features) else self._named(self._stored(features))
        with self._live(settings, engine) as (offline, online, computing, _):
            replaying = Replaying(offline, online, computing, instant, sample, seed)
            results = [replay_safely(spec.text, partial(replay, replaying, spec)) for spec in chosen]
            results += [replay_safely(f.name, partial(replay_request, replaying, f)) for f in requests]
        return ReplayReport(tuple(results))

    def online_store_of(self, profile: str | None = None) -> OnlineStoreConfig:
        """The online store in use. Raises `Invalid` where there is none.

        Example:
            >>> defs.online_store_of().kind
            'sqlite'
        """
        return _online_store(None, self.settings(profile), self)

    def _noted(self, features: Words, tags: Words, schedule: Words) -> list[RequestFeature]:
        """The request features to note; those with one of the tags, where given. None has a schedule."""
        wanted = {*words(tags)}
        chosen = [] if schedule is not None else self._requests(features)
        return [one for one in chosen if tags is None or wanted & {*one.tags}]

    def _requests(self, features: Words) -> list[RequestFeature]:
        """The request features that are meant; all if None."""
        if features is None:
            return list(self.request_features.values())
        named = members(features, self.feature_sets)
        return [self.request_features[name] for name in named if name in self.request_features]

    def _stored(self, features: Words) -> Words:
        """The names without those of which nothing is stored; None for all."""
        computed = {*self.request_features, *(self.feature_sets.keys() - self.stored_sets.keys())}
        named = words(features)
        return [name for name in named if name not in computed] if computed & {*named} else features

    def _named(self, features: Words, tags: Words = None, schedule: Words = None) -> list[FeatureSpec]:
        """The features that are meant, those of sets at the versions they name."""
        self.refuse_requests([word.partition("@")[0] for word in words(features)], "publish")
        named = [FeatureSpec.named(word) for word in members(features, self.stored_sets, versions=True)]
        found = select(
            self.features, list(dict.fromkeys(s.name for s in named)) or features, tags, schedule, self.stored_sets
        )
        there = {feature.name for feature in found}
        return [s for s in named if s.name in there] if named else [FeatureSpec(f.name) for f in found]

    def _pinned(self, features: Words, tags: Words, schedule: Words) -> list[tuple[str, str | None]]:
        """What to publish to those who name no version: of each feature one."""
        found = self._named(features, tags, schedule)
        names = [spec.name for spec in found]
        if twice := next((spec for spec in found if names.count(spec.name) > 1), None):
            texts = " ".join(spec.text for spec in found if spec.name == twice.name)
            raise Invalid(
                f"Two versions of {twice.name!r} are named, and one is served to those who name none.",
                hint=f"Name one, or publish each beside it: mlforge publish {texts} --beside",
            )
        return [(spec.name, spec.version) for spec in found]

    def _beside(self, features: Words, tags: Words, schedule: Words) -> list[FeatureSpec]:
        """What to publish beside: versions that are named."""
        found = self._named(features, tags, schedule)
        if unversioned := next((spec for spec in found if spec.version is None), None):
            raise Invalid(
                f"Which version of {unversioned.name!r} to publish beside what is served is not said.",
                hint=f"Name it, such as {unversioned.name}@1.0.0",
            )
        return found

    def _online(self, features: Any) -> Any:
        """The features that are meant: sets and request features by what they are."""
        return resolved(self.spelled_out(split_names(features)), self.request_features)

    def _order(
        self, name: str, version: str | None, as_of: int | None, force: bool = False, beside: bool = False
    ) -> PublishOrder:
        return PublishOrder(name, version, as_of, self.features[name].online_horizon, force, beside)

    def _published(
        self,
        orders: Sequence[PublishOrder],
        engine: str | EngineConfig | None,
        profile: str | None,
        on_progress: Callable[[Progress], None] | None,
        requests: Sequence[RequestFeature] = (),
    ) -> PublishReport:
        started, settings = perf_counter(), self.settings(profile)
        audience = Audience(self.name, settings.observers)
        with audience, self._live(settings, engine) as (offline, online, computing, kind):
            publishing = Publishing(offline, online, computing, kind, _present, on_progress or quiet)
            served = settings.online_store.kind if settings.online_store else ""
            results = tuple(publish_watched(publishing, order, audience.watching(), served) for order in orders)
            results += tuple(publish_request_safely(online, one, publishing.now) for one in requests)
        return PublishReport(results, perf_counter() - started)

    def _publishes_to(self, settings: Settings) -> OnlineStoreConfig:
        """The online store. Raises `Invalid` for none, `Unsupported` where the offline store does not fit."""
        found = _online_store(None, settings, self)
        check_publishing(found, settings.offline_store)
        return found

    def _opened(self, engine: str | EngineConfig | None, profile: str | None) -> Any:
        return engine_of(engine, self.settings(profile)).open()

    @contextmanager
    def _live(self, settings: Settings, engine: str | EngineConfig | None) -> Iterator[tuple[Any, Any, Any, str]]:
        """Both stores and an engine, opened, and the engine's name."""
        config = engine_of(engine, settings)
        online = self._publishes_to(settings)
        with settings.offline_store.open() as kept, online.open() as served, config.open() as computing:
            yield kept, served, computing, config.kind


def _present() -> int:
    return micros_of(now())


def _online_store(given: OnlineStoreConfig | None, settings: Settings, project: Project) -> OnlineStoreConfig:
    found = given.at(project.root) if given is not None else settings.online_store
    if found is None:
        raise Invalid(
            "There is no online store.",
            hint='Definitions(…, online_store=SQLiteOnlineStore("online.db")), or online_store in mlforge.yaml.',
        )
    return found
