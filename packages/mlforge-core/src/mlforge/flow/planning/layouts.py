"""How a source's files lie: as loose files, under folders that tell columns, or as a table that only its log tells."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from mlforge.errors import Invalid, Unsupported
from mlforge.plugin.engine.partitions import told, type_of


def refuse_tables(name: str, files: Iterable[Path]) -> None:
    """Raise `Unsupported` for Parquet files of a table whose log tells which of their rows there still are."""
    for folder in sorted({folder for file in files for folder in file.parents}):
        if kind := _table(folder):
            raise Unsupported(
                f"The source {name!r} reads files of the {kind} table {folder}. Which of them hold rows that were not "
                f"removed, its log tells, and no engine of this release reads it.",
                hint="Export the table's rows to a folder of their own as Parquet, with what wrote it, and read those.",
            )


def _table(folder: Path) -> str | None:
    if (folder / "_delta_log").is_dir():
        return "Delta"
    if (folder / ".hoodie").is_dir():
        return "Hudi"
    return "Iceberg" if next((folder / "metadata").glob("*.metadata.json"), None) else None


def partitions(name: str, files: Sequence[Path], place: Path) -> tuple[tuple[str, str], ...]:
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
