"""`mlforge diff`."""

from __future__ import annotations

import click

from mlforge.cli import completing
from mlforge.cli.invocation import Invocation
from mlforge.cli.options import command as made
from mlforge.cli.options import json_option, project_options


@made("diff")
@click.argument("name", shell_complete=completing.feature)
@click.argument("before", metavar="V1", shell_complete=completing.versions)
@click.argument("after", metavar="V2", shell_complete=completing.versions)
@project_options
@json_option
@click.pass_obj
def command(call: Invocation, name: str, before: str, after: str, profile: str | None, target: str | None) -> None:
    """Show what changed between two versions of a feature.

    Columns and their types, the definition, the function, the source, the rows.
    """
    from mlforge.cli.commands.versions import refuse_unknown
    from mlforge.cli.views import documents, versions

    definitions = call.definitions(target)
    refuse_unknown(definitions, name, profile)
    found = documents.difference(definitions.diff(name, before, after, profile))
    call.answer(found, lambda: versions.difference(found))
