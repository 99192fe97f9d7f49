"""What the settings of a `RedisStore` must be, checked when they are given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from mlforge.errors import Invalid
from mlforge.model.duration import MICROS, Duration
from mlforge.plugin import Encoding
from mlforge.plugin.limits import refuse_number, refuse_seconds

if TYPE_CHECKING:
    from mlforge_redis.plugin import RedisStore

_FILES = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_YEAR = 365 * 24 * 3600


def check(config: RedisStore) -> None:
    """Raise `Invalid` for a setting that cannot be, naming it and its limits."""
    refuse_number("port", config.port, 1, 65_535)
    refuse_number("db", config.db, 0, 2**31 - 1)
    refuse_seconds("timeout", config.timeout)
    refuse_seconds("connect_timeout", config.connect_timeout)
    _refuse_text("host", config.host)
    _refuse_text("prefix", config.prefix)
    if config.encoding not in get_args(Encoding):
        raise Invalid(f"encoding is {config.encoding!r}.", hint="Choose msgpack or json.")
    if config.cluster and config.db:
        raise Invalid(f"db is {config.db}, and a cluster has only 0.", hint="Leave db out, or cluster.")
    if config.ssl_keyfile and not config.ssl_certfile:
        raise Invalid("ssl_keyfile is the key of no certificate.", hint="Give ssl_certfile too.")
    lifetime(config.ttl)


def lifetime(ttl: int | str | None) -> int | None:
    """A time to live in microseconds; None for ever."""
    if ttl is None:
        return None
    if isinstance(ttl, str) and not ttl.strip().isdecimal():
        return Duration.parse(ttl, "ttl").micros
    seconds = int(ttl)
    if isinstance(ttl, bool) or not 0 < seconds <= 100 * _YEAR:
        raise Invalid(f"ttl is {ttl!r}.", hint="Give seconds above 0, at most 100 years; or 12h, 7d.")
    return seconds * MICROS["s"]


def placed(config: RedisStore, root: Path) -> dict[str, Any]:
    """The files of a config, relative ones at a folder."""
    given = {f: getattr(config, f) for f in _FILES}
    return {f: str(root / Path(path).expanduser()) for f, path in given.items() if path}


def _refuse_text(name: str, value: object) -> None:
    if not isinstance(value, str) or not value or not value.isprintable() or " " in value:
        raise Invalid(f"{name} is {value!r}.", hint="Give text without spaces.")
