"""`mlforge serve` and `mlforge serve-key`."""

from __future__ import annotations

import re
import sys
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from mlforge.errors import Invalid, NotFound, nearest
from mlforge_serve.options import is_loopback, words
from mlforge_serve.settings import Limits, ServerSettings, parse_size
from mlforge_serve.starting import end_when_told

if TYPE_CHECKING:
    from mlforge_serve.door import Invocation

EXAMPLES = """Examples:

\b
  mlforge serve                                        the project here, at http://127.0.0.1:8000
  mlforge serve --lock fraud.lock                      what a model was trained with
  mlforge serve --port 9000 --workers 4                four processes
  mlforge serve-key checkout --api-key-file keys.yaml  make a key
  mlforge serve --host 0.0.0.0 --api-key-file keys.yaml --tls-cert cert.pem --tls-key key.pem"""
_DEFAULTS = Limits()


def _size_or_none(ctx: click.Context, param: click.Parameter, value: str) -> int:
    try:
        return parse_size(value)
    except ValueError:
        raise _no_size(ctx, param, value) from None


def _size(ctx: click.Context, param: click.Parameter, value: str) -> int:
    found = _size_or_none(ctx, param, value)
    if not found:
        raise _no_size(ctx, param, value)
    return found


def _no_size(ctx: click.Context, param: click.Parameter, value: str) -> click.BadParameter:
    return click.BadParameter(f"{value!r} is no size: 512k, 1M, 1048576.", ctx, param)


def _name(ctx: click.Context, param: click.Parameter, value: str) -> str:
    if not value.strip():
        raise click.BadParameter("It is empty: say whose key it is.", ctx, param)
    return value


def _positive(ctx: click.Context, param: click.Parameter, value: float) -> float:
    if not 0 < value <= 3600:
        raise click.BadParameter("Seconds, above 0 and at most 3600.", ctx, param)
    return value


def _origins(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> tuple[str, ...]:
    """What a browser calls an origin: a scheme, a host and maybe a port; nothing else is ever equal to one."""
    found = tuple(words(ctx, param, value))
    if wrong := next((one for one in found if not _ORIGIN.fullmatch(one)), None):
        text = f"{wrong!r} is no origin, such as https://a.example or http://localhost:3000."
        raise click.BadParameter(text, ctx, param)
    return found


_ORIGIN = re.compile(r"\*|null|[a-z][a-z0-9+.-]*://[^/?#@\s]+")
_key_file = click.Path(dir_okay=False, path_type=Path)
_file = click.Path(exists=True, dir_okay=False, path_type=Path)
_count: Any = {"type": click.IntRange(1), "metavar": "N", "show_default": True}


@click.command("serve", epilog=EXAMPLES)
@click.option(
    "--target", metavar="PLACE", help="Where the definitions are: a file, a folder, a module, file.py:variable."
)
@click.option("--profile", metavar="NAME", help="A profile of mlforge.yaml; wins over MLFORGE_PROFILE.")
@click.option(
    "--features",
    metavar="NAMES",
    multiple=True,
    callback=words,
    help="Serve these: a,b or repeated. The store is the profile's, and no definitions are read.",
)
@click.option(
    "--lock", type=_file, metavar="FILE", help="Serve nothing but what this lock has, as `mlforge lock` makes it."
)
@click.option(
    "--lock-policy",
    type=click.Choice(["refuse", "refresh", "warn"]),
    default="refuse",
    show_default=True,
    help="What may be served in the lock's place: nothing else, later rows of the same definition, anything.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8000, show_default=True, help="The port; 0 for a free one."
)
@click.option("--workers", default=1, help="Processes that serve.", **_count)
@click.option("--tls-cert", type=_file, metavar="FILE", help="A certificate, and those it rests on: PEM.")
@click.option("--tls-key", type=_file, metavar="FILE", help="Its private key: PEM.")
@click.option(
    "--api-key-file", type=_key_file, metavar="FILE", help="The keys that may ask, as `mlforge serve-key` makes it."
)
@click.option("--insecure", is_flag=True, help="Listen beyond this machine without keys.")
@click.option(
    "--max-body", default="1M", show_default=True, metavar="SIZE", callback=_size, help="Largest body: 512k, 1M, bytes."
)
@click.option("--max-entities", default=_DEFAULTS.entities, help="Most entities in a request.", **_count)
@click.option("--max-features", default=_DEFAULTS.features, help="Most features in a request.", **_count)
@click.option(
    "--max-concurrency", default=_DEFAULTS.concurrency, help="Most requests at once, for each worker.", **_count
)
@click.option(
    "--max-remembered",
    default="128M",
    show_default=True,
    metavar="SIZE",
    callback=_size_or_none,
    help="Most memory for rows that were answered before, for each worker; 0 for none.",
)
@click.option(
    "--timeout",
    type=float,
    default=_DEFAULTS.timeout,
    show_default=True,
    metavar="SECONDS",
    callback=_positive,
    help="Longest time for a request.",
)
@click.option(
    "--cors-origins",
    metavar="ORIGINS",
    multiple=True,
    callback=_origins,
    help="Let pages of these origins ask: https://a.example,https://b.example or *.",
)
@click.option("--no-docs", is_flag=True, help="Do not serve /docs and /openapi.json.")
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    help="How to log, on stderr.",
)
@click.pass_obj
def serve(
    call: Invocation,
    target: str | None,
    profile: str | None,
    features: tuple[str, ...],
    lock: Path | None,
    lock_policy: str,
    host: str,
    port: int,
    workers: int,
    tls_cert: Path | None,
    tls_key: Path | None,
    api_key_file: Path | None,
    insecure: bool,
    max_body: int,
    max_entities: int,
    max_features: int,
    max_concurrency: int,
    max_remembered: int,
    timeout: float,
    cors_origins: tuple[str, ...],
    no_docs: bool,
    log_format: Literal["text", "json"],
) -> None:
    """Serve published features over HTTP.

    Read-only: nothing that is asked builds or writes. A new publish is noticed within seconds. Ctrl-C or SIGTERM stops
    it once what was asked is answered. Beyond this machine it wants a key file, or --insecure.
    """  # fmt: skip
    end_when_told()
    _refuse_open_door(host, api_key_file, insecure)
    if (tls_cert is None) != (tls_key is None):
        raise Invalid("TLS needs a certificate and its key.", hint="Give both --tls-cert and --tls-key.")
    served = call.served(
        target, profile, features, meanwhile=partial(import_module, "mlforge_serve.run"), lock=lock, policy=lock_policy
    )
    limits = Limits(max_body, max_entities, max_features, max_concurrency, timeout, max_remembered)
    settings = ServerSettings(
        served.project, host, port, workers, tls_cert, tls_key, api_key_file, limits, cors_origins, not no_docs,
        log_format,
    )  # fmt: skip
    _refuse_bad_files(settings)

    from mlforge_serve.logs import set_up_logs
    from mlforge_serve.run import refuse_many_workers
    from mlforge_serve.run import serve as run

    refuse_many_workers(workers)
    set_up_logs(log_format, call.debug)
    sys.exit(run(served, settings))


@click.command("serve-key")
@click.argument("name", callback=_name)
@click.option(
    "--api-key-file", required=True, type=_key_file, metavar="FILE", help="The file to add it to; made if need be."
)
@click.option(
    "--features", metavar="NAMES", multiple=True, callback=words, help="Only these features: a,b or repeated."
)
@click.option(
    "--target",
    metavar="PLACE",
    help="Where the definitions are that say which features there are, as `serve` takes it.",
)
@click.pass_obj
def serve_key(call: Invocation, name: str, api_key_file: Path, features: tuple[str, ...], target: str | None) -> None:
    """Make an API key for `mlforge serve`, for the one who is called NAME.

    The key goes to stdout, once; the file keeps its hash. A server that uses the file knows it within seconds. To
    revoke a key, remove its lines.
    """
    from mlforge_serve.api_keys import add_key

    _refuse_strangers(call, features, target)
    click.echo(add_key(api_key_file, name, frozenset(features) or None))


def _refuse_strangers(call: Invocation, features: tuple[str, ...], target: str | None) -> None:
    """Keys that are limited to features that there are none of open nothing. Without definitions that is a warning."""
    if not features:
        return
    try:
        known = call.definitions(target)
    except NotFound:
        if target is not None:
            raise
        call.warn(f"There are no definitions here: whether there are features {', '.join(features)} is not known.")
        return
    names = [*known.features, *known.request_features]
    for one in features:
        if one in known.feature_sets:
            members = ",".join(dict.fromkeys(known.feature_sets[one].names))
            raise Invalid(f"{one!r} is a feature set, and keys are limited to features.", hint=f"--features {members}")
        if one not in names:
            raise NotFound(f"There is no feature {one!r}.", hint=nearest(one, names))


def _refuse_open_door(host: str, key_file: Path | None, insecure: bool) -> None:
    if key_file is None and not insecure and not is_loopback(host):
        raise Invalid(
            f"At {host!r} others could ask, and there are no API keys.",
            hint="Give --api-key-file FILE (mlforge serve-key makes one), or --insecure if something else guards it.",
        )


def _refuse_bad_files(settings: ServerSettings) -> None:
    """Files that cannot be used are told before anybody listens."""
    if settings.key_file is not None:
        from mlforge_serve.api_keys import read_keys

        read_keys(settings.key_file)
    if settings.tls_cert is not None and settings.tls_key is not None:
        from mlforge_serve.tls import Certificate

        Certificate(settings.tls_cert, settings.tls_key)
