"""Names and constants as SQL writes them, so that nothing in one is ever read as a statement."""

from __future__ import annotations

_ESCAPED = str.maketrans({"\\": "\\\\", "'": "\\'", "$": "\\u0024", "\n": "\\n", "\r": "\\r", "\0": "\\u0000"})
"""`$` as well: Spark would put a variable in the place of `${...}`, wherever it stands."""


def name(*parts: str) -> str:
    """A name of one or several parts, quoted."""
    return ".".join(f"`{part.replace('`', '``')}`" for part in parts)


def text(value: str | None) -> str:
    """A constant of text, or NULL."""
    return "NULL" if value is None else f"'{value.translate(_ESCAPED)}'"
