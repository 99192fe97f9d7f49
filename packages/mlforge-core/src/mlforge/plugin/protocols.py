"""What engines and stores do. The docstrings are the contract; `mlforge.testing` holds plugins to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import TracebackType
from typing import Any, Protocol, Self, runtime_checkable

import msgspec

from mlforge.model.check import Check, CheckResult
from mlforge.model.expr import Expr
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.meta import Artifact, FeatureMeta, Manifest, Target, Written
from mlforge.model.metric import WindowPlan
from mlforge.model.schema import Schema
from mlforge.model.source import Format
from mlforge.model.span import Span
from mlforge.model.timestamp import Timestamp
from mlforge.plugin.arrow import ArrowStream

Frame = Any
"""An engine's own frame. The core passes it on and never looks inside."""


class Scan(msgspec.Struct, frozen=True):
    """What to read: addresses of one format. `name` is for error messages.

    Example:
        >>> from mlforge.model.source import CSVFormat
        >>> Scan("payments", ("data/payments.csv",), CSVFormat()).uris
        ('data/payments.csv',)
    """

    name: str
    uris: tuple[str, ...]
    format: Format
    options: dict[str, Any] = {}


class Held(msgspec.Struct, frozen=True):
    """A frame the engine has computed once and keeps, its rows, and how many of them have a null key.

    Example:
        >>> frame = pl.DataFrame({"user": [1, None]})
        >>> with mlf.PolarsEngine().open() as engine:
        ...     held = engine.hold(frame, Shape((Key("user"),)))
        >>> held.rows, held.null_keys
        (2, 1)
    """

    frame: Any
    rows: int
    null_keys: int


class Extent(msgspec.Struct, frozen=True):
    """How many rows a frame has, and the first and last instant in them, in microseconds since the Unix epoch.

    Example:
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


class _Live(Protocol):
    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None: ...


class Engine(_Live, Protocol):
    """Computes. Made from its config; used in a `with`, which ends whatever it opened.

    Errors of the backend are wrapped once, here: data that cannot be used is `Invalid`, anything else `PluginFailed`.

    The rows of a committed version (an `Artifact`) are those of its `layers`, each row being replaced by a later
    layer's with its keys and stamp, or taken away by one that names them as gone; sorted by keys and stamp.

    Example:
        >>> from mlforge.testing import ReferenceEngine
        >>> with ReferenceEngine().open() as engine:
        ...     engine.schema(engine.from_rows([{"user": 1}], Schema.of(user="Int64"))).names
        ('user',)
    """

    def scan(self, scan: Scan) -> Frame:
        """The rows at some addresses, read as late as the engine can.

        Raises `Invalid` for a file that does not parse, naming it, and `Unsupported` for a format it does not read.
        """

    def apply(self, function: Callable[..., Any], frame: Frame) -> Frame:
        """What a feature's function makes of a frame, handed over as its first annotation asks.

        Raises `Invalid` where it returns None or anything but a frame, `Unsupported` where it asks for a frame of
        another library, and `Invalid` from the function's own exception, keeping it as the cause.
        """

    def schema(self, frame: Frame) -> Schema:
        """Names and types in mlforge's words. Raises `Invalid` for a type that has none."""

    def derive(self, frame: Frame, keys: Sequence[Key]) -> Frame:
        """The frame with the surrogate keys among `keys` that it lacks and has all the sources of.

        The values are those of `surrogate_key`.
        """

    def hold(self, frame: Frame, shape: Shape) -> Held:
        """The rows as the contract wants them, computed once; every row is kept.

        The timestamp is parsed or converted to UTC microseconds under its new name, missing surrogate keys are made
        (the columns they are made of stay), other instants become UTC microseconds, categories become strings. The
        columns are the keys, the stamp, then the rest in order. Raises `Invalid` for a missing key or timestamp column
        (naming those there are), a null timestamp (with the count), text that is no time (with the first bad value and
        its row, counted from 0), a key of a type that cannot be one.

        Text without a format is a time where all of it has one form: dates; or dates and times, with a `T` or a space,
        to the minute, second or a fraction of one, and a zone (`Z` or an offset) in all of them or in none.
        """

    def keep(self, frame: Frame) -> Frame:
        """The same rows, in order, computed once, however often they are asked for."""

    def within(self, frame: Frame, timestamp: Timestamp, span: Span) -> Frame:
        """The rows whose time lies in the span, in order, and those without a time, which `hold` counts.

        Lazy where the frame is: a filter that may be moved before whatever made the frame. Raises `Invalid` as `hold`.
        """

    def matching(self, frame: Frame, others: Sequence[Frame], columns: Sequence[str], absent: bool = False) -> Frame:
        """The rows, in any order, whose values in `columns` are found together in a row of another frame; or in none.

        Without others none is found. A null is never found.
        """

    def extent(self, frame: Frame, timestamp: Timestamp | None) -> Extent:
        """How many rows there are, and their first and last time. Raises `Invalid` as `hold`."""

    def check(self, frame: Frame, checks: Sequence[Check], examples: int = 3) -> tuple[CheckResult, ...]:
        """Every check in one pass: how many rows break it, and the first few values of its column that do, in order.

        Raises `Invalid` for a column that is not there.
        """

    def settle(self, frame: Frame, shape: Shape) -> Frame:
        """The rows of a feature without windows: null keys left out, unique in keys and stamp, sorted by them.

        The columns that surrogate keys are made of (`key.sources`) are left out: the key stands for them.
        Raises `Invalid` for duplicates, with how many rows share their keys and stamp with another and three examples,
        unless `shape.tie_break` decides: the greatest value wins, a null loses to any; of rows equal in that, any one.
        """

    def aggregate(self, frame: Frame, shape: Shape, plan: WindowPlan) -> Frame:
        """The change points of a feature with windows, null keys left out, sorted by keys and stamp.

        The columns are the keys, the stamp, then the plan's. Raises `Invalid` for a column that is not there or of a
        type the aggregation does not take, and for an int64 overflow. `sum`, `mean`, `std` and `median` take numbers
        and booleans, `min` and `max` also text, bytes, dates and times, `count` anything. NaN stands last in a median.
        """

    def write(self, frame: Frame, target: Target) -> Written:
        """Write all rows, in order, to the target's address. Raises `PluginFailed` where that fails."""

    def asof(self, spine: Frame, timestamp: Timestamp | None, joins: Sequence[Join]) -> Frame:
        """The spine's rows and columns, in order, followed by each join's columns as of each row's label time.

        A row gets the row of the feature with its keys and the greatest stamp not after its own; a feature without
        a stamp joins by keys alone. No such row, a null key or a null label time: nulls. A surrogate key is
        made where the spine lacks its column and has its sources, and does not appear in the answer. Raises `Invalid`
        for a missing key or a key of another type; integers of any width join each other. `FeatureMeta.check_sources`
        does so for the columns that a surrogate key is made of.
        """

    def latest(self, artifact: Artifact, as_of: int, until: int) -> Frame:
        """For each entity the row valid at `as_of`, and the rows stamped in `(as_of, until]`, by keys and stamp.

        Both are microseconds since the Unix epoch. All rows, for a feature without a stamp.
        """

    def where(self, frame: Frame, condition: Expr) -> Frame:
        """The rows for which a condition is true, in order, chosen as early as the engine can.

        Of rows that `stored` gives, no more is read than that needs. The condition is about each row by itself: there
        is no `duplicated` in it. Raises `Invalid` for a column that is not there.
        """

    def read(self, artifact: Artifact, columns: Sequence[str] | None = None) -> Frame:
        """The rows of a committed version, in the frame type of the engine's users; `columns` in the order asked."""

    def stored(self, artifact: Artifact, columns: Sequence[str] | None = None) -> Frame:
        """The rows of a committed version as `read` gives them, read as late as the engine can, to compute with."""

    def rows(self, frame: Frame, size: int = 10_000) -> Iterator[list[dict[str, Any]]]:
        """The rows as batches of dicts of plain Python values; instants are aware datetimes in UTC."""

    def from_rows(self, rows: Sequence[Mapping[str, Any]], schema: Schema) -> Frame:
        """A frame of plain rows; the inverse of `rows`. Instants may be in any zone; without one they are UTC."""

    def to_arrow(self, frame: Frame) -> ArrowStream:
        """The rows as an Arrow stream."""

    def from_arrow(self, stream: ArrowStream) -> Frame:
        """A frame of an Arrow stream."""

    def owns(self, frame: object) -> bool:
        """Whether this is one of the engine's own frames."""


class Store(_Live, Protocol):
    """Keeps versions. Nothing is visible before `commit`, which is atomic; metadata comes before the pointer.

    Example:
        >>> with mlf.LocalStore("feature_store").open() as store:
        ...     store.names(), store.versions("user_spend"), store.latest("user_spend")
        (['last_purchase', 'user_spend'], ['1.0.0'], '1.0.0')
    """

    def names(self) -> list[str]:
        """The features that have a committed version, sorted."""

    def versions(self, name: str) -> list[str]:
        """The committed versions of a feature in version order: 1.10.0 after 1.9.0. Empty for an unknown name."""

    def latest(self, name: str) -> str | None:
        """The version the pointer names; None where there is none. Raises `Invalid` for a damaged pointer."""

    def begin(self, name: str, format: str) -> Target:
        """An address to write a new version of `name` to, which no reader sees.

        Raises `Unsupported` for a format the store does not keep, `Invalid` for a name that is no plain word or begins
        with `_` or `.`, `PluginFailed` where it cannot write.
        """

    def commit(self, target: Target, meta: FeatureMeta, expected: str | None) -> FeatureMeta:
        """Make what was written to `target` the version `meta.version`, and point at it.

        `expected` is what `latest` was when the version was decided. Returns the metadata with `content_hash` and
        `parts` filled in: those it has already, which versions that are there wrote, then those of the target. Raises
        `Conflict`, changing nothing, where the version exists or `latest` is not `expected` any more: the same target
        may then be committed again, as another version.
        """

    def abort(self, target: Target) -> None:
        """Forget what was written. Never raises for a target that is gone; one that was committed stays."""

    def get(self, name: str, version: str) -> Artifact:
        """A committed version. Raises `NotFound`, or `Invalid` where its metadata is damaged."""

    def point(self, name: str, version: str) -> None:
        """Make an existing version the latest. Raises `NotFound`."""


class Pruned(msgspec.Struct, frozen=True):
    """The versions that were removed, and how many bytes that freed.

    Example:
        >>> _ = defs.build("user_spend", force=True)
        >>> pruned = defs.prune("user_spend", keep=1)
        >>> pruned.versions, pruned.bytes > 0
        (('1.0.0',), True)
    """

    versions: tuple[str, ...]
    bytes: int


@runtime_checkable
class PruningStore(Protocol):
    """A store that removes old versions.

    Example:
        >>> with mlf.LocalStore("feature_store").open() as store:
        ...     isinstance(store, PruningStore), store.prune("user_spend", keep=1).versions
        (True, ())
    """

    def prune(self, name: str, keep: int) -> Pruned:
        """Remove all versions but the newest `keep` and the latest, and the data that no version is read from.

        Data of a removed version that a newer one is read from stays until that one goes. Raises `NotFound`, and
        `Invalid` where the metadata of a version that stays is damaged: nothing is removed then.
        """


@runtime_checkable
class ManifestStore(Protocol):
    """A store that keeps the manifest. One that does not has it derived at every reading.

    Example:
        >>> with mlf.LocalStore("feature_store").open() as store:
        ...     isinstance(store, ManifestStore), sorted(store.read_manifest().features)
        (True, ['last_purchase', 'user_spend'])
    """

    def read_manifest(self) -> Manifest | None:
        """The manifest as last written; None where there is none or it is damaged."""

    def write_manifest(self, manifest: Manifest) -> None:
        """Replace the manifest, atomically."""


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


class OnlineStore(_Live, Protocol):
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
