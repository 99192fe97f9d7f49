"""`mlforge versions`, `diff`, `rollback` and `manifest`: looking into a store."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Mlforge = Callable[..., Any]


def test_versions_come_newest_first_with_the_reason(mlforge: Mlforge, grown_shop: Path) -> None:
    answer = mlforge("versions", "user_spend", cwd=grown_shop)
    assert answer.code == 0
    lines = [" ".join(line.split()) for line in answer.out.splitlines()]
    assert lines[0] == "user_spend readers get 1.1.0"
    assert lines[-2].startswith("1.1.0 ")
    assert lines[-2].endswith("metrics added: purchases_14d")
    assert lines[-1].startswith("1.0.0 ")


@pytest.mark.parametrize(
    "words", [["versions", "nobody"], ["diff", "nobody", "1.0.0", "1.1.0"], ["rollback", "nobody", "1.0.0"]]
)
def test_an_unknown_feature_is_told_from_one_that_was_not_built(
    mlforge: Mlforge, fresh_shop: Path, words: list[str]
) -> None:
    unknown = mlforge(*words, cwd=fresh_shop)
    assert (unknown.code, unknown.err.splitlines()[0]) == (1, "Error: There is no feature 'nobody'.")
    unbuilt = mlforge(*[w.replace("nobody", "user_spend") for w in words], cwd=fresh_shop)
    assert unbuilt.code == 1
    assert unbuilt.out == ""
    assert unbuilt.err.startswith(("Error: 'user_spend' has not been built.", "Error: 'user_spend' has no version"))


def test_a_difference_is_said_in_words_and_in_json(mlforge: Mlforge, grown_shop: Path) -> None:
    answer = mlforge("diff", "user_spend", "1.0.0", "1.1.0", cwd=grown_shop)
    told = [" ".join(line.split()) for line in answer.out.splitlines()]
    assert told[0] == "user_spend 1.0.0 → 1.1.0 minor"
    assert "definition metric purchases_14d added" in told
    assert "purchases_14d – Int64" in told
    document = mlforge("diff", "user_spend", "1.1.0", "1.0.0", "--json", cwd=grown_shop).document
    assert document["columns"] == {"purchases_14d": ["Int64", None]}
    assert (document["bump"], document["logic"], document["same_content"]) == ("minor", False, False)


def test_a_version_that_is_not_there_is_an_error(mlforge: Mlforge, built_shop: Path) -> None:
    answer = mlforge("diff", "user_spend", "1.0.0", "2.0.0", cwd=built_shop)
    assert (answer.code, answer.err.splitlines()[1]) == (1, "Hint: Versions: 1.0.0.")


def test_a_rollback_moves_readers_and_says_how_to_undo_it(mlforge: Mlforge, grown_shop: Path) -> None:
    answer = mlforge("rollback", "user_spend", "1.0.0", cwd=grown_shop)
    assert answer.code == 0
    assert answer.out == (
        "user_spend: readers get 1.0.0 now; they got 1.1.0.\nTo undo it: mlforge rollback user_spend 1.1.0\n"
    )
    assert mlforge("versions", "user_spend", "--json", cwd=grown_shop).document["latest"] == "1.0.0"
    assert mlforge("rollback", "user_spend", "1.0.0", cwd=grown_shop).out == "user_spend: readers get 1.0.0.\n"


def test_a_rollback_answers_in_json(mlforge: Mlforge, grown_shop: Path) -> None:
    answer = mlforge("rollback", "user_spend", "1.0.0", "--json", cwd=grown_shop)
    assert answer.code == 0
    assert answer.document == {"feature": "user_spend", "before": "1.1.0", "latest": "1.0.0", "online": False}
    assert mlforge("versions", "user_spend", "--json", cwd=grown_shop).document["latest"] == "1.0.0"
    refused = mlforge("rollback", "user_spend", "7.0.0", "--json", cwd=grown_shop)
    assert (refused.code, refused.document["error"]["kind"]) == (1, "NotFound")


LOST = "The pointer of 'user_spend' names 1.1.0, which is not there."


@pytest.mark.parametrize(
    "words",
    [
        ["inspect", "user_spend"],
        ["build", "--force"],
        ["build", "--dry-run"],
        ["versions", "user_spend", "--prune", "--keep", "1"],
        ["manifest", "--regenerate"],
    ],
    ids=lambda words: " ".join(words),
)
def test_a_version_that_somebody_removed_by_hand_is_said_to_be_lost_with_the_way_out(
    mlforge: Mlforge, grown_shop: Path, words: list[str]
) -> None:
    shutil.rmtree(grown_shop / "feature_store/user_spend/1.1.0")
    told = mlforge(*words, cwd=grown_shop)
    said = f"{told.out}{told.err}"
    assert LOST in said
    assert "mlforge rollback user_spend 1.0.0" in said


def test_versions_without_a_pointer_are_not_told_as_none(mlforge: Mlforge, grown_shop: Path) -> None:
    pointer = grown_shop / "feature_store/user_spend/_latest.json"
    pointer.unlink()
    listed = mlforge("versions", "user_spend", cwd=grown_shop).out
    assert listed.startswith("user_spend  no pointer says which one readers get: mlforge rollback user_spend 1.1.0")
    told = mlforge("inspect", "user_spend", cwd=grown_shop)
    assert told.code == 1
    assert "No pointer says which version of 'user_spend' is the latest." in told.err
    assert "mlforge rollback user_spend 1.1.0" in told.err
    pointer.write_text('{"version": "9.0.0"}')
    assert "the pointer names 9.0.0, which is not there" in mlforge("versions", "user_spend", cwd=grown_shop).out


def test_there_is_no_way_back_to_a_version_that_is_lost_or_damaged(mlforge: Mlforge, grown_shop: Path) -> None:
    newest = grown_shop / "feature_store/user_spend/1.1.0"
    (newest / ".meta.json").write_text("{")
    back = mlforge("rollback", "user_spend", "1.0.0", cwd=grown_shop)
    assert (back.code, back.out) == (0, "user_spend: readers get 1.0.0.\n")
    (grown_shop / "feature_store/user_spend/_latest.json").write_text('{"version": "1.1.0"}')
    shutil.rmtree(newest)
    assert mlforge("rollback", "user_spend", "1.0.0", cwd=grown_shop).out == "user_spend: readers get 1.0.0.\n"
    assert mlforge("build", "--force", cwd=grown_shop).code == 0


def test_the_manifest_lists_what_was_built(mlforge: Mlforge, grown_shop: Path) -> None:
    document = mlforge("manifest", "--json", cwd=grown_shop).document
    assert {n: f["latest"] for n, f in document["features"].items()} == {
        "user_spend": "1.1.0",
        "last_purchase": "1.0.0",
    }
    lines = mlforge("manifest", cwd=grown_shop).out.splitlines()
    assert [line.split()[:3] for line in lines[1:3]] == [["last_purchase", "1.0.0", "1"], ["user_spend", "1.1.0", "2"]]


def test_the_manifest_can_be_derived_anew(mlforge: Mlforge, grown_shop: Path) -> None:
    path = grown_shop / "feature_store" / "_metadata" / "manifest.json"
    path.unlink()
    assert mlforge("manifest", "--regenerate", cwd=grown_shop).code == 0
    assert path.is_file()


def test_an_empty_store_says_so(mlforge: Mlforge, fresh_shop: Path) -> None:
    answer = mlforge("manifest", cwd=fresh_shop)
    assert (answer.code, answer.out) == (0, "Nothing has been built yet: mlforge build\n")


def test_versions_are_listed_beside_one_whose_metadata_is_damaged(mlforge: Mlforge, grown_shop: Path) -> None:
    whole = mlforge("versions", "user_spend", "--json", cwd=grown_shop)
    first, *others = [one["version"] for one in whole.document["versions"]]
    damaged = grown_shop / "feature_store" / "user_spend" / first / ".meta.json"
    damaged.write_text("{")
    for words in ((), ("--json",)):
        found = mlforge("versions", "user_spend", *words, cwd=grown_shop)
        assert found.code == 0
        assert f"user_spend {first} cannot be read: {damaged} is damaged" in found.err
        assert f"Readers get {others[-1]}, which is whole." in found.err
    assert [one["version"] for one in found.document["versions"]] == others
    for other in others:
        (damaged.parent.parent / other / ".meta.json").write_text("{")
    lost = mlforge("versions", "user_spend", cwd=grown_shop)
    assert lost.code != 0
    assert f"{others[-1]}/.meta.json is damaged" in lost.err
