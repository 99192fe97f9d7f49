"""Hints of a call that named a profile or a place are for that profile and that place."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest

from mlforge.cli.again import TAKE_BOTH, again, options_in
from mlforge.cli.app import cli

Mlforge = Callable[..., Any]
PROD = "\n  prod:\n    offline_store: {KIND: local, path: prod store}\n"


@pytest.fixture
def two(shop: Path) -> Path:
    """A project with a second profile, whose store is empty."""
    with (shop / "mlforge.yaml").open("a", encoding="utf-8") as file:
        file.write(PROD)
    return shop


def hinted(text: str) -> list[str]:
    """The words of the command that a text ends with."""
    return shlex.split(text.partition(": mlforge ")[2].splitlines()[0])


def all_commands(group: click.Group, path: str = "") -> Iterator[tuple[str, click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if isinstance(found, click.Group):
            yield from all_commands(found, f"{name} ")
        elif found is not None:
            yield f"{path}{name}", found


def test_the_commands_that_are_known_to_take_both_are_those_that_do() -> None:
    options = {name: {o for p in found.params for o in p.opts} for name, found in all_commands(cli)}
    assert sorted(TAKE_BOTH) == sorted(name for name, has in options.items() if {"--profile", "--target"} <= has)


@pytest.mark.parametrize("words", [["quality", "user_spend"], ["inspect", "user_spend"], ["manifest"], ["publish"]])
def test_a_hint_that_is_typed_works_on_the_profile_of_the_call(mlforge: Mlforge, two: Path, words: list[str]) -> None:
    assert mlforge("build", cwd=two).code == 0
    answer = mlforge(*words, "--profile", "prod", cwd=two)
    typed = hinted(f"{answer.out}{answer.err}") if words != ["publish"] else ["build", "--profile", "prod"]
    assert typed[:3] == ["build", "--profile", "prod"]
    assert mlforge(*typed, "--no-preview", cwd=two).code == 0
    assert (two / "prod store" / "user_spend" / "1.0.0").is_dir()
    assert not (two / "feature_store" / "user_spend" / "1.0.1").exists()


def test_undoing_a_rollback_is_for_the_place_and_the_profile_of_the_call(mlforge: Mlforge, two: Path) -> None:
    for more in ([], ["--force"]):
        assert mlforge("build", "--profile=prod", *more, cwd=two).code == 0
    place = two.parent / "elsewhere"
    place.mkdir()
    there = ("--target", "../shop/definitions.py")
    said = mlforge("rollback", "user_spend", "1.0.0", "--profile=prod", *there, cwd=place).out
    typed = hinted(said)
    assert typed == ["rollback", "--profile", "prod", *there, "user_spend", "1.0.1"]
    assert "readers get 1.0.1" in mlforge(*typed, cwd=place).out
    damaged = two / "prod store" / "user_spend" / "1.0.1" / "data.parquet"
    damaged.write_bytes(b"X" * damaged.stat().st_size)
    found = mlforge("store", "verify", "--profile", "prod", cwd=two).out
    assert "mlforge build --profile prod --features user_spend --full-refresh" in found
    assert "mlforge store verify --profile prod --repair does this" in found


def test_a_program_gets_such_a_hint_too(mlforge: Mlforge, two: Path) -> None:
    error = mlforge("quality", "user_spend", "--profile", "prod", "--json", cwd=two).document["error"]
    assert error["hint"] == "Build it: mlforge build --profile prod --features user_spend"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("mlforge serve-key NAME", "mlforge serve-key NAME"),
        ("`mlforge init NAME`", "`mlforge init NAME`"),
        ("mlforge store copy a b", "mlforge store copy a b"),
        ("mlforge build --profile x", "mlforge build --profile x"),
        ("mlforge build; mlforge list --target y", "mlforge build O; mlforge list --target y"),
        ("Look with mlforge store verify, then build.", "Look with mlforge store verify O, then build."),
    ],
)
def test_only_what_takes_them_gets_them_and_only_once(text: str, said: str) -> None:
    assert again(text, " O") == said
    assert again(text, "") == text


def test_words_behind_two_dashes_and_an_option_without_a_value_are_none() -> None:
    assert options_in(["list", "--profile", "a", "--", "--target", "b"]) == " --profile a"
    assert options_in(["list", "--profile"]) == options_in([]) == ""
