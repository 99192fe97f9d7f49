"""From a store alone, without the definitions: training data, what is served, and what there is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

from mlforge.errors import Invalid
from mlforge.flow.discovering.cards import cards
from mlforge.flow.discovering.index import Index
from mlforge.flow.discovering.search import SHOWN, SearchResults, filters_of, search
from mlforge.flow.lock import Lock, LockPolicy, checked_policy, opened
from mlforge.flow.moments import now
from mlforge.flow.observing import Audience
from mlforge.flow.online.answer import aonline_features, online_features
from mlforge.flow.online.reader import OnlineFeatures, Reader
from mlforge.flow.online.request_notes import noted_requests
from mlforge.flow.specs import resolved
from mlforge.flow.training.retrieve import TrainingData, training_data
from mlforge.flow.training.watched import watched
from mlforge.flow.versions.manifest import kept_manifest, read_manifest
from mlforge.model.feature import Feature, FeatureSpec
from mlforge.model.feature_set import FeatureSet
from mlforge.model.request import RequestFeature
from mlforge.model.spelling import spelled
from mlforge.model.timestamp import Timestamp
from mlforge.plugin.config import EngineConfig, OnlineStoreConfig, StoreConfig
from mlforge.plugin.online_stores import AsyncReading, OnlineStore
from mlforge.project.project import Settings, default_engine, engine_config
from mlforge.project.selection import words

One = str | Feature | FeatureSpec | FeatureSet | RequestFeature
Features = One | Lock | Sequence[One | tuple[str, str]]
"""What names the features of a training set."""
Entities = Sequence[Mapping[str, Any]] | Any


@spelled
def get_training_data(
    spine: Any = None,
    features: Features = (),
    timestamp: str | Timestamp | None = None,
    *,
    store: StoreConfig,
    entity_df: Any = None,
    engine: str | EngineConfig | None = None,
    full_names: bool = False,
    with_lock: bool = False,
    lock: Lock | str | Path | None = None,
) -> Any:
    """Point-in-time correct training data from a store, without the definitions. See `Definitions.get_training_data`.

    Raises:
        NotFound: A feature or version that was not built.
        Invalid: A missing key or time column, or two columns of one name.

    Example:
        >>> store = mlf.LocalStore("feature_store")
        >>> labels = pl.DataFrame({"user_id": ["u01", "u02"], "label_time": [datetime(2026, 2, 15)] * 2})
        >>> mlf.get_training_data(labels, "user_spend@1.0.0", store=store)["purchases_7d"].to_list()
        [4, 5]
    """
    found = train(store, spine, entity_df, features, timestamp, engine, full_names, with_lock, opened(lock))
    return found if with_lock else found.frame


def train(
    store: StoreConfig,
    spine: Any,
    entity_df: Any,
    features: Features,
    timestamp: str | Timestamp | None,
    engine: str | EngineConfig | None,
    full_names: bool,
    locked: bool,
    lock: Lock | None = None,
    audience: Audience | None = None,
) -> TrainingData:
    """Training data from a store that is opened for it, and the versions it was made of."""
    table = _one_spine(spine, entity_df)
    config = default_engine() if engine is None else engine_config(engine)

    def work() -> TrainingData:
        with store.open() as opened, config.open() as computing:
            return training_data(opened, computing, table, features, timestamp, full_names, locked, lock)

    return watched(audience or Audience(""), features, work)


def _one_spine(spine: Any, entity_df: Any) -> Any:
    if (spine is None) == (entity_df is None):
        raise Invalid("Training data needs a spine.", hint="Give the table with keys and label times as spine=…")
    return entity_df if spine is None else spine


@spelled
def get_online_features(
    features: Any,
    entity_df: Entities,
    *,
    store: OnlineStoreConfig,
    engine: str | EngineConfig | None = None,
    full_names: bool = False,
    with_status: bool = False,
    lock: Lock | str | Path | None = None,
    policy: LockPolicy = "refuse",
) -> Any:
    """What a store serves for some entities, without the definitions. See `Definitions.get_online_features`.

    Raises:
        NotFound: A feature that is not published, or is served as another version.
        Invalid: A key that is missing or of another type, or two columns of one name.

    Example:
        >>> _ = defs.publish("last_purchase", as_of="2026-02-15")
        >>> store = mlf.SQLiteOnlineStore("online.db")
        >>> mlf.get_online_features("last_purchase", [{"user_id": "nobody"}], store=store)
        [{'user_id': 'nobody', 'category': None, 'amount': None}]
    """
    with store.open() as online:
        reader = reader_by_name(online, features, full_names, opened(lock), checked_policy(policy))
        found = online_features(reader, entity_df, lambda: engine_of(engine, None).open())
    return found if with_status else found.values


@spelled
async def aget_online_features(
    features: Any,
    entity_df: Entities,
    *,
    store: OnlineStoreConfig,
    engine: str | EngineConfig | None = None,
    full_names: bool = False,
    with_status: bool = False,
    lock: Lock | str | Path | None = None,
    policy: LockPolicy = "refuse",
) -> Any:
    """What `get_online_features` gives, without holding up the event loop while the store is asked.

    Example:
        >>> _ = defs.publish("last_purchase", as_of="2026-02-15")
        >>> store = mlf.SQLiteOnlineStore("online.db")
        >>> asyncio.run(mlf.aget_online_features("last_purchase", [{"user_id": "nobody"}], store=store))
        [{'user_id': 'nobody', 'category': None, 'amount': None}]
    """
    held, how = opened(lock), checked_policy(policy)
    make = partial(reader_by_name, features=features, full_names=full_names, lock=held, policy=how)
    found = await aread(store, make, entity_df, lambda: engine_of(engine, None).open())
    return found if with_status else found.values


def reader_by_name(
    online: OnlineStore, features: Any, full_names: bool, lock: Lock | None, policy: LockPolicy
) -> Reader:
    """A reader where there are no definitions: request features are what the store, or the lock, has of them."""
    named = split_names(features)
    known = {} if isinstance(named, Lock) or lock is not None else noted_requests(online, named)
    return Reader(online, resolved(named, known), full_names, lock=lock, policy=policy)


async def aread(
    config: OnlineStoreConfig, make: Callable[[Any], Reader], entities: Entities, engine: Callable[[], Any]
) -> OnlineFeatures:
    """Values from an online store that is opened for it, without holding up the event loop."""
    import asyncio

    online = await asyncio.to_thread(lambda: config.open().__enter__())
    try:
        reader = await asyncio.to_thread(make, online)
        return await aonline_features(reader, entities, engine)
    finally:
        if isinstance(online, AsyncReading):
            await online.aclose()
        await asyncio.to_thread(online.__exit__, None, None, None)


def engine_of(engine: str | EngineConfig | None, settings: Settings | None) -> EngineConfig:
    """The engine that is asked for, or the project's, or the default."""
    chosen = engine if engine is not None or settings is None else settings.engine
    return default_engine() if chosen is None else engine_config(chosen)


def split_names(features: Any) -> Any:
    """`"a,b"` as two features."""
    if isinstance(features, str) and "," in features:
        return list(words(features))
    return features


@spelled
def search_features(
    query: str = "",
    *,
    store: StoreConfig,
    tags: Any = None,
    entity: str | None = None,
    owner: str | None = None,
    column: str | None = None,
    stale: str | timedelta | None = None,
    limit: int | None = SHOWN,
) -> SearchResults:
    """Find features of a store, without the definitions: its manifest alone is read. See `Definitions.search_features`.

    Raises:
        Invalid: Neither words nor a filter, or one that is none.
        Unknown: A tag, entity, owner or column that no feature has.

    Example:
        >>> mlf.search_features("spent", store=mlf.LocalStore("feature_store")).names
        ['user_spend']
    """
    filters = filters_of(tags, entity, owner, column, stale)
    with store.open() as opened:
        manifest = kept_manifest(opened) or read_manifest(opened, now())
    return search(Index(cards(manifest)), query, filters, limit, now())
