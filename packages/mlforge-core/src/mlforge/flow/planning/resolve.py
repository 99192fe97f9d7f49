"""From a source as it is written to addresses an engine can read, and a fingerprint of what is there."""

from __future__ import annotations

import glob
import hashlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from mlforge.errors import Invalid, NotFound, close_to
from mlforge.flow.planning.layouts import partitions, refuse_tables
from mlforge.model.source import CSVFormat, Format, ParquetFormat, Source, format_name, format_of_suffix
from mlforge.plugin.engine.frames import Scan
from mlforge.plugin.engine.partitions import told

_MAGIC = set("*?[")


def resolve(source: Source, root: Path) -> Scan:
    """What to read for a source; relative paths start at `root`.

    Raises:
        NotFound: No such file, or nothing that fits the glob or lies in the folder.
        Invalid: A format that cannot be told, several at once, an empty file, or folders that tell different columns.
        Unsupported: Parquet files of a Delta table, or of another one whose log tells what of them there still is.
    """
    if source.scheme != "file":
        return Scan(source.name, (source.path,), _known_format(source.infer_format(), source))
    files = _files(source, root)
    fmt = source.infer_format() or _common_format(source, files)
    if fmt is not None and not isinstance(fmt, CSVFormat | ParquetFormat):
        return Scan(source.name, tuple(map(str, files)), fmt)
    if empty := [f for f in files if f.stat().st_size == 0]:
        raise Invalid(
            f"The source {source.name!r} has an empty file: {empty[0]}.", hint="Write it again, or remove it."
        )
    known = _known_format(fmt, source)
    if isinstance(known, ParquetFormat):
        refuse_tables(source.name, files)
    columns = partitions(source.name, files, _fixed(root / _at_home(Path(source.path))))
    return Scan(source.name, tuple(map(str, files)), known, partitions=columns)


def _fixed(place: Path) -> Path:
    """The folder that a source's path names, up to its first wildcard; that of its file where it is one."""
    if place.exists():
        return place if place.is_dir() else place.parent
    at = next(i for i, part in enumerate(place.parts) if set(part) & _MAGIC)
    return Path(*place.parts[:at])


def source_fingerprint(source: Source, scan: Scan) -> str | None:
    """128 bits that change when a file of the source does; None for a source that is not files here."""
    if source.scheme != "file":
        return None
    facts = [[*_facts(Path(uri)), *told(uri).items()] if scan.partitions else _facts(Path(uri)) for uri in scan.uris]
    return hashlib.sha256(msgspec.json.encode([msgspec.to_builtins(scan.format), facts])).hexdigest()[:32]


def _facts(path: Path) -> list[tuple[str, int, int]]:
    files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
    return [(f.name, (found := f.stat()).st_size, found.st_mtime_ns) for f in files]


def _files(source: Source, root: Path) -> list[Path]:
    pattern = str(_at_home(Path(source.path)))
    place = root / pattern
    if set(str(source.path)) & _MAGIC and not place.exists():
        found = [root / p for p in sorted(glob.glob(pattern, root_dir=root, recursive=True))]  # noqa: PTH207 - as is
        found = [p for p in found if p.is_file()]
        return _some(found, source, f"no file fits {source.path!r}")
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
    for path in sorted(folder.rglob("*")):
        hidden = any(part.startswith((".", "_")) for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden and (source.format is not None or format_of_suffix(path.suffix)):
            yield path


def _some(found: list[Path], source: Source, otherwise: str) -> list[Path]:
    if not found:
        raise NotFound(f"The source {source.name!r} is empty: {otherwise}.", hint="Check the path.")
    return found


def _common_format(source: Source, files: list[Path]) -> Format | None:
    formats = {f for f in (format_of_suffix(p.suffix) for p in files) if f is not None}
    if len(formats) > 1:
        raise Invalid(
            f"The source {source.name!r} mixes formats: {', '.join(sorted(map(format_name, formats)))}.",
            hint=f"Choose files of one format: {source.path.rstrip('/')}/*.parquet",
        )
    return next(iter(formats), None)


def _known_format(fmt: Format | None, source: Source) -> Format:
    if fmt is None:
        raise Invalid(
            f"The format of the source {source.name!r} cannot be told from {source.path!r}.",
            hint="Say it: Source(path, format=CSVFormat())",
        )
    return fmt
