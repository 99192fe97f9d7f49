"""What a column means, in words."""

from __future__ import annotations

from typing import Any

import msgspec

from mlforge.errors import Invalid
from mlforge.model.spelling import Spelled


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
