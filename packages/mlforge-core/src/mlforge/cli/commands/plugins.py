"""`mlforge plugins`."""

from __future__ import annotations

import click

from mlforge.cli.invocation import Invocation
from mlforge.cli.options import command as made
from mlforge.cli.options import json_option


@made("plugins")
@click.option("--check", is_flag=True, help="Exit with 1 where a plugin is broken or two claim one name.")
@json_option
@click.pass_context
def command(context: click.Context, check: bool) -> None:
    """Show what is installed, what it brings, and what is broken.

    A plugin that fails to load is named with the reason, and so are two that claim one name.
    """
    from mlforge.cli.views import documents, setup
    from mlforge.plugin.registry import registry

    call: Invocation = context.obj
    found = documents.plugins(registry(), getattr(context.find_root().command, "built_in", ()))
    call.answer(found, lambda: setup.plugins(found))
    if check and (found["conflicts"] or any(plugin["error"] for plugin in found["plugins"])):
        context.exit(1)
