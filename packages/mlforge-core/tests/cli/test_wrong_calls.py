"""A wrong call ends with exit code 2, one line that says what is wrong, and one that says what to do."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlforge.cli.app import run

WRONG = {
    "a misspelt command": (["biuld"], "There is no command 'biuld'.", "Did you mean 'build'?"),
    "a command nobody has": (["fly"], "There is no command 'fly'.", "init, build"),
    "an option nobody has": (["build", "--featurs", "a"], "--featurs", "See: mlforge build --help"),
    "an empty --profile": (["build", "--profile", ""], "It is empty", "See: mlforge build --help"),
    "an empty --target": (["build", "--target", " "], "It is empty", "See: mlforge build --help"),
    "no feature in --features": (["build", "--features", " , "], "It is empty", "See: mlforge build --help"),
    "something that is not listed": (["list", "frogs"], "'frogs' is not one of", "See: mlforge list --help"),
    "tags of sources": (["list", "sources", "--tags", "a"], "choose features, not sources", "mlforge list --help"),
    "a name for the tags": (["list", "tags", "a"], "unexpected name 'a'", "mlforge list --help"),
    "too many words": (["inspect", "feature", "a", "b"], "One name at a time", "mlforge inspect --help"),
    "a kind nobody has": (["inspect", "frog", "a"], "'frog' is neither feature", "mlforge inspect --help"),
    "a feature without its option": (["build", "a"], "extra argument (a)", "mlforge build --features a,b"),
    "an option where a name is": (["publish", "--features", "a"], "--features", "mlforge publish NAME"),
    "a lock and what to lock": (["lock", "--check", "a.lock", "a"], "name nothing beside it", "mlforge lock --help"),
    "nothing to lock": (["lock"], "Name what to lock, or give --check FILE.", "mlforge lock --help"),
    "no name": (["versions"], "Missing argument 'NAME'", "mlforge versions --help"),
}
IN_WORDS_ALONE = {
    "no shell": (["completion"], "Choose from: bash, zsh, fish", "See: mlforge completion --help"),
    "no kind of plugin": (["plugin", "new"], "Choose from: engine, store", "See: mlforge plugin new --help"),
    "an option without its value": (["drift", "a", "--columns"], "requires an argument", "See: mlforge drift --help"),
}
"""Of which no program asks, or whose last word would take `--json` for its value."""


@pytest.mark.parametrize(
    ("words", "message", "hint"), [*WRONG.values(), *IN_WORDS_ALONE.values()], ids=[*WRONG, *IN_WORDS_ALONE]
)
def test_it_says_what_is_wrong_and_what_to_do(
    capsys: pytest.CaptureFixture[str], words: list[str], message: str, hint: str
) -> None:
    assert run(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    error, told = err.splitlines()
    assert error.startswith("Error: ")
    assert message in error
    assert told.startswith("Hint: ")
    assert hint in told


@pytest.mark.parametrize("first", [True, False], ids=["--json first", "--json last"])
@pytest.mark.parametrize(("words", "message", "hint"), WRONG.values(), ids=WRONG)
def test_a_program_gets_it_as_a_document_wherever_it_says_so(
    capsys: pytest.CaptureFixture[str], words: list[str], message: str, hint: str, first: bool
) -> None:
    assert run([words[0], "--json", *words[1:]] if first else [*words, "--json"]) == 2
    out, err = capsys.readouterr()
    error = json.loads(out)["error"]
    assert [*error] == ["kind", "message", "hint"]
    assert message in error["message"]
    assert hint in error["hint"]
    assert err.splitlines() == [f"Error: {error['message']}", f"Hint: {error['hint']}"]


def test_words_behind_two_dashes_are_no_options(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["versions", "a", "--", "--json"]) == 2
    assert capsys.readouterr().out == ""


def test_a_program_gets_the_error_as_a_document(mlforge: Callable[..., Any], shop: Path) -> None:
    answer = mlforge("list", "sources", "--tags", "a", "--json", cwd=shop)
    assert answer.code == 2
    assert answer.document["error"]["message"] == "--tags and --schedule choose features, not sources."


def test_a_version_is_for_one_feature(mlforge: Callable[..., Any], shop: Path) -> None:
    answer = mlforge("build", "--version", "2.0.0", cwd=shop)
    assert (answer.code, answer.err.splitlines()[0]) == (1, "Error: One version for 2 features.")


def test_a_version_of_an_entity_is_a_wrong_call(mlforge: Callable[..., Any], shop: Path) -> None:
    answer = mlforge("inspect", "user", "--version", "1.0.0", cwd=shop)
    assert answer.code == 2
    assert "--version is for features; 'user' is an entity." in answer.err
