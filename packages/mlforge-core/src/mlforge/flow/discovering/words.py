"""Text as the words that it is searched by, and the words of a store that a word of a query may mean."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

_CAMEL, _PARTED = re.compile(r"[A-Z](?<=[a-z0-9].)"), r" \g<0>"
"""A capital after a small letter, found by the capital, of which there are few."""
_WORD = re.compile(r"[^\W_]+")
_ASCII = {n: chr(n).lower() if chr(n).isalnum() else " " for n in range(128)} | {10: "\n"}
"""Of each letter what a word has of it: the same as by case and by pattern, in less time. A line feed parts texts."""
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


class Sought(NamedTuple):
    """What a word of a query is looked for as, among spaced words.

    Args:
        roots: One of them stands in each text that has the word.
        patterns: What stands there then, the best first, and how well the word is met by it.
    """

    roots: tuple[str, ...]
    patterns: tuple[tuple[str, float], ...]

    def met(self, line: str) -> float:
        """How well a text meets the word; zero where it does not have it."""
        return next((how for pattern, how in self.patterns if pattern in line), 0.0)


def words(text: str) -> list[str]:
    """The words of a text, without case and accents: `userSpend_7d` has `user`, `spend` and `7d`.

    Example:
        >>> words("userSpend_7d: Größe, café")
        ['user', 'spend', '7d', 'grosse', 'cafe']
    """
    return spaced([text])[0].split()


def spaced(texts: Sequence[str]) -> list[str]:
    """Each text as its words with a blank before and after each, so that it can be looked through for what is `Sought`.

    Many at once take a fraction of the time that each alone would.

    Example:
        >>> spaced(["userSpend", "café"])
        [' user spend ', ' cafe ']
    """
    plain = iter(_spaced_ascii([text for text in texts if text.isascii()]))
    return [next(plain) if text.isascii() else f" {' '.join(_WORD.findall(_folded(text)))} " for text in texts]


def _spaced_ascii(texts: Iterable[str]) -> list[str]:
    whole = " \n ".join([text.replace("\n", " ") for text in texts])
    return f" {_CAMEL.sub(_PARTED, whole).translate(_ASCII)} ".split("\n")


def sought(word: str) -> Sought:
    """What a word may mean: itself, in the other number, as a beginning, a window's length, or inside of another word.

    Example:
        >>> weeks = sought("weeks")
        >>> [weeks.met(line) for line in (" weeks ", " week ", " weekse ", " 7d ", " day ")]
        [1.0, 0.95, 0.8, 0.6, 0.0]
    """
    singular = word.removesuffix("s") or word
    lengths = _LENGTHS.get(_ADVERBS.get(word, singular), ())
    others = {f"{word}s", f"{word}es", singular, word[:-2] if word.endswith("es") and len(word) > 4 else word} - {word}
    found = [(f" {word} ", EXACT), *((f" {other} ", PLURAL) for other in others)]
    found += [(f" {word}", BEGUN)] if len(word) > 1 or not word.isascii() else []
    found += [(f" {length} ", LENGTH) for length in lengths]
    found += [(word, WITHIN)] if len(word) > 2 or not word.isascii() else []
    return Sought((min(word, *others, key=len), *lengths), tuple(found))


def misspelt(word: str, known: Iterable[str]) -> Sought:
    """The same of a word that nothing meets: known words from which it differs by slips of the pen.

    Example:
        >>> misspelt("merchnat", ["merchant", "device"]).patterns
        ((' merchant ', 0.6),)
    """
    found = sorted(_misspelt(word, known), key=lambda one: -one[1])
    return Sought(tuple(one for one, _ in found), tuple((f" {one} ", how) for one, how in found))


def _folded(text: str) -> str:
    parts = unicodedata.normalize("NFKD", _CAMEL.sub(_PARTED, text).casefold())
    return "".join(c for c in parts if not unicodedata.combining(c))


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
