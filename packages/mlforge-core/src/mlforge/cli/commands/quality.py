"""`mlforge quality`."""

from __future__ import annotations

import click

from mlforge.cli.invocation import Invocation
from mlforge.cli.options import command as made
from mlforge.cli.options import json_option, project_options

EXAMPLES = """Examples:

\b
  mlforge quality user_spend                   the version that readers get
  mlforge quality user_spend --version 1.0.0   another one
  mlforge quality user_spend --json            for a program"""


@made("quality", epilog=EXAMPLES)
@click.argument("name")
@click.option("--version", metavar="X.Y.Z", help="Of this version instead of the latest.")
@project_options
@json_option
@click.pass_context
def command(ctx: click.Context, name: str, version: str | None, profile: str | None, target: str | None) -> None:
    """Show what the rows of a version are like.

    Nulls, ranges and how values are spread: it was measured when the version was built.
    """
    from mlforge.cli.commands.versions import refuse_unknown
    from mlforge.cli.views import qualities

    call = ctx.ensure_object(Invocation)
    definitions = call.definitions(target)
    refuse_unknown(definitions, name, profile)
    found = definitions.quality(name, version, profile)
    call.answer(found, lambda: qualities.shown(found))
