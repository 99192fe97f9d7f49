"""What the settings of a `DynamoDBStore` must be, checked when they are given."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from mlforge.errors import Invalid
from mlforge.plugin.limits import refuse_number, refuse_seconds

if TYPE_CHECKING:
    from mlforge_dynamodb.plugin import DynamoDBStore

_TABLE = re.compile(r"[a-zA-Z0-9_.-]{3,255}")
_REGION = re.compile(r"[a-z0-9-]+")
_CENTURY = 100 * 365 * 24 * 3600


def check(config: DynamoDBStore) -> None:
    """Raise `Invalid` for a setting that cannot be, naming it and its limits."""
    if not _TABLE.fullmatch(config.table_name):
        raise Invalid(
            f"table_name is {config.table_name!r}.", hint="Give 3 to 255 letters, digits, dots, hyphens, underscores."
        )
    if config.region is not None and not _REGION.fullmatch(config.region):
        raise Invalid(f"region is {config.region!r}.", hint="Give one such as eu-central-1.")
    if config.ttl_seconds is not None:
        refuse_number("ttl_seconds", config.ttl_seconds, 1, _CENTURY)
    refuse_number("workers", config.workers, 1, 256)
    for name in ("timeout", "connect_timeout", "patience"):
        refuse_seconds(name, getattr(config, name))
    _check_endpoint(config.endpoint_url)


def _check_endpoint(url: str | None) -> None:
    if url is None:
        return
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        raise Invalid("endpoint_url is no address of a server.", hint="Write http://host:port or https://host.")
