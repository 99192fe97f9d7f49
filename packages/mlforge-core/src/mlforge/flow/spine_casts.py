"""How a column of a spine becomes one of another type, as people who hold the frame write it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from mlforge.errors import Invalid
from mlforge.plugin.engine.keys import OtherKeyType


@contextmanager
def casting(frame: Any) -> Iterator[None]:
    """Where a key of the frame is of another type than a feature's: say the way out in the words of its library."""
    try:
        yield
    except OtherKeyType as error:
        cast = _CASTS.get(type(frame).__module__.partition(".")[0])
        if cast is None:
            raise
        raise Invalid(error.message, hint=f"Cast it in the spine: {cast(error.key, error.wanted)}.") from None


def _polars(name: str, wanted: str) -> str:
    column = f'pl.col("{name}")'
    other = {
        "Date": f"{column}.cast(pl.Date)", "Datetime": f'{column}.cast(pl.Datetime("us"))',
    }.get(wanted, f"{column}.cast(pl.{wanted})")  # fmt: skip
    return f"spine.with_columns({other})"


def _pandas(name: str, wanted: str) -> str:
    column = f'spine["{name}"]'
    other = {
        "String": f'{column}.astype("string")', "Boolean": f'{column}.astype("boolean")',
        "Date": f"pd.to_datetime({column}).dt.date", "Datetime": f"pd.to_datetime({column}, utc=True)",
        "Binary": f'{column}.str.encode("utf-8")',
    }.get(wanted, f'{column}.astype("{wanted}")')  # fmt: skip
    return f"{column} = {other}"


def _pyarrow(name: str, wanted: str) -> str:
    other = {"Boolean": "bool_()", "Date": "date32()", "Datetime": 'timestamp("us", "UTC")'}.get(
        wanted, f"{wanted.lower()}()"
    )
    place = f'spine.column_names.index("{name}")'
    return f'spine.set_column({place}, "{name}", spine["{name}"].cast(pa.{other}))'


_CASTS: dict[str, Callable[[str, str], str]] = {"polars": _polars, "pandas": _pandas, "pyarrow": _pyarrow}
