"""`mlforge validate`."""

from __future__ import annotations

import click

from mlforge.cli.invocation import Invocation
from mlforge.cli.options import command as made
from mlforge.cli.options import engine_option, json_option, named, project_options, selection_options


@made("validate")
@selection_options
@engine_option
@project_options
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    features: list[str] | None,
    sets: list[str] | None,
    tags: list[str] | None,
    schedule: list[str] | None,
    engine: str | None,
    profile: str | None,
    target: str | None,
) -> None:
    """Compute features and check what they promise, and write nothing.

    A broken promise is listed with its column, how many rows break it and three of their values; the exit code is 1.
    """
    from mlforge.cli.views import build_reports, documents

    call = ctx.ensure_object(Invocation)
    definitions = call.definitions(target)
    features = named(definitions, features, sets)
    with call.working() as tell:
        found = definitions.validate(
            features, tags=tags, schedule=schedule, engine=engine, profile=profile, on_progress=tell
        )
    if found.results:
        call.answer(documents.report(found), lambda: build_reports.validated(found))
    else:
        nothing = (len(definitions.features), features, tags, schedule)
        call.answer(documents.report(found), lambda: build_reports.nothing("validate", *nothing))
    ctx.exit(0 if found.ok else 1)
