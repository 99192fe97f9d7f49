"""Reading by columns: for each feature many keys, asked for in one piece and taken apart again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlforge.plugin import Asked

Groups = Sequence[Sequence[int]]
Values = Sequence[bytes | None]
Columns = list[list[bytes | None]]
_HASH = 32
"""Characters of an entity's key, all of them ASCII, unless it is that of nobody."""


def portions(asked: Sequence[Asked], most: int) -> Iterator[Sequence[Asked]]:
    """What is asked in parts of so many keys at most (but one of each feature)."""
    longest = max((len(keys) for _, keys in asked), default=0)
    step = max(1, most // max(1, len(asked)))
    if 0 < longest <= step:
        yield asked
        return
    for start in range(0, longest, step):
        yield [(feature, keys[start : start + step]) for feature, keys in asked]


def pack_mget(prefix: str, asked: Sequence[Asked]) -> bytes:
    """MGET of all keys, as it is sent. There may be thousands, so nothing is made for one alone."""
    parts, count = [], 1
    for feature, keys in asked:
        start = f"{prefix}{feature}:"
        count += len(keys)
        if {_HASH}.issuperset(map(len, keys)) and "".join(keys).isascii():
            head = f"\r\n${len(start.encode()) + _HASH}\r\n{start}"
            parts += [head, head.join(keys)] if keys else []
        else:
            parts += [f"\r\n${len(f'{start}{key}'.encode())}\r\n{start}{key}" for key in keys]
    return f"*{count}\r\n$4\r\nMGET{''.join(parts)}\r\n".encode()


def spread(found: Columns, asked: Sequence[Asked], groups: Groups | None, answers: Sequence[Values]) -> None:
    """Add the answers to the features' columns."""
    values = answers[0] if groups is None else _in_order(groups, answers)
    end = 0
    for column, (_, keys) in zip(found, asked, strict=True):
        start, end = end, end + len(keys)
        column.extend(values[start:end])


def _in_order(groups: Groups, answers: Sequence[Values]) -> list[bytes | None]:
    found: list[bytes | None] = [None] * sum(map(len, groups))
    for group, values in zip(groups, answers, strict=True):
        for place, value in zip(group, values, strict=True):
            found[place] = value
    return found
