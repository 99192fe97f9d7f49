"""What a noun carries and never shows: a frame, or an address with its password."""

from __future__ import annotations

from typing import Any, NoReturn

from mlforge.errors import Invalid


class Held:
    """A value in no `repr`, no JSON and no pickle. A frame is equal to itself alone, an address to the same one.

    Example:
        >>> Held("hunter2"), Held("hunter2").value
        (Held(***), 'hunter2')
    """

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Held) and isinstance(self.value, str):
            return bool(self.value == other.value)
        return self is other

    def __hash__(self) -> int:
        return hash(self.value) if isinstance(self.value, str) else id(self)

    def __repr__(self) -> str:
        return "Held(***)"

    def __reduce__(self) -> NoReturn:
        raise Invalid("A source that holds a frame or a password is not pickled.", hint="Define it where it is read.")
