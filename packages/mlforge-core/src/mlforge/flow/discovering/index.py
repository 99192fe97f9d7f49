"""Which features have which words, and where: made once of a manifest, asked often."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from functools import cached_property
from math import log

from mlforge.flow.discovering.cards import Card
from mlforge.flow.discovering.words import LIGHT, joined, meant, words

NAME, COLUMN, OWNER, MEANING, SOURCE = 8.0, 5.0, 4.0, 3.0, 2.5
"""What a word counts for by where it stands: tags, entities and keys count as columns, units as sources; `MEANING` is a
description, the feature's or a column's."""
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
    def postings(self) -> dict[str, list[tuple[float, list[int]]]]:
        """By word: what it counts for, and the features that have it there; for each text in which it stands.

        Features share texts, such as names of columns: each text is taken apart once.
        """
        found: dict[str, list[tuple[float, list[int]]]] = {}
        for weight, texts in self._texts().items():
            for text, numbers in texts.items():
                for word in _words(text, weight):
                    there = found.get(word)
                    if there is None:
                        found[word] = [(weight, numbers)]
                    else:
                        there.append((weight, numbers))
        return found

    def _texts(self) -> dict[float, dict[str, list[int]]]:
        """By what they count for, the texts there are, and the features that have each."""
        found: dict[float, defaultdict[str, list[int]]] = {}
        for place in (NAME, COLUMN, OWNER, MEANING, SOURCE):
            found[place] = defaultdict(list)
        names, columns, owners, meanings, sources = found.values()
        for number, card in enumerate(self.cards):
            names[card.name].append(number)
            owners[card.owner or ""].append(number)
            meanings[card.description or ""].append(number)
            sources[card.source].append(number)
            for text in (*card.tags, *card.entities, *card.keys):
                columns[text].append(number)
            for column in card.columns:
                columns[column.name].append(number)
                meanings[column.description or ""].append(number)
                sources[column.unit or ""].append(number)
        return dict(found)

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
            for weight, numbers in self.postings[known]:
                counted = weight * how
                for number in numbers:
                    if found.get(number, 0.0) < counted:
                        found[number] = counted
        return found


def _words(text: str, weight: float) -> set[str]:
    """The words of a text, each once; of a name also its neighbouring words as one."""
    found = words(text)
    return {*found, *joined(found)} if weight == NAME else set(found)
