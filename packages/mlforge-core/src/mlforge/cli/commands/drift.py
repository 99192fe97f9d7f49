"""`mlforge drift`."""

from __future__ import annotations

import click

from mlforge.cli.invocation import Invocation
from mlforge.cli.options import command as made
from mlforge.cli.options import engine_option, json_option, project_options, words
from mlforge.model.drift import MATTERS, METHODS, Method

EXAMPLES = """Examples:

\b
  mlforge drift user_spend                       the latest version against the one before it
  mlforge drift user_spend --against 1.0.0       against another one
  mlforge drift user_spend --since 7d            its last week against all before
  mlforge drift user_spend --since 7d --fail     for a pipeline: exit code 1 where a column has drifted"""


@made("drift", epilog=EXAMPLES)
@click.argument("name")
@click.option("--version", metavar="X.Y.Z", help="The version to look at instead of the latest.")
@click.option("--against", metavar="X.Y.Z", help="The version to compare it with instead of the one before.")
@click.option(
    "--since", metavar="TIME", help="Compare what it has from here on with what it has before: a time, or 7d."
)
@click.option("--columns", multiple=True, metavar="NAMES", callback=words, help="Only these columns: a,b or repeated.")
@click.option(
    "--method",
    type=click.Choice(list(METHODS)),
    default="psi",
    show_default=True,
    help="How to tell how far two samples are apart.",
)
@click.option(
    "--threshold", type=click.FloatRange(min=0), default=MATTERS, show_default=True, help="What distance matters."
)
@click.option("--fail", is_flag=True, help="Exit with 1 where a column has drifted, or none could be compared.")
@engine_option
@project_options
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    name: str,
    version: str | None,
    against: str | None,
    since: str | None,
    columns: list[str] | None,
    method: Method,
    threshold: float,
    fail: bool,
    engine: str | None,
    profile: str | None,
    target: str | None,
) -> None:
    """Show whether the values of a feature have drifted.

    Each column has its verdict and the reason. What chance may do to samples of these sizes is no drift, however great
    the distance.
    """
    from mlforge.cli.commands.versions import refuse_unknown
    from mlforge.cli.views import qualities

    call = ctx.ensure_object(Invocation)
    definitions = call.definitions(target)
    refuse_unknown(definitions, name, profile)
    found = definitions.drift(
        name, version=version, against=against, since=since, columns=columns, method=method, threshold=threshold,
        engine=engine, profile=profile,
    )  # fmt: skip
    call.answer(found, lambda: qualities.drifted(found))
    nothing_said = len(found.uncompared) == len(found.columns)
    ctx.exit(1 if fail and (nothing_said or not found.ok) else 0)
