"""A validator that looks at what is measured of a column, not at its rows."""

from __future__ import annotations

from mlforge.model.check import Validator
from mlforge.model.expr import col


def mostly_known(share: float = 0.9) -> Validator:
    """At least this part of the rows is not null."""
    broken = col("count") < share * col("rows")
    return Validator("mostly_known", broken, f"mostly_known({share!r})", figures=True)
