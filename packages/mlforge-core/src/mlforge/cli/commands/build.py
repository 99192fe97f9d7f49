"""`mlforge build`."""

from __future__ import annotations

import click

from mlforge.cli.invocation import Invocation
from mlforge.cli.options import as_of_option, engine_option, json_option, named, project_options, selection_options
from mlforge.cli.options import command as made

EXAMPLES = """Examples:

\b
  mlforge build                                  what has changed
  mlforge build --features user_spend --force    one feature, changed or not
  mlforge build --set fraud                      the features of a set
  mlforge build --schedule daily --profile prod  for a nightly job
  mlforge build --online                         and bring it into the online store
  mlforge build --dry-run                        only say what would be done
  mlforge build --since 2026-01-31 --until 2026-02-02   only these days' events are new or changed
  mlforge build --last 7d                        the same, of the last seven days"""


@made("build", epilog=EXAMPLES)
@selection_options
@click.option("--version", metavar="X.Y.Z", help="Give the one feature this version instead of the next one.")
@click.option("--force", is_flag=True, help="Build even what has not changed.")
@click.option(
    "--since",
    metavar="TIME",
    help="Build on: only events from here on are new or changed. A time or date in UTC, or 7d.",
)
@click.option("--until", metavar="TIME", help="The same, up to, not including, here.")
@click.option("--last", metavar="LENGTH", help="The same, this long before --until or now: 7d, 12h.")
@click.option("--full-refresh", is_flag=True, help="Build everything, also of features that are built incrementally.")
@click.option("--dry-run", is_flag=True, help="Only say what would be built, and as which version.")
@click.option("--quality/--no-quality", default=None, help="Measure what is built; on, unless the profile says no.")
@click.option("--online", is_flag=True, help="Publish what was built, and what has not changed, to the online store.")
@click.option("--online-only", is_flag=True, help="Build nothing; publish what is built.")
@as_of_option
@click.option("--preview/--no-preview", default=None, help="Show the first rows; on, except with --json.")
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
    version: str | None,
    force: bool,
    since: str | None,
    until: str | None,
    last: str | None,
    full_refresh: bool,
    dry_run: bool,
    quality: bool | None,
    online: bool,
    online_only: bool,
    as_of: str | None,
    preview: bool | None,
    engine: str | None,
    profile: str | None,
    target: str | None,
) -> None:
    """Compute features, check them and keep them as versions.

    What has not changed is left alone. A feature that fails is reported and stops no other; the exit code is then 1.
    """
    from mlforge.cli.views import build_reports, documents, online_reports

    call = ctx.ensure_object(Invocation)
    definitions = call.definitions(target)
    features = named(definitions, features, sets)
    wanted = not call.json if preview is None else preview
    with call.working() as tell:
        found = definitions.build(
            features, tags=tags, schedule=schedule, version=version, force=force, engine=engine, dry_run=dry_run,
            since=since, until=until, last=last, full_refresh=full_refresh, quality=quality, preview=wanted,
            online=online, online_only=online_only, as_of=as_of, profile=profile, on_progress=tell,
        )  # fmt: skip
    if online_only:
        call.answer(documents.report(found), lambda: online_reports.published(found.published))
    elif found.results:
        call.answer(documents.report(found), lambda: build_reports.built(found, forced=force))
    else:
        nothing = (len(definitions.features), features, tags, schedule)
        call.answer(documents.report(found), lambda: build_reports.nothing("build", *nothing))
    ctx.exit(0 if found.ok else 1)
