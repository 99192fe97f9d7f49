"""Which node of a cluster keeps what, and what its answers say about that."""

from __future__ import annotations

import binascii
from collections.abc import Sequence
from typing import Any

import hiredis
import msgspec

SLOTS = 16_384
AGAIN = ("TRYAGAIN", "CLUSTERDOWN", "LOADING", "MASTERDOWN")
PAUSES = (0.0, 0.05, 0.1, 0.2, 0.4, 0.8)
"""How many seconds to wait before a command is asked, and asked again while a cluster changes."""
Node = tuple[str, int]


class Slots(msgspec.Struct, frozen=True):
    """Who keeps which slot; None where nobody does."""

    owners: tuple[Node | None, ...]

    @property
    def nodes(self) -> list[Node]:
        """The primaries, each once."""
        return sorted({n for n in self.owners if n})

    def sort(self, places: Sequence[int], keys: Sequence[str]) -> dict[Node, list[int]]:
        """The places of some keys by the node that keeps them; of one that nobody keeps, by any that says so."""
        found: dict[Node, list[int]] = {}
        for place in places:
            node = self.owners[slot_of(keys[place])] or self.nodes[0]
            found.setdefault(node, []).append(place)
        return found


class Round:
    """One attempt: what was answered, and what is to be asked again."""

    def __init__(self, answers: list[Any]) -> None:
        self._answers = answers
        self.again: list[int] = []
        self.elsewhere: list[tuple[Node, int]] = []
        """What another node must be asked, just this once: a slot is moving."""

    def take(self, node: Node, places: Sequence[int], answers: Sequence[Any]) -> None:
        """Note a node's answers."""
        for place, answer in zip(places, answers, strict=True):
            self._answers[place] = answer
            if isinstance(answer, hiredis.ReplyError):
                self._look(node, place, str(answer))

    def lose(self, places: Sequence[int], error: Exception) -> None:
        """Note that a node was not reached."""
        for place in places:
            self._answers[place] = error
        self.again += places

    def _look(self, node: Node, place: int, text: str) -> None:
        code, *rest = text.split(" ")
        if code == "ASK":
            self.elsewhere.append((_named(rest[1], node), place))
        elif code == "MOVED" or code in AGAIN:
            self.again.append(place)


def slots_of(answer: Sequence[Any], asked: Node) -> Slots:
    """The slots, from a node's answer to CLUSTER SLOTS. A node that does not know its own name goes by the asked."""
    owners: list[Node | None] = [None] * SLOTS
    for first, last, primary, *_ in answer:
        name = (primary[0] or b"").decode()
        node = (name if name not in {"", "?"} else asked[0], primary[1])
        owners[first : last + 1] = [node] * (last + 1 - first)
    return Slots(tuple(owners))


def slot_of(key: str) -> int:
    """The slot of a key; of one with braces, that of what is between them."""
    start = key.find("{")
    end = key.find("}", start + 1) if start >= 0 else -1
    return binascii.crc_hqx((key[start + 1 : end] if end > start + 1 else key).encode(), 0) % SLOTS


def _named(address: str, asked: Node) -> Node:
    host, _, port = address.rpartition(":")
    return host or asked[0], int(port)
