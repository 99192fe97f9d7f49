"""API keys: a file of their hashes. A key is shown once, when it is made, and kept nowhere.

A key is `mlf_{id}_{secret}`: the id finds its line, and 256 random bits are what has to be known. So a plain SHA-256
cannot be guessed from, and is compared in constant time.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import shlex
from collections.abc import Container, Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

import msgspec

from mlforge.errors import Conflict, Invalid, NotFound
from mlforge.plugin.temporary import Hold

PATIENCE = 10.0
"""Seconds to wait for others who add a key."""
_KEY = re.compile(r"mlf_([0-9a-f]{12})_([A-Za-z0-9_-]{43})")
_NOBODY = "0" * 64
_NO_KEYS = "Name a file that `mlforge serve-key` made, or one that is not there yet, for it to make."


class APIKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One key: whose it is, its id, the hash of its secret, and the features it is limited to; None for all."""

    name: str
    id: str
    sha256: str
    features: frozenset[str] | None = None

    def allows(self, feature: str) -> bool:
        """Whether it may read a feature."""
        return self.features is None or feature in self.features


class KeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The file as written."""

    keys: tuple[APIKey, ...] = ()


class APIKeys:
    """The keys of a file, by id."""

    def __init__(self, keys: tuple[APIKey, ...]) -> None:
        self._by_id = {key.id: key for key in keys}

    def __repr__(self) -> str:
        return f"APIKeys({len(self._by_id)})"

    def strangers(self, served: Container[str]) -> list[tuple[str, str]]:
        """The features that keys are limited to and that are not served, each with the key's name."""
        limits = ((key.name, sorted(key.features or ())) for key in self._by_id.values())
        return [(name, feature) for name, features in limits for feature in features if feature not in served]

    def find(self, given: str) -> APIKey | None:
        """The key that was given; None for one that is unknown, after the same work."""
        found = _KEY.fullmatch(given)
        name, secret = (found[1], found[2]) if found else ("", given)
        key = self._by_id.get(name)
        known = hmac.compare_digest(_hash(secret), key.sha256 if key else _NOBODY)
        return key if key and known else None


SHUT = APIKeys(())
"""Nobody's: the file cannot be read, and whose keys still hold cannot be told."""


def read_keys(path: Path) -> KeyFile:
    """The keys of a file.

    Raises:
        NotFound: There is no such file.
        Invalid: It is no key file, or holds no key; the message never shows what stands in it.
    """
    found = _read(path)
    if not found.keys:
        raise Invalid(f"The key file {path.name!r} holds no key.", hint=_making(path))
    return found


def _read(path: Path) -> KeyFile:
    """The same, of one that may hold none."""
    try:
        found = msgspec.yaml.decode(path.read_bytes(), type=KeyFile | None) or KeyFile()
    except FileNotFoundError:
        raise NotFound(f"There is no key file {path.name!r}.", hint=_making(path)) from None
    except OSError as error:
        raise Invalid(
            f"The key file {path.name!r} cannot be read: {error.strerror}.", hint="Look at its permissions."
        ) from None
    except msgspec.ValidationError as error:
        raise Invalid(f"The key file {path.name!r} is wrong: {error}.", hint=_NO_KEYS) from None
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Invalid(f"The key file {path.name!r} is no YAML.", hint=_NO_KEYS) from None
    _check(found, path)
    return found


def add_key(path: Path, name: str, features: frozenset[str] | None) -> str:
    """Make a key, keep its hash in the file, and return it.

    Raises:
        Conflict: There is a key of that name, or others have held the file's folder for long.
        Invalid: The file is no key file, or cannot be written.
    """
    with _alone(path):
        before = _read(path) if path.exists() else KeyFile()
        if any(key.name == name for key in before.keys):
            raise Conflict(
                f"There is a key {name!r} in {path.name!r}.", hint="Choose another name, or remove its lines first."
            )
        number, secret = secrets.token_hex(6), secrets.token_urlsafe(32)
        _write(path, KeyFile((*before.keys, APIKey(name, number, _hash(secret), features))))
    return f"mlf_{number}_{secret}"


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """While nobody else adds a key to the file, where folders have locks: what two write at once, one loses."""
    end, hold = monotonic() + PATIENCE, Hold(path.parent)
    while hold.taken is False:
        if monotonic() > end:
            raise Conflict(f"Others write to {path.name!r} and do not end.", hint="Look for them, and try again.")
        sleep(0.02)
        hold = Hold(path.parent)
    try:
        yield
    finally:
        hold.release()


def _check(found: KeyFile, path: Path) -> None:
    for key in found.keys:
        if not re.fullmatch("[0-9a-f]{12}", key.id) or not re.fullmatch("[0-9a-f]{64}", key.sha256):
            raise Invalid(
                f"The key {key.name!r} in {path.name!r} has no id of 12 hex digits or no SHA-256 of 64.",
                hint="Keys are made by `mlforge serve-key`, never by hand.",
            )
    ids = [key.id for key in found.keys]
    if len(set(ids)) < len(ids):
        raise Invalid(f"Two keys in {path.name!r} have one id.", hint="Remove one of them.")


def _write(path: Path, file: KeyFile) -> None:
    """Replace the file at once; only its owner may read it."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        beside.touch(0o600, exist_ok=False)
        try:
            beside.write_bytes(msgspec.yaml.encode(file))
            os.replace(beside, path)  # noqa: PTH105 - as atomic as Path.replace, and says so
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise Invalid(
            f"The key file {str(path)!r} cannot be written: {error.strerror}.", hint="Name one in a folder of yours."
        ) from error


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def _making(path: Path) -> str:
    return f"Make one: mlforge serve-key NAME --api-key-file {shlex.quote(str(path))}"
