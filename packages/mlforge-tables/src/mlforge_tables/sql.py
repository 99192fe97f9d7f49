"""What is asked of a database: a table or a query, as far as columns and times are wanted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from mlforge.errors import Invalid
from mlforge.model.source import Source
from mlforge.plugin import Asking

_PART = r'(?:[A-Za-z_][\w$-]*|"(?:[^"]|"")+"|`[^`]+`)'
_TABLE = re.compile(rf"{_PART}(?:\.{_PART}){{0,2}}")
_QUOTES = {"bigquery": "`"}


def rows_of(source: Source) -> str:
    """What stands after FROM: a query or a table. Raises `Invalid` for a table that is no name.

    There PostgreSQL takes `user` and `current_date` for values, but behind TABLE for tables alone.
    """
    if source.table is None:
        return f"(\n{(source.query or '').strip().rstrip(';')}\n)"
    if not _TABLE.fullmatch(source.table):
        raise Invalid(
            f"Source {source.name!r}: {source.table!r} is no table's name.",
            hint='Such as table="public.events"; parts that need them have quotes of their own: \'"Events"\'.',
        )
    return f"(TABLE {source.table})" if source.scheme == "postgresql" else source.table


def select(
    source: Source, columns: Sequence[str] | None, condition: str = "", casts: Mapping[str, str] | None = None
) -> str:
    """The rows, or some of their columns, as one SELECT: nothing else can be asked in its parentheses."""
    cast = {name: f"::{kind} AS {quoted(source, name)}" for name, kind in (casts or {}).items()}
    listed = ", ".join(quoted(source, name) + cast.get(name, "") for name in columns) if columns else "*"
    return f"SELECT {listed} FROM {rows_of(source)} AS mlforge_rows{condition}"


def refuse_columns(source: Source, names: Sequence[str]) -> None:
    """Raise `Invalid` where an answer has no columns, or two of one name."""
    if not names:
        raise Invalid(
            f"Source {source.name!r} has no columns.", hint="Name some in the query: SELECT id, amount FROM …"
        )
    if twice := [name for name in names if names.count(name) > 1]:
        raise Invalid(
            f"Source {source.name!r} has two columns {twice[0]!r}.",
            hint="Give each a name of its own in the query: SELECT o.id, c.id AS customer_id FROM …",
        )


def quoted(source: Source, name: str) -> str:
    """A column's name as the database writes it."""
    mark = _QUOTES.get(source.scheme, '"')
    return f"{mark}{name.replace(mark, mark * 2)}{mark}"


def probe(asking: Asking) -> str | None:
    """The query whose answer changes when the rows do, where one is given. Raises `Invalid` for other options."""
    options = dict(asking.options)
    asked = options.pop("state", None)
    if options:
        raise Invalid(
            f"Source({asking.source.path!r}) has no option {next(iter(options))!r}.",
            hint='Of a database there is one: options={"state": "SELECT max(id) FROM events"}.',
        )
    return None if asked is None else str(asked)
