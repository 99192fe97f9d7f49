"""The versions of a feature, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence

from mlforge.cli.again import again
from mlforge.cli.views.documents import Document
from mlforge.cli.views.terminal import Cell, Styled, columns, facts, say, table
from mlforge.cli.views.wording import NONE, because, listing, readable, size
from mlforge.flow.versions.diff import WHETHER_CHANGED
from mlforge.model.meta import FeatureMeta, VersionSummary
from mlforge.plugin.stores import Pruned


def history(name: str, latest: str | None, found: Sequence[FeatureMeta | VersionSummary]) -> None:
    """A line for each version of a feature, the newest first."""
    say(Styled(name, "bold"), f"  {_read(name, latest, found)}")
    say()
    heads = columns("version", "built", ">rows", "engine", "*why")
    table(heads, [_version_row(m, latest) for m in reversed(found)], indent=2)


def _version_row(meta: FeatureMeta | VersionSummary, latest: str | None) -> tuple[Cell, ...]:
    version: Cell = Styled(meta.version, "bold green") if meta.version == latest else meta.version
    rows = f"{meta.row_count:,}"
    return version, readable(meta.created_at), rows, meta.engine or NONE, because(meta.change_summary)


def difference(found: Document) -> None:
    """What changed between two versions, in words."""
    say(Styled(found["feature"], "bold"), f"  {found['before']} → {found['after']}  {found['bump']}")
    say()
    facts([
        ("function", WHETHER_CHANGED[found["logic"]]),
        ("source", WHETHER_CHANGED[found["source"]]),
        ("rows", _from_to(*(f"{n:,}" for n in found["rows"]))),
        ("content", "the same" if found["same_content"] else "changed"),
        *(("definition", line) for line in found["config"]),
    ])  # fmt: skip
    if found["columns"]:
        say()
        heads = columns("column", "before", "after")
        table(heads, [(n, a or NONE, b or "gone") for n, (a, b) in found["columns"].items()], indent=2)


def _from_to(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"


def _read(name: str, latest: str | None, found: Sequence[FeatureMeta | VersionSummary]) -> str:
    """Which version readers get; where the pointer names none that is there, the way out."""
    if latest in {one.version for one in found}:
        return f"readers get {latest}"
    wrong = f"the pointer names {latest}, which is not there" if latest else "no pointer says which one readers get"
    return again(f"{wrong}: mlforge rollback {name} {found[-1].version}")


def rolled_back(name: str, before: str | None, version: str, *, online: bool = False) -> None:
    """Which version readers get now, and how to undo it."""
    served = f" {version} is served online, too." if online else ""
    if before in (None, version):
        say(Styled(f"{name}: ", "bold"), f"readers get {version}.{served}")
        return
    say(Styled(f"{name}: ", "bold"), f"readers get {version} now; they got {before}.{served}")
    say(again(f"To undo it: mlforge rollback {name} {before}{' --online' if online else ''}"))


def pruned(name: str, found: Pruned) -> None:
    """Which versions went, and how much that freed."""
    if not found.versions:
        say(
            Styled(f"{name}: ", "bold"),
            f"no version to remove{f'; {size(found.bytes)} freed' if found.bytes else ''}.",
        )
        return
    say(Styled(f"{name}: ", "bold"), f"{listing(found.versions)} removed, {size(found.bytes)} freed.")
