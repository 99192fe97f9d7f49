"""Which versions a training set was made of."""

from __future__ import annotations

from pathlib import Path

import msgspec

from mlforge.errors import Invalid, NotFound


class Pin(msgspec.Struct, frozen=True):
    """A version that was used: enough to use the very same one again, and to know that it is the same."""

    name: str
    version: str
    content_hash: str
    columns: tuple[str, ...]


class Lock(msgspec.Struct, frozen=True):
    """The versions behind a training set. Give it as `features=` to make the same set again.

    Example:
        >>> Lock.decode(Lock(()).encode()) == Lock(())
        True
    """

    pins: tuple[Pin, ...]
    full_names: bool = False

    def encode(self) -> bytes:
        return msgspec.json.format(msgspec.json.encode(self), indent=2)

    @classmethod
    def decode(cls, data: bytes) -> Lock:
        """Read a lock. Raises `Invalid` where it is none."""
        try:
            return msgspec.json.decode(data, type=cls)
        except msgspec.DecodeError as error:
            raise Invalid(f"That is not a lock: {error}.", hint="Use the file that Lock.save wrote.") from None

    def save(self, path: str | Path) -> None:
        Path(path).write_bytes(self.encode())

    @classmethod
    def load(cls, path: str | Path) -> Lock:
        try:
            return cls.decode(Path(path).read_bytes())
        except FileNotFoundError:
            raise NotFound(f"There is no lock at {path}.", hint="Lock.save(path) writes one.") from None
