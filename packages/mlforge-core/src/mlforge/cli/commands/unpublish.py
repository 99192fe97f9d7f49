"""`mlforge unpublish`."""

from __future__ import annotations

import click

from mlforge.cli import completing
from mlforge.cli.invocation import Invocation
from mlforge.cli.options import command as made
from mlforge.cli.options import json_option, project_options

EXAMPLES = """Examples:

\b
  mlforge unpublish user_spend@2.0.0    the end of an A/B test: what `publish --beside` brought goes"""


@made("unpublish", epilog=EXAMPLES)
@click.argument("versions", metavar="NAME@VERSION...", nargs=-1, required=True, shell_complete=completing.pinned)
@project_options
@json_option
@click.pass_context
def command(ctx: click.Context, versions: tuple[str, ...], profile: str | None, target: str | None) -> None:
    """Take versions away that were published beside what is served.

    What is served to those who name no version stays: to serve another one to them, publish that. What a lock has and
    was served beside the rest is not served any more.
    """
    from mlforge.cli.views import documents, online_reports

    call = ctx.ensure_object(Invocation)
    definitions = call.definitions(target)
    with call.working() as tell:
        found = definitions.unpublish(list(versions), profile=profile, on_progress=tell)
    call.answer(documents.published(found), lambda: online_reports.published(found))
    ctx.exit(0 if found.ok else 1)
