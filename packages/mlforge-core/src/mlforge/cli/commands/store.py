"""`mlforge store verify` and `gc`."""

from __future__ import annotations

import click

from mlforge.cli.invocation import Invocation
from mlforge.cli.options import command as made
from mlforge.cli.options import debug_option, json_option, project_options


@click.group(
    "store",
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    params=[debug_option()],
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


for one in (verify, gc):
    command.add_command(one)
