"""Which versions a training set was made of, and a model was trained with."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

import msgspec

from mlforge.errors import Invalid, NotFound, PluginFailed, nearest
from mlforge.flow.whole import write_whole
from mlforge.model.feature import FeatureSpec
from mlforge.model.html import table
from mlforge.model.meta import FeatureMeta
from mlforge.model.plain import expression, plain
from mlforge.model.request import RequestFeature
from mlforge.model.schema import same_key_type
from mlforge.model.spelling import Spelled
from mlforge.plugin import layout
from mlforge.plugin.hints import disk_hint

LockPolicy = Literal["refuse", "refresh", "warn"]
"""What to do where another version is served than a lock has: refuse it; refuse it, but for later rows of the same
definition; or serve it and warn."""


class Pin(msgspec.Struct, metaclass=Spelled, frozen=True, omit_defaults=True):
    """A version that was used: enough to use the very same one again, and to know that it is the same.

    `definition` tells whether another version is one of the same columns, config and function; None where that cannot
    be told. One that is not `answered` was read for request features alone; its columns are those that they read.
    """

    name: str
    version: str
    content_hash: str
    columns: tuple[str, ...]
    definition: str | None = None
    answered: bool = True

    @property
    def text(self) -> str:
        return f"{self.name}@{self.version}"


class RequestPin(msgspec.Struct, metaclass=Spelled, frozen=True, omit_defaults=True):
    """A request feature that was used, as it was defined, over the versions that it used.

    `definition` is the hash of what it was defined as; None in a lock of an mlforge that did not keep it.
    """

    name: str
    columns: dict[str, Any]
    inputs: dict[str, str] = {}
    uses: tuple[tuple[str, str, tuple[str, ...] | None], ...] = ()
    chosen: tuple[str, ...] | None = None
    definition: str | None = None

    @classmethod
    def of(cls, feature: RequestFeature, versions: Mapping[str, str], chosen: tuple[str, ...] | None) -> RequestPin:
        columns = {name: plain(expr) for name, expr in feature.columns.items()}
        uses = tuple(
            (u.name, versions[u.name], None if u.columns is None else tuple(u.columns))
            for u in feature.uses
            if u.name in versions
        )
        return cls(feature.name, columns, feature.inputs, uses, chosen, request_definition(feature))

    @property
    def feature(self) -> RequestFeature:
        columns = {name: expression(data) for name, data in self.columns.items()}
        return RequestFeature(self.name, columns, self.inputs, tuple(FeatureSpec(*use) for use in self.uses))


def request_definition(feature: RequestFeature) -> str:
    """What is equal for request features that compute the same columns of the same."""
    columns = {name: plain(expr) for name, expr in feature.columns.items()}
    uses = [(use.name, use.version, use.columns) for use in feature.uses]
    said = msgspec.json.encode([columns, feature.inputs, uses], order="deterministic")
    return hashlib.sha256(said).hexdigest()[:32]


class Lock(msgspec.Struct, metaclass=Spelled, frozen=True):
    """The versions behind a training set. Give it as `features=` to make the same set again.

    Example:
        >>> lock = defs.lock("user_spend")
        >>> [(pin.name, pin.version) for pin in lock.pins]
        [('user_spend', '1.0.0')]
        >>> lock.save("spend.lock")
        >>> Lock.load("spend.lock") == lock
        True
    """

    pins: tuple[Pin, ...]
    full_names: bool = False
    name: str | None = None
    requests: tuple[RequestPin, ...] = ()

    def encode(self) -> bytes:
        """JSON for people, with a checksum as its last field."""
        return layout.encode(self)

    @classmethod
    def decode(cls, data: bytes) -> Lock:
        """Read a lock. Raises `Invalid` where it is none, or a later mlforge's."""
        layout.refuse_later(data, "That lock")
        try:
            return layout.unsealed(data, cls)
        except (ValueError, RecursionError) as error:
            raise Invalid(f"That is not a lock: {error}.", hint="Use a file that `mlforge lock` wrote.") from None

    def save(self, path: str | Path) -> None:
        """Write it to a file: all of it, or what was there stays.

        Raises:
            NotFound: The folder is not there.
            PluginFailed: It may not be written to, or its disk is full.
        """
        try:
            write_whole(Path(path), self.encode())
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise NotFound(
                f"A lock cannot be written to {path}.", hint="Name a file in a folder that exists."
            ) from None
        except OSError as error:
            raise PluginFailed(
                f"A lock cannot be written to {path}: {error.strerror}.",
                hint=disk_hint(error, "Name a file in a folder of yours."),
            ) from error

    @classmethod
    def load(cls, path: str | Path) -> Lock:
        """Read a lock from a file. Raises `NotFound`, `Invalid`, and `PluginFailed` where it may not be read."""
        try:
            data = Path(path).read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            raise NotFound(f"There is no lock at {path}.", hint="`mlforge lock NAME -o FILE` writes one.") from None
        except IsADirectoryError:
            raise Invalid(f"{path} is a folder, no lock.", hint="Name the file in it.") from None
        except OSError as error:
            raise PluginFailed(f"{path} cannot be read: {error.strerror}.", hint="Look at its permissions.") from error
        layout.refuse_later(data, path)
        try:
            return cls.decode(data)
        except Invalid as error:
            raise Invalid(f"{path} is no lock. {error.message}", hint=error.hint) from None

    @property
    def label(self) -> str:
        """What to call it: `the lock`, or `the lock of 'fraud'`."""
        return f"the lock of {self.name!r}" if self.name else "the lock"

    def _repr_html_(self) -> str:
        rows = [(p.name, p.version, ", ".join(p.columns), p.content_hash[:16]) for p in self.pins]
        rows += [(one.name, "computed", ", ".join(one.chosen or one.columns), "") for one in self.requests]
        return table(("feature", "version", "columns", "content"), rows, caption=self.name or "lock")


def opened(lock: Lock | str | Path | None) -> Lock | None:
    """A lock, or the one in a file."""
    return Lock.load(lock) if isinstance(lock, str | Path) else lock


def checked_policy(policy: str) -> LockPolicy:
    """A policy by its name. Raises `Invalid` for another word."""
    known = get_args(LockPolicy)
    if policy not in known:
        raise Invalid(f"{policy!r} is no policy for locks.", hint=nearest(policy, known))
    return policy  # type: ignore[return-value] # one of them


def pin_of(meta: FeatureMeta, columns: Iterable[str], *, answered: bool = True) -> Pin:
    """A version and the columns that are used of it."""
    return Pin(meta.name, meta.version, meta.content_hash, tuple(columns), definition_of(meta), answered)


def definition_of(meta: FeatureMeta) -> str | None:
    """What is equal for versions that differ in their rows alone; None where that cannot be told."""
    if meta.logic_hash is None or meta.logic_unknown:
        return None
    types = {key: {s: _joining(t) for s, t in made.items()} for key, made in meta.key_types.items()}
    return _definition(meta, [types] if types else [])


def _definition(meta: FeatureMeta, keys: Sequence[object]) -> str:
    said = msgspec.json.encode([meta.schema_hash, meta.config_hash, meta.logic_hash, *keys], order="deterministic")
    return hashlib.sha256(said).hexdigest()[:32]


def _joining(dtype: str) -> str:
    """What is equal for types whose keys join each other."""
    return "Int64" if same_key_type(dtype, "Int64") else dtype


def is_refresh(pin: Pin, meta: FeatureMeta) -> bool:
    """Whether a version has other rows than the pin's, and nothing else that is other.

    A pin may know nothing of the types that keys are made of, as those of earlier releases.
    """
    known = definition_of(meta)
    return known is not None and pin.definition in (known, _definition(meta, ()))


class ServedAs(NamedTuple):
    """What is served where a lock's version is asked for, and whether that was published beside something else."""

    version: str
    content_hash: str
    meta: FeatureMeta
    beside: bool = False


Verdict = Literal["same", "refresh", "other"]
"""What is served, held against a lock: the same, later rows of the same definition, or something else."""


def verdict_on(pin: Pin, version: str, meta: FeatureMeta) -> Verdict:
    """How a version compares with the one that a lock has."""
    if (version, meta.content_hash) == (pin.version, pin.content_hash):
        return "same"
    return "refresh" if is_refresh(pin, meta) else "other"


def allowed(verdict: Verdict, policy: LockPolicy) -> bool:
    """Whether a policy lets that be served."""
    return verdict == "same" or policy == "warn" or (policy == "refresh" and verdict == "refresh")


def specs_in(lock: Lock, asked: Sequence[FeatureSpec] | None) -> list[tuple[FeatureSpec, Pin]]:
    """What is asked for at the versions of a lock, with their pins; all that it has where nothing is asked for.

    Raises:
        Invalid: A feature, or a version of it, that the lock does not have.
    """
    if asked is None:
        return [(FeatureSpec(p.name, p.version, p.columns or None), p) for p in lock.pins if p.answered]
    return [found for spec in asked for found in _pinned(lock, spec)]


def _pinned(lock: Lock, spec: FeatureSpec) -> list[tuple[FeatureSpec, Pin]]:
    pins = [p for p in lock.pins if p.answered and p.name == spec.name]
    if not pins:
        names = dict.fromkeys(p.name for p in lock.pins if p.answered)
        raise Invalid(f"{_begun(lock.label)} does not have {spec.name!r}.", hint=nearest(spec.name, names))
    if spec.version is not None:
        of_it = [p for p in pins if p.version == spec.version]
        if not of_it:
            has = " and ".join(p.version for p in pins)
            raise Invalid(
                f"{_begun(lock.label)} has {spec.name!r} {has}, and {spec.version} is asked for.",
                hint=f"Ask for {spec.name!r} alone, or make a lock of that version: mlforge lock {spec.text}",
            )
        pins = of_it
    return [(FeatureSpec(p.name, p.version, spec.columns or p.columns or None), p) for p in pins]


def _begun(text: str) -> str:
    return text[0].upper() + text[1:]
