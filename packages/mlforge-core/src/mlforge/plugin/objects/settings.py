"""What the settings of a store over a bucket must be, whichever service it is of."""

from __future__ import annotations

from urllib.parse import urlsplit

from mlforge.errors import Invalid


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
