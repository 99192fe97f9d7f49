"""What an engine is asked about, and what it answers: addresses, frames and facts of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from mlforge.model.meta import Artifact
from mlforge.model.source import Format

Frame = Any
"""An engine's own frame. The core passes it on and never looks inside."""


class Scan(msgspec.Struct, frozen=True):
    """What to read: addresses of one format. `name` is for error messages.

    `partitions` are the columns that folders such as `year=2025` tell, each with its type, `Int64`, `Date` or `String`:
    they follow the files' own columns, and stand for those of the same name.

    Rows of a format that an engine does not read by itself are in `rows`, as Arrow (`mlforge.plugin.Rows`), and which
    of them are asked for is in `narrow`. Files of a bucket are in its `objects` (`mlforge.plugin.Objects`), for engines
    that do not reach them by themselves; `state` has the key of each, and its bytes and tag as `2048:9f1c`.

    Example:
        >>> from mlforge.model.source import CSVFormat
        >>> Scan("payments", ("data/payments.csv",), CSVFormat()).uris
        ('data/payments.csv',)
    """

    name: str
    uris: tuple[str, ...]
    format: Format
    options: dict[str, Any] = {}
    partitions: tuple[tuple[str, str], ...] = ()
    rows: Any = None
    objects: Any = None
    state: tuple[tuple[str, str], ...] = ()
    narrow: Any = None


class Conformed(msgspec.Struct, frozen=True):
    """A frame the engine has computed once and keeps, its rows, and how many of them have a null key.

    `first` and `last` are the first and last stamp, in microseconds since the Unix epoch; None where there is none.

    Example:
        >>> from mlforge.model.feature import Shape
        >>> from mlforge.model.keys import Key
        >>> frame = pl.DataFrame({"user": [1, None]})
        >>> with mlf.PolarsEngine().open() as engine:
        ...     held = engine.conform(frame, Shape((Key("user"),)))
        >>> held.rows, held.null_keys
        (2, 1)
    """

    frame: Any
    rows: int
    null_keys: int
    first: int | None = None
    last: int | None = None


class Extent(msgspec.Struct, frozen=True):
    """How many rows a frame has, and the first and last instant in them, in microseconds since the Unix epoch.

    Example:
        >>> from mlforge.model.timestamp import Timestamp
        >>> frame = pl.DataFrame({"t": [datetime(1970, 1, 1, 0, 0, 9), datetime(1970, 1, 1, 0, 0, 1)]})
        >>> with mlf.PolarsEngine().open() as engine:
        ...     engine.extent(frame, Timestamp("t"))
        Extent(rows=2, first=1000000, last=9000000)
    """

    rows: int
    first: int | None = None
    last: int | None = None


class Join(msgspec.Struct, frozen=True):
    """One feature in a point-in-time join.

    Args:
        artifact: The committed version, its rows sorted by keys and stamp and unique in them.
        columns: The feature's columns to bring, each with its name in the answer.
        max_age: A value whose stamp is more than this many microseconds before the label time becomes null.

    Example:
        >>> with mlf.LocalStore("feature_store").open() as store:
        ...     join = Join(store.get("user_spend", "1.0.0"), {"purchases_7d": "purchases"})
        >>> join.artifact.meta.version, join.max_age
        ('1.0.0', None)
    """

    artifact: Artifact
    columns: Mapping[str, str]
    max_age: int | None = None
