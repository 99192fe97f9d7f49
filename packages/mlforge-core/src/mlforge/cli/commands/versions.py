"""`mlforge versions`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mlforge.cli.invocation import Invocation
from mlforge.cli.options import command as made
from mlforge.cli.options import json_option, project_options

if TYPE_CHECKING:
    from mlforge.definitions import Definitions


@made("versions")
@click.argument("name")
@project_options
@json_option
@click.pass_obj
def command(call: Invocation, name: str, profile: str | None, target: str | None) -> None:
    """List the versions of a feature, and why each was made.

    The newest comes first.
    """
    answer(call, call.definitions(target), name, profile)


def answer(call: Invocation, definitions: Definitions, name: str, profile: str | None) -> None:
    """Answer with the versions of a feature that is defined here or kept in the store."""
    from mlforge.cli import documents, show

    refuse_unknown(definitions, name, profile)
    history, latest = definitions.history(name, profile), definitions.latest(name, profile)
    call.answer(documents.versions(name, latest, history), lambda: show.versions(name, latest, history))


def refuse_unknown(definitions: Definitions, name: str, profile: str | None) -> None:
    """Raise `Unknown` for a feature that is neither kept in the store nor defined here."""
    if not definitions.list_versions(name, profile):
        definitions.feature(name)
