"""Reading by columns: for each feature many keys, asked for in one piece and taken apart again."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from mlforge.plugin import Asked
from mlforge_redis.topology import Groups

Values = Sequence[bytes | None]
Columns = list[list[bytes | None]]


def portions(asked: Sequence[Asked], most: int) -> Iterator[Sequence[Asked]]:
    """What is asked in parts of so many keys at most (but one of each feature)."""
    longest = max((len(keys) for _, keys in asked), default=0)
    step = max(1, most // max(1, len(asked)))
    if 0 < longest <= step:
        yield asked
        return
    for start in range(0, longest, step):
        yield [(feature, keys[start : start + step]) for feature, keys in asked]


def spread(found: Columns, asked: Sequence[Asked], groups: Groups, answers: Sequence[Values]) -> None:
    """Add the answers to the features' columns."""
    values = answers[0] if len(groups) == 1 else _in_order(groups, answers)
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
