"""`mlforge manifest`."""

from __future__ import annotations

import click

from mlforge.cli.invocation import Invocation
from mlforge.cli.options import command as made
from mlforge.cli.options import json_option, project_options


@made("manifest")
@click.option("--regenerate", is_flag=True, help="Derive it anew from the versions' metadata, and keep it.")
@project_options
@json_option
@click.pass_obj
def command(call: Invocation, regenerate: bool, profile: str | None, target: str | None) -> None:
    """Show every built feature of the store at a glance.

    The manifest is derived from the versions' metadata; builds keep it up to date.
    """
    from mlforge.cli.views import listed

    found = call.definitions(target).manifest(regenerate, profile)
    call.answer(found, lambda: listed.manifest(found))
