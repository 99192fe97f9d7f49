"""Which characters `lower`, `upper` and `strip` change: alike on every engine, whatever its Unicode.

A letter changes where it has one letter of the other case, and both are up to U+0587 (Latin, Greek, Cyrillic, Armenian)
or in U+1E00 to U+1EFF. `ß` and `İ`, which would become two, stay.
"""

from __future__ import annotations

_LETTERS = (*range(0x41, 0x588), *range(0x1E00, 0x1F00))

LOWER = {
    c: c.lower() for c in map(chr, _LETTERS) if c.lower() != c and len(c.lower()) == 1 and ord(c.lower()) in _LETTERS
}
"""Each letter that `lower` changes, and what into."""

UPPER = {
    c: c.upper() for c in map(chr, _LETTERS) if c.upper() != c and len(c.upper()) == 1 and ord(c.upper()) in _LETTERS
}
"""Each letter that `upper` changes, and what into."""

BLANK = " \t\n\r\x0b\x0c"
"""What `strip` takes from both ends."""
