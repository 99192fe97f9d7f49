"""Finding the definitions, and saying what is wrong with them."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
    assert "Several Definitions were found here: 'shop', 'more'." in answer.err
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
    assert "Hint: pip install abacus_of_the_ancients" in answer.err


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
    assert len(answer.err.splitlines()) == 2
    assert "is not a whole multiple of the interval 2d" in answer.err
