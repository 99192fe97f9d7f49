"""`mlforge lock`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from mlforge.cli import completing
from mlforge.cli.invocation import Invocation
from mlforge.cli.options import command as made
from mlforge.cli.options import json_option, lock_policy_option, project_options

if TYPE_CHECKING:
    from mlforge.definitions import Definitions
    from mlforge.flow.lock import LockPolicy

EXAMPLES = """Examples:

\b
  mlforge lock fraud                    show the versions that the set is made of now
  mlforge lock fraud -o fraud.lock      keep them beside the model
  mlforge lock --check fraud.lock       are they there, and are they what is served?"""


@made("lock", epilog=EXAMPLES)
@click.argument("names", metavar="[NAME[@VERSION]]...", nargs=-1, shell_complete=completing.pinned)
@click.option("-o", "--output", metavar="FILE", help="Write the lock to a file.")
@click.option("--full-names", is_flag=True, help="Its columns are named {feature}__{column}.")
@click.option("--check", metavar="FILE", help="Hold a lock against the store, and against what is served.")
@lock_policy_option
@project_options
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    names: tuple[str, ...],
    output: str | None,
    full_names: bool,
    check: str | None,
    lock_policy: LockPolicy,
    profile: str | None,
    target: str | None,
) -> None:
    """Keep which versions a model is trained with, or check them.

    A name is that of a set or a feature. A lock is JSON: without -o it goes to stdout. With --check the exit code is 1
    where a version is gone, changed or damaged, or another is served than the policy allows.
    """
    call = ctx.ensure_object(Invocation)
    if check is None and not names:
        raise click.UsageError("Name what to lock, or give --check FILE.", ctx)
    if check is not None and names:
        raise click.UsageError("--check looks at all that the lock has: name nothing beside it.", ctx)
    if check is not None and (output is not None or full_names):
        raise click.UsageError("--output and --full-names make a lock; --check makes none.", ctx)
    definitions = call.definitions(target)
    if check is None:
        _lock(call, definitions, names, output, full_names, profile)
    else:
        ctx.exit(_check(call, definitions, check, lock_policy, profile))


def _lock(
    call: Invocation,
    definitions: Definitions,
    names: tuple[str, ...],
    output: str | None,
    full_names: bool,
    profile: str | None,
) -> None:
    from mlforge.cli.views import locks

    found = definitions.lock(list(names), full_names=full_names, profile=profile)
    if output is None:
        call.answer(found, lambda: click.echo(found.encode(), nl=False))
        return
    found.save(output)
    call.answer(found, lambda: locks.made(found, output))


def _check(call: Invocation, definitions: Definitions, file: str, policy: LockPolicy, profile: str | None) -> int:
    from mlforge.cli.views import documents, locks

    found = definitions.check_lock(file, policy=policy, profile=profile)
    call.answer(documents.checked_lock(found), lambda: locks.checked(found))
    return 0 if found.ok else 1
