"""Locks: what they have, and how that stands."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlforge.cli.views.terminal import Styled, columns, say, table, way_out
from mlforge.cli.views.wording import NONE, listing
from mlforge.model.text import number_of

if TYPE_CHECKING:
    from mlforge.flow.lock import Lock
    from mlforge.flow.versions.locks import LockedFeature, LockReport

_SERVING = {"same": "the same", "refresh": "later rows", "other": "another", None: NONE}


def made(found: Lock, file: str) -> None:
    """What was locked, and where that was written."""
    heads = columns("*feature", "version", "content", "*columns")
    stored = [(p.name, p.version, p.content_hash[:16], listing(p.columns)) for p in found.pins]
    computed = [(r.name, "computed", (r.definition or "")[:16], listing(r.chosen or r.columns)) for r in found.requests]
    table(heads, [*stored, *computed])
    say()
    more = f" and {number_of(len(computed), 'request feature')}" if computed else ""
    say(f"Locked {number_of(len(found.pins), 'version')}{more} in {file}.")


def checked(found: LockReport) -> None:
    """A line for each version of a lock, and what is wrong."""
    heads = columns("*feature", "version", "kept", "served", "that is")
    table(heads, [_row(one) for one in found])
    for one in found:
        if not one.ok:
            say()
            say(Styled(one.why or "", "red"))
            way_out(one.hint)
    say()
    broken = sum(not one.ok for one in found)
    say(f"The lock does not hold: {broken} failed." if broken else "The lock holds.")


def _row(one: LockedFeature) -> tuple[str | Styled, ...]:
    kept = "yes" if one.kept else Styled("no", "bold red")
    is_ = _SERVING[one.serving] if one.allowed else Styled(_SERVING[one.serving], "bold red")
    return one.feature, one.version, kept, one.served or NONE, is_
