"""How plugins fare against the kit, and what each supports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import structs

from mlforge.cli.kit import Held
from mlforge.cli.views.documents import Document
from mlforge.cli.views.terminal import Cell, Styled, columns, say, table
from mlforge.cli.views.wording import NONE, listing
from mlforge.model.text import number_of

_TELLING = ("reads", "writes", "schemes", "aggregations", "formats", "gives")
"""What descriptors say of what they support."""


def document(found: Sequence[Held]) -> Document:
    """Each plugin: how it fared, and what it brings with what that supports and lacks."""
    plugins = [
        {
            "name": one.plugin.name,
            "distribution": one.plugin.distribution,
            "error": one.plugin.error,
            "passed": one.passed,
            "failed": [{"test": test, "says": says} for test, says in one.failed],
            "configs_tried": one.settled,
            "brings": [_supports(d) for d in one.plugin.brings],
        }
        for one in found
    ]
    return {"ok": all(one.ok for one in found), "plugins": plugins}


def _supports(found: Any) -> Document:
    told = {word: getattr(found, word) for word in _TELLING if hasattr(found, word)}
    supported = {word: [value] if isinstance(value, str) else sorted(value) for word, value in told.items()}
    lacks = {name: structs.asdict(lack) for name, lack in getattr(found, "lacks", {}).items()}
    return {"role": found.role, "name": found.name, "supports": supported, "lacks": lacks}


def shown(found: Document) -> None:
    """A line for each plugin, what failed, and the matrix."""
    table(columns("plugin", "distribution", ">passed", ">failed", "*"), [_row(one) for one in found["plugins"]])
    for one in found["plugins"]:
        for failed in one["failed"]:
            say(Styled(f"{one['name']}: ", "red"), f"{failed['test']}: {failed['says']}")
    rows = [_matrix(d) for one in found["plugins"] for d in one["brings"] if d["supports"] or d["lacks"]]
    if rows:
        say()
        table(columns("brings", "*supports", "*lacks"), rows)


def _row(one: Document) -> tuple[Cell, ...]:
    note = one["error"] or ("" if one["configs_tried"] else "its settings are not tried")
    return one["name"], one["distribution"], f"{one['passed']}", f"{len(one['failed'])}", note


def _matrix(one: Document) -> tuple[Cell, ...]:
    supports = "; ".join(
        f"{word} {listing(values) if len(values) <= 6 else number_of(len(values), 'kind')}"
        for word, values in one["supports"].items()
    )
    return f"{one['role']} {one['name']}", supports or NONE, listing(one["lacks"])
