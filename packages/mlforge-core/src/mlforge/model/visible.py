"""What a terminal would obey instead of showing: escape codes, line breaks, marks that turn the direction of text."""

from __future__ import annotations

import re

_UNSEEN = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)


def visible(text: str, *, one_line: bool = False) -> str:
    r"""The text with such characters as Python writes them; line feeds, too, where it is to be one line.

    Example:
        >>> print(visible("a\x1b[31mb"))
        a\x1b[31mb
    """
    if text.isprintable():  # what nearly every text is, and soon seen
        return text
    shown = _UNSEEN.sub(lambda found: ascii(found[0])[1:-1], text)
    return shown.replace("\n", "\\n") if one_line else shown
