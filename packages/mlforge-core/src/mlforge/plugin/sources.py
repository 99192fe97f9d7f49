"""What a source is that is no files of this machine: objects of a bucket, or rows as Arrow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import msgspec

from mlforge.model.source import Source


class Found(msgspec.Struct, frozen=True):
    """An object of a bucket: its key, its bytes, and the tag (etag, generation) it has until it is written again.

    Example:
        >>> Found("events/1.parquet", 2048, "9f1c").bytes
        2048
    """

    key: str
    bytes: int
    tag: str


class Objects(Protocol):
    """The objects of one bucket, to read. What the service refuses is `PluginFailed`, raised here once.

    That there is no such bucket is refused, too, and never told as an object that is not there.

    Example:
        >>> class InMemory(Objects):
        ...     def __init__(self, held: dict[str, bytes]) -> None:
        ...         self.held = held
        ...
        ...     def list(self, below: str) -> Iterator[Found]:
        ...         return (Found(k, len(v), "1") for k, v in sorted(self.held.items()) if k.startswith(below))
        ...
        ...     def head(self, key: str) -> Found | None:
        ...         return Found(key, len(self.held[key]), "1") if key in self.held else None
        ...
        ...     def read(self, key: str, start: int, length: int) -> bytes:
        ...         return self.held[key][start : start + length]
        ...
        ...     def options(self) -> dict[str, object]:
        ...         return {}
        >>> [one.key for one in InMemory({"a/1": b"x", "b": b"y"}).list("a/")]
        ['a/1']
    """

    def list(self, below: str) -> Iterator[Found]:
        """The objects whose keys begin with this folder, which ends in `/`; `""` for all."""

    def head(self, key: str) -> Found | None:
        """What is known of an object; None where there is none."""

    def read(self, key: str, start: int, length: int) -> bytes:
        """Some bytes of an object."""

    def options(self) -> dict[str, Any]:
        """What a client needs that reads addresses here by itself. No secret is in it, nor in the `repr` of it.

        `credential_provider` gives settings of object_store and when they end; the rest are such settings.
        """


class Narrow(msgspec.Struct, frozen=True):
    """The times that are asked for: rows outside may be left out, those without a time stay.

    Args:
        column: The column with the times; where there is no such column, or it holds no times, nothing is left out.
        since: The first instant, in microseconds since the Unix epoch; None for no bound.
        until: The first instant after it.
        timezone: Which clock times without a zone are of; UTC's if None.

    Example:
        >>> Narrow("at", 0, None).column
        'at'
    """

    column: str
    since: int | None
    until: int | None
    timezone: str | None = None


class Rows(Protocol):
    """Rows that are read as Arrow: of a table, a query, a frame. What cannot be read is `Invalid` or `PluginFailed`.

    Example:
        >>> class Constant(Rows):
        ...     def state(self) -> str | None:
        ...         return "1"
        ...
        ...     def empty(self) -> object:
        ...         return pl.DataFrame(schema={"user": pl.Int64})
        ...
        ...     def batches(
        ...         self, columns: Sequence[str] | None = None, narrow: Narrow | None = None
        ...     ) -> Iterator[object]:
        ...         yield pl.DataFrame({"user": [1, 2]})
        >>> next(Constant().batches()).height
        2
    """

    def state(self) -> str | None:
        """What changes when the rows do; None where nothing tells."""

    def empty(self) -> Any:
        """The columns and their types: Arrow (`__arrow_c_stream__`, `__arrow_c_array__`) without a row."""

    def batches(self, columns: Sequence[str] | None = None, narrow: Narrow | None = None) -> Iterator[Any]:
        """The rows, a few thousand at a time, each batch as Arrow; asked again, they are read again.

        No more is read than some columns and times need, as far as the other side can tell them apart.
        """


class Asking(msgspec.Struct, frozen=True):
    """What a source is opened with.

    Args:
        source: The source as it was written.
        root: Where relative paths start.
        place: The address without options and password, absolute where it is one of this machine.
        objects: The bucket that it lies in; None where it lies in none.

    Example:
        >>> Asking(mlf.Source("lake/events"), Path("/srv"), "/srv/lake/events").objects is None
        True
    """

    source: Source
    root: Path
    place: str
    objects: Any = None

    @property
    def options(self) -> Mapping[str, Any]:
        """The source's options, by word."""
        return dict(self.source.options)
