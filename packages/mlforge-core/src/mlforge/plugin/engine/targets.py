"""Targets: what is said of one that an engine cannot write."""

from __future__ import annotations

from collections.abc import Collection

from mlforge.errors import Unsupported
from mlforge.model.meta import Target


def need_format(target: Target, formats: Collection[str], engine: str) -> None:
    """Refuse a target of a format the engine does not write.

    Args:
        target: Where rows are to be written.
        formats: What the engine writes, as its descriptor says.
        engine: What messages call the engine, such as `The Polars engine`.

    Raises:
        Unsupported: Another format.

    Example:
        >>> need_format(Target("spend", "/tmp/spend.csv", "csv"), ["parquet"], "The Polars engine")
        Traceback (most recent call last):
        mlforge.errors.Unsupported: The Polars engine does not write csv, the format asked for 'spend'. It writes ...
    """
    if target.format not in formats:
        what = f"{engine} does not write {target.format}, the format asked for {target.name!r}."
        raise Unsupported(what, hint=f"It writes {', '.join(formats)}.")
