"""`mlforge validate`."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

Mlforge = Callable[..., Any]


def test_promises_that_hold_are_counted_and_nothing_is_written(mlforge: Mlforge, shop: Path) -> None:
    answer = mlforge("validate", cwd=shop)
    assert answer.code == 0
    assert [line.split()[:5] for line in answer.out.splitlines()[1:3]] == [
        ["user_spend", "valid", "3", "of", "3"],
        ["last_purchase", "valid", "1", "of", "1"],
    ]
    assert not list((shop / "feature_store").glob("*"))


def test_a_broken_promise_is_an_exit_code_of_1(mlforge: Mlforge, shop: Path, spoil: Callable[..., None]) -> None:
    spoil(category={2: "jewellery", 3: "boats"})
    answer = mlforge("validate", cwd=shop)
    assert answer.code == 1
    told = " ".join(answer.out.split())
    assert "last_purchase: 1 of 1 promises broken." in told
    assert "2 of 333 0.60 % jewellery, boats" in told
    assert "1 valid, 1 failed in" in told


def test_json_has_every_check(mlforge: Mlforge, shop: Path) -> None:
    document = mlforge("validate", "--json", "--features", "user_spend", cwd=shop).document
    assert document["ok"] is True
    assert [(c["column"], c["label"], c["failures"]) for c in document["results"][0]["checks"]] == [
        ("user_id", "not_null()", 0),
        ("amount", "not_null()", 0),
        ("amount", "greater_than(0)", 0),
    ]
