"""Which features have which words, and where: made once of a manifest, asked often."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from math import log

from mlforge.flow.discovering.cards import Card
from mlforge.flow.discovering.words import LIGHT, joined, meant, words

NAME, ENTITY, COLUMN, TAG, OWNER, MEANING, SOURCE, UNIT = 8.0, 5.0, 5.0, 5.0, 4.0, 3.0, 2.5, 2.5
"""What a word counts for by where it stands; `MEANING` is a description, the feature's or a column's."""
FAINT = 0.15
HALF = 0.5


class Index:
    """The words of some features.

    Example:
        >>> index = Index([Card("user_spend", description="What a user spent"), Card("logins")])
        >>> [(index.cards[i].name, score > 0) for i, score in index.ranked("spend by usr").items()]
        [('user_spend', True)]
    """

    def __init__(self, cards: Sequence[Card]) -> None:
        self.cards = tuple(cards)

    @cached_property
    def postings(self) -> dict[str, dict[int, float]]:
        """The features that have a word, and what it counts for at its best place there."""
        found: dict[str, dict[int, float]] = {}
        for number, card in enumerate(self.cards):
            for weight, text in _texts(card):
                for word in set(text):
                    there = found.get(word)
                    if there is None:
                        found[word] = {number: weight}
                    elif number not in there:  # heavier places come first
                        there[number] = weight
        return found

    def ranked(self, query: str) -> dict[int, float]:
        """The features that fit a query, by number, best first, each with its score.

        A feature fits that has half of the query's words or more, and of three or more as many as the best, or one
        less. A rare word counts for more than one that many have.
        """
        asked = list(dict.fromkeys(words(query)))
        heavy = [word for word in asked if word not in LIGHT] or asked
        scores: dict[int, float] = {}
        having: dict[int, int] = {}
        for word in asked:
            there = self._having(word)
            rarity = log(1 + len(self.cards) / max(len(there), 1)) * (1.0 if word in heavy else FAINT)
            for number, weight in there.items():
                scores[number] = scores.get(number, 0.0) + weight * rarity
                having[number] = having.get(number, 0) + (word in heavy)
        most = max(having.values(), default=0)
        least = max(len(heavy) * HALF, most if most < 3 else most - 1)
        fitting = {n: s * having[n] / len(heavy) for n, s in scores.items() if having[n] >= least}
        wanted = "".join(asked)
        named = {n: s * (2 if wanted == "".join(words(self.cards[n].name)) else 1) for n, s in fitting.items()}
        return dict(sorted(named.items(), key=lambda pair: (-pair[1], self.cards[pair[0]].name)))

    def meaning(self, query: str) -> frozenset[str]:
        """The words of these features that a query may mean."""
        return frozenset(one for word in words(query) if word not in LIGHT for one in meant(word, self.postings))

    def _having(self, word: str) -> dict[int, float]:
        found: dict[int, float] = {}
        for known, how in meant(word, self.postings).items():
            for number, weight in self.postings[known].items():
                found[number] = max(found.get(number, 0.0), weight * how)
        return found


def _texts(card: Card) -> Iterator[tuple[float, list[str]]]:
    """The words of a feature by what they count for, the heaviest first."""
    name = words(card.name)
    yield NAME, [*name, *joined(name)]
    yield COLUMN, words(" ".join([*(c.name for c in card.columns), *card.tags, *card.entities, *card.keys]))
    if card.owner:
        yield OWNER, words(card.owner)
    told = [card.description, *(c.description for c in card.columns)]
    yield MEANING, words(" ".join(filter(None, told)))
    yield SOURCE, words(" ".join(filter(None, [card.source, *(c.unit for c in card.columns)])))
