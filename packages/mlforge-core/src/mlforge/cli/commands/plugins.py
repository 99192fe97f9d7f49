"""`mlforge plugins`."""

from __future__ import annotations

import click

from mlforge.cli.invocation import Invocation
from mlforge.cli.options import command as made
from mlforge.cli.options import json_option


@made("plugins")
@json_option
@click.pass_obj
def command(call: Invocation) -> None:
    """Show what is installed, what it brings, and what is broken.

    A plugin that fails to load is named with the reason, and so are two that claim one name.
    """
    from mlforge.cli.views import documents, setup
    from mlforge.plugin.registry import registry

    found = documents.plugins(registry())
    call.answer(found, lambda: setup.plugins(found))
