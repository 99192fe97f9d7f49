"""`mlforge help`."""

from __future__ import annotations

import click

from mlforge.cli.options import command as made


@made("help")
@click.argument("words", metavar="[COMMAND]...", nargs=-1)
@click.pass_context
def command(ctx: click.Context, words: tuple[str, ...]) -> None:
    """Show what a command does and takes.

    `mlforge help build` is `mlforge build --help`; alone it lists the commands.
    """
    at = ctx.find_root()
    for word in words:
        group = at.command
        if not isinstance(group, click.Group):
            raise click.UsageError(f"{at.command_path!r} has no commands of its own.", at)
        name, found, _ = group.resolve_command(at, [word])
        if found is None:
            raise click.UsageError(f"{at.command_path!r} has no command {word!r}.", at)
        at = click.Context(found, info_name=name, parent=at, help_option_names=["-h", "--help"])
    click.echo(at.get_help())
