"""Values as they are answered, made once: what a store gives again is answered with the same bytes again.

A store is asked for every request; only the way from its bytes to those of an answer is remembered, for as long as the
instant does not change what they mean.
"""

from __future__ import annotations

from collections.abc import Sequence

from mlforge.errors import Invalid, PluginFailed
from mlforge.plugin import Entry, decode_entry
from mlforge_serve.answers import Format
from mlforge_serve.door import Lookup

Piece = tuple[bytes, str, int, int]
"""One feature's values for an entity as they are answered, how good they are, from when on, and before when."""
PIECE = 300
"""About how many bytes a piece takes beside what it is made of and what it says."""


class Memory:
    """How much all pieces of a process may take. Those that were not asked for lately go first."""

    def __init__(self, limit: int) -> None:
        self._limit, self._used = limit // 2, 0
        self._owners: list[Pieces] = []

    def own(self, pieces: Pieces) -> None:
        self._owners.append(pieces)

    def take(self, size: int) -> None:
        """Note what a new piece takes. Where that is too much, what was not used since the last time goes."""
        self._used += size
        if self._used > self._limit:
            self._used = 0
            for one in self._owners:
                one.age()

    def clear(self) -> None:
        self._used = 0
        self._owners.clear()


class Pieces:
    """The pieces of one feature in one format."""

    def __init__(self, lookup: Lookup, form: Format, memory: Memory) -> None:
        self._lookup, self._form, self._memory = lookup, form, memory
        self._names = tuple(lookup.columns.values())
        self._young: dict[bytes | None, Piece] = {}
        self._old: dict[bytes | None, Piece] = {}
        memory.own(self)

    def age(self) -> None:
        """Let go of what was not used since the last time."""
        self._old, self._young = self._young, {}

    def at(self, now: int, keys: Sequence[str], kept: Sequence[bytes | Entry | None]) -> list[Piece]:
        """The pieces of what is kept of some entities. Raises `PluginFailed` for what is damaged."""
        if Entry in map(type, kept):  # a store that decodes by itself
            return [self._made(now, one) for one in kept]  # type: ignore[arg-type] # nor are there bytes then
        encoded: Sequence[bytes | None] = kept  # type: ignore[assignment] # as above
        known = self._young.get
        return [
            piece if (piece := known(one)) and piece[2] <= now < piece[3] else self._piece(now, key, one)
            for key, one in zip(keys, encoded, strict=True)
        ]

    def _piece(self, now: int, key: str, kept: bytes | None) -> Piece:
        piece = self._old.pop(kept, None)
        if piece is None or not piece[2] <= now < piece[3]:
            piece = self._made(now, self._decoded(kept, key))
        self._young[kept] = piece
        self._memory.take(len(kept or b"") + len(piece[0]) + PIECE)
        return piece

    def _made(self, now: int, entry: Entry | None) -> Piece:
        values, status, since, before = self._lookup.found(entry, now)
        return self._form.members(self._names, values), status, since, before

    def _decoded(self, kept: bytes | None, key: str) -> Entry | None:
        if kept is None:
            return None
        try:
            return decode_entry(kept, self._lookup.name, key)
        except Invalid as error:  # it is the store that is wrong, not the request
            raise PluginFailed(error.message, error.hint) from error
