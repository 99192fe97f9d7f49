"""What the settings of a `RedisStore` must be, checked when they are given."""

from __future__ import annotations

import contextlib
import ssl
from pathlib import Path
from shlex import quote
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
    refuse_number("replicas", config.replicas, 0, 100)
    refuse_number("retries", config.retries, 0, 100)
    _refuse_text("host", config.host)
    _refuse_address(config.host)
    _refuse_text("prefix", config.prefix)
    if config.encoding not in get_args(Encoding):
        raise Invalid(f"encoding is {config.encoding!r}.", hint="Choose msgpack or json.")
    if config.cluster and config.db:
        raise Invalid(f"db is {config.db}, and a cluster has only 0.", hint="Leave db out, or cluster.")
    if config.ssl_keyfile and not config.ssl_certfile:
        raise Invalid("ssl_keyfile is the key of no certificate.", hint="Give ssl_certfile too.")
    _refuse_contradictions(config)
    lifetime(config.ttl)


def check_files(config: RedisStore, tls: bool) -> None:
    """Raise `Invalid` for settings of TLS where it is not spoken, and for a file that is none."""
    given = [f for f in ("ssl_ca_certs", "ssl_certfile") if getattr(config, f)]
    if given and not tls:
        raise Invalid(f"{given[0]} is set, and TLS is not spoken.", hint="Set ssl: true, or a rediss:// url.")
    for names in (("ssl_ca_certs",), ("ssl_certfile", "ssl_keyfile")):
        files = {name: path for name in names if (path := getattr(config, name))}
        try:
            _load(**files)
        except (OSError, ValueError) as error:
            raise _unusable(files, error) from error


def _load(ssl_ca_certs: str | None = None, ssl_certfile: str | None = None, ssl_keyfile: str | None = None) -> None:
    if ssl_ca_certs:
        ssl.create_default_context(cafile=ssl_ca_certs)
    if ssl_certfile:  # of an encrypted key OpenSSL would ask whoever sits at the terminal
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(ssl_certfile, ssl_keyfile, lambda: "")


def _unusable(files: dict[str, str], error: Exception) -> Invalid:
    """The error for files that OpenSSL does not take: it names none."""
    hint, (*_, key) = "Give files in PEM format: a certificate, and the key that it was made with.", files.values()
    with contextlib.suppress(OSError):
        if b"ENCRYPTED" in Path(key).read_bytes():
            hint = f"{key} is encrypted. Name one that is not: openssl pkey -in {quote(key)} -out plain.pem"
    why = getattr(error, "strerror", None) or error
    return Invalid(f"{' or '.join(files)} cannot be used: {why}.", hint=hint)


def _refuse_address(host: str) -> None:
    """Raise `Invalid` for a host that brings its port or scheme along; an IPv6 address has colons of its own."""
    if "://" in host:
        raise Invalid("host is a whole address.", hint='Give it as the url: RedisStore(url="redis://…").')
    name, _, port = host.rpartition(":")
    if ":" not in name and name and port.isdigit():
        raise Invalid(f"host is {host!r}, with a port.", hint=f'Give them apart: RedisStore("{name}", {port}).')


def _refuse_contradictions(config: RedisStore) -> None:
    """Raise `Invalid` for settings that say two things."""
    if config.credential_provider and (config.username or config.password):
        raise Invalid("Both credential_provider and username or password are set.", hint="Give the one or the other.")
    if bool(config.sentinels) != bool(config.sentinel_primary):
        raise Invalid(
            "sentinels and sentinel_primary go together.", hint="Give both: the Sentinels, and the name of the primary."
        )
    if config.sentinels and (config.cluster or config.url):
        raise Invalid("sentinels are set, and a cluster or a url.", hint="Give one of them.")


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
