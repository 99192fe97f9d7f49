"""What the command line hands to `mlforge serve`: the project, as far as it is served."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from mlforge.model.feature_set import FeatureSet
from mlforge.model.meta import FeatureMeta
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

    def found(self, entry: Entry | None, now: int) -> tuple[Sequence[Any], str, int, int]:
        """An entry's values, how good they are, and the instants between which that holds."""


class Reader(Protocol):
    """Reads some features for any entities. What is kept of them comes as a store gives it, by feature."""

    @property
    def lookups(self) -> Sequence[Lookup]: ...

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
    def sets(self) -> tuple[FeatureSet, ...]: ...

    @property
    def lock(self) -> object | None: ...

    def reader(
        self,
        online: OnlineStore,
        features: Any,
        full_names: bool = ...,
        refreshed_after: float = ...,
        warn: Callable[[str], None] | None = ...,
    ) -> Reader: ...


class Invocation(Protocol):
    """One call of `mlforge`."""

    debug: bool

    def served(
        self,
        target: str | None = ...,
        profile: str | None = ...,
        features: tuple[str, ...] = ...,
        meanwhile: Callable[[], object] = ...,
        lock: str | Path | None = ...,
        policy: str = ...,
    ) -> Served: ...
