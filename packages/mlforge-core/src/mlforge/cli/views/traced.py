"""Where a feature's columns come from and who uses it, on a terminal of 80 columns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from mlforge.cli.again import again
from mlforge.cli.views.documents import Document
from mlforge.cli.views.terminal import Styled, columns, facts, say, table
from mlforge.cli.views.wording import NONE, listing, readable
from mlforge.model.lineage import ColumnLineage, Read, ServedVersion

if TYPE_CHECKING:
    from mlforge.flow.discovering.trace import FeatureLineage, Member

IS = {
    "by name": "the source's, by its name",
    "function": "made by the function: of what is not told",
    "unknown": "not known before the next build",
}


def document(found: FeatureLineage) -> Document:
    """All of it, and for each column where it comes from in the end."""
    lineage = found.lineage
    return {
        "kind": "lineage", "feature": found.feature, "version": found.version, "recorded": found.recorded,
        "lineage": lineage, "origins": {c.name: lineage.origins(c.name) for c in lineage.columns},
        "untold": lineage.untold, "sets": found.sets, "used_by": found.used_by, "served": found.served,
    }  # fmt: skip


def feature(found: FeatureLineage) -> None:
    """From the source to what is served."""
    lineage = found.lineage
    say(Styled(" ".join(filter(None, (found.feature, found.version))), "bold"), "  lineage")
    say()
    facts(_facts(found))
    say()
    table(columns("column", "is", "*made of"), [_column(c) for c in lineage.columns], indent=2)
    if lineage.returned:
        say()
        rows = [(c.name, is_made(c)) for c in lineage.returned]
        table(columns(f"{lineage.function}() returns", "*which is"), rows, indent=2)
    if lineage.promises:
        say()
        table(columns("column", "*promises", "*by"), [(p.column, p.label, reads(p.reads)) for p in lineage.promises], 2)
    if not lineage.uses and not found.recorded:
        say()
        say(_unrecorded(found))


def members(name: str, found: Sequence[FeatureLineage]) -> None:
    """The features of a set, each with where it comes from and what is served."""
    say(Styled(name, "bold"), "  feature set, lineage")
    say()
    rows = [
        (
            one.feature, _member(one.sets, name), one.version or NONE,
            listing([one.lineage.source] if one.lineage.source else one.lineage.uses), served(one.served),
        )
        for one in found
    ]  # fmt: skip
    table(columns("*feature", "*columns", "latest", "*made of", "*served"), rows, indent=2)
    say()
    say("Column by column: mlforge inspect FEATURE --lineage")


def reads(found: Iterable[Read]) -> str:
    """What is read, and what for where that is not its value: `amount, kind (filter)`."""
    return listing(map(_read, found))


def is_made(column: ColumnLineage) -> str:
    """How a column of the function's came about, in words."""
    if column.made in IS:
        return IS[column.made]
    return f"a {column.made} of the source's {listing(r.column for r in column.reads)}"


def served(found: ServedVersion | None) -> str:
    """`1.0.0, as of 2026-02-15 00:00:00 UTC`."""
    return NONE if found is None else f"{found.version}, as of {readable(found.as_of)}"


def _facts(found: FeatureLineage) -> list[tuple[str, str]]:
    lineage = found.lineage
    given = [
        ("source", f"{lineage.source} ({lineage.path})" if lineage.source else ""),
        ("function", f"{lineage.function}()" if lineage.function else ""),
        ("uses", ", ".join(lineage.uses)),
        ("inputs", ", ".join(f"{name} {dtype}" for name, dtype in lineage.inputs.items())),
        ("rows by", ", ".join(map(_read, lineage.rows))),
        ("sets", ", ".join(f"{m.set}{_taken(m)}" for m in found.sets)),
        ("used by", ", ".join(f"{u.feature} ({listing(u.columns)})" for u in found.used_by)),
        ("served", "" if found.served is None else served(found.served)),
    ]
    return [(name, value) for name, value in given if value]


def _taken(member: Member) -> str:
    """Of which version a set has a feature and which columns, where it says so."""
    version = f" {member.version}" if member.version else ""
    return f"{version} ({listing(member.columns)})" if member.columns else version


def _member(found: Iterable[Member], name: str) -> str:
    return "; ".join(listing(m.columns) if m.columns else "all" for m in found if m.set == name) or "all"


def made_of(column: ColumnLineage) -> str:
    """What a column of a feature reads; a metric that reads none counts events."""
    return reads(column.reads) if column.reads or column.made != "metric" else "the events"


def _column(column: ColumnLineage) -> tuple[str, str, str]:
    return column.name, column.made, made_of(column)


def _read(read: Read) -> str:
    name = "at()" if read.place == "moment" else f"{read.feature}.{read.column}" if read.feature else read.column
    return name if read.use == "value" else f"{name} ({read.use})"


def _unrecorded(found: FeatureLineage) -> str:
    command = again(f"mlforge build --features {found.feature}")
    if found.version is None:
        return f"Not built yet; this is what the definition tells: {command}"
    return (
        f"{found.version} was built before lineage was recorded; this is what the definition tells: {command} --force"
    )
