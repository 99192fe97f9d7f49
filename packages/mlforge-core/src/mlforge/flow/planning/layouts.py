"""How a source's files lie: as loose files, under folders that tell columns, or as a table that only its log tells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePath

from mlforge.errors import Invalid, Unsupported
from mlforge.model.address import masked
from mlforge.model.source import Format, Source, format_name, format_of_suffix
from mlforge.plugin.engine.partitions import told, type_of

MAGIC = frozenset("*?[")
"""What makes a part of a path a pattern."""


def refuse_tables(name: str, files: Iterable[Path]) -> None:
    """Raise `Unsupported` for Parquet files of a table whose log tells which of their rows there still are."""
    for folder in sorted({folder for file in files for folder in file.parents}):
        if kind := table_kind(folder):
            raise refuse_table_of(kind, name, str(folder))


def refuse_table_of(kind: str, name: str, folder: str) -> Unsupported:
    """The error for files of a table that are read as if they were none."""
    own = f'Name the table\'s folder: Source("{folder}", format={kind}Format())'
    export = "Export the table's rows to a folder of their own as Parquet, with what wrote it, and read those."
    return Unsupported(
        f"The source {name!r} reads files of the {kind} table {folder}. Which of them hold rows that were not "
        f"removed, its log alone tells.",
        hint=export if kind == "Hudi" else own,
    )


def table_kind(folder: Path) -> str | None:
    """What kind of table a folder is, told by the log in it; None where it is none."""
    if (folder / "_delta_log").is_dir():
        return "Delta"
    if (folder / ".hoodie").is_dir():
        return "Hudi"
    return "Iceberg" if next((folder / "metadata").glob("*.metadata.json"), None) else None


def common_format(source: Source, names: Iterable[str]) -> Format | None:
    """The format that the endings of all files tell; None where none of them does."""
    formats = {f for f in (format_of_suffix(PurePath(n).suffix) for n in names) if f is not None}
    if len(formats) > 1:
        raise Invalid(
            f"The source {source.name!r} mixes formats: {', '.join(sorted(map(format_name, formats)))}.",
            hint=f"Choose files of one format: {source.path.rstrip('/')}/*.parquet",
        )
    return next(iter(formats), None)


def known_format(fmt: Format | None, source: Source) -> Format:
    """The format. Raises `Invalid` where nothing told it."""
    if fmt is None:
        raise Invalid(
            f"The format of the source {source.name!r} cannot be told from {masked(source.path)!r}.",
            hint="Say it: Source(path, format=CSVFormat())",
        )
    return fmt


def refuse_empty(name: str, files: Iterable[tuple[str, int]]) -> None:
    """Raise `Invalid` for a file without a byte."""
    if empty := [where for where, size in files if size == 0]:
        raise Invalid(f"The source {name!r} has an empty file: {empty[0]}.", hint="Write it again, or remove it.")


def partitions(name: str, files: Sequence[PurePath], place: PurePath) -> tuple[tuple[str, str], ...]:
    """The columns that the folders between a source's place and its files tell, with their types.

    Raises:
        Invalid: A file whose folders tell other columns than the first one's, or one column twice.
    """
    found = [told(file.relative_to(place)) for file in files]
    for file, texts in zip(files, found, strict=True):
        if list(texts) != list(found[0]):
            mine, first = (" and ".join(map(repr, t)) or "none" for t in (texts, found[0]))
            raise Invalid(
                f"The source {name!r} has files whose folders tell other columns: {files[0]} tells {first}, "
                f"{file} tells {mine}.",
                hint="Make two sources, or move the file to where the others are.",
            )
        if twice := [n for n in texts if sum(part.startswith(f"{n}=") for part in file.parts) > 1]:
            raise Invalid(
                f"The source {name!r}: {file} tells {twice[0]!r} twice.", hint="Rename one of the two folders."
            )
    return tuple((n, type_of(texts[n] for texts in found)) for n in found[0])
