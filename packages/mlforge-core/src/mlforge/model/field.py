"""What a column means, in words."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec

from mlforge.errors import Invalid
from mlforge.model.schema import Column
from mlforge.model.spelling import Spelled
from mlforge.model.text import refuse_halves


class Field(msgspec.Struct, metaclass=Spelled, frozen=True):
    """What a column of a feature means: for those that no metric describes. It changes no value and no version.

    Args:
        name: The column.
        description: What its value means.
        unit: What it is counted in, such as `USD`.

    Raises:
        Invalid: A name that is none, or words that are no text.

    Example:
        >>> Field("amount", description="The last payment", unit="USD").unit
        'USD'
    """

    name: str
    description: str | None = None
    unit: str | None = None

    def __post_init__(self) -> None:
        name: Any = self.name
        if not isinstance(name, str) or not name:
            raise Invalid(f"{self.name!r} cannot be a column's name.", hint='Field("amount", unit="USD")')
        for word in ("description", "unit"):
            if not isinstance(getattr(self, word), str | None):
                raise Invalid(
                    f"The {word} of {self.name!r} is {getattr(self, word)!r}, which is no text.",
                    hint=f'Field("{self.name}", {word}="…")',
                )
            refuse_halves(getattr(self, word), f"the {word} of {self.name!r}")

    def on(self, column: Column) -> Column:
        """The column with what is said of it here; what is not said stays.

        Example:
            >>> Field("amount", unit="USD").on(Column("amount", "Float64")).unit
            'USD'
        """
        return msgspec.structs.replace(
            column, description=self.description or column.description, unit=self.unit or column.unit
        )


def told(columns: Iterable[Column], fields: Iterable[Field]) -> tuple[Column, ...]:
    """Columns with what fields say of them.

    Example:
        >>> told([Column("amount", "Float64")], [Field("amount", "The last payment")])[0].description
        'The last payment'
    """
    by_name = {one.name: one for one in fields}
    return tuple(by_name[c.name].on(c) if c.name in by_name else c for c in columns)
