"""Which features have which words, and where: made once of a manifest, asked often."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from itertools import chain
from math import log
from operator import itemgetter
from typing import Any, NamedTuple

from mlforge.flow.discovering.cards import Card
from mlforge.flow.discovering.words import LIGHT, Sought, misspelt, sought, spaced, words

NAME, COLUMN, OWNER, MEANING, SOURCE = PLACES = 8.0, 5.0, 4.0, 3.0, 2.5
"""What a word counts for by where it stands: tags, entities and keys count as columns, units as sources; `MEANING` is a
description, the feature's or a column's."""
FAINT = 0.15
HALF = 0.5
Having = Mapping[Any, Sequence[int]]
"""By text, the features that have it."""


class Asked(NamedTuple):
    """A word of a query: what it is looked for as, and by place the texts that have it and how well each meets it."""

    sought: Sought
    fitting: tuple[dict[str, float], ...]


class Index:
    """The words of some features.

    Features share texts, such as names of columns: each text is looked through once, whoever has it.

    Example:
        >>> index = Index([Card("user_spend", description="What a user spent"), Card("logins")])
        >>> [(index.cards[i].name, score > 0) for i, score in index.ranked(index.asked("spend by usr")).items()]
        [('user_spend', True)]
    """

    def __init__(self, cards: Sequence[Card]) -> None:
        self.cards = tuple(cards)

    @cached_property
    def lines(self) -> dict[float, dict[str, str]]:
        """By place, the texts that stand there with their words spaced."""
        return {place: dict(zip(texts, spaced([*texts]), strict=True)) for place, texts in self._having.items()}

    @cached_property
    def _joined(self) -> dict[str, str]:
        """The names with all their words as one."""
        return {name: line.replace(" ", "") for name, line in self.lines[NAME].items()}

    @cached_property
    def _having(self) -> dict[float, Having]:
        """By place, who has the texts that stand there."""
        columns, owners, meanings, sources = found = tuple(defaultdict[Any, list[int]](list) for _ in PLACES[1:])
        for number, card in enumerate(self.cards):
            owners[card.owner].append(number)
            meanings[card.description].append(number)
            sources[card.source].append(number)
            for text in (*card.tags, *card.entities, *card.keys):
                columns[text].append(number)
            for column in card.columns:
                columns[column.name].append(number)
                meanings[column.description].append(number)
                sources[column.unit].append(number)
        for texts in found:
            texts.pop(None, None)
        names = {card.name: range(n, n + 1) for n, card in enumerate(self.cards)}
        return dict(zip(PLACES, (names, *found), strict=True))

    def asked(self, query: str) -> dict[str, Asked]:
        """What the words of a query mean here: what each may be misspelt for where no feature has it."""
        return {word: self._asked(word) for word in words(query)}

    def _asked(self, word: str) -> Asked:
        given = self._fitting(sought(word))
        return given if word in LIGHT or any(given.fitting) else self._fitting(misspelt(word, self._known))

    def _fitting(self, word: Sought) -> Asked:
        names, *others = self.lines.values()
        near = {name for root in word.roots for name, whole in self._joined.items() if root in whole}
        paired = {name: names[name] + _pairs(names[name]) for name in near}
        return Asked(word, tuple(dict(_met(word, lines)) for lines in (paired, *others)))

    @cached_property
    def _known(self) -> set[str]:
        """All words that there are."""
        pairs = map(_pairs, self.lines[NAME].values())
        return set(" ".join(chain(pairs, *(lines.values() for lines in self.lines.values()))).split())

    def ranked(self, asked: Mapping[str, Asked]) -> dict[int, float]:
        """The features that fit what is asked, by number, best first, each with its score.

        A feature fits that has half of the query's words or more, and of three or more as many as the best, or one
        less. A rare word counts for more than one that many have.
        """
        heavy = [word for word in asked if word not in LIGHT] or [*asked]
        scores: dict[int, float] = {}
        having: dict[int, int] = {}
        for word, one in asked.items():
            there = self._counted(one)
            rarity = log(1 + len(self.cards) / max(len(there), 1)) * (1.0 if word in heavy else FAINT)
            for number, weight in there.items():
                scores[number] = scores.get(number, 0.0) + weight * rarity
                having[number] = having.get(number, 0) + (word in heavy)
        most = max(having.values(), default=0)
        least = max(len(heavy) * HALF, most if most < 3 else most - 1)
        fitting = {n: s * having[n] / len(heavy) for n, s in scores.items() if having[n] >= least}
        fitting.update((n, 2 * fitting[n]) for n in self._named(asked) if n in fitting)
        return dict(sorted(fitting.items(), key=lambda pair: (-pair[1], self.cards[pair[0]].name)))

    def _named(self, asked: Mapping[str, Asked]) -> Iterator[int]:
        """The features of whose name the query has all words, and no others."""
        first, *others = (one.fitting[0].keys() for one in asked.values())
        for name in {*first}.intersection(*others):
            if self._joined[name] == "".join(asked):
                yield from self._having[NAME][name]

    def _counted(self, asked: Asked) -> dict[int, float]:
        """The features that have a word, and what it counts for at its best place there."""
        counted = [
            (place * how, having[text])
            for (place, having), texts in zip(self._having.items(), asked.fitting, strict=True)
            for text, how in texts.items()
        ]
        found: dict[int, float] = {}
        for weight, numbers in sorted(counted, key=itemgetter(0)):
            found.update(dict.fromkeys(numbers, weight))
        return found


def _met(word: Sought, lines: Mapping[str, str]) -> Iterator[tuple[str, float]]:
    """The texts that have a word, and how well each meets it."""
    near = [pair for root in word.roots for pair in lines.items() if root in pair[1]]
    return ((text, how) for text, line in near if (how := word.met(line)))


def _pairs(line: str) -> str:
    """The neighbouring words of a name as one, spaced: `user`, `spend` is also written `userspend`."""
    each = line.split()
    return f"{' '.join(map(str.__add__, each, each[1:]))} "
