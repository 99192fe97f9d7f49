"""Which versions a training set was made of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from mlforge.errors import Invalid, NotFound
from mlforge.model.feature import FeatureSpec
from mlforge.model.plain import expression, plain
from mlforge.model.request import RequestFeature


class Pin(msgspec.Struct, frozen=True, omit_defaults=True):
    """A version that was used: enough to use the very same one again, and to know that it is the same.

    One that is not `answered` was read for request features alone; its columns are those that they read.
    """

    name: str
    version: str
    content_hash: str
    columns: tuple[str, ...]
    answered: bool = True


class RequestPin(msgspec.Struct, frozen=True, omit_defaults=True):
    """A request feature that was used, as it was defined, over the versions that it used."""

    name: str
    columns: dict[str, Any]
    inputs: dict[str, str] = {}
    uses: tuple[tuple[str, str, tuple[str, ...] | None], ...] = ()
    chosen: tuple[str, ...] | None = None

    @classmethod
    def of(cls, feature: RequestFeature, versions: Mapping[str, str], chosen: tuple[str, ...] | None) -> RequestPin:
        columns = {name: plain(expr) for name, expr in feature.columns.items()}
        uses = tuple(
            (u.name, versions[u.name], None if u.columns is None else tuple(u.columns))
            for u in feature.uses
            if u.name in versions
        )
        return cls(feature.name, columns, feature.inputs, uses, chosen)

    @property
    def feature(self) -> RequestFeature:
        columns = {name: expression(data) for name, data in self.columns.items()}
        return RequestFeature(self.name, columns, self.inputs, tuple(FeatureSpec(*use) for use in self.uses))


class Lock(msgspec.Struct, frozen=True):
    """The versions behind a training set. Give it as `features=` to make the same set again.

    Example:
        >>> Lock.decode(Lock(()).encode()) == Lock(())
        True
    """

    pins: tuple[Pin, ...]
    full_names: bool = False
    requests: tuple[RequestPin, ...] = ()

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
