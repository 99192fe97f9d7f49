"""What the settings of a store over a bucket must be, whichever service it is of."""

from __future__ import annotations

from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from mlforge.errors import Invalid, nearest
from mlforge.plugin.config import StoreConfig
from mlforge.plugin.sources import Asking

T = TypeVar("T", bound=StoreConfig)


def check_prefix(prefix: str) -> None:
    """Raise `Invalid` for a prefix that is no part of a key: plain words with `/` between them."""
    parts = prefix.split("/") if prefix else []
    if {"", ".", ".."} & set(parts) or any(c in prefix for c in "\\?*[]") or not prefix.isprintable():
        raise Invalid(
            f"prefix is {prefix!r}.", hint='Give words with / between them, and none at the ends: prefix="team-a/ads".'
        )


def check_endpoint(url: str | None, example: str) -> None:
    """Raise `Invalid` for what is no address; what is in one, such as a password, is not repeated."""
    if url is None:
        return
    try:
        parts = urlsplit(url)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc or parts.query:
        raise Invalid(
            "endpoint_url is no address of a server.", hint=f"Write it with http:// or https://, as in {example}."
        )


def settings_of(asking: Asking, config: type[T]) -> T:
    """The settings of a store over the bucket that a source lies in, whose `options` are the store's own words.

    Raises:
        Invalid: An option that the store does not have, or one that cannot be.
    """
    where = f"Source({asking.source.path!r})"
    words = [word for word in config.__struct_fields__ if word not in ("bucket", "prefix")]
    options = dict(asking.options)
    if wrong := next((word for word in options if word not in words), None):
        raise Invalid(f"{where} has no option {wrong!r}.", hint=nearest(wrong, words))
    try:
        return msgspec.convert({"KIND": config.__struct_config__.tag, "bucket": bucket_of(asking), **options}, config)
    except msgspec.ValidationError as error:
        raise Invalid(f"{where}: its options cannot be: {error}.", hint=f"They are {', '.join(words)}.") from error


def bucket_of(asking: Asking) -> str:
    """The bucket of a source's address."""
    return asking.place.partition("://")[2].partition("/")[0]
