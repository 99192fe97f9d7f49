"""`mlforge plan`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mlforge.cli import completing
from mlforge.cli.invocation import Invocation
from mlforge.cli.options import command as made
from mlforge.cli.options import json_option, lock_policy_option, named, project_options, set_option

if TYPE_CHECKING:
    from mlforge.flow.lock import LockPolicy

LOCK_BREAKS = 2
EXAMPLES = """Examples:

\b
  mlforge plan                                       everything
  mlforge plan --set fraud                           the features of a set
  mlforge plan --lock fraud.lock                     for a pipeline: exit code 2 where the lock breaks
  mlforge plan --lock a.lock --lock b.lock --json    for a program"""


@made("plan", epilog=EXAMPLES)
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=completing.anything)
@set_option
@click.option("--lock", "locks", metavar="FILE", multiple=True, help="Tell whether this lock breaks; may be repeated.")
@lock_policy_option
@project_options
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    names: tuple[str, ...],
    sets: list[str] | None,
    locks: tuple[str, ...],
    lock_policy: LockPolicy,
    profile: str | None,
    target: str | None,
) -> None:
    """Show what the definitions would change, before anything is built.

    And which sets and locks that breaks. No function is run and no source is read: what depends on the columns that
    come out is unknown until it is built. The exit code is 2 where a lock breaks, else 1 where a feature cannot be
    built.
    """
    from mlforge.cli.views import changes, documents

    call = ctx.ensure_object(Invocation)
    definitions = call.definitions(target)
    found = definitions.plan(named(definitions, names, sets), locks=locks, policy=lock_policy, profile=profile)
    call.answer(documents.change_plan(found), lambda: changes.planned(found))
    ctx.exit(LOCK_BREAKS if found.breaks else 1 if any(f.status == "failed" for f in found) else 0)
