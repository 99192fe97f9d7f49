"""The keys of a server, a page at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from mlforge_redis.endpoint import Command
from mlforge_redis.line import refuse_errors

_PAGE = 1000


def pages(ask: Callable[[Sequence[Command]], list[Any]], pattern: str) -> Iterator[list[bytes]]:
    """The keys that match a pattern, some more than once."""
    cursor = b"0"
    while True:
        answers = ask([("SCAN", cursor, "MATCH", pattern, "COUNT", _PAGE)])
        refuse_errors(answers)
        cursor, keys = answers[0]
        yield keys
        if cursor == b"0":
            return
