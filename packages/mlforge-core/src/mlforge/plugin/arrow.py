"""Arrow streams at the edges: between a user's frame and an engine, and between engines."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Self

from mlforge.errors import Invalid


class ArrowStream:
    """An Arrow C stream that is read once, in a `with`.

    Wraps whatever has `__arrow_c_stream__`; `schema` passes through where it has one.

    Raises:
        Invalid: Something that is no Arrow stream, or one that was read before.

    Example:
        >>> with ArrowStream(pl.DataFrame({"user": [1, 2]})) as stream:
        ...     pl.DataFrame(stream).height
        2
    """

    def __init__(self, source: Any) -> None:
        if not hasattr(source, "__arrow_c_stream__"):
            raise Invalid(
                f"A {type(source).__module__}.{type(source).__qualname__} is not a frame mlforge can read.",
                hint="Give a Polars, pandas (2.2 or newer) or pyarrow table, or any object with __arrow_c_stream__.",
            )
        self._source: Any = source

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._source = None

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        if self._source is None:
            raise Invalid("An Arrow stream was read twice.", hint="Ask the engine for a new one.")
        source, self._source = self._source, None
        return source.__arrow_c_stream__(requested_schema)
