"""The user's own frames at the edge: pandas, pyarrow, Polars, and whatever else streams Arrow.

Only keys and time go to the engine, and only the features come back; the spine's own columns, types, order and index
stay what they are. Nothing is imported here: a frame's library is loaded already, or there would be no frame.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from typing import Any, Protocol

from mlforge.errors import Invalid, NotInstalled, Unsupported
from mlforge.flow.spine_hints import library_of, telling_of_spine, unreadable
from mlforge.plugin.arrow import ArrowStream
from mlforge.plugin.engine.protocol import Engine
from mlforge.plugin.pandas_times import holds_times, with_plain_times

Joining = Callable[[Any], Any]
_EXACT = 2**53  # from here on a float may stand for another integer


class Spine(Protocol):
    """A user's frame: what retrieval needs to know of it and do to it."""

    frame: Any

    @property
    def names(self) -> tuple[str, ...]:
        """Its columns."""

    def temporal(self) -> tuple[str, ...]:
        """Its columns that hold times or dates."""

    def untyped(self) -> tuple[str, ...]:
        """Its columns that have no type, as there are nothing but nulls."""

    def pick(self, names: Sequence[str]) -> ArrowStream:
        """Some of its columns, as a stream."""

    def attach(self, stream: ArrowStream, names: Sequence[str]) -> Any:
        """The frame with these columns of the stream, row by row, behind its own."""


class PolarsSpine:
    """A Polars DataFrame; a LazyFrame is collected, and lazy again in the answer."""

    def __init__(self, frame: Any) -> None:
        self.lazy = hasattr(frame, "collect")
        self.frame = frame.collect() if self.lazy else frame

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.frame.columns)

    def temporal(self) -> tuple[str, ...]:
        return tuple(n for n, t in self.frame.schema.items() if str(t).startswith(("Datetime", "Date")))

    def untyped(self) -> tuple[str, ...]:
        return tuple(n for n, t in self.frame.schema.items() if str(t) == "Null")

    def pick(self, names: Sequence[str]) -> ArrowStream:
        return ArrowStream(self.frame.select(names))

    def attach(self, stream: ArrowStream, names: Sequence[str]) -> Any:
        polars = sys.modules["polars"]
        joined = self.frame.hstack(polars.DataFrame(stream).select(names))
        return joined.lazy() if self.lazy else joined


class ArrowSpine:
    """A pyarrow Table."""

    def __init__(self, frame: Any, called: str = "spine") -> None:
        self.frame = frame
        self._called = called

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.frame.column_names)

    def temporal(self) -> tuple[str, ...]:
        return tuple(f.name for f in self.frame.schema if str(f.type).startswith(("timestamp", "date")))

    def untyped(self) -> tuple[str, ...]:
        return tuple(f.name for f in self.frame.schema if str(f.type) == "null")

    def pick(self, names: Sequence[str]) -> ArrowStream:
        for name in names:
            if self.frame.column_names.count(name) > 1:
                raise Invalid(f"The {self._called} has two columns {name!r}.", hint="Rename one of them.")
        return ArrowStream(self.frame.select(list(names)))

    def attach(self, stream: ArrowStream, names: Sequence[str]) -> Any:
        table = self.frame
        columns = sys.modules["pyarrow"].table(stream)
        for name in names:
            table = table.append_column(name, columns[name])
        return table


class PandasSpine:
    """A pandas DataFrame. Integers and booleans with nulls come as pandas' nullable types, so none loses a digit."""

    def __init__(self, frame: Any, called: str = "spine") -> None:
        if len({*map(str, frame.columns)}) < len(frame.columns):
            raise Invalid(f"The {called} has two columns of one name.", hint="Rename one.")
        self.frame = frame
        self._called = called

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(str(c) for c in self.frame.columns)

    def temporal(self) -> tuple[str, ...]:
        return tuple(str(name) for name, dtype in self.frame.dtypes.items() if self._is_temporal(name, dtype))

    def _is_temporal(self, label: Any, dtype: Any) -> bool:
        if str(dtype) != "object":
            return str(dtype).startswith(("datetime64", "date32", "date64", "timestamp"))
        kind = sys.modules["pandas"].api.types.infer_dtype(self.frame[label], skipna=True)
        return kind in ("date", "datetime", "datetime64") or (kind == "mixed" and holds_times(self.frame[label]))

    def untyped(self) -> tuple[str, ...]:
        return tuple(str(name) for name, dtype in self.frame.dtypes.items() if self._is_untyped(name, dtype))

    def _is_untyped(self, label: Any, dtype: Any) -> bool:
        return str(dtype) in ("object", "null[pyarrow]") and bool(self.frame[label].isna().all())

    def pick(self, names: Sequence[str]) -> ArrowStream:
        arrow, picked = _arrow(self._called), self._of(names)
        try:
            table = arrow.Table.from_pandas(picked, preserve_index=False)
        except (arrow.ArrowException, OverflowError, UnicodeError, TypeError) as error:
            raise unreadable(picked, error, arrow, self._called) from error
        for place, name in enumerate(names):
            if _holds_integers(picked[name]):
                table = table.set_column(place, name, table[name].cast("int64"))
        return ArrowStream(table)

    def attach(self, stream: ArrowStream, names: Sequence[str]) -> Any:
        columns = {name: self._series(column) for name, column in zip(names, self._picked(stream, names), strict=True)}
        return self.frame.assign(**columns)

    def _of(self, names: Sequence[str]) -> Any:
        """Some of its columns under their names as text, sparse ones and objects that are times as others are."""
        labels = {str(label): label for label in self.frame.columns}
        return with_plain_times(self.frame[[labels[name] for name in names]].set_axis([*names], axis="columns"))

    def _picked(self, stream: ArrowStream, names: Sequence[str]) -> list[Any]:
        table = _arrow(self._called).table(stream)
        return [table[n] for n in names]

    def _series(self, column: Any) -> Any:
        pandas = sys.modules["pandas"]
        kind = str(column.type)
        if column.null_count and kind.startswith(("int", "uint")):
            dtype = pandas.api.types.pandas_dtype(kind.replace("int", "Int").replace("uInt", "UInt"))
            series = dtype.__from_arrow__(column)
        elif column.null_count and kind == "bool":
            series = pandas.BooleanDtype().__from_arrow__(column)
        else:
            return column.to_pandas().set_axis(self.frame.index)
        return pandas.Series(series, index=self.frame.index)


class EngineSpine:
    """A frame of the engine's own that no library here knows, such as one of a cluster: it never leaves the engine."""

    def __init__(self, frame: Any, engine: Engine) -> None:
        self.frame = frame
        self._engine = engine

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.frame.columns)

    def temporal(self) -> tuple[str, ...]:
        return tuple(name for name in self.names if self._word(name) in ("Datetime", "Date"))

    def _word(self, name: str) -> str | None:
        """The type of a column; None where it is one that no feature can hold, which is nobody's business here."""
        try:
            return self._engine.schema(self._engine.select(self.frame, [name])).dtype(name)
        except Invalid:
            return None

    def untyped(self) -> tuple[str, ...]:
        return ()

    def pick(self, names: Sequence[str]) -> ArrowStream:
        hint = "Convert it to a pandas or pyarrow table first."
        raise Invalid(f"A {type(self.frame).__qualname__} cannot be read here.", hint=hint)

    def attach(self, stream: ArrowStream, names: Sequence[str]) -> Any:
        raise Invalid("An engine's own frame is joined by the engine.", hint="Pass it to the engine as it is.")


def _through_library(frame: Any, called: str) -> Spine:
    """A foreign stream as a table of whichever library the process has loaded."""
    name, stream = type(frame).__qualname__, ArrowStream(frame)
    try:
        if polars := sys.modules.get("polars"):
            return PolarsSpine(polars.DataFrame(stream))
        if pyarrow := sys.modules.get("pyarrow"):
            return ArrowSpine(pyarrow.table(stream), called)
    except Exception as error:  # what a stream raises is its library's own
        what = f"{type(error).__name__}: {error}".rstrip(": .")
        raise Invalid(
            f"A {name} cannot be read as a {called}: {what}.", hint="Convert it to a pandas or pyarrow table first."
        ) from error
    raise Invalid(f"A {name} cannot be a {called}.", hint="Convert it to a pandas or pyarrow table first.")


def spine_of(frame: Any, engine: Engine, called: str = "spine") -> Spine:
    """The adaptor for a user's frame; `called` is what errors call it.

    Raises:
        Invalid: It is none, or cannot be read.
        Unsupported: It is one of a cluster, whose rows would all come to this machine.
    """
    library = library_of(frame)
    if library == "polars" and hasattr(frame, "collect_schema"):
        return PolarsSpine(frame)
    if library == "pyarrow" and hasattr(frame, "column_names"):
        return ArrowSpine(frame, called)
    if library == "pandas" and hasattr(frame, "dtypes") and hasattr(frame, "columns"):
        return PandasSpine(frame, called)
    if engine.owns(frame):
        return EngineSpine(frame, engine)
    if type(frame).__module__.startswith("pyspark.pandas"):
        raise Unsupported(
            f"A {called} of pandas on Spark is not read.",
            hint=f'Give what it is made of, {called}.to_spark(), and say engine="pyspark".',
        )
    if library == "pyspark":
        raise Unsupported(
            f"A {called} of Spark is read by the Spark engine alone: all its rows would come to this machine.",
            hint=f'Say engine="pyspark". A small one of Spark 4 also goes as {called}.toArrow().',
        )
    return _through_library(frame, called)


def join_to(spine: Spine, engine: Engine, needed: Sequence[str], join: Joining, brought: Sequence[str]) -> Any:
    """The spine with what `join` brings: inside the engine for its own frames, over Arrow for all others."""
    with telling_of_spine(spine.frame, needed):
        if engine.owns(spine.frame):
            answer = join(spine.frame)
            return answer.lazy() if getattr(spine, "lazy", False) else answer
        with engine.to_arrow(join(engine.from_arrow(spine.pick(needed)))) as stream:
            return spine.attach(stream, brought)


def _holds_integers(series: Any) -> bool:
    """Whether a float column is integers that a missing one made floats of."""
    if not str(series.dtype).startswith("float"):
        return False
    values = series.dropna()
    return bool(((values % 1 == 0) & (values.abs().astype("float64") < _EXACT)).all())  # 16 bits hold no such bound


def _arrow(called: str) -> Any:
    """pyarrow, as pandas itself loads it."""
    pandas = sys.modules["pandas"]
    try:
        pandas.DataFrame({"n": [0]}).__arrow_c_stream__()
    except ImportError as error:
        raise NotInstalled(f"A pandas {called} needs pyarrow.", hint="pip install pyarrow") from error
    return sys.modules["pyarrow"]
