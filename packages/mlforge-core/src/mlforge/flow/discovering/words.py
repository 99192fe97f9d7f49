"""Text as the words that it is searched by, and the words of a store that a word of a query may mean."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator
from itertools import pairwise

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_WORD = re.compile(r"[^\W_]+")
_ASCII = {n: chr(n).lower() if chr(n).isalnum() else " " for n in range(128)}
"""Of each letter what a word has of it: the same as by case and by pattern, in less time."""
LIGHT = frozenset(
    [
        "a",
        "an",
        "and",
        "are",
        "as",
        "by",
        "each",
        "every",
        "for",
        "from",
        "how",
        "in",
        "is",
        "it",
        "last",
        "many",
        "much",
        "of",
        "on",
        "or",
        "past",
        "per",
        "the",
        "to",
        "what",
        "with",
    ]
)
"""Words that say little: they alone never decide whether a feature fits."""
_LENGTHS = {
    "hour": ("1h", "60m"), "day": ("1d", "24h"), "week": ("7d", "1w"), "fortnight": ("14d", "2w"),
    "month": ("28d", "30d", "31d", "4w"), "quarter": ("90d", "91d", "13w"), "year": ("365d", "52w"),
}  # fmt: skip
_ADVERBS = {"hourly": "hour", "daily": "day", "weekly": "week", "monthly": "month", "quarterly": "quarter",
            "yearly": "year", "annual": "year"}  # fmt: skip
EXACT, PLURAL, BEGUN, LENGTH, WITHIN, TYPO, TYPOS = 1.0, 0.95, 0.8, 0.6, 0.5, 0.6, 0.35
"""How well a word of a query is met: by itself, in the other number, as a beginning, as a window's length, inside of
another word, with one slip of the pen, with two."""


def words(text: str) -> list[str]:
    """The words of a text, without case and accents: `userSpend_7d` has `user`, `spend` and `7d`.

    Example:
        >>> words("userSpend_7d: Größe, café")
        ['user', 'spend', '7d', 'grosse', 'cafe']
    """
    parted = text if text.islower() or text[1:].islower() else _CAMEL.sub(" ", text)
    if parted.isascii():
        return parted.translate(_ASCII).split()
    return _WORD.findall(_folded(parted))


def meant(word: str, known: Collection[str]) -> dict[str, float]:
    """The known words that a word may mean, and how well each meets it. Slips of the pen only where nothing else does.

    Example:
        >>> meant("spend", ["spend", "spending", "spent"]), meant("weeks", ["7d"]), meant("merchnat", ["merchant"])
        ({'spend': 1.0, 'spending': 0.8}, {'7d': 0.6}, {'merchant': 0.6})
    """
    found = {one: how for one in known if (how := _met(word, one))}
    for length in _LENGTHS.get(_ADVERBS.get(word, word.removesuffix("s")), ()):
        if length in known:
            found.setdefault(length, LENGTH)
    return found or dict(_misspelt(word, known))


def _folded(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in parts if not unicodedata.combining(c))


def _met(word: str, known: str) -> float:
    if word not in known:
        return PLURAL if word == f"{known}s" or (word == f"{known}es" and len(known) > 2) else 0.0
    if known == word:
        return EXACT
    if known.startswith(word):
        return PLURAL if known[len(word) :] in {"s", "es"} else BEGUN if len(word) > 1 else 0.0
    return WITHIN if len(word) > 2 or not word.isascii() else 0.0


def _misspelt(word: str, known: Iterable[str]) -> Iterator[tuple[str, float]]:
    """Known words that differ by one slip, or two of a long word: a letter too many, too few, wrong, or two swapped."""
    allowed = 0 if len(word) < 4 or word.isdigit() else 1 if len(word) < 8 else 2
    if not allowed:
        return
    letters = _letters(word)
    for one in known:
        if abs(len(one) - len(word)) <= allowed and (letters ^ _letters(one)).bit_count() <= 2 * allowed:
            slips = _slips(word, one, allowed)
            if slips <= allowed:
                yield one, TYPO if slips == 1 else TYPOS


def _letters(word: str) -> int:
    found = 0
    for letter in word:
        found |= 1 << (ord(letter) & 63)
    return found


def _slips(a: str, b: str, allowed: int) -> int:
    """How many slips turn one word into another; some number above `allowed` where it takes more."""
    before, row = [], list(range(len(b) + 1))
    for i, letter in enumerate(a, start=1):
        before, last = row, before
        row = [i]
        for j, other in enumerate(b, start=1):
            best = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != other))
            if i > 1 and j > 1 and letter == b[j - 2] and a[i - 2] == other:
                best = min(best, last[j - 2] + 1)
            row.append(best)
        if min(row) > allowed:
            return allowed + 1
    return row[-1]


def joined(found: list[str]) -> Iterator[str]:
    """Neighbouring words as one: `user`, `spend` is also written `userspend`.

    Example:
        >>> list(joined(["user", "spend", "7d"]))
        ['userspend', 'spend7d']
    """
    yield from (first + second for first, second in pairwise(found))
