"""What a store keeps as a whole: what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from mlforge.cli.again import again
from mlforge.cli.views.documents import Document
from mlforge.cli.views.terminal import Styled, say
from mlforge.cli.views.wording import size
from mlforge.flow.versions.copy import CopyReport
from mlforge.flow.versions.verify import Finding, StoreReport
from mlforge.model.text import number_of
from mlforge.plugin.stores import Leftover


def document(found: StoreReport) -> Document:
    """What was looked at, and what is wrong."""
    return structs.asdict(found)


def verified(found: StoreReport) -> None:
    """A line for each thing that is wrong, and what is done about it."""
    pointers = {one.feature: one for one in found.findings if one.version is None}
    for one in found.findings:
        say(Styled(f"{_place(one)}: ", "bold"), one.wrong)
        say("  ", *_way_out(one, pointers.get(one.feature)))
    files = number_of(found.files, "file")
    looked = f"{number_of(found.versions, 'version')} of {number_of(found.features, 'feature')}, {files}"
    wrong = sum(not one.repaired for one in found.findings)
    say(f"{looked}: ", Styled(f"{wrong:,} wrong.", "red") if wrong else Styled("all as it should be.", "green"))


def collected(found: Sequence[Leftover], dry_run: bool) -> None:
    """A line for each thing that dead builds left, and how much that was."""
    for one in found:
        say(one.where)
    verb = "would be removed" if dry_run else "removed"
    say(f"{len(found):,} leftovers {verb}, {size(sum(one.bytes for one in found))}." if found else "No leftovers.")


def copied(found: CopyReport) -> None:
    """How many versions were copied, and a line for each that could not be."""
    for told in found.failed:
        say(Styled("Left out: ", "red"), told)
    say(f"{found.copied:,} versions copied, {found.there:,} were there.")


def _place(one: Finding) -> str:
    return " ".join(filter(None, (one.feature, one.version))) or "manifest"


def _way_out(one: Finding, pointer: Finding | None) -> tuple[Styled, str]:
    """What to do about something; nothing is built while the pointer names what cannot be read."""
    if one.repaired:
        return Styled("Repaired: ", "green"), f"{one.repair}."
    if one.repair:
        return Styled("Hint: ", "cyan"), again(f"mlforge store verify --repair does this: {one.repair}.")
    command = f"mlforge build --features {one.feature} --full-refresh"
    if pointer is None or pointer.repaired:
        way = f"build a new version: {command}"
    elif pointer.repair:
        way = f"build a new version after mlforge store verify --repair: {command}"
    else:
        way = f"remove the feature's folder and build it again: {command}"
    return Styled("Hint: ", "cyan"), again(f"Restore it from a copy, or {way}")
