"""`mlforge profile`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Mlforge = Callable[..., Any]

PROD = """
  prod:
    offline_store:
      KIND: local
      path: ${env:SHOP_STORE,elsewhere}
"""


@pytest.fixture
def two_profiles(shop: Path) -> Path:
    with (shop / "mlforge.yaml").open("a", encoding="utf-8") as file:
        file.write(PROD)
    return shop


@pytest.mark.parametrize(
    ("words", "environment", "name", "why"),
    [
        ([], {}, "dev", "default"),
        (["--profile", "prod"], {}, "prod", "flag"),
        ([], {"MLFORGE_PROFILE": "prod"}, "prod", "variable"),
        (["--profile", "dev"], {"MLFORGE_PROFILE": "prod"}, "dev", "flag"),
    ],
)
def test_it_says_which_is_in_use_and_why(
    mlforge: Mlforge, two_profiles: Path, words: list[str], environment: dict[str, str], name: str, why: str
) -> None:
    document = mlforge("profile", "--json", *words, cwd=two_profiles, **environment).document
    assert document["profiles"] == ["dev", "prod"]
    assert (document["in_use"], document["why"]) == (name, why)


def test_the_settings_are_those_a_build_works_with(mlforge: Mlforge, two_profiles: Path) -> None:
    settings = mlforge("profile", "--json", "--profile", "prod", cwd=two_profiles, SHOP_STORE="/srv/shop").document[
        "settings"
    ]
    assert settings["offline_store"] == {"KIND": "local", "path": "/srv/shop", "verify": "relied"}
    assert settings["online_store"] is None


def test_people_see_a_table(mlforge: Mlforge, two_profiles: Path) -> None:
    answer = mlforge("profile", cwd=two_profiles)
    told = [" ".join(line.split()) for line in answer.out.splitlines()]
    assert "dev in use: it is the default_profile" in told
    assert f"offline_store local path: {two_profiles / 'feature_store'} verify: relied" in told


def test_a_profile_nobody_wrote_is_an_error(mlforge: Mlforge, shop: Path) -> None:
    named = "user_spend"
    commands = (
        ["profile"], ["build"], ["list"], ["list", "sets"], ["list", "versions"], ["plan"], ["publish"],
        ["lock", named], ["inspect", named], ["inspect", "entity", "user"], ["search", "spend"], ["catalog"],
        ["versions", named], ["diff", named, "1.0.0", "1.1.0"], ["quality", named], ["drift", named],
        ["explain", named, "--key", "user_id=1"], ["validate"], ["rollback", named, "1.0.0"], ["manifest"],
        ["store", "gc"], ["store", "verify"], ["serve"], ["ui"],
    )  # fmt: skip
    for command in commands:
        answer = mlforge(*command, "--profile", "staging", cwd=shop)
        assert (answer.code, answer.out) == (1, "")
        assert answer.err == "Error: There is no profile 'staging' in mlforge.yaml.\nHint: Known: dev.\n"


def test_without_a_file_everything_is_as_the_definitions_say(mlforge: Mlforge, shop: Path) -> None:
    (shop / "mlforge.yaml").unlink()
    answer = mlforge("profile", cwd=shop)
    assert answer.code == 0
    assert answer.out.startswith("There is no mlforge.yaml: everything is as the definitions say.\n")
    assert mlforge("profile", "--json", cwd=shop).document["in_use"] is None


def test_a_file_without_a_default_says_that_none_is_in_use(
    mlforge: Mlforge, shop: Path, edit: Callable[[Path, str, str], None]
) -> None:
    edit(shop / "mlforge.yaml", "default_profile: dev", "")
    assert "None is in use: no flag, no MLFORGE_PROFILE, no default_profile." in mlforge("profile", cwd=shop).out
