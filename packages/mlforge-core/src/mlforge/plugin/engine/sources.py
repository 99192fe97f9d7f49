"""Sources: which reader a format asks for, which files make one source, and what is said of those that cannot."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from mlforge.errors import Invalid, MlforgeError, PluginFailed, Unsupported
from mlforge.model.source import format_name
from mlforge.plugin.engine.columns import refuse_names
from mlforge.plugin.engine.edge import reason
from mlforge.plugin.engine.frames import Frame, Scan
from mlforge.plugin.sources import Rows

T = TypeVar("T")
PIECE = 8 * 1024 * 1024
"""How many bytes of an object are in memory while it is brought."""


def read_by(readers: Mapping[Any, Callable[[Scan], Frame]], scan: Scan, engine: str) -> Frame:
    """The rows of a source, by the reader of its format.

    Args:
        readers: What the engine reads, by the format's class; under `Rows` what reads Arrow, for all other formats.
        scan: The source.
        engine: What messages call the engine, such as `The Polars engine`.

    Raises:
        Invalid: A source without files.
        Unsupported: A format without a reader.

    Example:
        >>> from mlforge.model.source import CSVFormat
        >>> read_by({CSVFormat: lambda scan: len(scan.uris)}, Scan("payments", ("a.csv", "b.csv"), CSVFormat()), "Mine")
        2
    """
    if not scan.uris:
        raise Invalid(f"Source {scan.name!r} has no files.", hint="Look at its path.")
    reader = readers.get(type(scan.format)) or (readers.get(Rows) if scan.rows is not None else None)
    if reader is None:
        raise Unsupported(
            f"{engine} does not read {format_name(scan.format)}, the format of source {scan.name!r}.",
            hint="Write it as Parquet.",
        )
    return reader(scan)


def fetched(scan: Scan, folder: Path) -> tuple[Path, ...]:
    """The files of a source on this machine: those of a bucket are brought into a folder, under numbers.

    Example:
        >>> from mlforge.model.source import CSVFormat
        >>> [path.name for path in fetched(Scan("payments", ("data/a.csv",), CSVFormat()), Path("unused"))]
        ['a.csv']
    """
    if scan.objects is None:
        return tuple(map(Path, scan.uris))
    sizes = [int(facts.partition(":")[0]) for _, facts in scan.state]
    return tuple(
        _brought(scan, key, size, folder / str(number))
        for number, ((key, _), size) in enumerate(zip(scan.state, sizes, strict=True))
    )


def _brought(scan: Scan, key: str, size: int, path: Path) -> Path:
    with path.open("wb") as file:
        for start in range(0, size, PIECE):
            file.write(scan.objects.read(key, start, min(PIECE, size - start)))
    return path


def is_one_file(uri: str) -> bool:
    """Whether an address is that of a file, so that wildcard characters in it are none.

    Example:
        >>> is_one_file("data/[raw]/*.parquet")
        False
    """
    return Path(uri).is_file()


def unreadable(scan: Scan, uri: str, error: BaseException) -> MlforgeError:
    """The error for a file that is missing, empty, or no file of its format.

    Example:
        >>> from mlforge.model.source import CSVFormat
        >>> print(unreadable(Scan("payments", ("a.csv",), CSVFormat()), "a.csv", FileNotFoundError()).message)
        Source 'payments': there is no file a.csv.
    """
    where = f"Source {scan.name!r}"
    if isinstance(error, FileNotFoundError) or _is_missing(uri):
        return Invalid(f"{where}: there is no file {uri}.", hint="Look at the source's path.")
    if isinstance(error, OSError):
        return PluginFailed(f"{where}: {uri} cannot be read: {reason(error)}", hint="See the cause.")
    if Path(uri).is_file() and Path(uri).stat().st_size == 0:
        return Invalid(f"{where}: {uri} is empty (0 bytes).", hint="Write it again, or leave it out.")
    name = format_name(scan.format)
    return Invalid(f"{where}: {uri} cannot be read as {name}: {reason(error)}", hint="Write it again.")


def _is_missing(uri: str) -> bool:
    return "://" not in uri and not set(uri) & set("*?[") and not Path(uri).exists()


def nameable(scan: Scan, uri: str, names: Iterable[str]) -> None:
    """Raise `Invalid` for a file's columns that not every engine can tell apart.

    Example:
        >>> from mlforge.model.source import CSVFormat
        >>> nameable(Scan("payments", ("a.csv",), CSVFormat()), "a.csv", ["", "user"])
        Traceback (most recent call last):
        mlforge.errors.Invalid: Source 'payments': a.csv has a column without a name, number 1. Rename it in the ...
    """
    hint = "Rename it in the file, or leave it out; pandas writes its index without a name unless index=False."
    refuse_names(names, f"Source {scan.name!r}: {uri}", hint)


def too_wide(scan: Scan, uri: str, column: str, dtype: object) -> Invalid:
    """The error for decimals of more digits than any engine has.

    Example:
        >>> from mlforge.model.source import ParquetFormat
        >>> too_wide(Scan("pay", ("a.parquet",), ParquetFormat()), "a.parquet", "v", "Decimal(39, 0)").message
        "Source 'pay': a.parquet has column 'v' as Decimal(39, 0), more than the 38 digits that a decimal has."
    """
    return Invalid(
        f"Source {scan.name!r}: {uri} has column {column!r} as {dtype}, more than the 38 digits that a decimal has.",
        hint="Write it with 38 digits, as floats or as text.",
    )


def agreed(
    scan: Scan, schemas: Iterable[Mapping[str, T]], both: Callable[[T, T], T | None] = lambda _a, _b: None
) -> dict[str, T]:
    """The columns that all files of a source have, in the order of the first, each under a type that holds for all.

    Args:
        scan: The source.
        schemas: For each of its files the columns and their types, looked at one after the other.
        both: The type that two different ones fit into, or None.

    Raises:
        Invalid: A file with other columns than the first, naming both and what differs, or names that cannot be.

    Example:
        >>> from mlforge.model.source import CSVFormat
        >>> files = Scan("payments", ("a.csv", "b.csv"), CSVFormat())
        >>> agreed(files, [{"n": "Int64"}, {"n": "Float64"}], lambda a, b: "Float64")
        {'n': 'Float64'}
    """
    first: Mapping[str, T] | None = None
    found: dict[str, T] = {}
    for uri, schema in zip(scan.uris, schemas, strict=True):
        if first is None:
            nameable(scan, uri, schema)
            first, found = schema, dict(schema)
        together = {n: t if t == schema[n] else both(t, schema[n]) for n, t in found.items() if n in schema}
        if schema.keys() != found.keys() or None in together.values():
            alike = {n: first[n] for n, t in together.items() if t is not None}
            raise different(scan, uri, {**schema, **alike}, first)
        found = {n: t for n, t in together.items() if t is not None}
    return found


def different(scan: Scan, uri: str, schema: Mapping[str, Any], first: Mapping[str, Any]) -> Invalid:
    """The error for a file that has other columns than the source's first."""
    changes = [f"no {n!r}" for n in first if n not in schema] + [f"a new {n!r}" for n in schema if n not in first]
    changes += [f"{n!r} as {schema[n]}, not {t}" for n, t in first.items() if n in schema and schema[n] != t]
    return Invalid(
        f"Source {scan.name!r}: {uri} has other columns than {scan.uris[0]}: {', '.join(changes)}.",
        hint="The files of a source have the same columns. Mend this one, or make two sources.",
    )
