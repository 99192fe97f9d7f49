"""Columns that folders tell: Spark reads those of many files at once, where it reads of them what they mean."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F

from mlforge.plugin import Scan
from mlforge.plugin.engine.partitions import told
from mlforge_spark.types import column

if TYPE_CHECKING:
    from pyspark.sql import Column

_PAIR = re.compile("[^=%]+=(?:[^=%]|%[0-9A-Fa-f]{2})+")
_WIDE = re.compile("%[89A-Fa-f]")
"""A byte of a letter beyond ASCII, which Spark reads as a letter by itself."""


class Place(NamedTuple):
    """The folder right below which paths tell columns of these names; whether letters in them are encoded by bytes."""

    folder: Path
    names: tuple[str, ...]
    by_bytes: bool


class Told(NamedTuple):
    """What folders tell of which Spark would read something else."""

    texts: tuple[tuple[str, str | None], ...] = ()


def told_by(scan: Scan, path: str | Path) -> Told:
    """What the folders of a file tell of the source's columns."""
    names = {name for name, _ in scan.partitions}
    return Told(tuple((name, text) for name, text in told(path).items() if name in names))


def place_of(scan: Scan, path: Path) -> Place | Told:
    """How the columns are read that the folders of a file tell."""
    names = tuple(name for name, _ in scan.partitions)
    found = told_by(scan, path)
    folders = path.absolute().parent
    while names and "=" not in folders.name:
        folders = folders.parent
    pairs = folders.parts[-len(names) :]
    alike = tuple(pair.partition("=")[0] for pair in pairs) == names and all(map(_PAIR.fullmatch, pairs))
    wide = any(map(_WIDE.search, pairs))
    if not names or not alike or "\ufffd" in str(found) or (wide and not all(map(str.isascii, pairs))):
        return found
    return Place(Path(*folders.parts[: -len(names)]), names, wide)


def value_of(place: Place | Told, name: str) -> Column:
    """The text that folders tell of a column, null where they tell nothing."""
    if isinstance(place, Told):
        return F.lit(dict(place.texts)[name]).cast("string")
    return F.decode(F.encode(column(name), "ISO-8859-1"), "UTF-8") if place.by_bytes else column(name)
