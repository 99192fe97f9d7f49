"""`mlforge ui`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from mlforge.errors import Invalid
from mlforge_serve.options import is_loopback, words
from mlforge_serve.starting import end_when_told

if TYPE_CHECKING:
    from mlforge_serve.ui.door import Invocation

PORT = 8010
EXAMPLES = """Examples:

\b
  mlforge ui                     the project here, at http://127.0.0.1:8010
  mlforge ui --port 0            at a free port
  mlforge ui --store-only        what the profile's stores alone tell, without definitions
  mlforge ui --profile prod      another profile's stores"""


@click.command("ui", epilog=EXAMPLES)
@click.option(
    "--target", metavar="PLACE", help="Where the definitions are: a file, a folder, a module, file.py:variable."
)
@click.option("--profile", metavar="NAME", help="A profile of mlforge.yaml; wins over MLFORGE_PROFILE.")
@click.option("--store-only", is_flag=True, help="Read no definitions: tell what the profile's stores alone tell.")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen at.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=PORT, show_default=True, help="The port; 0 for a free one."
)
@click.option("--insecure", is_flag=True, help="Listen beyond this machine: whoever reaches it may read all of it.")
@click.option(
    "--allow-host",
    metavar="NAMES",
    multiple=True,
    callback=words,
    help="Answer to these names, too: a,b or repeated. Others but addresses and localhost are refused.",
)
@click.pass_obj
def ui(
    call: Invocation,
    target: str | None,
    profile: str | None,
    store_only: bool,
    host: str,
    port: int,
    insecure: bool,
    allow_host: tuple[str, ...],
) -> None:
    """Show the catalog in a browser, live over the stores.

    Builds, publishes and drift appear as they happen, whoever makes them. Read-only: nothing that is asked writes.
    Definitions are read once, when it starts. Ctrl-C or SIGTERM stops it.
    """
    end_when_told()
    if store_only and target is not None:
        raise click.UsageError("--target reads definitions, and --store-only reads none.")
    if not insecure and not is_loopback(host):
        raise Invalid(
            f"At {host!r} others could read the catalog.",
            hint="Leave --host out, or give --insecure if something else guards it.",
        )

    from mlforge_serve.logs import set_up_logs
    from mlforge_serve.ui.run import run

    set_up_logs("text", call.debug)
    with call.live_catalog(target, profile, store_only=store_only) as catalog:
        code = run(catalog, host, port, allow_host)
    sys.exit(code)
