"""Text that people write: what of it can be kept; and numbers as they read them."""

from __future__ import annotations

from mlforge.errors import Invalid


def has_half(text: str) -> bool:
    r"""Whether there is half a character (a surrogate) in a text, which no file can keep.

    Example:
        >>> has_half("\ud83d"), has_half("\U0001f600")
        (True, False)
    """
    return any("\ud800" <= letter <= "\udfff" for letter in text)


def refuse_halves(text: object, what: str) -> None:
    r"""Raise `Invalid` for text with half a character.

    Example:
        >>> refuse_halves("What is paid \ud83d", "the description of 'amount'")
        Traceback (most recent call last):
        mlforge.errors.Invalid: 'What is paid \ud83d' in the description of 'amount' has half a character. ...
    """
    if isinstance(text, str) and has_half(text):
        raise Invalid(f"{text!r} in {what} has half a character.", hint="Write it without: it cannot be stored.")


def number_of(number: int, noun: str) -> str:
    """So many of something.

    Example:
        >>> number_of(1, "row"), number_of(2000, "row")
        ('1 row', '2,000 rows')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
