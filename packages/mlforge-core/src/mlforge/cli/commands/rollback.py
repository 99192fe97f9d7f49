"""`mlforge rollback`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mlforge.cli import completing
from mlforge.cli.invocation import Invocation
from mlforge.cli.options import command as made
from mlforge.cli.options import json_option, project_options
from mlforge.errors import Invalid, NotFound

if TYPE_CHECKING:
    from mlforge.definitions import Definitions


@made("rollback")
@click.argument("name", shell_complete=completing.feature)
@click.argument("version", metavar="V", shell_complete=completing.versions)
@click.option("--online", is_flag=True, help="Publish that version, too, as of now.")
@project_options
@json_option
@click.pass_obj
def command(call: Invocation, name: str, version: str, online: bool, profile: str | None, target: str | None) -> None:
    """Make an older version of a feature the one that readers get.

    No version is deleted, and the next build gets a number that nobody has.
    """
    from mlforge.cli.commands.versions import refuse_unknown
    from mlforge.cli.views import versions

    definitions = call.definitions(target)
    refuse_unknown(definitions, name, profile)
    before = _pointed_at(definitions, name, profile)
    definitions.rollback(name, version, profile, online=online)
    document = {"feature": name, "before": before, "latest": version, "online": online}
    call.answer(document, lambda: versions.rolled_back(name, before, version, online=online))


def _pointed_at(definitions: Definitions, name: str, profile: str | None) -> str | None:
    """The version readers get; None where there is no way back to it: the pointer is damaged, or what it names."""
    try:
        latest = definitions.latest(name, profile)
        return latest and definitions.metadata(name, latest, profile).version
    except (Invalid, NotFound):
        return None
