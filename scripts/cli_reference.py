"""Write docs/cli.md: what every command of the core says of itself."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import click

from mlforge.cli.roster import COMMANDS, core_command

PAGE = Path(__file__).resolve().parent.parent / "docs" / "cli.md"
HEAD = """# Command line

<!-- Made by scripts/cli_reference.py: a change here is lost. -->

`mlforge` comes with `mlforge-core`. It finds a project's definitions by itself: the one `definitions.py` in the
project's folder or below, or else the one file that makes a `Definitions`. The project's folder is the nearest one
upward with an `mlforge.yaml`, or else the current one. Plugins may add commands: [`mlforge serve`](serving.md) comes
with `mlforge-serve`.

| command | does |
|---|---|
"""
EXITS = """
## Exit codes and streams

| code | means |
|---|---|
| 0 | all went well |
| 1 | something failed: a feature, a promise, or the command itself |
| 2 | the call was wrong: an unknown option or command; or, of `mlforge plan`, a lock breaks |
| 130 | interrupted by Ctrl-C |

The answer goes to stdout, progress and errors to stderr. With `--json` there is one JSON document on stdout and nothing
else, also when the command fails; one that is interrupted (exit code 130) prints none. `NO_COLOR` turns colours off;
`COLUMNS` sets the width of tables.
"""
EVERYWHERE = {"--debug", "--help", "--quiet", "--verbose"}


def reference() -> str:
    """The page, from the commands as they are."""
    rows = "".join(f"| [`{name}`](#{_anchor(name)}) | {summary} |\n" for name, summary in COMMANDS.items())
    common = (
        "\nEvery command takes `-q` (nothing but the answer and errors), `-v` (each step, and what is noteworthy), "
        "`--debug` (tracebacks and the debug log), and `-h` or `--help`.\n"
    )
    return HEAD + rows + common + "".join(_section(name) for name in COMMANDS) + EXITS


def _anchor(name: str) -> str:
    """Where a command's section is: that of a group's first command."""
    command = core_command(name)
    inner = f"-{next(iter(command.commands))}" if isinstance(command, click.Group) else ""
    return f"mlforge-{name}{inner}"


def _section(name: str) -> str:
    command = core_command(name)
    if isinstance(command, click.Group):
        return "".join(_described(f"{name} {word}", inner) for word, inner in command.commands.items())
    return _described(name, command)


def _described(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=f"mlforge {name}", terminal_width=200)
    usage = " ".join(["mlforge", name, *command.collect_usage_pieces(context)])
    parts = [f"\n## mlforge {name}", f"`{usage}`", _reflowed(command.help or ""), *_options(command, context)]
    if command.epilog:
        parts.append(_examples(command.epilog))
    return "\n\n".join(parts) + "\n"


def _options(command: click.Command, context: click.Context) -> Iterator[str]:
    options = [p for p in command.get_params(context) if isinstance(p, click.Option)]
    records = [r for o in options if not EVERYWHERE & set(o.opts) and (r := o.get_help_record(context))]
    if records:
        yield "\n".join(["| option | does |", "|---|---|", *(f"| `{option}` | {text} |" for option, text in records)])


def _examples(epilog: str) -> str:
    """The commands of an epilog, each with what it is for."""
    pairs = re.findall(r"^  (mlforge .*?)(?:  +(.*))?$", epilog, flags=re.MULTILINE)
    return "\n".join(["| example | for |", "|---|---|", *(f"| `{call}` | {text} |" for call, text in pairs)])


def _reflowed(text: str) -> str:
    paragraphs = inspect.cleandoc(text).replace("\b\n", "").split("\n\n")
    return "\n\n".join(" ".join(p.split()) for p in paragraphs)


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
