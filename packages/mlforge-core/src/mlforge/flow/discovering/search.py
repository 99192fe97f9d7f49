"""Search: the features that fit some words, best first, and those alone that a filter lets through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from mlforge.errors import Invalid, Unknown, nearest
from mlforge.flow.discovering.cards import Card, owners_of
from mlforge.flow.discovering.index import Index
from mlforge.flow.discovering.words import LIGHT, Sought, spaced, words
from mlforge.model.duration import Duration
from mlforge.model.html import table
from mlforge.model.schema import Column
from mlforge.model.text import number_of

SHOWN = 20
_EXAMPLE = 'Give words, such as "spend last week", or a filter: a tag, an entity, an owner, a column or an age.'


class Filters(msgspec.Struct, frozen=True):
    """What features are left, whatever the words: one of the tags, the entity, the owner, the column, the age."""

    tags: tuple[str, ...] = ()
    entity: str | None = None
    owner: str | None = None
    column: str | None = None
    stale: Duration | None = None

    def __bool__(self) -> bool:
        return self != Filters()


class Found(msgspec.Struct, frozen=True):
    """A feature that a search found: its card, how well it fits, and the columns that have the words."""

    card: Card
    score: float
    columns: tuple[Column, ...] = ()

    @property
    def name(self) -> str:
        return self.card.name


class SearchResults(msgspec.Struct, frozen=True):
    """What a search found, best first. `total` counts what fits, also beyond the limit.

    Example:
        >>> found = defs.search_features("what a user spent", owner=None)
        >>> len(found), found.names, found[0].card.latest
        (1, ['user_spend'], '1.0.0')
    """

    query: str
    found: tuple[Found, ...]
    total: int

    @property
    def names(self) -> list[str]:
        """The features' names, best first."""
        return [one.name for one in self.found]

    def __iter__(self) -> Iterator[Found]:
        return iter(self.found)

    def __len__(self) -> int:
        return len(self.found)

    def __getitem__(self, place: int) -> Found:
        return self.found[place]

    def __repr__(self) -> str:
        lines = [f"  {one.name}: {one.card.description or '–'}" for one in self.found]
        return "\n".join([f"SearchResults({self.query!r}, {len(self)} of {self.total})", *lines])

    def _repr_html_(self) -> str:
        rows = [
            (
                one.name, one.card.latest or "not built", one.card.description or "–",
                ", ".join(c.name for c in one.columns) or "–", ", ".join(one.card.tags) or "–", one.card.owner or "–",
            )
            for one in self.found
        ]  # fmt: skip
        heads = ("feature", "latest", "description", "columns", "tags", "owner")
        return table(heads, rows, caption=f"{len(self)} of {number_of(self.total, 'feature')}", note=self.query or None)


def search(index: Index, query: str, filters: Filters, limit: int | None, now: datetime) -> SearchResults:
    """What fits, best first; in the order of names where there are no words.

    Raises:
        Invalid: Neither words nor a filter, or a limit below one.
        Unknown: A tag, entity, owner or column that no feature has.
    """
    _refuse_limit(limit)
    _refuse_nothing(query, filters)
    chosen = _chosen(index.cards, filters, now)
    asked = index.asked(query) if query.strip() else {}
    ranked = index.ranked(asked) if asked else dict.fromkeys(range(len(index.cards)), 0.0)
    fitting = [(number, score) for number, score in ranked.items() if number in chosen]
    top = fitting if limit is None else fitting[:limit]
    telling = [one.sought for word, one in asked.items() if word not in LIGHT]
    return SearchResults(
        query, tuple(_found(index.cards[n], score, telling, filters) for n, score in top), len(fitting)
    )


def filters_of(
    tags: Any = None, entity: Any = None, owner: Any = None, column: Any = None, stale: str | timedelta | None = None
) -> Filters:
    """Filters as people give them. Raises `Invalid` for one that is no word, or an age that is none."""
    given = {"entity": entity, "owner": owner, "column": column}
    listed = _several(tags)
    for what, word in (*given.items(), *(("tags", tag) for tag in listed)):
        if word is not None and (not isinstance(word, str) or not word.strip()):
            raise Invalid(f"{what}={word!r} names nothing.", hint=f'Give a name, such as {what}="…", or leave it out.')
    age = None if stale is None else Duration.parse(stale, "length of time, for stale=")
    return Filters(listed, entity, owner, column, age)


def _several(tags: Any) -> tuple[Any, ...]:
    """Tags from a list or from `"a,b"`."""
    if isinstance(tags, str):
        return tuple(tag.strip() for tag in tags.split(","))
    return () if tags is None else tuple(tags) if isinstance(tags, Iterable) else (tags,)


def _refuse_limit(limit: Any) -> None:
    if limit is not None and (not isinstance(limit, int) or isinstance(limit, bool) or limit < 1):
        raise Invalid(f"limit={limit!r} is no number of features.", hint="Give 1 or more, or None for all.")


def _refuse_nothing(query: Any, filters: Filters) -> None:
    if not isinstance(query, str):
        raise Invalid(f"{query!r} is no text to search for.", hint=_EXAMPLE)
    if not query.strip() and not filters:
        raise Invalid("There is nothing to search for.", hint=_EXAMPLE)
    if query.strip() and not words(query):
        raise Invalid(f"{query!r} has no word to search for.", hint=_EXAMPLE)


def _chosen(cards: Sequence[Card], filters: Filters, now: datetime) -> Sequence[int] | set[int]:
    if not filters:
        return range(len(cards))
    _refuse_unknown(cards, filters)
    oldest = _iso_before(now, filters.stale)
    return {n for n, card in enumerate(cards) if _passes(card, filters, oldest)}


def _passes(card: Card, filters: Filters, oldest: str | None) -> bool:
    return (
        (not filters.tags or bool({*filters.tags} & {*card.tags}))
        and (filters.entity is None or filters.entity in (*card.entities, *card.keys))
        and (filters.owner is None or filters.owner.casefold() == (card.owner or "").casefold())
        and (filters.column is None or any(c.name == filters.column for c in card.columns))
        and (oldest is None or (card.built is not None and card.built < oldest))
    )


def _iso_before(now: datetime, age: Duration | None) -> str | None:
    """The instant before which a build is too old."""
    if age is None:
        return None
    try:
        return (now - timedelta(microseconds=age.micros)).strftime("%Y-%m-%dT%H:%M:%S")
    except OverflowError:
        return ""


def _refuse_unknown(cards: Sequence[Card], filters: Filters) -> None:
    owner = filters.owner.casefold() if filters.owner else None
    entities = {name for card in cards for name in (*card.entities, *card.keys)}
    named: Mapping[str, tuple[Sequence[str], list[str]]] = {
        "tag": (filters.tags, sorted({t for card in cards for t in card.tags})),
        "entity": ((filters.entity,) if filters.entity else (), sorted(entities)),
        "column": ((filters.column,) if filters.column else (), _column_names(cards) if filters.column else []),
    }
    for what, (wanted, known) in named.items():
        if wrong := next((word for word in wanted if word not in known), None):
            raise Unknown(f"No feature has the {what} {wrong!r}.", hint=nearest(wrong, known))
    if owner and owner not in {one.casefold() for one in owners_of(cards)}:
        raise Unknown(
            f"No feature has the owner {filters.owner!r}.", hint=nearest(str(filters.owner), owners_of(cards))
        )


def _column_names(cards: Sequence[Card]) -> list[str]:
    return sorted({c.name for card in cards for c in card.columns})


def _found(card: Card, score: float, telling: Sequence[Sought], filters: Filters) -> Found:
    lines = spaced([" ".join(filter(None, (c.name, c.description, c.unit))) for c in card.columns])
    hits = [
        column
        for column, line in zip(card.columns, lines, strict=True)
        if column.name == filters.column or any(one.met(line) for one in telling)
    ]
    return Found(card, round(score, 3), tuple(hits))
