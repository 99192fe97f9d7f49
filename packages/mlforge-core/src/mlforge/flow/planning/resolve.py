"""From a source as it is written to addresses an engine can read, and a fingerprint of what is there."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from mlforge.errors import Invalid, NotFound, close_to
from mlforge.flow.planning.elsewhere import scan_elsewhere, table_rows
from mlforge.flow.planning.layouts import (
    MAGIC,
    common_format,
    known_format,
    partitions,
    refuse_empty,
    refuse_tables,
    table_kind,
)
from mlforge.flow.planning.links import below, each_once
from mlforge.model.source import (
    CSVFormat,
    DeltaFormat,
    Format,
    IcebergFormat,
    ParquetFormat,
    Source,
    format_of_suffix,
)
from mlforge.model.text import has_half
from mlforge.plugin.engine.frames import Scan
from mlforge.plugin.engine.partitions import told
from mlforge.plugin.sources import Asking


def resolve(source: Source, root: Path) -> Scan:
    """What to read for a source; relative paths start at `root`.

    Raises:
        NotFound: No such file, or nothing that fits the glob or lies in the folder.
        Invalid: A format that cannot be told, several at once, an empty file, folders that tell different columns, a
            folder that is closed, or a name that is no UTF-8.
        Unsupported: Parquet files of a Delta table, or of another one whose log tells what of them there still is.
    """
    if source.is_table:
        return Scan(source.name, (source.path,), known_format(source.infer_format(), source))
    if source.scheme != "file":
        return scan_elsewhere(source, root)
    _refuse_closed(root / _at_home(Path(source.path)), source)
    if table := _table(source, root):
        return table
    files = _files(source, root)
    fmt = source.infer_format() or common_format(source, map(str, files))
    refuse_empty(source.name, [(str(f), f.stat().st_size) for f in files])
    known = known_format(fmt, source)
    if isinstance(known, ParquetFormat):
        refuse_tables(source.name, files)
    columns = partitions(source.name, files, _fixed(root / _at_home(Path(source.path))))
    return Scan(source.name, tuple(map(str, files)), known, partitions=columns)


def _table(source: Source, root: Path) -> Scan | None:
    """What to read of a folder that is a Delta or an Iceberg table, told or not."""
    place = root / _at_home(Path(source.path))
    kind = None if source.format is not None or not place.is_dir() else table_kind(place)
    found: dict[str | None, Format] = {"Delta": DeltaFormat(), "Iceberg": IcebergFormat()}
    fmt = found.get(kind) if source.format is None else source.format
    if not isinstance(fmt, DeltaFormat | IcebergFormat):
        return None
    (file,) = _files(source, root) if source.format is not None else (place,)
    return Scan(source.name, (str(file),), fmt, rows=table_rows(fmt, Asking(source, root, str(file.resolve()))))


def _fixed(place: Path) -> Path:
    """The folder that a source's path names, up to its first wildcard; that of its file where it is one."""
    if place.exists():
        return place if place.is_dir() else place.parent
    at = next(i for i, part in enumerate(place.parts) if set(part) & MAGIC)
    return Path(*place.parts[:at])


def source_fingerprint(source: Source, scan: Scan) -> str | None:
    """128 bits that change when what is read does; None where nothing tells whether it did."""
    if scan.rows is not None or source.scheme != "file":
        return _told_state(source, scan)
    facts = [[*_facts(Path(uri)), *told(uri).items()] if scan.partitions else _facts(Path(uri)) for uri in scan.uris]
    return hashlib.sha256(msgspec.json.encode([msgspec.to_builtins(scan.format), facts])).hexdigest()[:32]


def _told_state(source: Source, scan: Scan) -> str | None:
    """The fingerprint of what lies elsewhere: of tags, of a table's version, of a frame's content."""
    state = scan.rows.state() if scan.rows is not None else scan.state or None
    if state is None:
        return None
    said = [source.path, source.query, source.table] if source.is_database else []
    told_columns = [list(told(uri).items()) for uri in scan.uris] if scan.partitions else []
    facts = [msgspec.to_builtins(scan.format), said, told_columns, state]
    return hashlib.sha256(msgspec.json.encode(facts)).hexdigest()[:32]


def _facts(path: Path) -> list[tuple[str, int, int]]:
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    return [(f.name, (found := f.stat()).st_size, found.st_mtime_ns) for f in files]


def _files(source: Source, root: Path) -> list[Path]:
    found = each_once(_found_files(source, root), source.name)
    if strange := next((path for path in found if has_half(str(path))), None):
        raise Invalid(
            f"The source {source.name!r} lies at {strange}, which is no UTF-8 text.",
            hint="Give the file or folder another name, or a locale of UTF-8: LC_ALL=C.UTF-8.",
        )
    return found


def _refuse_closed(place: Path, source: Source) -> None:
    """Raise `Invalid` where nobody may look whether a file is there."""
    try:
        place.stat()
    except PermissionError as error:
        raise Invalid(
            f"The source {source.name!r} cannot be looked at: {place}: {error.strerror}.",
            hint="Check that you may read there.",
        ) from error
    except (OSError, ValueError):
        return


def _found_files(source: Source, root: Path) -> list[Path]:
    pattern = str(_at_home(Path(source.path)))
    place = root / pattern
    if set(str(source.path)) & MAGIC and not place.exists():
        found = [root / p for p in sorted(glob.glob(pattern, root_dir=root, recursive=True))]  # noqa: PTH207 - as is
        found = [p for p in found if p.is_file() or (p.is_symlink() and not p.exists())]
        return _some(found, source, f"no file fits {source.path!r}")
    if place.is_symlink() and not place.exists():
        return [place]
    if not place.exists():
        close = close_to(place.name, _siblings(place))
        start = "Relative paths start at the project's folder, the one with mlforge.yaml."
        hint = f"Did you mean {close!r}? {start}" if close else start
        raise NotFound(f"The source {source.name!r} is not there: {place}.", hint=hint)
    if place.is_dir() and not isinstance(source.format, None | CSVFormat | ParquetFormat):
        return [place]
    return _some(list(_inside(place, source)), source, f"{place} holds no data file") if place.is_dir() else [place]


def _siblings(place: Path) -> list[str]:
    try:
        return sorted(p.name for p in place.parent.iterdir())
    except OSError:
        return []


def _at_home(path: Path) -> Path:
    """A path whose `~` is a person's home, where there is such a person; else a name that begins so."""
    try:
        return path.expanduser()
    except RuntimeError:
        return path


def _inside(folder: Path, source: Source) -> Iterator[Path]:
    for path in sorted(below(folder, source.name)):
        is_data = source.format is not None or format_of_suffix(path.suffix)
        if is_data and (path.is_file() or path.is_symlink()):
            yield path


def _some(found: list[Path], source: Source, otherwise: str) -> list[Path]:
    if not found:
        raise NotFound(f"The source {source.name!r} is empty: {otherwise}.", hint="Check the path.")
    return found
