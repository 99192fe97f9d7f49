"""A project: its features, and the engine and stores they are built with."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType, ModuleType
from typing import Any, TypeVar

import msgspec

from mlforge.errors import Invalid, NotFound, Unknown, nearest
from mlforge.model.entity import Entity
from mlforge.model.feature import Feature, FeatureSpec, is_version, spec_of
from mlforge.model.feature_set import FeatureSet
from mlforge.model.request import Requested, RequestFeature
from mlforge.model.several import several
from mlforge.model.source import Source
from mlforge.model.spelling import spelled
from mlforge.plugin.config import Config, EngineConfig, OnlineStoreConfig, StoreConfig
from mlforge.plugin.descriptors import EngineDescriptor, OnlineStoreDescriptor, StoreDescriptor
from mlforge.plugin.observers import ObserverConfig
from mlforge.plugin.registry import registry
from mlforge.project.looking import is_file
from mlforge.project.profiles import FILE, Profile, choose_profile, decode_config
from mlforge.project.profiles import observers as observers_of
from mlforge.project.requesting import refuse_feature_names, refuse_unread

Noun = TypeVar("Noun")
NO_REQUESTS: Mapping[str, RequestFeature] = MappingProxyType({})


class Settings(msgspec.Struct, frozen=True):
    """What a build or a retrieval works with, after the profile had its say."""

    offline_store: StoreConfig
    engine: EngineConfig | None = None
    online_store: OnlineStoreConfig | None = None
    profile: str | None = None
    incremental: bool = False
    quality: bool = True
    observers: tuple[ObserverConfig, ...] = ()


class Project:
    """Features and where they go. `Definitions` is this with the verbs.

    Args:
        name: The project's name.
        features: Features, stored ones and those of requests, modules that hold some, or lists of either.
        offline_store: Where versions are kept: a store, or a folder's path. `store` says the same. The profile's, or
            `LocalStore()`, if None.
        online_store: Where values are served from: a store, or the path of an SQLite file that ends in `.db`.
        engine: The engine's name or config; `polars` if None, or the one that is installed.
        profile: A profile of `mlforge.yaml`, unless `--profile` or `MLFORGE_PROFILE` names another.
        feature_sets: Sets of features, such as those of a model; their names stand wherever features do.
        observers: Who is told what is built, published and retrieved: observers, or their names; besides the profile's.
        root: Where relative paths start: the nearest folder upward with an `mlforge.yaml`, else the current one.

    Raises:
        Invalid: Two features of one name, something that is no feature, a store that is none, or a set that has a
            feature's name.
        Unknown: A set that names a feature there is none of.
    """

    @spelled
    def __init__(
        self,
        name: str = "mlforge",
        features: Any = (),
        offline_store: StoreConfig | str | os.PathLike[str] | None = None,
        online_store: OnlineStoreConfig | str | os.PathLike[str] | None = None,
        engine: str | EngineConfig | None = None,
        profile: str | None = None,
        *,
        store: StoreConfig | str | os.PathLike[str] | None = None,
        feature_sets: FeatureSet | Sequence[FeatureSet] = (),
        observers: Any = (),
        root: str | os.PathLike[str] | None = None,
    ) -> None:
        if store is not None and offline_store is not None:
            raise Invalid("Both store and offline_store are given.", hint="They mean the same: give one.")
        self.name = name
        self.features: dict[str, Feature] = collect(features)
        self.request_features: dict[str, RequestFeature] = collect_requests(features)
        _refuse_shared_names(self.features, self.request_features)
        for made in self.request_features.values():
            refuse_feature_names(made, [*self.features, *self.request_features])
            refuse_unread(made, self.features)
        self.feature_sets: dict[str, FeatureSet] = collect_sets(feature_sets, self.features, self.request_features)
        self.offline_store = _typed(_local(offline_store or store), StoreConfig, "offline_store")
        self.online_store = _typed(_sqlite(online_store), OnlineStoreConfig, "online_store")
        self.engine = engine
        self.observers = observers_of(observers, "observers")
        self.profile = profile
        self.root = Path(root).resolve() if root is not None else find_root(Path.cwd())
        self.has_own_root = root is not None
        self.file: Path | None = None  # where the loader found it

    def settings(self, profile: str | None = None) -> Settings:
        """Engine and stores in use.

        What a profile asked for by flag or variable sets wins over the code; the code wins over any other profile.

        Example:
            >>> found = defs.settings()
            >>> found.engine.kind, found.offline_store.kind, found.profile
            ('polars', 'local', 'dev')
        """
        found, asked = choose_profile(self.root, profile, self.profile, os.environ)
        own = Profile("", self._own_engine(), self.offline_store, self.online_store)
        first, second = (found, own) if asked and found else (own, found)
        engine, offline, online = (_first(first, second, f) for f in ("engine", "offline_store", "online_store"))
        return Settings(
            _placed(offline or _default_store(), self.root),
            _placed(engine, self.root),
            _placed(online, self.root),
            found.name if found else None,
            bool(found and found.incremental),
            quality=not found or found.quality is not False,
            observers=self._observers(found),
        )

    def _observers(self, profile: Profile | None) -> tuple[ObserverConfig, ...]:
        """The profile's and the code's; of one kind, those of the code."""
        both = (*((profile.observers or ()) if profile else ()), *self.observers)
        return tuple({one.kind: one.at(self.root) for one in both}.values())

    def _own_engine(self) -> EngineConfig | None:
        return None if self.engine is None else engine_config(self.engine)

    def feature(self, name: str) -> Feature:
        """The feature of that name. Raises `Unknown` with the nearest one.

        Example:
            >>> str(defs.feature("user_spend").interval)
            '1d'
        """
        if name not in self.features:
            self._refuse_others(name)
        return _named(self.features, "feature", name)

    def request_feature(self, name: str) -> RequestFeature:
        """The request feature of that name. Raises `Unknown` with the nearest one.

        Example:
            >>> defs.request_feature("risk")
            Traceback (most recent call last):
            mlforge.errors.Unknown: There is no request feature 'risk'. ...
        """
        return _named(self.request_features, "request feature", name)

    def refuse_requests(self, names: Iterable[str], verb: str) -> None:
        """Raise `Invalid` for a request feature among names, where there is nothing of it to do this to.

        Example:
            >>> defs.refuse_requests(["user_spend"], "build")
        """
        for name in names:
            if name in self.request_features or (name in self.feature_sets and name not in self.stored_sets):
                raise Invalid(
                    f"{name!r} is computed when it is asked for: there is nothing to {verb}.",
                    hint="Ask get_training_data or get_online_features for it.",
                )

    def _refuse_others(self, name: str) -> None:
        """Raise `Invalid` for a request feature, or a set, of which no rows are kept."""
        self.refuse_requests([name], "look into")
        if name in self.feature_sets:
            raise Invalid(
                f"{name!r} is a feature set: there is nothing of its own to look into.",
                hint=f"Name one of its features: {', '.join(self.stored_sets[name].names)}.",
            )

    @contextmanager
    def _looking_into(self, name: str) -> Iterator[None]:
        """Where nothing is kept under a name because it is that of something else: say so."""
        try:
            yield
        except NotFound:
            self._refuse_others(name)
            raise

    def feature_set(self, name: str) -> FeatureSet:
        """The feature set of that name. Raises `Unknown` with the nearest one.

        Example:
            >>> import mlforge as mlf
            >>> shop = mlf.Definitions(
            ...     "shop",
            ...     features=list(defs.features.values()),
            ...     feature_sets=[
            ...         mlf.FeatureSet("churn", features=["user_spend", "last_purchase"]),
            ...     ],
            ... )
            >>> shop.feature_set("churn").names
            ('user_spend', 'last_purchase')
        """
        return _named(self.feature_sets, "feature set", name)

    @property
    def stored_sets(self) -> dict[str, FeatureSet]:
        """The feature sets with what is stored of them: request features stand for the features that they use.

        Example:
            >>> import mlforge as mlf
            >>> risk = mlf.request_feature(
            ...     "risk", inputs={"n": "Int64"}, uses="user_spend", columns={"more": mlf.col("n") + 1}
            ... )
            >>> shop = mlf.Definitions(
            ...     "shop",
            ...     features=[*defs.features.values(), risk],
            ...     feature_sets=mlf.FeatureSet("churn", features="risk"),
            ... )
            >>> shop.stored_sets["churn"].names
            ('user_spend',)
        """
        found = {name: self._stored_of(one) for name, one in self.feature_sets.items()}
        return {name: one for name, one in found.items() if one is not None}

    def _stored_of(self, one: FeatureSet) -> FeatureSet | None:
        if not set(one.names) & set(self.request_features):
            return one
        specs = {(s.name, s.version): s for s in one.specs if s.name not in self.request_features}
        named = {name for name, _ in specs}
        uses = [use for name in one.names if name in self.request_features for use in self.request_features[name].uses]
        for use in uses:
            if use.name in self.features and (use.version is not None or use.name not in named):
                specs.setdefault((use.name, use.version), FeatureSpec(use.name, use.version))
        return msgspec.structs.replace(one, features=tuple(specs.values())) if specs else None

    def spelled_out(self, features: Any) -> Any:
        """What names features, with sets in place of their names.

        Raises:
            Invalid: A version or columns of a set.

        Example:
            >>> defs.spelled_out(["user_spend", ("last_purchase", "1.0.0")])
            ['user_spend', ('last_purchase', '1.0.0')]
        """
        if isinstance(features, str | FeatureSpec):
            return self._set_or(features)
        if is_version(features):
            return [features]
        is_one = features is None or isinstance(features, msgspec.Struct)
        return features if is_one else [self._set_or(one) for one in several(features)]

    def _set_or(self, one: Any) -> Any:
        if not isinstance(one, str | tuple | FeatureSpec):
            return one
        spec = spec_of(one)
        if spec.name not in self.feature_sets:
            return one
        if spec != FeatureSpec(spec.name):
            raise Invalid(
                f"{spec.name!r} is a feature set, which has neither versions nor columns of its own.",
                hint=f"Name it alone, or one of its features, such as {self.feature_sets[spec.name].names[0]!r}.",
            )
        return self.feature_sets[spec.name]

    @contextmanager
    def _leading_on(self, features: Any) -> Iterator[None]:
        """Where a name that was asked for is neither built nor published, and none of these: hint at one that is."""
        try:
            yield
        except NotFound as error:
            known = [*self.features, *self.request_features, *self.feature_sets]
            named = features if isinstance(features, list | tuple) else [features]
            strange = {one.partition("@")[0] for one in named if isinstance(one, str)}.difference(known)
            lost = next((name for name in strange if error.message.startswith(f"{name!r} has not been ")), None)
            if lost is not None and not (error.hint or "").startswith("Did you mean"):
                error.hint = nearest(lost, known)
            raise

    def entity(self, name: str) -> Entity:
        """The entity of that name. Raises `Unknown` with the nearest one.

        Example:
            >>> defs.entity("user").join_key
            'user_id'
        """
        return _named(self.entities(), "entity", name)

    def source(self, name: str) -> Source:
        """The source of that name. Raises `Unknown` with the nearest one.

        Example:
            >>> defs.source("purchases").path
            'data/purchases.csv'
        """
        return _named(self.sources(), "source", name)

    def entities(self) -> dict[str, Entity]:
        """The entities of all features, by name.

        Example:
            >>> list(defs.entities())
            ['user']
        """
        return {e.name: e for f in self.features.values() for e in f.entities}

    def sources(self) -> dict[str, Source]:
        """The sources by name; where several share one, by path.

        Example:
            >>> list(defs.sources())
            ['purchases']
        """
        found = list(dict.fromkeys(f.source for f in self.features.values()))
        names = [s.name for s in found]
        return {s.name if names.count(s.name) == 1 else s.path: s for s in found}


def _local(given: Any) -> Any:
    """A folder's path as the store that it means."""
    if not isinstance(given, str | os.PathLike):
        return given
    path = os.fspath(given)
    if "://" in path or not path.strip():
        raise Invalid(f"{path!r} is no folder.", hint='store="feature_store", or a store such as LocalStore("…").')
    return decode_config({"KIND": "local", "path": path}, StoreDescriptor, "offline_store")


def _sqlite(given: Any) -> Any:
    """The path of an SQLite file as the online store that it means."""
    if not isinstance(given, str | os.PathLike):
        return given
    path = os.fspath(given)
    if not path.endswith((".db", ".sqlite", ".sqlite3")) or "://" in path:
        raise Invalid(
            f"{path!r} does not tell which online store is meant.",
            hint='online_store="online.db" is an SQLite file; others are stores, such as RedisStore(host="cache").',
        )
    return decode_config({"KIND": "sqlite", "path": path}, OnlineStoreDescriptor, "online_store")


def engine_config(value: Any) -> EngineConfig:
    """An engine's config from its name, a mapping with `KIND`, or a config. Raises `Unknown` or `NotInstalled`."""
    config = decode_config(value, EngineDescriptor, "engine")
    if not isinstance(config, EngineConfig):
        raise Invalid(f"{config!r} is not an engine.", hint='engine="polars"')
    return config


def default_engine() -> EngineConfig:
    """Polars, or the one that is installed. Raises `NotInstalled` where there is none."""
    return engine_config(registry().default_engine())


def collect(features: Any) -> dict[str, Feature]:
    """Features by name, from features, modules and lists of them. Raises `Invalid` for two of one name."""
    found: dict[str, Feature] = {}
    for made in _flatten(features):
        if isinstance(made, RequestFeature):
            continue
        other = found.setdefault(made.name, made)
        if other is not made:
            raise Invalid(
                f"Two features are named {made.name!r}: in {_home(other)} and in {_home(made)}.",
                hint="Rename one, or pass name=… to @feature.",
            )
    _refuse_rival_entities(found.values())
    return found


def collect_requests(features: Any) -> dict[str, RequestFeature]:
    """Request features by name, from the same. Raises `Invalid` for two of one name, and for one that uses another."""
    found: dict[str, RequestFeature] = {}
    for made in _flatten(features):
        if isinstance(made, RequestFeature) and found.setdefault(made.name, made) is not made:
            raise Invalid(f"Two request features are named {made.name!r}.", hint="Rename one.")
    for made in found.values():
        if other := next((spec.name for spec in made.uses if spec.name in found), None):
            raise Invalid(
                f"Request feature {made.name!r} uses {other!r}, which is not stored either.",
                hint="Use stored features, and write the other's expression out.",
            )
    return found


def _refuse_shared_names(features: Iterable[str], requests: Iterable[str]) -> None:
    if shared := sorted({*features} & {*requests}):
        raise Invalid(f"A feature and a request feature are named {shared[0]!r}.", hint="Rename one.")


def collect_sets(
    sets: Any, features: Mapping[str, Feature], requests: Mapping[str, RequestFeature] = NO_REQUESTS
) -> dict[str, FeatureSet]:
    """Feature sets by name.

    Raises:
        Invalid: Two sets of one name, one with a feature's name, or something that is no set.
        Unknown: A feature that there is none of.
    """
    found: dict[str, FeatureSet] = {}
    for made in sets if isinstance(sets, list | tuple) else (sets,):
        if not isinstance(made, FeatureSet):
            raise Invalid(f"{made!r} is no feature set.", hint='feature_sets=[FeatureSet("fraud", features=[…])]')
        if made.name in features or made.name in requests:
            raise Invalid(f"A feature and a set are named {made.name!r}.", hint="Give one of them another name.")
        if made.name in found:
            raise Invalid(f"Two feature sets are named {made.name!r}.", hint="Give one of them another name.")
        for member in made.members:
            _refuse_stranger(made, member, features, requests)
        found[made.name] = made
    return found


def _refuse_stranger(
    made: FeatureSet,
    member: FeatureSpec | RequestFeature,
    features: Mapping[str, Feature],
    requests: Mapping[str, RequestFeature],
) -> None:
    """Raise for a member of a set that is not there, or not as the set has it."""
    if member.name not in features and member.name not in requests:
        raise Unknown(
            f"The feature set {made.name!r} names {member.name!r}, and there is no such feature.",
            hint=nearest(member.name, [*features, *requests]),
        )
    if isinstance(member, RequestFeature):
        if requests.get(member.name) is not member:
            raise Invalid(
                f"The feature set {made.name!r} has another {member.name!r} than the definitions.",
                hint=f"Name it: FeatureSet({made.name!r}, features=[{member.name!r}, …]).",
            )
    elif member.name in requests:
        Requested.of(requests[member.name], member)


def _refuse_rival_entities(features: Iterable[Feature]) -> None:
    known: dict[str, Entity] = {}
    for entity in (e for f in features for e in f.entities):
        other = known.setdefault(entity.name, entity)
        if other != entity:
            raise Invalid(
                f"Two entities are named {entity.name!r}: one is known by {_key_names(other)}, the other by "
                f"{_key_names(entity)}.",
                hint="Give one of them another name.",
            )


def _key_names(entity: Entity) -> str:
    return ", ".join(k.name for k in entity.keys)


def find_root(start: Path) -> Path:
    """The nearest folder at or above `start` that holds an `mlforge.yaml`; `start` if there is none."""
    start = start.resolve()
    return next((p for p in (start, *start.parents) if is_file(p / FILE)), start)


def _flatten(given: Any) -> Iterable[Feature | RequestFeature]:
    if isinstance(given, Feature | RequestFeature):
        yield given
    elif isinstance(given, ModuleType):
        yield from _features_of(given)
    elif isinstance(given, list | tuple | set):
        for item in given:
            yield from _flatten(item)
    elif isinstance(given, FeatureSet):
        raise Invalid(f"{given.name!r} is a feature set, no feature.", hint="Give it as feature_sets=[…].")
    else:
        raise Invalid(f"{given!r} is neither a feature nor a module.", hint="features=[my_features, another_feature]")


def _features_of(module: ModuleType) -> list[Feature | RequestFeature]:
    found = [v for v in vars(module).values() if isinstance(v, Feature | RequestFeature)]
    if not found:
        raise Invalid(f"The module {module.__name__} holds no feature.", hint="Decorate a function with @mlf.feature.")
    return list({id(one): one for one in found}.values())


def _home(feature: Feature) -> str:
    return str(getattr(feature.function, "__module__", "?"))


def _named(known: Mapping[str, Noun], kind: str, name: str) -> Noun:
    if name not in known:
        raise Unknown(f"There is no {kind} {name!r}.", hint=nearest(name, known))
    return known[name]


def _typed(value: Any, kind: type[Config], what: str) -> Any:
    if value is not None and not isinstance(value, kind):
        raise Invalid(f"{what}={value!r} is not a {what.replace('_', ' ')}.", hint="LocalStore('./feature_store')")
    return value


def _first(first: Profile | None, second: Profile | None, field: str) -> Any:
    return next((v for p in (first, second) if p and (v := getattr(p, field)) is not None), None)


def _placed(config: Any, root: Path) -> Any:
    return None if config is None else config.at(root)


def _default_store() -> StoreConfig:
    stores: Mapping[str, StoreDescriptor] = registry().of(StoreDescriptor)
    if "local" not in stores:
        raise NotFound("No offline store is given.", hint="Definitions(…, offline_store=LocalStore('./feature_store'))")
    return stores["local"].config()  # type: ignore[return-value]
