"""`mlforge explain`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Mlforge = Callable[..., Any]
ASKED = ("explain", "user_spend", "--key", "user_id=u01", "--at", "2026-02-02T12:00")
SHOWN = """\
user_spend 1.0.0  user_id=u01  at 2026-02-02 12:00:00 UTC

  row     The row stamped 2026-02-02 00:00:00: 1 event became known.
  until   2026-02-03 00:00:00, when the next row stands
  engine  polars

  column        stored  recomputed
  spend_7d       139.6       139.6  equal
  purchases_7d       3           3  equal

  7d  [2026-01-26 00:00:00, 2026-02-02 00:00:00)  3 events
      event_time           amount
      2026-01-29 15:19:23   62.76
      2026-01-29 17:03:36   25.46
      2026-02-01 18:57:09   51.38

Recomputing gives the same.
"""


def test_a_value_is_shown_with_its_window_its_events_and_what_recomputing_gives(
    mlforge: Mlforge, built_shop: Path
) -> None:
    answer = mlforge(*ASKED, "--column", "spend_7d,purchases_7d", cwd=built_shop)
    assert (answer.code, answer.out) == (0, SHOWN)


def test_a_program_gets_it_as_a_document(mlforge: Mlforge, built_shop: Path) -> None:
    document = mlforge(*ASKED, "--column", "purchases_28d", "--json", cwd=built_shop).document
    assert (document["status"], document["stamp"], document["agrees"]) == ("row", "2026-02-02T00:00:00Z", True)
    (value,), (window,) = document["values"], document["windows"]
    assert (value["column"], value["window"], value["aggregation"]) == ("purchases_28d", "28d", "count")
    assert value["answer"] == value["stored"] == value["recomputed"] == window["events"]["count"]
    assert (window["start"], window["end"]) == ("2026-01-05T00:00:00Z", "2026-02-02T00:00:00Z")


def test_of_a_feature_without_windows_the_rows_of_the_function_are_shown(mlforge: Mlforge, built_shop: Path) -> None:
    answer = mlforge("explain", "last_purchase", "--key", "user_id=u01", "--at", "2026-02-02", cwd=built_shop)
    told = [" ".join(line.split()) for line in answer.out.splitlines()]
    assert "rows of the function 1" in told
    assert "u01 2026-02-01 18:57:09 groceries 51.38" in told


def test_a_value_too_old_to_be_answered_says_so(mlforge: Mlforge, built_shop: Path) -> None:
    answer = mlforge("explain", "last_purchase", "--key", "user_id=u01", "--at", "2027-01-01", cwd=built_shop)
    told = [" ".join(line.split()) for line in answer.out.splitlines()]
    assert answer.code == 0
    assert any(line.endswith("is older than max_age, 60d: the answer is null.") for line in told)
    assert "column stored recomputed answer" in told


def test_the_oldest_and_the_newest_events_are_shown_and_those_between_counted(
    mlforge: Mlforge, built_shop: Path
) -> None:
    answer = mlforge(*ASKED[:-1], "2026-03-01", "--column", "spend_28d", cwd=built_shop)
    assert "      … 1 more\n" in answer.out


def test_a_value_that_differs_is_shown_to_its_last_digit_and_fails(
    mlforge: Mlforge, grown_shop: Path, edit: Callable[[Path, str, str], None]
) -> None:
    edit(grown_shop / "features.py", '"event_time", "amount")', '"event_time", pl.col("amount") + 1e-6)')
    edit(grown_shop / "features.py", "import mlforge as mlf", "import mlforge as mlf\nimport polars as pl")
    answer = mlforge(*ASKED, "--version", "1.0.0", "--column", "spend_7d", cwd=grown_shop)
    told = [" ".join(line.split()) for line in answer.out.splitlines()]
    assert answer.code == 1
    assert "spend_7d 139.6 139.600003 differs" in told
    assert "changed the function, since the version was built" in told
    assert "definition metric purchases_14d added" in told
    assert (
        "1 of 1 values differ from what recomputing gives. The function has changed since the version was built."
        in told
    )


def test_what_cannot_be_recomputed_is_shown_as_it_is_stored_and_fails(mlforge: Mlforge, grown_shop: Path) -> None:
    (grown_shop / "data" / "purchases.csv").unlink()
    answer = mlforge(*ASKED, "--column", "spend_7d", cwd=grown_shop)
    told = [" ".join(line.split()) for line in answer.out.splitlines()]
    assert answer.code == 1
    assert "spend_7d 139.6 – not recomputed" in told
    assert "It could not be recomputed: The source 'purchases' is not there" in answer.out
    assert "Hint: " in answer.out
    document = json.loads(mlforge(*ASKED, "--json", cwd=grown_shop).out)
    assert (document["agrees"], document["failure"]["kind"]) == (None, "NotFound")


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--key", "user_id"], 2, "'user_id' is not NAME=VALUE"),
        (["--key", "=u01"], 2, "'=u01' is not NAME=VALUE"),
        (["--key", "user_id=u01", "--key", "user_id=u02"], 2, "one entity is explained at a time"),
        ([], 2, "Missing option '--key'"),
        (["--key", "user_id=u01", "--column", ","], 2, "It is empty"),
        (["--key", "user=u01"], 1, "'user' is no key of 'user_spend'."),
        (["--key", "user_id=u01", "--at", "noon"], 1, "'noon' is no time for at."),
        (["--key", "user_id=u01", "--column", "spend_9d"], 1, "has no column 'spend_9d'"),
        (["--key", "user_id=u01", "--version", "9.9.9"], 1, "has no version '9.9.9'"),
    ],
    ids=lambda v: " ".join(v) if isinstance(v, list) else "",
)
def test_a_wrong_question_is_refused(
    mlforge: Mlforge, built_shop: Path, words: list[str], code: int, message: str
) -> None:
    answer = mlforge("explain", "user_spend", *words, cwd=built_shop)
    assert (answer.code, answer.out) == (code, "")
    assert message in answer.err
    assert "Hint: " in answer.err


def test_a_feature_nobody_has_is_answered_with_the_nearest(mlforge: Mlforge, built_shop: Path) -> None:
    answer = mlforge("explain", "user_spent", "--key", "user_id=u01", cwd=built_shop)
    assert (answer.code, answer.out) == (1, "")
    assert "There is no feature 'user_spent'.\nHint: Did you mean 'user_spend'?" in answer.err


def test_a_feature_that_was_not_built_says_how(mlforge: Mlforge, fresh_shop: Path) -> None:
    answer = mlforge("explain", "user_spend", "--key", "user_id=u01", cwd=fresh_shop)
    assert answer.code == 1
    assert "Hint: Build it: mlforge build --features user_spend" in answer.err
