"""`mlforge explain`."""

from __future__ import annotations

import click

from mlforge.cli import completing
from mlforge.cli.invocation import Invocation
from mlforge.cli.options import command as made
from mlforge.cli.options import engine_option, json_option, project_options, words

EXAMPLES = """Examples:

\b
  mlforge explain user_spend --key user_id=42                         now
  mlforge explain user_spend --key user_id=42 --at 2013-06-01T12:00
  mlforge explain trips --key origin=JFK --key dest=LAX --column delay_7d"""


def _keys(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> dict[str, str]:
    """`--key a=1 --key b=2` as names and texts."""
    found: dict[str, str] = {}
    for pair in value:
        name, sign, text = pair.partition("=")
        if not sign or not name:
            raise click.BadParameter(f"{pair!r} is not NAME=VALUE, such as user_id=42.", ctx, param)
        if name in found:
            raise click.BadParameter(f"{name!r} is given twice: one entity is explained at a time.", ctx, param)
        found[name] = text
    return found


@made("explain", epilog=EXAMPLES)
@click.argument("feature", shell_complete=completing.pinned)
@click.option(
    "--key", "key", multiple=True, required=True, metavar="NAME=VALUE", callback=_keys,
    help="The entity: one for each key column; for a surrogate key, itself or the columns it is made of.",
)  # fmt: skip
@click.option(
    "--at", metavar="TIME",
    help="The instant: 2013-06-01, 2013-06-01T12:00 (UTC), either with a zone, or how long ago: 7d. Now if not given.",
)  # fmt: skip
@click.option("--column", "columns", multiple=True, metavar="NAMES", callback=words, help="Only these columns.")
@click.option("--version", metavar="X.Y.Z", help="This version instead of the latest.")
@engine_option
@project_options
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    feature: str,
    key: dict[str, str],
    at: str | None,
    columns: list[str] | None,
    version: str | None,
    engine: str | None,
    profile: str | None,
    target: str | None,
) -> None:
    """Show what a value is made of, and whether recomputing gives the same.

    The row that an instant sees, the windows with the events in them, and each value as it is stored and as the
    function over the source gives it now. The exit code is 1 where a value differs or could not be recomputed.
    """
    from mlforge.cli.views import documents, explained

    call = ctx.ensure_object(Invocation)
    definitions = call.definitions(target)
    with call.working() as tell:
        found = definitions.explain(
            feature, key, at, columns=columns, version=version, engine=engine, profile=profile, on_progress=tell
        )
    call.answer(documents.explanation(found), lambda: explained.show(found))
    ctx.exit(0 if found.agrees else 1)
