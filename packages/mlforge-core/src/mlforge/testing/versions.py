"""What a version is made of in store tests: data an engine might have written, and metadata with every field filled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlforge.model.keys import Key
from mlforge.model.meta import Change, FeatureMeta, Recipe
from mlforge.model.schema import Column, Schema

Damage = Callable[[bytes], bytes]
"""What becomes of stored bytes."""

COLUMNS = (
    Column("user", "Int64"),
    Column("ts", "Datetime"),
    Column("x__sum__7d", "Float64", "sum", "7d", "What was spent – all of it", "€"),
)


def local_path(uri: str) -> Path:
    """The path of a file's address."""
    return Path(uri.removeprefix("file://"))


def write_file(uri: str, data: bytes) -> None:
    """Write a file as engines do: the address is a file's, or a folder's that gets one."""
    path = local_path(uri)
    path = path / "part-0" if path.is_dir() else path
    assert path.parent.is_dir(), f"no folder is there for {uri}: make it in begin, or say how it is written, def fill"
    path.write_bytes(data)


def file_at(uri: str, hook: str) -> Path:
    """The file at an address."""
    path = local_path(uri)
    assert path.is_file(), f"no file is at {uri}: say what is there, def {hook}(self, …)"
    return path


def rewrite(folder: Path, of_interest: Callable[[bytes], bool], change: Damage, hook: str) -> None:
    """Change what the files of interest hold, each in place."""
    held = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    found = {path: data for path, data in held.items() if of_interest(data)}
    assert found, f"no file below {folder} holds it: say where it is, def {hook}(self, …)"
    for path, data in found.items():
        path.write_bytes(change(data))


def meta_of(version: str, name: str = "spend", **changes: Any) -> FeatureMeta:
    """Metadata with every field filled."""
    fields: dict[str, Any] = {
        "created_at": "2024-02-29T00:00:00Z",
        "updated_at": "2024-02-29T00:00:01Z",
        "row_count": 3,
        "entity_keys": ("user",),
        "timestamp": "ts",
        "interval": "1d",
        "columns": COLUMNS,
        "schema_hash": Schema(COLUMNS).hash,
        "config_hash": "c0ffee",
        "logic_hash": "1091c",
        "source_hash": "50u2ce",
        "checks_hash": "c4ec",
        "change_summary": Change("minor", "columns_added", ("x__sum__7d",)),
        "config": Recipe(
            (Key("user", ("first", "last")),), "ts", "at", "%Y", "1d", {"x__sum__7d": "sum(x)"}, "x", "UTC", "forward"
        ),
        "key_types": {"user": {"first": "String", "last": "String"}},
        "dropped_rows": 2,
        "engine": "polars",
        "mlforge_version": "1.0.0",
        "source": "data/events.parquet",
        "entities": ("user",),
        "max_age": "30d",
        "tags": ("money", "日本"),
        "description": "What a user spent",
        "owner": "ada",
    }
    return FeatureMeta(name=name, version=version, **(fields | changes))
