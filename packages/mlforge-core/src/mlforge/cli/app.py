"""`mlforge`: the group of all commands, and the one place where errors become words and exit codes."""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence
from typing import Any

import click
from click.shell_completion import CompletionItem

from mlforge.__about__ import __version__
from mlforge.cli import roster
from mlforge.cli.again import again, options_in
from mlforge.cli.invocation import Invocation, say_error
from mlforge.cli.options import common_options
from mlforge.errors import MlforgeError, Unknown, nearest

FAILED, USAGE, INTERRUPTED = 1, 2, 130


class Commands(click.Group):
    """The commands of the core and of plugins, each imported when it is called."""

    built_in = frozenset(roster.COMMANDS)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return [*roster.COMMANDS, *sorted(roster.plugin_commands())]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name in roster.COMMANDS:
            return roster.core_command(cmd_name)
        return roster.plugin_command(cmd_name) if cmd_name in roster.plugin_commands() else None

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Commands by their table: none is imported for it."""
        known = {**roster.COMMANDS, **roster.plugin_commands()}
        begun = [CompletionItem(name, help=text) for name, text in known.items() if name.startswith(incomplete)]
        return begun + click.Command.shell_complete(self, ctx, incomplete)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        rows = [*roster.COMMANDS.items(), *sorted(roster.plugin_commands().items())]
        with formatter.section("Commands"):
            formatter.write_dl(rows)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        name = args[0]
        if not name.startswith("-") and self.get_command(ctx, name) is None:
            raise _no_command(name, self.list_commands(ctx))
        return super().resolve_command(ctx, args)

    def invoke(self, ctx: click.Context) -> int:
        """Run the command. What a command returns is no exit code; it leaves with `ctx.exit(code)`."""
        try:
            super().invoke(ctx)
        except click.UsageError as error:
            if error.ctx is None and (called := ctx.invoked_subcommand):
                error.ctx = click.Context(self.get_command(ctx, called) or self, info_name=called, parent=ctx)
            raise
        except KeyboardInterrupt:
            line = "Interrupted. Nothing half-built is visible to anybody."
            click.echo(f"\n{line}" if sys.stderr.isatty() else line, err=True)
            ctx.exit(INTERRUPTED)
        return 0


@click.group(
    cls=Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="`mlforge COMMAND --help` says more about a command.",
    params=common_options(),
)
@click.version_option(__version__, "-V", "--version", prog_name="mlforge", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """A feature store: the same, leak-free feature value in training and in serving."""
    from mlforge.cli.logs import show_everything, shown_logs

    ctx.with_resource(shown_logs())
    call = ctx.ensure_object(Invocation)
    if call.debug:
        show_everything()
    elif call.loudness:
        call.set_logs()
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def run(arguments: Sequence[str] | None = None, call: Invocation | None = None) -> int:
    """Run `mlforge` and return its exit code: 0, 1 for a failure, 2 for a wrong call, 130 for Ctrl-C."""
    call = call or Invocation()
    call.named = options_in(sys.argv[1:] if arguments is None else arguments)
    _open_closed_streams()
    _survive_narrow_encodings()
    try:
        code = cli.main(arguments, prog_name="mlforge", obj=call, standalone_mode=False)
        sys.stdout.flush()
    except click.Abort:
        say_error("Interrupted.", "red", "")
        return INTERRUPTED
    except BrokenPipeError:
        return _reader_gone()
    except click.UsageError as error:
        if _names_json(sys.argv[1:] if arguments is None else arguments):
            call.answer_in_json_anyway()
        return _fail(call, error)
    except Exception as error:  # noqa: BLE001 - what nobody foresaw ends here too, in words
        return _fail(call, error)
    return int(code or 0)


def _names_json(arguments: Sequence[str]) -> bool:
    """Whether `--json` is among the options of a call."""
    words = list(arguments)
    return "--json" in (words[: words.index("--")] if "--" in words else words)


def _fail(call: Invocation, error: Exception) -> int:
    message, hint, code = _worded(error)
    hint = again(hint, call.named) if isinstance(error, MlforgeError) and hint else hint
    if call.debug:
        import traceback

        traceback.print_exception(error)
    say_error("Error:", "red", message)
    if hint:
        say_error("Hint:", "cyan", hint)
    where = error.where if isinstance(error, MlforgeError) else None
    if where:
        say_error("Where:", "cyan", where)
    told = {"kind": type(error).__name__, "message": message, "hint": hint}
    try:
        call.answer({"error": told | ({"where": where} if where else {})}, lambda: None)
        sys.stdout.flush()
    except OSError:
        _discard_stdout()
    return code


def _worded(error: Exception) -> tuple[str, str | None, int]:
    """What to say of an error, the way out of it, and the exit code."""
    if isinstance(error, MlforgeError):
        return error.message, error.hint, FAILED
    if isinstance(error, click.UsageError):
        return " ".join(error.format_message().split()), getattr(error, "hint", None) or _usage_hint(error), USAGE
    if isinstance(error, click.ClickException):
        return error.format_message(), None, error.exit_code
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        place = f" to {error.filename}" if error.filename else ""
        return (
            f"Nothing more can be written{place}: {error.strerror}.",
            "Make room there, or where stdout goes.",
            FAILED,
        )
    if isinstance(error, FileNotFoundError) and _is_folder_gone():
        return "The folder that you are in is gone.", 'Where it was made anew: cd "$PWD"', FAILED
    hint = "This is a defect, in mlforge or in a plugin; `mlforge --debug …` shows where."
    return f"{type(error).__name__}: {error}", hint, FAILED


def _is_folder_gone() -> bool:
    try:
        os.getcwd()  # noqa: PTH109 - it is no path that is wanted
    except FileNotFoundError:
        return True
    return False


def _usage_hint(error: click.UsageError) -> str:
    """How to name features to a command that takes them in the other way; else where the words of a command are."""
    if error.ctx is None:
        return "See: mlforge --help"
    path, message = error.ctx.command_path, error.message
    options = {o for p in error.ctx.command.params for o in p.opts}
    if message.startswith("Got unexpected extra argument") and "--features" in options:
        return f"Name features so: {path} --features a,b"
    if isinstance(error, click.NoSuchOption) and error.option_name == "--features" and options & {"names", "feature"}:
        return f"Name features so: {path} NAME"
    return f"See: {path} --help"


class NoCommand(click.UsageError):
    """A name that is no command; with a hint."""

    def __init__(self, message: str, hint: str | None) -> None:
        super().__init__(message)
        self.hint = hint


def _no_command(name: str, known: Sequence[str]) -> NoCommand:
    """The nearest command, or the distribution that has the one that was asked for."""
    from mlforge.plugin.descriptors import Command
    from mlforge.plugin.registry import registry

    try:
        registry().get(Command, name)
    except Unknown:
        pass
    except MlforgeError as error:
        return NoCommand(error.message, error.hint)
    return NoCommand(f"There is no command {name!r}.", nearest(name, known))


def _survive_narrow_encodings() -> None:
    """Where the terminal cannot show a character, show a question mark instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        reconfigure: Any = getattr(stream, "reconfigure", None)
        if reconfigure and (stream.encoding or "").lower() not in {"utf-8", "utf8"}:
            reconfigure(errors="replace")


def _reader_gone() -> int:
    """The reader of stdout went away: say nothing, not even when Python closes the stream."""
    _discard_stdout()
    return FAILED


def _discard_stdout() -> None:
    """What is left to be written there goes nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), (sys.__stdout__ or sys.stdout).fileno())


def _open_closed_streams() -> None:
    """Where the caller closed stdout or stderr, as `>&-` does, what is said there goes nowhere."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 - as long as Python runs
