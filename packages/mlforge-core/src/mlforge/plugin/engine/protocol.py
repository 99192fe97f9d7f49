"""What an engine does. The docstrings are the contract; `mlforge.testing` holds engines to it.

Fourteen methods are required. The others follow from them, as `mlforge.plugin.engine.defaults` says; an engine
overrides those that it does faster.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

from mlforge.model.check import Check, CheckResult
from mlforge.model.expr import Expr
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.meta import Artifact, Target, Written
from mlforge.model.metric import WindowPlan
from mlforge.model.quality import Measuring, Quality
from mlforge.model.schema import Schema
from mlforge.model.span import Span
from mlforge.model.timestamp import Timestamp
from mlforge.plugin.arrow import ArrowStream
from mlforge.plugin.engine import defaults
from mlforge.plugin.engine.frames import Conformed, Extent, Frame, Join, Scan
from mlforge.plugin.live import Live


class Engine(Live, Protocol):
    """Computes. A subclass is made from its config; used in a `with`, which ends whatever it opened.

    Errors of the backend are wrapped once, here: data that cannot be used is `Invalid`, anything else `PluginFailed`.

    The rows of a committed version (an `Artifact`) are those of its `layers`, each row being replaced by a later
    layer's with its keys and stamp, or taken away by one that names them as gone; sorted by keys and stamp.

    Example:
        >>> from mlforge.model.schema import Schema
        >>> with mlf.PolarsEngine().open() as engine:
        ...     engine.schema(engine.from_rows([{"user": 1}], Schema.of(user="Int64"))).names
        ('user',)
    """

    # Frames: where they come from and where they go.

    @abstractmethod
    def scan(self, scan: Scan) -> Frame:
        """The rows at some addresses, read as late as the engine can.

        Raises `Invalid` for a file that does not parse, naming it, and `Unsupported` for a format it does not read.
        """

    @abstractmethod
    def scan_version(self, artifact: Artifact, columns: Sequence[str] | None = None) -> Frame:
        """The rows of a committed version, to compute with: read as late as the engine can; `columns` in their order.

        `scan` reads what others wrote, as it stands: `scan(Scan("events", ("events.parquet",), ParquetFormat()))`.
        `scan_version` reads what mlforge wrote, layer over layer: `scan_version(store.get("user_spend", "1.2.0"))`.
        """

    @abstractmethod
    def write(self, frame: Frame, target: Target) -> Written:
        """Write all rows, in order, to the target's address. Raises `PluginFailed` where that fails."""

    @abstractmethod
    def schema(self, frame: Frame) -> Schema:
        """Names and types in mlforge's words. Raises `Invalid` for a type that has none."""

    @abstractmethod
    def rows(self, frame: Frame, size: int = 10_000) -> Iterator[list[dict[str, Any]]]:
        """The rows as batches of dicts of plain Python values; instants are aware datetimes in UTC."""

    @abstractmethod
    def from_rows(self, rows: Sequence[Mapping[str, Any]], schema: Schema) -> Frame:
        """A frame of plain rows; the inverse of `rows`. Instants may be in any zone; without one they are UTC.

        Raises `Invalid` for a value that its column's type does not hold.
        """

    @abstractmethod
    def to_arrow(self, frame: Frame) -> ArrowStream:
        """The rows as an Arrow stream."""

    @abstractmethod
    def from_arrow(self, stream: ArrowStream) -> Frame:
        """A frame of an Arrow stream, which is read at once."""

    # Rows: what is kept, and as what.

    @abstractmethod
    def conform(self, frame: Frame, shape: Shape) -> Conformed:
        """The rows as the contract wants them, computed once, and what is counted of them; every row is kept.

        The timestamp is parsed or converted to UTC microseconds under its new name, missing surrogate keys are made
        (the columns they are made of stay), other instants become UTC microseconds, categories become strings. The
        columns are the keys, the stamp, then the rest in order. Raises `Invalid` for a missing key or timestamp column
        (naming those there are), a null timestamp (with the count), text that is no time (with the first bad value and
        its row, counted from 0), a key of a type that cannot be one.

        Text without a format is a time where all of it has one form: dates; or dates and times, with a `T` or a space,
        to the minute, second or a fraction of one, and a zone (`Z` or an offset) in all of them or in none.

        Not to be taken for `persist`, which changes nothing: of `ts = "2024-03-01"` `persist` keeps the text, and
        `conform(frame, Shape((), Timestamp("ts")))` makes an instant.
        """

    @abstractmethod
    def where(self, frame: Frame, condition: Expr, timestamp: Timestamp | None = None) -> Frame:
        """The rows for which a condition is true, as they are and in order, chosen as early as the engine can.

        With a timestamp, the condition sees that column as the instants that `conform` makes of it, and null where it
        is null: `where(frame, Col("ts") >= noon, Timestamp("ts", format="%d.%m.%Y"))`. Raises `Invalid` as `conform`
        does for text that is no time.

        Of rows that `scan_version` gives, no more is read than a condition about each row by itself needs; one with
        `duplicated` is about all rows of the frame. Raises `Invalid` for a column that is not there.
        """

    @abstractmethod
    def anti_join(self, frame: Frame, others: Sequence[Frame], columns: Sequence[str]) -> Frame:
        """The rows, in any order, whose values in `columns` are not found together in a row of another frame.

        A null is never found; without others no row is.
        """

    @abstractmethod
    def settle(self, frame: Frame, shape: Shape) -> Frame:
        """The rows of a feature without windows: null keys left out, unique in keys and stamp, sorted by them.

        The columns that surrogate keys are made of (`key.sources`) are left out: the key stands for them.
        Raises `Invalid` for duplicates, with how many rows share their keys and stamp with another and three examples,
        unless `shape.tie_break` decides: the greatest value wins, a null loses to any. Rows equal in that are
        settled by their remaining columns, from left to right, in the same way.
        """

    # Time: windows and the point-in-time join.

    @abstractmethod
    def aggregate(self, frame: Frame, shape: Shape, plan: WindowPlan) -> Frame:
        """The change points of a feature with windows, null keys left out, sorted by keys and stamp.

        The columns are the keys, the stamp, then the plan's. Raises `Invalid` for a column that is not there or of a
        type the aggregation does not take, and for an int64 overflow. `sum`, `mean`, `std` and `median` take numbers
        and booleans, `min` and `max` also text, bytes, dates and times, `count` anything. NaN stands last in a median.
        """

    @abstractmethod
    def asof(self, spine: Frame, timestamp: Timestamp | None, joins: Sequence[Join]) -> Frame:
        """The spine's rows and columns, in order, followed by each join's columns as of each row's label time.

        A row gets the row of the feature with its keys and the greatest stamp not after its own; a feature without
        a stamp joins by keys alone. No such row, a null key or a null label time: nulls. A surrogate key is
        made where the spine lacks its column and has its sources, and does not appear in the answer. Raises `Invalid`
        for a missing key or a key of another type; integers of any width join each other. `FeatureMeta.check_sources`
        does so for the columns that a surrogate key is made of. Raises it, too, for a feature with a stamp where no
        timestamp is given.

        `horizon` asks the same of all entities at one instant: what an online store is given.
        """

    # What follows from these fourteen.

    def owns(self, frame: object) -> bool:
        """Whether this is one of the engine's own frames. By default: of the type that `from_rows` gives."""
        return defaults.owns(self, frame)

    def reaches(self, artifact: Artifact) -> bool:
        """Whether it reads a version where it is; if not, the store brings the files to this machine first.

        By default: where all its addresses are files.
        """
        return defaults.reaches(artifact)

    def verifies(self, artifact: Artifact) -> bool:
        """Hold a version that it reaches against the hashes of its parts, where it is; whether it was looked at.

        If not, the store brings the files to this machine where something that stays relies on them, and looks at them
        on the way. By default no version is looked at. Raises `Invalid` where bytes are not what was committed.
        """
        return False

    def writes(self, target: Target) -> bool:
        """Whether it writes to an address in a store itself; if not, it writes to this machine, and the store sends it.

        What it wrote there it tells as the `files` of `Written`. By default it writes to files of this machine alone.
        """
        return False

    def apply(self, function: Callable[..., Any], frame: Frame) -> Frame:
        """What a feature's function makes of a frame, handed over as its first annotation asks.

        Raises `Invalid` where it returns None or anything but a frame, `Unsupported` where it asks for a frame of
        another library, and `Invalid` from the function's own exception, keeping it as the cause. By default it is
        handed over as it is.
        """
        return defaults.apply(self, function, frame)

    def defers(self, function: Callable[..., Any]) -> bool:
        """Whether `apply` hands a function a frame before it is read, so that what the function leaves out never is.

        An increment then reads the source's times by themselves, and else all of its rows at once. By default no
        function is handed such a frame. Raises `Unsupported` as `apply` does.
        """
        return False

    def persist(self, frame: Frame) -> Frame:
        """The same rows, in order, computed once, however often they are asked for.

        What `conform` gives is computed once, too. Times without a zone stay without one, so an engine brings its own
        where its `to_arrow` gives them one.
        """
        return defaults.persist(self, frame)

    def read_version(self, artifact: Artifact, columns: Sequence[str] | None = None) -> Frame:
        """What `scan_version` gives, for users: in the type of frame they know, and there when the engine is closed."""
        return defaults.read_version(self, artifact, columns)

    def with_surrogates(self, frame: Frame, keys: Sequence[Key]) -> Frame:
        """The frame with the surrogate keys among `keys` that it lacks and has all the sources of.

        The values are those of `surrogate_key`. By default the frame is as `conform` makes it, where there is a key to
        make.
        """
        return defaults.with_surrogates(self, frame, keys)

    def within(self, frame: Frame, timestamp: Timestamp, span: Span) -> Frame:
        """The rows whose time lies in the span, in order, and those without a time, which `conform` counts.

        Lazy where the frame is: a filter that may be moved before whatever made the frame. Raises `Invalid` as
        `conform` does. `where` leaves out the rows without a time, unless its condition asks for them.
        """
        return defaults.within(self, frame, timestamp, span)

    def derive(self, frame: Frame, columns: Mapping[str, Expr], at: Timestamp | None = None) -> Frame:
        """The rows, in order, with columns more, each computed of its own row.

        `at()` is the instant in the column of `at`, as `conform` reads it, and null where that is null. By default the
        rows become Python's and back.

        Raises `Invalid` for a new column that is there already, for `at()` without `at`, for what does not go
        together, for an int64 overflow, and as `conform` does for text that is no time.
        """
        return defaults.derive(self, frame, columns, at)

    def select(self, frame: Frame, columns: Sequence[str]) -> Frame:
        """The rows, in order, with some of their columns, in the order given. Raises `Invalid` for one not there.

        Lazy where the frame is: an increment reads the times of a source so, and no other column.
        """
        return defaults.select(self, frame, columns)

    def extent(self, frame: Frame, timestamp: Timestamp | None) -> Extent:
        """How many rows there are, and their first and last time. Raises `Invalid` as `conform`."""
        return defaults.extent(self, frame, timestamp)

    def semi_join(self, frame: Frame, others: Sequence[Frame], columns: Sequence[str]) -> Frame:
        """The rows, in any order, that `anti_join` leaves out. A row stays once, however often it is found."""
        return defaults.semi_join(self, frame, others, columns)

    def check(self, frame: Frame, checks: Sequence[Check], examples: int = 3) -> tuple[CheckResult, ...]:
        """For each check, how many rows break it, and the first few values of its column that do, in order.

        Raises `Invalid` for a column that is not there.
        """
        return defaults.check(self, frame, checks, examples)

    def measure(self, frame: Frame, ask: Measuring) -> Quality:
        """Figures of every column: how many values, which, and how they are spread.

        Counts, nulls, `min` and `max` are exact, and so is `distinct` up to `MOST_EXACT`; beyond, its error is stated.
        `mean` and `std` are within 1e-9 of the column's greatest magnitude. Quantiles, histograms and top values are of
        all rows, or of about `ask.sample` drawn at random, and then within `rank_error`. Raises `Invalid` for a column
        that is not there. By default the rows become Python's, batch by batch.
        """
        return defaults.measure(self, frame, ask)

    def horizon(self, artifact: Artifact, as_of: int, until: int) -> Frame:
        """For each entity the row valid at `as_of`, and the rows stamped in `(as_of, until]`, by keys and stamp.

        Both are microseconds since the Unix epoch. All rows, for a feature without a stamp.
        """
        return defaults.horizon(self, artifact, as_of, until)
