"""CSV sources and rows as Arrow, read by Polars under one set of rules, for engines that can take a Polars frame."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mlforge_csv.rows import scan_rows
    from mlforge_csv.scanning import scan_csv
    from mlforge_csv.streams import any_zone, frame_of, in_utc, knows_zone, storage, telling_of_intervals
    from mlforge_csv.words import dtype_of

__all__ = [
    "any_zone", "dtype_of", "frame_of", "in_utc", "knows_zone", "scan_csv", "scan_rows", "storage",
    "telling_of_intervals",
]  # fmt: skip

_HOMES = {"scan_rows": "rows", "scan_csv": "scanning", "dtype_of": "words"}


def __getattr__(name: str) -> Any:
    """Import where it is first asked for: what this package announces is told without Polars."""
    from importlib import import_module

    if name not in __all__:
        raise AttributeError(name)
    value = getattr(import_module(f"mlforge_csv.{_HOMES.get(name, 'streams')}"), name)
    globals()[name] = value
    return value
