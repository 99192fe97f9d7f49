"""Features without a source: what is computed of a request's inputs and of stored features when somebody asks."""

from __future__ import annotations

from datetime import date, datetime
from typing import NamedTuple

import msgspec

from mlforge.errors import Invalid, NotFound, nearest
from mlforge.model.expr import Expr
from mlforge.model.feature import FeatureSpec
from mlforge.model.field import Field
from mlforge.model.html import table
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

    def _repr_html_(self) -> str:
        rows = [
            ("inputs", ", ".join(f"{name} {dtype}" for name, dtype in self.inputs.items()) or "–"),
            ("uses", ", ".join(spec.name for spec in self.uses) or "–"),
            ("columns", ", ".join(self.columns)),
            ("tags", ", ".join(self.tags) or "–"),
            ("owner", self.owner or "–"),
        ]
        return table(("", ""), rows, caption=self.name, note=self.description)


class Requested(NamedTuple):
    """A request feature that is asked for, and which of its columns; all if None.

    Example:
        >>> from mlforge.model.expr import col
        >>> risk = RequestFeature("risk", {"twice": col("amount") * 2}, {"amount": "Float64"})
        >>> Requested.of(risk, FeatureSpec("risk", columns="twice")).columns
        ('twice',)
    """

    feature: RequestFeature
    columns: tuple[str, ...] | None = None

    @classmethod
    def of(cls, feature: RequestFeature, spec: FeatureSpec) -> Requested:
        """The feature as a spec asks for it.

        Raises:
            Invalid: A version: it has none.
            NotFound: A column that it does not have.
        """
        if spec.version is not None:
            raise Invalid(
                f"{feature.name!r} is computed when it is asked for, and has no version {spec.version}.",
                hint=f"Ask for {feature.name!r}; the features it uses have versions.",
            )
        chosen = None if spec.columns is None else tuple(spec.columns)
        if unknown := [c for c in chosen or () if c not in feature.columns]:
            raise NotFound(f"{spec.name!r} has no column {unknown[0]!r}.", hint=nearest(unknown[0], feature.columns))
        return cls(feature, chosen)


def takes(wanted: str, dtype: str) -> bool:
    """Whether an input of one type can be given as another: whole numbers stand for floats, too.

    Example:
        >>> takes("Float64", "Int8"), takes("Int64", "Float64")
        (True, False)
    """
    if wanted == "Float64":
        return is_integer(dtype) or dtype in ("Float32", "Float64")
    return is_integer(dtype) if wanted == "Int64" else dtype == wanted


def input_of(name: str, column: str, use: str) -> Invalid:
    """The error for an input that has the name of a column that is read."""
    return Invalid(f"{name!r} has an input {column!r}, which is a column of {use!r}.", hint="Name the input otherwise.")


def both_have(name: str, first: str, second: str, column: str) -> Invalid:
    """The error for a column of two features that are used."""
    return Invalid(
        f"{name!r} uses {first!r} and {second!r}, which both have a column {column!r}.",
        hint=f'Choose columns: uses=[FeatureSpec("{second}", columns=[…])].',
    )


def cannot_compute(name: str, error: Invalid) -> Invalid:
    """The error for a column of values that do not go together."""
    return Invalid(f"{name!r} cannot compute {error.message}", hint=error.hint)
