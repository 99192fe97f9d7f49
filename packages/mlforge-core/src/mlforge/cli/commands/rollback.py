"""`mlforge rollback`."""

from __future__ import annotations

import click

from mlforge.cli.invocation import Invocation
from mlforge.cli.options import command as made
from mlforge.cli.options import project_options


@made("rollback")
@click.argument("name")
@click.argument("version", metavar="V")
@project_options
@click.pass_obj
def command(call: Invocation, name: str, version: str, profile: str | None, target: str | None) -> None:
    """Make an older version of a feature the one that readers get.

    No version is deleted, and the next build gets a number that nobody has.
    """
    from mlforge.cli import show
    from mlforge.cli.commands.versions import refuse_unknown

    definitions = call.definitions(target)
    refuse_unknown(definitions, name, profile)
    before = definitions.latest(name, profile)
    definitions.rollback(name, version, profile)
    show.rolled_back(name, before, version)
