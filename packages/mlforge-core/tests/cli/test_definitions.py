"""Finding the definitions, and saying what is wrong with them."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Mlforge = Callable[..., Any]
Edit = Callable[[Path, str, str], None]


def test_without_definitions_it_says_how_to_start(mlforge: Mlforge, tmp_path: Path) -> None:
    answer = mlforge("build", cwd=tmp_path)
    assert (answer.code, answer.out) == (1, "")
    assert answer.err.startswith(
        "Error: No Definitions were found here.\nHint: Make a project with `mlforge init NAME`"
    )


def test_several_definitions_must_be_chosen_from(mlforge: Mlforge, shop: Path) -> None:
    with (shop / "definitions.py").open("a", encoding="utf-8") as file:
        file.write('\nmore = mlf.Definitions("more", features=[features.last_purchase])\n')
    answer = mlforge("list", cwd=shop)
    assert answer.code == 1
    assert "here: 'shop' (definitions.py:defs), 'more' (definitions.py:more)." in answer.err
    assert "--target definitions.py:defs" in answer.err
    chosen = mlforge("list", "--json", "--target", "definitions.py:more", cwd=shop)
    assert [f["name"] for f in chosen.document["features"]] == ["last_purchase"]


def test_a_project_inside_a_project_is_not_looked_into(mlforge: Mlforge, shop: Path) -> None:
    mlforge("init", "inner", cwd=shop)
    assert mlforge("list", cwd=shop).code == 0
    assert mlforge("list", cwd=shop / "inner").code == 0


def test_a_syntax_error_is_one_line_with_file_and_number(mlforge: Mlforge, shop: Path, edit: Edit) -> None:
    edit(shop / "features.py", "def user_spend(df):", "def user_spend(df:")
    answer = mlforge("list", cwd=shop)
    assert answer.code == 1
    assert "SyntaxError" in answer.err
    assert re.search(r"features\.py, line \d+", answer.err)
    assert "Traceback" not in answer.err
    assert "Traceback" in mlforge("--debug", "list", cwd=shop).err


def test_a_library_that_is_not_installed_is_named(mlforge: Mlforge, shop: Path, edit: Edit) -> None:
    edit(shop / "features.py", "import mlforge as mlf", "import abacus_of_the_ancients\nimport mlforge as mlf")
    answer = mlforge("list", cwd=shop)
    assert answer.code == 1
    assert "needs 'abacus_of_the_ancients', which is not installed." in answer.err
    assert "Hint: Mend its name, or install the distribution that brings it." in answer.err


def test_a_target_that_is_not_there_is_an_error(mlforge: Mlforge, shop: Path) -> None:
    answer = mlforge("list", "--target", "nowhere.py", cwd=shop)
    assert (answer.code, answer.err.splitlines()[0]) == (1, "Error: There is no file 'nowhere.py'.")


def test_a_project_is_built_from_outside_and_kept_inside(mlforge: Mlforge, shop: Path) -> None:
    answer = mlforge("build", "--features", "last_purchase", "--target", "shop/definitions.py", cwd=shop.parent)
    assert answer.code == 0, answer.err
    assert (shop / "feature_store" / "last_purchase").is_dir()


def test_a_deprecated_word_is_told_with_file_and_line(mlforge: Mlforge, shop: Path, edit: Edit) -> None:
    edit(shop / "features.py", '        mlf.Count(windows=["7d", "28d"], name="purchases"),',
         '        mlf.Rolling(windows=["7d"], aggregations={"amount": ["count"]}),')  # fmt: skip
    answer = mlforge("list", cwd=shop, PYTHONWARNINGS="")
    assert answer.code == 0
    assert answer.err.startswith("Warning: features.py, line 17: Rolling is deprecated")
    assert len(answer.err.splitlines()) == 1


def test_a_wrong_definition_is_one_line_and_a_hint(mlforge: Mlforge, shop: Path, edit: Edit) -> None:
    edit(shop / "features.py", 'interval="1d"', 'interval="2d"')
    answer = mlforge("build", cwd=shop)
    assert answer.code == 1
    assert [line.split(":")[0] for line in answer.err.splitlines()] == ["Error", "Hint", "Where"]
    assert "is not a whole multiple of the interval 2d" in answer.err
    assert "Where: features.py, line " in answer.err


def test_which_file_was_taken_is_said_where_nobody_would_guess_it(mlforge: Mlforge, shop: Path) -> None:
    assert mlforge("list", cwd=shop).err == ""
    assert mlforge("list", cwd=shop / "data").err == f"Definitions: {shop / 'definitions.py'}\n"
    (shop / "definitions.py").rename(shop / "shop.py")
    told = mlforge("list", "--json", cwd=shop)
    assert told.err == "Definitions: shop.py\n"
    assert told.document["features"]
    assert mlforge("profile", "--json", cwd=shop).document["definitions"] == "shop.py"
    assert "definitions    shop.py" in mlforge("profile", cwd=shop).out


def test_a_definitions_file_that_does_not_parse_is_never_passed_over_in_silence(mlforge: Mlforge, shop: Path) -> None:
    (shop / "scratch.py").write_text("import mlforge as mlf\ndefs = mlf.Definitions(\n")
    answer = mlforge("list", cwd=shop, PYTHONWARNINGS="")
    assert answer.code == 0
    assert answer.err == "Warning: scratch.py, line 2: It does not parse, and is passed over: '(' was never closed.\n"
    (shop / "definitions.py").rename(shop / "shop.py")
    (shop / "definitions.py").write_text("def broken(:\n")
    answer = mlforge("list", cwd=shop)
    assert answer.code == 1
    assert answer.err.splitlines()[0].startswith("Error: definitions.py does not parse: SyntaxError")
    assert answer.err.splitlines()[2] == "Where: definitions.py, line 1: def broken(:"


def test_a_place_that_is_not_there_is_answered_with_the_nearest(mlforge: Mlforge, shop: Path) -> None:
    for place, near in (
        ("definition.py", "definitions.py"),
        ("definition", "definitions.py"),
        ("definitions.py:dfs", "defs"),
    ):
        answer = mlforge("list", "--target", place, cwd=shop)
        assert (answer.code, answer.err.splitlines()[1]) == (1, f"Hint: Did you mean '{near}'?")
    assert mlforge("list", "--target", "mlforge.yaml", cwd=shop).err.startswith(
        "Error: mlforge.yaml is no Python file."
    )


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        ("class Panic(BaseException): pass\nraise Panic('it broke')", "Panic: it broke."),
        ("raise GeneratorExit", "GeneratorExit."),
        ("raise ValueError", "ValueError."),
        ("class Mute(Exception):\n    def __str__(self): raise RuntimeError('no')\nraise Mute", "Mute."),
    ],
)
def test_whatever_definitions_raise_is_one_error(mlforge: Mlforge, shop: Path, raised: str, said: str) -> None:
    with (shop / "features.py").open("a", encoding="utf-8") as file:
        file.write(f"\n{raised}\n")
    answer = mlforge("list", "--json", cwd=shop)
    assert answer.code == 1
    assert answer.document["error"]["message"] == f"definitions does not import: {said}"
    assert "defect" not in answer.err
