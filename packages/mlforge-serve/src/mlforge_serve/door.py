"""What the command line hands to `mlforge serve`: the project, as far as it is served."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from mlforge.model.feature import FeatureSpec
from mlforge.model.feature_set import FeatureSet
from mlforge.model.meta import FeatureMeta
from mlforge.model.schema import Column
from mlforge.plugin import Asked, Entry, OnlineStore, OnlineStoreConfig


class Publish(Protocol):
    """A publish: which version, and as of when."""

    @property
    def version(self) -> str: ...

    @property
    def as_of(self) -> int: ...

    @property
    def until(self) -> int | None: ...


class Lookup(Protocol):
    """How one feature is looked up: what is known of it, and its columns with their names in an answer."""

    @property
    def name(self) -> str: ...

    @property
    def label(self) -> str: ...

    @property
    def meta(self) -> FeatureMeta: ...

    @property
    def publish(self) -> Publish: ...

    @property
    def columns(self) -> Mapping[str, str]: ...


class RequestFeature(Protocol):
    """A feature that is computed of a request: its inputs with their types, and the features that it uses."""

    @property
    def name(self) -> str: ...

    @property
    def inputs(self) -> Mapping[str, str]: ...

    @property
    def uses(self) -> Sequence[FeatureSpec]: ...

    @property
    def tags(self) -> Sequence[str]: ...

    @property
    def description(self) -> str | None: ...

    @property
    def owner(self) -> str | None: ...


@runtime_checkable
class RequestLookup(Protocol):
    """A request feature over what is published: its columns, and how what it uses is looked up."""

    @property
    def name(self) -> str: ...

    @property
    def feature(self) -> RequestFeature: ...

    @property
    def schema(self) -> Sequence[Column]: ...

    @property
    def uses(self) -> Sequence[Lookup]: ...


class Vector(Protocol):
    """The answer for one entity: the features, their columns, and the values of entries and of what was sent."""

    @property
    def names(self) -> Sequence[str]: ...

    @property
    def features(self) -> Sequence[str]: ...

    @property
    def columns(self) -> Sequence[str]: ...

    def of(self, entries: Sequence[Entry | None], row: Mapping[str, Any], now: int) -> tuple[Any, Any, int, int]:
        """Values, how good they are by feature, and the instants between which that holds."""


class Reader(Protocol):
    """Reads some features for any entities. What is kept of them comes as a store gives it, by feature."""

    @property
    def lookups(self) -> Sequence[Lookup]: ...

    @property
    def requests(self) -> Sequence[RequestLookup]: ...

    @property
    def vector(self) -> Vector: ...

    def asked(self, rows: Sequence[Mapping[str, Any]], first: int = ...) -> list[Asked]: ...

    async def akept(self, asked: Sequence[Asked]) -> list[Sequence[bytes | Entry | None]]: ...

    def now(self) -> int: ...


class Served(Protocol):
    """What there is to serve."""

    @property
    def project(self) -> str: ...

    @property
    def features(self) -> tuple[str, ...]: ...

    @property
    def store(self) -> OnlineStoreConfig: ...

    @property
    def requests(self) -> Mapping[str, RequestFeature]: ...

    @property
    def sets(self) -> tuple[FeatureSet, ...]: ...

    @property
    def lock(self) -> object | None: ...

    def as_noted(self, online: Any) -> Served: ...

    def reader(
        self,
        online: OnlineStore,
        features: Any,
        full_names: bool = ...,
        refreshed_after: float = ...,
        warn: Callable[[str], None] | None = ...,
    ) -> Reader: ...


class Defined(Protocol):
    """What is defined, by name."""

    @property
    def features(self) -> Mapping[str, object]: ...

    @property
    def request_features(self) -> Mapping[str, object]: ...

    @property
    def feature_sets(self) -> Mapping[str, FeatureSet]: ...


class Invocation(Protocol):
    """One call of `mlforge`."""

    debug: bool

    def warn(self, text: str) -> None: ...

    def definitions(self, target: str | None = ...) -> Defined: ...

    def served(
        self,
        target: str | None = ...,
        profile: str | None = ...,
        features: tuple[str, ...] = ...,
        meanwhile: Callable[[], object] = ...,
        lock: str | Path | None = ...,
        policy: str = ...,
    ) -> Served: ...
