"""What a search found."""

from __future__ import annotations

from msgspec import structs

from mlforge.cli.views.documents import Document
from mlforge.cli.views.terminal import Styled, columns, say, table
from mlforge.cli.views.wording import NONE, listing
from mlforge.flow.discovering.search import SearchResults
from mlforge.model.text import number_of


def document(found: SearchResults) -> Document:
    """What was found, best first, each with its card."""
    features = [{**structs.asdict(f.card), "score": f.score, "matched": [c.name for c in f.columns]} for f in found]
    return {"query": found.query, "total": found.total, "features": features}


def results(found: SearchResults) -> None:
    """A line for each feature, best first."""
    if not found.total:
        say(f"No feature fits {found.query!r}." if found.query else "No feature fits these filters.")
        return
    heads = columns("*feature", "latest", "*columns that fit", "tags", "owner", "*description")
    rows = [
        (
            one.name, one.card.latest or NONE, listing(c.name for c in one.columns[:4]), listing(one.card.tags),
            one.card.owner or NONE, one.card.description or NONE,
        )
        for one in found
    ]  # fmt: skip
    table(heads, rows)
    if found.total > len(found):
        say()
        say(Styled(f"{number_of(len(found), 'feature')} of {found.total:,}: --limit shows more.", "dim"))
