"""Columns that paths tell: `year=2025/month=1/`, as Hive, Spark and others lay out what they write."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import PurePath
from typing import Any
from urllib.parse import unquote

from mlforge.plugin.engine.frames import Scan

NOTHING = "__HIVE_DEFAULT_PARTITION__"
"""What stands in a path for null."""
_COMMON = re.compile(r"[\w .-]+=(?:[\w .:+-]|%[0-9A-Fa-f]{2})+")
"""Folders that whoever reads them takes for the same column and, unless what is encoded is odd, the same text."""


def told(path: str | PurePath) -> dict[str, str | None]:
    """The texts that the folders of a file tell, by column.

    Example:
        >>> told("lake/year=2025/city=Bad%20Ems/1.parquet")
        {'year': '2025', 'city': 'Bad Ems'}
    """
    pairs = (part.split("=") for part in PurePath(path).parent.parts if re.fullmatch("[^=]+=[^=]+", part))
    return {unquote(name): None if text == NOTHING else unquote(text) for name, text in pairs}


def is_common(scan: Scan, uri: str, columns: Iterable[str]) -> bool:
    """Whether a reader that takes each folder `name=text` of a path for a column finds what `told` tells, and no more.

    It does not where readers differ in what a folder says, or where one above the source is called as a column is.

    Args:
        scan: The source.
        uri: One of its files.
        columns: The file's columns.

    Example:
        >>> from mlforge.model.source import ParquetFormat
        >>> scan = Scan("sales", ("n=1/sales/month=01/1.parquet",), ParquetFormat(), partitions=(("month", "Int64"),))
        >>> is_common(scan, scan.uris[0], ["m"]), is_common(scan, scan.uris[0], ["n"])
        (True, False)
    """
    parts = [part for part in PurePath(uri).parent.parts if "=" in part]
    mine = {name for name, _ in scan.partitions}
    taken = {name.lower() for name in (*columns, *mine)}
    above = {name.lower() for name in told(uri) if name not in mine}
    return all(_COMMON.fullmatch(part) and not _is_odd(part) for part in parts) and not above & taken


def _is_odd(part: str) -> bool:
    """Whether what is encoded in the text of a folder is no UTF-8, or what stands for null."""
    text = part.partition("=")[2]
    return "\ufffd" in (read := unquote(text)) or (read == NOTHING != text)


def type_of(texts: Iterable[str | None]) -> str:
    """The type that each text of a column is of: `Int64`, `Date` or else `String`.

    Example:
        >>> type_of(["01", "12", None])
        'Int64'
    """
    given = [text for text in texts if text is not None]
    if given and all(re.fullmatch("-?[0-9]{1,18}", text) for text in given):
        return "Int64"
    return "Date" if given and all(map(_is_date, given)) else "String"


def values(scan: Scan, uri: str) -> dict[str, Any]:
    """What the path of a file tells of each of its rows: for engines that add these columns themselves.

    Example:
        >>> from mlforge.model.source import ParquetFormat
        >>> scan = Scan("sales", ("sales/month=01/1.parquet",), ParquetFormat(), partitions=(("month", "Int64"),))
        >>> values(scan, scan.uris[0])
        {'month': 1}
    """
    texts = told(uri)
    return {name: _value(texts[name], word) for name, word in scan.partitions}


def with_partitions(scan: Scan, schema: Mapping[str, Any], types: Mapping[str, Any]) -> dict[str, Any]:
    """The columns of a file and, behind them, those of its path: these stand for columns of the same name.

    Args:
        scan: The source.
        schema: The file's columns and their types.
        types: The engine's type for each word of `type_of`.

    Example:
        >>> from mlforge.model.source import ParquetFormat
        >>> scan = Scan("sales", ("sales/month=01/1.parquet",), ParquetFormat(), partitions=(("month", "Int64"),))
        >>> with_partitions(scan, {"month": "VARCHAR", "n": "DOUBLE"}, {"Int64": "BIGINT"})
        {'n': 'DOUBLE', 'month': 'BIGINT'}
    """
    told_types = {name: types[word] for name, word in scan.partitions}
    return {n: t for n, t in schema.items() if n not in told_types} | told_types


def _is_date(text: str) -> bool:
    return bool(re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", text)) and _parses(text)


def _parses(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


def _value(text: str | None, word: str) -> Any:
    if text is None or word == "String":
        return text
    return int(text) if word == "Int64" else date.fromisoformat(text)
