"""`mlforge profile`."""

from __future__ import annotations

import click

from mlforge.cli.invocation import Invocation
from mlforge.cli.options import command as made
from mlforge.cli.options import json_option, project_options


@made("profile")
@project_options
@json_option
@click.pass_obj
def command(call: Invocation, profile: str | None, target: str | None) -> None:
    """Show the profiles, which one is in use and what it sets.

    The settings are those a build would work with: what a profile asked for by --profile or MLFORGE_PROFILE says wins
    over the definitions, and these over the default profile. Secrets are masked.
    """
    import os

    from mlforge.cli.views import documents, setup
    from mlforge.plugin.where import shown
    from mlforge.project.profiles import name_profile, read_profiles

    definitions = call.definitions(target)
    file = read_profiles(definitions.root)
    _, why = name_profile(file, profile, definitions.profile, os.environ)
    place = None if definitions.file is None else shown(definitions.file)
    found = documents.profile(place, file, definitions.settings(profile), why)
    call.answer(found, lambda: setup.profile(found))
