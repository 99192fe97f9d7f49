"""`mlforge store verify`, `gc` and `copy`."""

from __future__ import annotations

import click

from mlforge.cli.invocation import Invocation
from mlforge.cli.options import command as made
from mlforge.cli.options import common_options, json_option, project_options, target_option


@click.group(
    "store",
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    params=common_options(),
)
@click.pass_context
def command(context: click.Context) -> None:
    """Verify what the store keeps, remove what dead builds left, or copy it."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


@made("verify")
@click.option("--repair", is_flag=True, help="Point readers at whole versions, and derive a stale manifest anew.")
@project_options
@json_option
@click.pass_context
def verify(ctx: click.Context, repair: bool, profile: str | None, target: str | None) -> None:
    """Hold all that the store keeps against the hashes that were recorded.

    Data, metadata, pointers and the manifest are looked at. A repair touches neither data nor metadata. The exit code
    is 1 where something is wrong and was not repaired.
    """
    from mlforge.cli.views import kept

    call = ctx.ensure_object(Invocation)
    definitions = call.definitions(target)
    with call.working() as tell:
        report = definitions.verify_store(repair=repair, profile=profile, on_progress=tell)
    call.answer({"ok": report.ok, **kept.document(report)}, lambda: kept.verified(report))
    ctx.exit(0 if report.ok else 1)


@made("gc")
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@project_options
@json_option
@click.pass_obj
def gc(call: Invocation, dry_run: bool, profile: str | None, target: str | None) -> None:
    """Remove what dead builds left, never what a living one has.

    On this machine a lock tells the living from the dead; in a bucket, and of other machines, what changed within the
    last hour stays. Versions are never removed: that is `mlforge versions NAME --prune --keep N`.
    """
    from mlforge.cli.views import kept

    found = call.definitions(target).collect_leftovers(dry_run=dry_run, profile=profile)
    call.answer({"dry_run": dry_run, "leftovers": found}, lambda: kept.collected(found, dry_run))


@made("copy")
@click.argument("source", metavar="FROM")
@click.argument("to", metavar="TO")
@target_option
@json_option
@click.pass_context
def copy(ctx: click.Context, source: str, to: str, target: str | None) -> None:
    """Copy every version of one profile's store to another's.

    FROM and TO are profiles of mlforge.yaml. Metadata and data are copied as they are. It can be cut off at any instant
    and called again, and nothing that differs is overwritten. The exit code is 1 where a version could not be copied.
    """
    from msgspec import structs

    from mlforge.cli.views import kept

    call = ctx.ensure_object(Invocation)
    definitions = call.definitions(target)
    with call.working() as tell:
        report = definitions.copy_store(source, to, on_progress=tell)
    call.answer({"ok": report.ok, **structs.asdict(report)}, lambda: kept.copied(report))
    ctx.exit(0 if report.ok else 1)


for one in (verify, gc, copy):
    command.add_command(one)
