"""Features without a source: what is computed of a request's inputs and of stored features when somebody asks."""

from __future__ import annotations

from datetime import date, datetime

import msgspec

from mlforge.model.expr import Expr
from mlforge.model.feature import FeatureSpec
from mlforge.model.field import Field
from mlforge.model.schema import is_integer

INPUT_TYPES: dict[str, type] = {
    "Int64": int, "Float64": float, "String": str, "Boolean": bool, "Date": date, "Datetime": datetime,
}  # fmt: skip
"""What inputs may be, and what they are in Python."""


class RequestFeature(msgspec.Struct, frozen=True):
    """A feature that is computed of what a request brings along. `request_feature` makes one; nothing is built.

    Args:
        name: Its name, which stands where those of features do.
        columns: Its columns, each an expression over inputs, columns of the features it uses, and `at()`.
        inputs: What it is given with each row or request, and the types.
        uses: The stored features it reads.
        fields: What its columns mean.
        tags: Words about it.
        description: What it means.
        owner: Who to ask.

    Example:
        >>> from mlforge.model.expr import col
        >>> RequestFeature("risk", {"twice": col("amount") * 2}, {"amount": "Float64"}).uses
        ()
    """

    name: str
    columns: dict[str, Expr]
    inputs: dict[str, str] = {}
    uses: tuple[FeatureSpec, ...] = ()
    fields: tuple[Field, ...] = ()
    tags: tuple[str, ...] = ()
    description: str | None = None
    owner: str | None = None


def takes(wanted: str, dtype: str) -> bool:
    """Whether an input of one type can be given as another: whole numbers stand for floats, too.

    Example:
        >>> takes("Float64", "Int8"), takes("Int64", "Float64")
        (True, False)
    """
    if wanted == "Float64":
        return is_integer(dtype) or dtype in ("Float32", "Float64")
    return is_integer(dtype) if wanted == "Int64" else dtype == wanted
