"""The options that several commands share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mlforge.cli import completing
from mlforge.cli.invocation import Invocation

if TYPE_CHECKING:
    from mlforge.project.project import Project

F = TypeVar("F", bound=Callable[..., Any])


def words(ctx: click.Context, param: click.Parameter, value: tuple[str, ...]) -> list[str] | None:
    """`--features a,b --features c` as one list; None where it was not given."""
    if not value:
        return None
    found = [w.strip() for v in value for w in v.split(",") if w.strip()]
    if not found:
        raise click.BadParameter("It is empty: name at least one, or leave the option out.", ctx, param)
    return found


def word(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """One word; an empty one, as of a variable that is not set, is refused."""
    if value is not None and not value.strip():
        raise click.BadParameter("It is empty: give one, or leave the option out.", ctx, param)
    return value


def _turn_on_debug(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value:
        from mlforge.cli.logs import show_everything

        ctx.ensure_object(Invocation).debug = True
        show_everything()


def _answer_in_json(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        ctx.ensure_object(Invocation).answer_in_json(ctx)


def _be_quiet(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        ctx.ensure_object(Invocation).be_quiet()


def _be_verbose(ctx: click.Context, _: click.Parameter, value: bool) -> None:
    if value and not ctx.resilient_parsing:
        ctx.ensure_object(Invocation).be_verbose()


def common_options() -> list[click.Option]:
    """`--quiet`, `--verbose` and `--debug`, which every command has, and the group too."""
    return [
        _switch(["-q", "--quiet"], _be_quiet, "Say nothing but the answer and errors."),
        _switch(["-v", "--verbose"], _be_verbose, "Say each step, and what is noteworthy."),
        _switch(["--debug"], _turn_on_debug, "Show tracebacks and the debug log."),
    ]


def _switch(names: list[str], callback: Callable[..., None], text: str) -> click.Option:
    settings: Any = {"is_flag": True, "is_eager": True, "expose_value": False, "callback": callback, "help": text}
    return click.Option(names, **settings)


def add_common_options(made: click.Command) -> click.Command:
    """A command with those that it has not; a plugin's own words come first."""
    taken = {word for param in made.params for word in (*param.opts, *param.secondary_opts)}
    for option in common_options():
        option.opts = [word for word in option.opts if word not in taken]
        if option.opts:
            made.params.append(option)
    return made


json_option = click.option(
    "--json", is_flag=True, is_eager=True, expose_value=False, callback=_answer_in_json,
    help="Answer with one JSON document on stdout.",
)  # fmt: skip
target_option = click.option(
    "--target", metavar="PLACE", callback=word,
    help="Where the definitions are: a file, a folder, a module, or file.py:variable. Searched for if not given.",
)  # fmt: skip
_profile = click.option(
    "--profile",
    metavar="NAME",
    callback=word,
    shell_complete=completing.profiles,
    help="A profile of mlforge.yaml; wins over MLFORGE_PROFILE.",
)
engine_option = click.option(
    "--engine", metavar="NAME", callback=word, help="Compute with this engine, whatever the features say."
)
as_of_option = click.option(
    "--as-of", metavar="TIME", help="The instant to publish for, such as 2024-02-29T12:00:00Z; now if not given."
)
_features = click.option(
    "--features",
    multiple=True,
    metavar="NAMES",
    callback=words,
    shell_complete=completing.features,
    help="Only these features: a,b or repeated.",
)
_set = click.option(
    "--set",
    "sets",
    multiple=True,
    metavar="NAMES",
    callback=words,
    shell_complete=completing.sets,
    help="Only the features of these sets.",
)
lock_policy_option = click.option(
    "--lock-policy", type=click.Choice(["refuse", "refresh", "warn"]), default="refuse", show_default=True,
    help="What may be served in a lock's place: nothing else, later rows of the same definition, anything.",
)  # fmt: skip
tags_option = click.option(
    "--tags",
    multiple=True,
    metavar="TAGS",
    callback=words,
    shell_complete=completing.tags,
    help="Only features with one of these tags.",
)
schedule_option = click.option(
    "--schedule", multiple=True, metavar="NAMES", callback=words,
    help="Only features with one of these schedules: hourly, daily, weekly …",
)  # fmt: skip


def project_options(function: F) -> F:
    """`--target` and `--profile`: of every command that reads definitions."""
    return target_option(_profile(function))


def selection_options(function: F) -> F:
    """`--features`, `--set`, `--tags` and `--schedule`."""
    return _features(_set(tags_option(schedule_option(function))))


def set_option(function: F) -> F:
    """`--set`, of a command that takes features as arguments."""
    return _set(function)


def named(definitions: Project, features: Sequence[str] | None, sets: Sequence[str] | None) -> list[str] | None:
    """The features and sets that are named, as one list; None where none is. Raises `Unknown` for no set."""
    found = [definitions.feature_set(name).name for name in sets or ()]
    return [*(features or ()), *found] or None


def command(name: str, **settings: Any) -> Callable[[Callable[..., Any]], click.Command]:
    """Make a function a command, with `-h` `-q`, `-v` and `--debug` as everywhere."""

    def decorate(function: Callable[..., Any]) -> click.Command:
        context = {"help_option_names": ["-h", "--help"]}
        made: click.Command = click.command(name, cls=click.Command, context_settings=context, **settings)(function)
        return add_common_options(made)

    return decorate
