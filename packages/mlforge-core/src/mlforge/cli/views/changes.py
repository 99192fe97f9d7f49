"""What the definitions would change, for people to read before they act."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from mlforge.cli.again import again
from mlforge.cli.views.terminal import Styled, columns, say, table
from mlforge.cli.views.wording import NONE, because, listing

if TYPE_CHECKING:
    from mlforge.flow.planning.plans import ChangePlan, Effect, FeaturePlan

_COLORS = {"failed": "bold red", "breaks": "bold red", "changed": "yellow", "changes": "yellow", "new": "green"}


def planned(found: ChangePlan) -> None:
    """A line for each feature, what is unknown until it is built, and the sets and locks that have part in it."""
    if found.features:
        heads = columns("*feature", "is", "now", "next", "served", "*why")
        table(heads, [_row(one) for one in found])
    else:
        say("There are no features.")
    for one in found:
        _details(one)
    _effects("set", found.sets)
    _effects("lock", found.locks)
    for note in found.notes:
        say()
        say(Styled(note, "yellow"))


def _row(one: FeaturePlan) -> tuple[str | Styled, ...]:
    why = one.failure.message if one.failure else "; ".join(because(c) for c in one.changes)
    served = f"{one.served} → {one.serves}" if one.serves else one.served
    return one.feature, _styled(one.status), one.current or NONE, one.next or NONE, served or NONE, why or NONE


def _details(one: FeaturePlan) -> None:
    if not one.columns and not one.unknown and not (one.failure and one.failure.hint):
        return
    say()
    say(Styled(one.feature, "bold"))
    for column in one.columns:
        say(f"  {column}")
    for what in one.unknown:
        say(Styled(f"  unknown until built: {what}", "dim"))
    if one.failure and one.failure.hint:
        say(Styled(f"  {again(one.failure.hint)}", "cyan"))


def _effects(kind: str, found: Sequence[Effect]) -> None:
    if found:
        say()
        table(columns(f"*{kind}", "", "*why"), [(e.name, _styled(e.standing), _reasons(e.why)) for e in found])


def _reasons(why: Sequence[str]) -> str:
    """Clauses with commas between them; sentences need none."""
    return listing(why).replace(".,", ".")


def _styled(word: str) -> str | Styled:
    return Styled(word, _COLORS[word]) if word in _COLORS else word
