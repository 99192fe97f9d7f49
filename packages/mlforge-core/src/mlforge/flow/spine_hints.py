"""What is wrong with a spine, in words for whoever holds the frame: no function is run over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from mlforge.errors import Invalid
from mlforge.plugin.engine.keys import OtherKeyType


def library_of(frame: Any) -> str:
    """Whose frame it is: that of the class which a subclass of it, such as a `GeoDataFrame`, is made of."""
    above = [str(cls.__module__).partition(".")[0] for cls in type(frame).__mro__]
    return next((name for name in above if name in _LIBRARIES), above[0])


def in_the_index(frame: Any, column: str) -> str:
    """What to say of a column that a pandas table has in its index."""
    names = frame.index.names if library_of(frame) == "pandas" else ()
    return f"It is in the index: spine.reset_index({column!r})." if column in names else ""


@contextmanager
def telling_of_spine(frame: Any, columns: Sequence[str]) -> Iterator[None]:
    """Say the way out of what is wrong with some columns of a frame as people who hold it write it."""
    try:
        yield
    except OtherKeyType as error:
        cast = _CASTS.get(library_of(frame))
        hint = f"Cast it in the spine: {cast(error.key, error.wanted)}." if cast else error.hint
        raise Invalid(error.message, hint=hint) from None
    except Invalid as error:
        if error.message.startswith(tuple(f"{what} {name!r}" for what in ("Column", "Timestamp") for name in columns)):
            error.hint = (error.hint or "").replace("n the function", "n the spine")
        raise


def unreadable(frame: Any, error: Exception, arrow: Any, called: str) -> Invalid:
    """The error for a column of Python objects in a pandas table that make no column of one type to pyarrow."""
    for name in frame.columns:
        try:
            arrow.Array.from_pandas(frame[name])
        except UnicodeError as half:
            text = half.object if isinstance(half, UnicodeEncodeError) else ""
            return Invalid(
                f"Column {name!r} of the {called} has text that is no Unicode: {text!r}.",
                hint="It holds half a character: mend or drop such rows.",
            )
        except (arrow.ArrowException, OverflowError, TypeError):
            kinds = sorted({type(value).__name__ for value in frame[name].dropna()})
            if len(kinds) == 1:
                too_large = " that do not fit 64 bits" if kinds == ["int"] else ""
                return Invalid(
                    f"Column {name!r} of the {called} cannot be read: it holds {kinds[0]} objects{too_large}.",
                    hint=f'Make it text, {called}["{name}"].astype("string"), or a column of another type.',
                )
            return Invalid(
                f"Column {name!r} of the {called} is no column of one type: it holds {', '.join(kinds)}.",
                hint=f'Make it one, of the feature\'s own type: {called}["{name}"].astype("string"), or "Int64".',
            )
    return Invalid(f"The {called} cannot be read: {error}", hint="Give its columns a type each.")


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
_LIBRARIES = {*_CASTS, "pyspark"}
