"""`mlforge completion`."""

from __future__ import annotations

import click

from mlforge.cli.options import command as made

WHERE = {
    "bash": 'eval "$(mlforge completion bash)"    # in ~/.bashrc',
    "zsh": 'eval "$(mlforge completion zsh)"    # in ~/.zshrc, after compinit',
    "fish": "mlforge completion fish | source    # in ~/.config/fish/config.fish",
}
"""The line that turns it on, by shell."""

AS_IT_IS = {
    "bash": (
        "COMPREPLY+=($value)",
        """[[ ${COMP_WORDS[COMP_CWORD]} == [\\"\\']* ]] || printf -v value %q "$value"
            COMPREPLY+=("${value//\\\\,/,}")""",
    ),
    "fish": ('string split ","', 'string split -m 1 ","'),
}
"""What click's scripts do with a value, and what leaves it whole: a space, a star or a comma of it is its own."""


@made("completion")
@click.argument("shell", type=click.Choice(list(WHERE)))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print what makes a shell complete commands, features and versions.

    Features, versions, tags, sets and profiles are completed, too, from the store's manifest and the definitions' text:
    nothing of the project is run. To turn it on in bash, add to ~/.bashrc: eval "$(mlforge completion bash)"
    """
    from click.shell_completion import get_completion_class

    kind = get_completion_class(shell)
    assert kind is not None  # noqa: S101 - click has all three
    made = kind(ctx.find_root().command, {}, "mlforge", "_MLFORGE_COMPLETE")
    click.echo((made.source_template % made.source_vars()).replace(*AS_IT_IS.get(shell, ("", ""))))
    click.echo(f"# {WHERE[shell]}")
