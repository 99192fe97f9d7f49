"""Where Polars' exceptions become mlforge's."""

from __future__ import annotations

import polars as pl

from mlforge.errors import Invalid, MlforgeError
from mlforge.plugin.engine import edge as shared

BROKEN = (pl.exceptions.PolarsError, pl.exceptions.PanicException)


def _overflowing(what: str, error: BaseException) -> MlforgeError | None:
    if isinstance(error, pl.exceptions.PolarsError) and "from `i128` to `i64` failed" in str(error):
        hint = "Cast the column to pl.Float64 in the function."
        return Invalid(f"{what}: int64 overflow: {shared.reason(error)}", hint=hint)
    return None


edge = shared.Edge(BROKEN, known=_overflowing)
