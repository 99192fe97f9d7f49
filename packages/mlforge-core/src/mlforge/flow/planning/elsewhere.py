"""Sources that are no files of this machine: which plugin opens them, and which objects of a bucket one means."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath
from typing import Any, cast

from mlforge.errors import Invalid, NotFound, close_to
from mlforge.flow.planning.layouts import MAGIC, common_format, known_format, partitions, refuse_empty, refuse_table_of
from mlforge.model.source import DeltaFormat, Format, IcebergFormat, ParquetFormat, Source, format_of_suffix
from mlforge.plugin.config import load
from mlforge.plugin.descriptors import SourceDescriptor
from mlforge.plugin.engine.frames import Scan
from mlforge.plugin.registry import registry
from mlforge.plugin.sources import Asking, Found, Objects, Rows

_ADDRESS = re.compile(r"[a-z0-9+.-]+://([^/]+)/?(.*)", re.IGNORECASE | re.DOTALL)


def announced(word: str) -> SourceDescriptor | None:
    """Who brings sources of a scheme or a format of tables; None where nobody does."""
    return registry().of(SourceDescriptor).get(word)


def scan_elsewhere(source: Source, root: Path) -> Scan:
    """What to read for a source with a scheme; of one that nobody brings, its address alone, for engines to judge."""
    found = announced(source.scheme)
    fmt = source.infer_format()
    if found is None:
        return Scan(source.name, (source.path,), known_format(fmt, source))
    if found.gives == "rows":
        rows = cast(Rows, _opened(found, Asking(source, root, source.path)))
        return Scan(source.name, (source.path,), known_format(fmt, source), rows=rows)
    return _in_bucket(source, root, found)


def table_rows(fmt: Format, asking: Asking) -> Rows | None:
    """The rows of a table in files; None where nobody brings its format."""
    word = "delta" if isinstance(fmt, DeltaFormat) else "iceberg"
    found = announced(word)
    return None if found is None else cast(Rows, _opened(found, asking))


def _opened(found: SourceDescriptor, asking: Asking) -> Any:
    return load(found.target, f"the source {found.name!r}")(asking)


def _in_bucket(source: Source, root: Path, found: SourceDescriptor) -> Scan:
    match = _ADDRESS.fullmatch(source.path)
    if match is None:
        raise Invalid(f"The source {source.name!r} names no bucket: {source.path!r}.", hint=_such_as(source))
    bucket, key = match[1], match[2].rstrip("/")
    start = f"{source.scheme}://{bucket}"
    place = f"{start}/{key}".rstrip("/")
    objects = cast(Objects, _opened(found, Asking(source, root, place)))
    options = objects.options()
    kept, fixed = _chosen(source, objects, key)
    fmt = source.infer_format() or _table(kept, fixed)
    if isinstance(fmt, DeltaFormat | IcebergFormat):
        rows = table_rows(fmt, Asking(source, root, place, objects))
        return Scan(source.name, (place,), fmt, options, rows=rows, objects=objects)
    kept = [one for one in kept if _is_data(one, fixed, source, alone=one.key == key)]
    if not kept:
        raise _nothing(source, objects, key, start)
    fmt = known_format(fmt or common_format(source, [one.key for one in kept]), source)
    refuse_empty(source.name, [(f"{start}/{one.key}", one.bytes) for one in kept])
    uris = tuple(f"{start}/{one.key}" for one in kept)
    if isinstance(fmt, ParquetFormat):
        _refuse_tables(source, objects, kept, start)
    told = partitions(source.name, [PurePosixPath(one.key) for one in kept], PurePosixPath(fixed))
    state = tuple((one.key, f"{one.bytes}:{one.tag}") for one in kept)
    return Scan(source.name, uris, fmt, options, told, objects=objects, state=state)


def _such_as(source: Source) -> str:
    return f"Such as {source.scheme}://shop-lake/events/*.parquet."


def _chosen(source: Source, objects: Objects, key: str) -> tuple[list[Found], str]:
    """The objects that an address may mean, and the folder that it names up to its first wildcard."""
    one = objects.head(key) if key and not source.path.endswith("/") else None
    if one is not None:
        return [one], str(PurePosixPath(key).parent)
    parts = key.split("/") if key else []
    at = next((i for i, part in enumerate(parts) if set(part) & MAGIC), None)
    fixed = "/".join(parts if at is None else parts[:at])
    found = sorted(objects.list(f"{fixed}/" if fixed else ""), key=lambda o: o.key)
    if at is None:
        return found, fixed or "."
    return [o for o in found if _fits(o.key.split("/")[at:], parts[at:])], fixed or "."


def _fits(parts: Sequence[str], pattern: Sequence[str]) -> bool:
    """Whether the parts of a key fit those of a glob, in which `**` is any folders and names with a dot are hidden."""
    if not pattern:
        return not parts
    if pattern[0] == "**":
        if _fits(parts, pattern[1:]):
            return True
        rest = pattern if len(pattern) > 1 else ["**"]
        return (
            bool(parts) and not parts[0].startswith(".") and (_fits(parts[1:], rest) or len(pattern) == len(parts) == 1)
        )
    if not parts or (parts[0].startswith(".") and not pattern[0].startswith(".")):
        return False
    return fnmatchcase(parts[0], pattern[0]) and _fits(parts[1:], pattern[1:])


def _table(found: list[Found], fixed: str) -> Format | None:
    """The format of a table whose own files lie in a folder."""
    below = [PurePosixPath(one.key).relative_to(fixed).as_posix() for one in found if _is_below(one.key, fixed)]
    if any(name.startswith("_delta_log/") for name in below):
        return DeltaFormat()
    return IcebergFormat() if any(re.fullmatch(r"metadata/[^/]*\.metadata\.json", name) for name in below) else None


def _is_below(key: str, folder: str) -> bool:
    return folder in ("", ".") or key.startswith(f"{folder}/")


def _is_data(one: Found, fixed: str, source: Source, *, alone: bool) -> bool:
    """Whether an object holds rows: hidden ones, folders and, where no format is given, other endings do not."""
    if alone or set(source.path) & MAGIC:
        return not one.key.endswith("/")
    parts = PurePosixPath(one.key).relative_to(fixed).parts
    if one.key.endswith("/") or any(part.startswith((".", "_")) for part in parts):
        return False
    return source.format is not None or format_of_suffix(PurePosixPath(one.key).suffix) is not None


def _nothing(source: Source, objects: Objects, key: str, start: str) -> NotFound:
    if set(key) & MAGIC:
        what = f"no object fits {source.path!r}"
    else:
        what = f"{start}/{key} is no object, and no folder with data files in it"
    folder = key.rpartition("/")[0]
    folder = f"{folder}/" if folder and not set(folder) & MAGIC else ""
    near = close_to(key, _names(objects, folder)) if not set(key) & MAGIC else None
    hint = f"Did you mean {start}/{near}?" if near else "Check the path, and what credentials let be seen there."
    return NotFound(f"The source {source.name!r} is empty: {what}.", hint=hint)


def _names(objects: Objects, folder: str) -> Iterator[str]:
    """The first few names in a folder of a bucket."""
    for number, one in enumerate(objects.list(folder)):
        if number == 1000:
            return
        yield one.key


def _refuse_tables(source: Source, objects: Objects, found: list[Found], start: str) -> None:
    """Raise `Unsupported` for Parquet files of a table whose log tells which of their rows there still are."""
    folders = {parent.as_posix() for one in found for parent in PurePosixPath(one.key).parents}
    for folder in sorted(folders, key=len)[:20]:
        below = "" if folder == "." else f"{folder}/"
        for log, kind in (("_delta_log/", "Delta"), (".hoodie/", "Hudi"), ("metadata/", "Iceberg")):
            of_table = (o for o in objects.list(f"{below}{log}") if kind != "Iceberg" or ".metadata.json" in o.key)
            if next(iter(of_table), None) is not None:
                raise refuse_table_of(kind, source.name, f"{start}/{below}".rstrip("/"))
