"""`mlforge versions`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mlforge.cli import completing
from mlforge.cli.invocation import Invocation
from mlforge.cli.options import command as made
from mlforge.cli.options import json_option, project_options

if TYPE_CHECKING:
    from mlforge.definitions import Definitions


@made("versions")
@click.argument("name", shell_complete=completing.feature)
@click.option("--prune", is_flag=True, help="Remove old versions, and the data that no version is read from.")
@click.option("--keep", type=click.IntRange(min=1), metavar="N", help="With --prune: how many of the newest to keep.")
@project_options
@json_option
@click.pass_context
def command(
    ctx: click.Context, name: str, prune: bool, keep: int | None, profile: str | None, target: str | None
) -> None:
    """List the versions of a feature, and why each was made.

    The newest comes first. With --prune all but the newest N and the one that readers get are removed.
    """
    call = ctx.ensure_object(Invocation)
    if prune != (keep is not None):
        raise click.UsageError("--prune and --keep N go together.", ctx)
    definitions = call.definitions(target)
    if keep is not None:
        remove(call, definitions, name, keep, profile)
    else:
        answer(call, definitions, name, profile)


def remove(call: Invocation, definitions: Definitions, name: str, keep: int, profile: str | None) -> None:
    """Remove the old versions of a feature, and say how much that freed."""
    from mlforge.cli.views import versions

    refuse_unknown(definitions, name, profile)
    pruned = definitions.prune(name, keep, profile)
    document = {"feature": name, "removed": list(pruned.versions), "freed_bytes": pruned.bytes}
    call.answer(document, lambda: versions.pruned(name, pruned))


def answer(call: Invocation, definitions: Definitions, name: str, profile: str | None) -> None:
    """Answer with the versions of a feature that is defined here or kept in the store."""
    from mlforge.cli.views import documents, versions

    refuse_unknown(definitions, name, profile)
    latest = definitions.latest(name, profile)
    found = definitions.history(name, profile) if call.json else definitions.version_summaries(name, profile)
    call.answer(documents.versions(name, latest, found), lambda: versions.history(name, latest, found))


def refuse_unknown(definitions: Definitions, name: str, profile: str | None) -> None:
    """Raise `Unknown` for a feature that is neither kept in the store nor defined here."""
    if not definitions.list_versions(name, profile):
        definitions.feature(name)
