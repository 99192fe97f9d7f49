r"""Patterns: spelled so that every engine finds the same, where each has a language of its own for them.

`\d`, `\w` and `\s` are of ASCII for one library and of all of Unicode for another; a bracket in a class begins a set
of its own for a third. So a pattern is read once, as Python reads it, and written with what means the same everywhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from mlforge.errors import Invalid

_LAST = chr(0x10FFFF)
_SETS = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t\n\f\r "}
_OTHERS = {
    "D": rf"\x00-/:-{_LAST}",
    "W": rf"\x00-/:-@\[-\^`{{-{_LAST}",
    "S": rf"\x00-\x08\x0b\x0e-\x1f!-{_LAST}",
}
"""What is in none of the sets, as ranges: a class within a class is not known everywhere."""
_PARTS = re.compile(
    r"\\(?:x[0-9A-Fa-f]{2}|.)|\[\^?\]?(?:\\.|[^\]\\])*\]|\(\?P<\w+>|\(\?[^):<]*.|\{\d*,?\d*\}|.", re.DOTALL
)
_IN_A_CLASS = re.compile(r"\\(?:x[0-9A-Fa-f]{2}|.)|.", re.DOTALL)
_GROUPS = re.compile(r"\(\?(P<\w+>|[is]*(-[is]+)?:|[ims]+\))")
_MOST = 1000  # times that one thing is repeated: RE2 counts no further
WORD_ENDS = r"(?:(?<![0-9A-Za-z_])(?=[0-9A-Za-z_])|(?<=[0-9A-Za-z_])(?![0-9A-Za-z_]))"
r"""`\b` of ASCII, for libraries that look around, and whose own is of all of Unicode."""

DOTS = ("\u0130\u0131", "\ue130\ue131")
"""The letters that Python and Java alone take for an i in another case, as two that nothing stands for."""

_DOTS = str.maketrans(*DOTS)


def spelled_out(pattern: str) -> str:
    r"""A pattern that means the same to every engine; what is left to them is how they write `$`, `\Z` and `\b`.

    Raises:
        Invalid: A part that some engine does not know.

    Example:
        >>> spelled_out(r"^\d+[\w.]$")
        '^[0-9]+[0-9A-Za-z_.]$'
    """
    made, before = list[str](), ""
    for part in _PARTS.findall(pattern):
        made.append(_spelled(pattern, part, before))
        before = part
    return "".join(made)


def written(pattern: str, ends: Mapping[str, str]) -> str:
    r"""A pattern that was spelled out, with some of its parts as an engine writes them.

    Example:
        >>> print(written(r"^a\$[$]$", {"$": r"\z"}))
        ^a\$[$]\z
    """
    return "".join(ends.get(part, part) for part in _PARTS.findall(pattern))


def ignores_case(pattern: str) -> bool:
    """Whether letters match those of another case somewhere in a pattern: then `DOTS` are none of i."""
    return re.search(r"\(\?[ms]*i", pattern) is not None


def finder(pattern: str) -> Callable[[str], bool]:
    r"""Whether a pattern that was spelled out is found in a text.

    Example:
        >>> finder("^a$")("a\n")
        False
    """
    flags = pattern[2 : pattern.index(")")] if re.match(r"\(\?[ims]+\)", pattern) else ""
    ends = {r"\b": WORD_ENDS} | ({} if "m" in flags else {"$": r"\Z"})  # its own `$` also stands before a last line end
    made = written(pattern, ends)
    if not ignores_case(pattern):
        search = re.compile(made).search
        return lambda text: search(text) is not None
    search = re.compile(made.translate(_DOTS)).search
    return lambda text: search(text.translate(_DOTS)) is not None


def _spelled(pattern: str, part: str, before: str) -> str:
    if part.startswith("(?") and not _GROUPS.fullmatch(part):
        raise _unknown(pattern, part + ("" if part.endswith(")") else "…"))
    if part == "+" and before and (before in "*+?" or re.fullmatch(r"\{\d*,?\d*\}", before)):
        raise _unknown(pattern, before + part)
    if part[0] == "[" and len(part) > 1:
        return _class(pattern, part)
    if part[0] == "{":
        return _repeated(pattern, part)
    if part[0] != "\\":
        return part
    if (letter := part[1:].lower()) in _SETS:
        return f"[{'' if part[1] == letter else '^'}{_SETS[letter]}]"
    return _escaped(pattern, part)


def _class(pattern: str, whole: str) -> str:
    head = "[^" if whole.startswith("[^") else "["
    made, inside = [head], whole[len(head) : -1]
    if "[:" in inside:
        raise _unknown(pattern, "[:")
    for number, part in enumerate(_IN_A_CLASS.findall(inside)):
        if part == r"\b":
            raise _unknown(pattern, part)
        if part in "[&~" or (part == "]" and not number):
            made.append("\\" + part)
        else:
            made.append(_escaped(pattern, part) if part[0] == "\\" else part)
    return "".join([*made, "]"])


def _repeated(pattern: str, part: str) -> str:
    numbers = re.fullmatch(r"\{(\d*)(,?)(\d*)\}", part)
    if numbers is None or part == "{}":
        return "\\" + part  # a brace and no more
    low, comma, high = numbers.groups()
    if max(int(low or 0), int(high or 0)) > _MOST:
        raise _unknown(pattern, part)
    return f"{{{low or 0}{comma}{high}}}"


def _escaped(pattern: str, part: str) -> str:
    letter = part[1]
    if found := _SETS.get(letter) or _OTHERS.get(letter):
        return found
    if letter in "<>" or not letter.isascii():
        return letter
    if letter.isalnum() and letter not in "abfnrtvxAZ":
        raise _unknown(pattern, part)
    return part


def _unknown(pattern: str, part: str) -> Invalid:
    return Invalid(
        f"The pattern {pattern!r} has {part!r}, which does not mean the same to every engine.",
        hint="Write it with classes such as [A-Za-z], groups, and repetitions of at most 1,000 times.",
    )
