"""A feature's function and the frame it asks for by its first annotation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl

from mlforge.errors import MlforgeError
from mlforge.plugin.functions import asked, no_frame, raised

_HINT = "The Polars engine hands out pl.DataFrame (also where nothing is annotated) and pl.LazyFrame."
_IS_LAZY: dict[type, bool] = {pl.DataFrame: False, pl.LazyFrame: True}


def wants_lazy(function: Callable[..., Any]) -> bool:
    """Whether a function asks for a LazyFrame. Raises `Unsupported` where it asks for another library's frame."""
    return asked(function, _IS_LAZY, ("pl", "polars"), default=False, hint=_HINT)


def call(function: Callable[..., Any], frame: pl.DataFrame | pl.LazyFrame) -> pl.DataFrame | pl.LazyFrame:
    """What a function makes of a frame. Raises `Invalid` for what it raises, or where the result is no frame."""
    try:
        result = function(frame)
        if isinstance(result, pl.LazyFrame):
            result.collect_schema()
    except MlforgeError:
        raise
    except (Exception, pl.exceptions.PanicException) as error:
        missing = isinstance(error, pl.exceptions.ColumnNotFoundError)
        raise raised(function, error, frame.collect_schema().names() if missing else None) from error
    if not isinstance(result, pl.DataFrame | pl.LazyFrame):
        foreign = hasattr(result, "__arrow_c_stream__")
        hint = "Return a Polars frame: pl.DataFrame(result)." if foreign else "Return a pl.DataFrame or a pl.LazyFrame."
        raise no_frame(function, result, "a Polars frame", hint)
    return result
