"""Arrow streams that every reader understands."""

from __future__ import annotations

import sys

import polars as pl


class Export:
    """A frame whose stream has no string views where pyarrow is loaded: it makes no pandas lists of them.

    Polars exports its newest layouts and heeds no requested schema; the oldest are to be had through pyarrow alone,
    which whoever reads with pyarrow has loaded.
    """

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object:
        if "pyarrow" in sys.modules and any(_has_views(t) for t in self._frame.dtypes):
            table = self._frame.to_arrow(compat_level=pl.CompatLevel.oldest())
            return table.__arrow_c_stream__(requested_schema)
        return self._frame.__arrow_c_stream__(requested_schema)


def _has_views(dtype: pl.DataType) -> bool:
    """Whether a type holds strings or bytes, however deep."""
    return any(word in repr(dtype) for word in ("String", "Binary", "Categorical", "Enum"))
