"""What an online store does. The docstrings are the contract; `mlforge.testing` holds online stores to it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol, runtime_checkable

import msgspec

from mlforge.plugin.live import Live


class Point(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The values of an entity from an instant on, one a column of its entry.

    `stamp` is microseconds since the Unix epoch, None without time. Values are what `Engine.rows` gives: None, bool,
    int within 64 bits, float, str, bytes, date, time, aware datetime, timedelta, Decimal, or a list of these. A store
    gives each back equal and of its type; `encode_entry` and `decode_entry` do so.

    Example:
        >>> Point(0, ("books", 12.5)).values
        ('books', 12.5)
    """

    stamp: int | None
    values: tuple[Any, ...]


class Entry(msgspec.Struct, frozen=True, gc=False):
    """What an online store keeps of an entity: its values as of an instant, and the change points after it.

    An entry without points is a tombstone: the entity is gone. It is written and outlived like any other entry, so an
    older publisher that runs late cannot bring the entity back.

    Args:
        feature: The feature.
        key: The entity's `surrogate_key` over its key values.
        version: The version it was published from.
        as_of: The instant it was published for, in microseconds since the Unix epoch.
        until: The last instant up to which the points are known to be all; None where time plays no part.
        columns: The names of the values.
        points: The value at `as_of` first, then the later ones, by stamp.

    Example:
        >>> entry = Entry("spend", "ab", "1.0.0", as_of=0, columns=("spend_7d",), points=(Point(0, (40,)),))
        >>> entry.address
        Address(feature='spend', key='ab')
    """

    feature: str
    key: str
    version: str
    as_of: int
    until: int | None = None
    columns: tuple[str, ...] = ()
    points: tuple[Point, ...] = ()

    @property
    def address(self) -> Address:
        return Address(self.feature, self.key)


class Address(msgspec.Struct, frozen=True, gc=False):
    """Where an entry stands: a feature and an entity's key.

    Example:
        >>> Address("spend", mlf.surrogate_key("ada")).feature
        'spend'
    """

    feature: str
    key: str


class OnlineStore(Live, Protocol):
    """Keeps, for each entity, what is served, and for each feature a note of what was published.

    It may be read and written from several threads and processes at once: an entry is read whole, as one publisher
    wrote it. A backend that is down, too slow, full or refuses the credentials is `PluginFailed`, naming what did
    not answer and where, never a secret, within the store's own time limits; so is one met at opening.

    Example:
        >>> with mlf.SQLiteOnlineStore("online.db").open() as store:
        ...     store.write([Entry("spend", "ab", "1.0.0", as_of=0, columns=("x",), points=(Point(None, (1,)),))])
        ...     [entry and entry.points for entry in store.read([Address("spend", "ab"), Address("spend", "no")])]
        1
        [(Point(stamp=None, values=(1,)),), None]
    """

    def write(self, entries: Iterable[Entry]) -> int:
        """Keep these entries and return how many were, in batches of the store's own size, read as they come.

        Of what is there and what is written to one address the greatest `as_of` stays, whoever writes at the same
        time; of two equal ones the later written. Where it fails, each entry is there whole or not at all, and the
        same entries may be written again.
        """

    def read(self, addresses: Sequence[Address]) -> list[Entry | None]:
        """The entries at these addresses, in their order; None for one that is missing, gone or expired."""

    def read_note(self, feature: str) -> bytes | None:
        """What was last noted of a feature; None where nothing was. A note never expires."""

    def swap_note(self, feature: str, before: bytes | None, after: bytes) -> bool:
        """Note `after` where the note is still `before`, atomically; whether it was."""

    def ping(self) -> None:
        """Return where the backend answers. Raises `PluginFailed` where it does not."""


@runtime_checkable
class Listing(Protocol):
    """An online store that can tell which entries were not published anew. It may take its time.

    Example:
        >>> with mlf.SQLiteOnlineStore("online.db").open() as store:
        ...     _ = store.write([Entry("spend", "ab", "1.0.0", as_of=0, columns=("x",), points=(Point(None, (1,)),))])
        ...     isinstance(store, Listing), list(store.older("spend", 1)), list(store.older("spend", 0))
        (True, ['ab'], [])
    """

    def older(self, feature: str, as_of: int) -> Iterator[str]:
        """The keys of a feature's entries with an older `as_of`, tombstones left out, each once, in any order."""


@runtime_checkable
class Expiring(Protocol):
    """An online store that may forget entries by itself.

    Example:
        >>> with mlf.SQLiteOnlineStore("online.db").open() as store:
        ...     isinstance(store, Expiring)  # it never forgets
        False
    """

    def lifetime(self) -> int | None:
        """How many microseconds after it was written an entry may be forgotten; None for never."""


@runtime_checkable
class AsyncReading(Protocol):
    """An online store that reads without holding a thread. Others are read in one.

    Example:
        >>> with mlf.SQLiteOnlineStore("online.db").open() as store:
        ...     isinstance(store, AsyncReading)  # it is read in a thread
        False
    """

    async def aread(self, addresses: Sequence[Address]) -> list[Entry | None]:
        """What `read` gives."""

    async def aclose(self) -> None:
        """End what `aread` opened, in the loop it was called in. No error where there is nothing to end."""


Asked = tuple[str, Sequence[str]]
"""A feature, and the keys of the entities that are asked for."""


@runtime_checkable
class EncodedReading(Protocol):
    """An online store that gives entries as `encode_entry` made them: a reader may know many of them already.

    Example:
        >>> with mlf.SQLiteOnlineStore("online.db").open() as store:
        ...     isinstance(store, EncodedReading)  # it decodes by itself
        False
    """

    def read_encoded(self, asked: Sequence[Asked]) -> list[Sequence[bytes | None]]:
        """For each feature what stands at its keys, in their order; None for what is missing or expired.

        A tombstone may be given as it is. Fails as `read` does.
        """

    async def aread_encoded(self, asked: Sequence[Asked]) -> list[Sequence[bytes | None]]:
        """What `read_encoded` gives, without holding a thread; `AsyncReading.aclose` ends what it opened."""
