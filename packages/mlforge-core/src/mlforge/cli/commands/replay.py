"""`mlforge replay`."""

from __future__ import annotations

import click

from mlforge.cli import completing
from mlforge.cli.invocation import Invocation
from mlforge.cli.options import command as made
from mlforge.cli.options import engine_option, json_option, named, project_options, set_option


@made("replay")
@click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=completing.anything)
@set_option
@click.option(
    "--sample", metavar="N", type=click.IntRange(1), default=1000, show_default=True,
    help="How many entities of each feature.",
)  # fmt: skip
@click.option("--seed", metavar="N", type=int, default=0, show_default=True, help="Another number chooses others.")
@click.option("--at", metavar="TIME", help="The reader's clock, such as 2024-02-29T12:00:00Z; now if not given.")
@engine_option
@project_options
@json_option
@click.pass_context
def command(
    ctx: click.Context,
    names: tuple[str, ...],
    sets: list[str] | None,
    sample: int,
    seed: int,
    at: str | None,
    engine: str | None,
    profile: str | None,
    target: str | None,
) -> None:
    """Compare what is served with what training would see, cell by cell.

    Served vectors are read, and computed again from the versions they were published from, as of the same instant. What
    differs is listed with the reason; the exit code is then 1.
    """
    from mlforge.cli.views import documents, online_reports

    call = ctx.ensure_object(Invocation)
    definitions = call.definitions(target)
    found = definitions.replay(
        named(definitions, names, sets), sample=sample, seed=seed, at=at, engine=engine, profile=profile
    )
    call.answer(documents.replayed(found), lambda: online_reports.replayed(found))
    ctx.exit(0 if found.ok else 1)
