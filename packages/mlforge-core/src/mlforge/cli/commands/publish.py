"""`mlforge publish`."""

from __future__ import annotations

import click

from mlforge.cli import completing
from mlforge.cli.invocation import Invocation
from mlforge.cli.options import (
    as_of_option,
    engine_option,
    json_option,
    named,
    project_options,
    schedule_option,
    set_option,
    tags_option,
)
from mlforge.cli.options import command as made

EXAMPLES = """Examples:

\b
  mlforge publish                       all features: what has changed, and what is gone goes
  mlforge publish user_spend            one feature
  mlforge publish user_spend@1.0.0      a version that is not the latest
  mlforge publish --set fraud           the features of a set, at the versions it names
  mlforge publish user_spend@2.0.0 --beside   for an A/B test: both versions can be asked for
  mlforge publish --schedule hourly     for a job that keeps what is served exact"""


@made("publish", epilog=EXAMPLES)
@click.argument("names", metavar="[NAME[@VERSION]]...", nargs=-1, shell_complete=completing.pinned)
@set_option
@tags_option
@schedule_option
@as_of_option
@click.option("--force", is_flag=True, help="Write every entity, changed or not.")
@click.option(
    "--beside", is_flag=True, help="Publish the versions that are named beside what is served, for those who name them."
)
@engine_option
@project_options
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    names: tuple[str, ...],
    sets: list[str] | None,
    tags: list[str] | None,
    schedule: list[str] | None,
    as_of: str | None,
    force: bool,
    beside: bool,
    engine: str | None,
    profile: str | None,
    target: str | None,
) -> None:
    """Bring built versions into the online store.

    Written is what has changed since the last publish; entities that are gone are removed. A publish that was cut off
    is taken up where it was. Nothing older ever replaces something newer.
    """
    from mlforge.cli.views import documents, online_reports

    call = ctx.ensure_object(Invocation)
    definitions = call.definitions(target)
    with call.working() as tell:
        found = definitions.publish(
            named(definitions, names, sets), tags=tags, schedule=schedule, as_of=as_of, force=force, beside=beside,
            engine=engine, profile=profile, on_progress=tell,
        )  # fmt: skip
    call.answer(documents.published(found), lambda: online_reports.published(found))
    ctx.exit(0 if found.ok else 1)
