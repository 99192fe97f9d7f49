"""Every command says what it does, in the same words wherever it says so."""

import inspect
import logging
import pkgutil

import pytest
from click.testing import CliRunner

from mlforge import __version__
from mlforge.cli import commands
from mlforge.cli.app import cli, run
from mlforge.cli.roster import COMMANDS, core_command

GROUPS = {"plugin", "store"}
TELLING = {"completion", "help"}
"""They tell of mlforge itself."""


@pytest.mark.parametrize("name", ["verify", "gc", "copy"])
def test_every_verb_about_a_store_has_help_and_answers_in_json(name: str) -> None:
    answer = CliRunner().invoke(cli, ["store", name, "--help"])
    assert answer.exit_code == 0
    assert all(option in answer.output for option in ("--json", "--target", "--debug"))


def test_the_table_lists_exactly_the_commands_there_are() -> None:
    assert set(COMMANDS) == {m.name for m in pkgutil.iter_modules(commands.__path__)}


@pytest.mark.parametrize("name", COMMANDS)
def test_the_line_in_the_table_is_the_first_line_of_the_help(name: str) -> None:
    assert inspect.cleandoc(core_command(name).help or "").splitlines()[0] == COMMANDS[name]


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_every_command_has_help(name: str, flag: str) -> None:
    answer = CliRunner().invoke(cli, [name, flag])
    assert answer.exit_code == 0
    assert answer.output.startswith("Usage: ")
    assert COMMANDS[name] in answer.output
    assert "--debug" in answer.output


@pytest.mark.parametrize("name", [n for n in COMMANDS if n not in {"init", "plugins", *TELLING, *GROUPS}])
def test_every_command_that_reads_definitions_takes_target_and_profile(name: str) -> None:
    taken = {o for p in core_command(name).params for o in p.opts}
    assert {"--target", "--profile"} <= taken


@pytest.mark.parametrize("name", [n for n in COMMANDS if n not in {"init", "rollback", *TELLING, *GROUPS}])
def test_every_command_that_a_program_would_read_answers_in_json(name: str) -> None:
    assert "--json" in {o for p in core_command(name).params for o in p.opts}


def test_mlforge_alone_shows_the_help() -> None:
    answer = CliRunner().invoke(cli, [])
    assert answer.exit_code == 0
    assert all(f"  {name}" in answer.output for name in COMMANDS)


def test_the_version_is_the_one_of_the_core() -> None:
    assert CliRunner().invoke(cli, ["--version"]).output == f"mlforge {__version__}\n"


@pytest.mark.parametrize("flag", ["-V", "--version"])
def test_the_version_has_a_short_word_too(flag: str) -> None:
    assert CliRunner().invoke(cli, [flag]).output == f"mlforge {__version__}\n"


@pytest.mark.parametrize("words", [[], ["build"], ["store", "verify"], ["store"]])
def test_help_shows_what_the_flag_shows(words: list[str]) -> None:
    asked, flag = (CliRunner().invoke(cli, w, prog_name="mlforge") for w in (["help", *words], [*words, "--help"]))
    assert (asked.exit_code, asked.output) == (0, flag.output)


@pytest.mark.parametrize(
    ("words", "says"), [(["biuld"], "Did you mean 'build'?"), (["build", "all"], "no commands"), (["store", "x"], "x")]
)
def test_help_for_what_is_not_there_is_one_error(
    words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["help", *words]) == 2
    told = capsys.readouterr().err
    assert told.startswith("Error: ") and says in told


def test_every_command_can_be_quiet_and_verbose() -> None:
    for name in COMMANDS:
        made = core_command(name)
        for one in made.commands.values() if name in GROUPS else [made]:
            assert {"-q", "-v", "--debug"} <= {o for p in one.params for o in p.opts}, name


@pytest.mark.parametrize("words", [["-q", "plugins"], ["-v", "plugins"], ["-q", "--help"], ["-q", "nonsense"]])
def test_what_a_program_logs_is_as_it_was_when_a_command_has_ended(words: list[str]) -> None:
    before = logging.getLogger("mlforge").level
    run(words)
    assert logging.getLogger("mlforge").level == before
