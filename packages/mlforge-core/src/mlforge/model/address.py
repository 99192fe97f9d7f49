"""The secrets in a database's address: what nobody is to see of it, and what everybody may."""

from __future__ import annotations

import re
from urllib.parse import unquote

_SHORT = 5
"""Secrets shorter than this are words of other texts, too, where they stand within a word."""
_APART = re.compile(r"[@:/?#]")
_HIDDEN = r"(?:pass(?!file)|pwd|token|secret|(?:private|api|access|account)[_.]?key|credential)"
_SECRET = re.compile(f"(?i){_HIDDEN}")
_NAMED = re.compile(rf"(?i)([?&;][^=&;]*{_HIDDEN}[^=&;]*=)([^&;#]*)")


def is_secret(name: str) -> bool:
    """Whether a setting of this name holds what nobody is to see.

    Example:
        >>> is_secret("spark.hadoop.fs.s3a.secret.key"), is_secret("spark.executor.memory")
        (True, False)
    """
    return _SECRET.search(name) is not None


def secrets_in(address: str) -> list[str]:
    """The password, and the keys and tokens, as they are written in an address.

    Example:
        >>> secrets_in("postgresql://me:hunter2@db/shop?sslpassword=abc")
        ['hunter2', 'abc']
        >>> secrets_in("postgresql://db:5432/shop?user=me@work")
        []
    """
    return [secret for secret in (_password(address), *(found for _, found in _NAMED.findall(address))) if secret]


def masked(address: str) -> str:
    """An address with `***` in place of each secret.

    Example:
        >>> masked("postgresql://me:hunter/2@db/shop?sslpassword=abc")
        'postgresql://me:***@db/shop?sslpassword=***'
    """
    password = _password(address)
    shown = address.replace(f":{password}@", ":***@", 1) if password else address
    return _NAMED.sub(r"\1***", shown)


def without_secrets(text: str, address: str) -> str:
    """A text that tells no secret of an address: neither as it is written there nor decoded, nor a part of it.

    Example:
        >>> without_secrets("cannot find the host 'er2@db'", "postgresql://me:hunt@er2@db/shop")
        "cannot find the host '***@db'"
    """
    secrets = {said for found in secrets_in(address) for said in (found, unquote(found))}
    told = secrets | {part for secret in secrets for part in _APART.split(secret)} - {""}
    for secret in sorted(told, key=len, reverse=True):
        end = r"(?!\w)" if len(secret) < _SHORT else ""
        text = re.sub((r"(?<!\w)" if end else "") + re.escape(secret) + end, "***", text)
    return text


def _password(address: str) -> str:
    """What stands between the user and the host, be it encoded as it should be or not; nothing where nothing does."""
    rest = address.partition("://")[2]
    authority = re.split(r"[/?#]", rest, maxsplit=1)[0]
    user, colon, after = rest.partition(":")
    if "@" in authority:
        return authority.rpartition("@")[0].partition(":")[2]
    if not colon or len(user) >= len(authority) or user.startswith("["):
        return ""
    is_port = authority.rpartition(":")[2].isdigit()
    return (re.split(r"[?#]", after, maxsplit=1)[0] if is_port else after).rpartition("@")[0]
