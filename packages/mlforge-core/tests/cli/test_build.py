"""`mlforge build`."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlforge.cli.app import run
from mlforge.cli.views import terminal
from mlforge.flow.progress import Progress

Mlforge = Callable[..., Any]
Spoil = Callable[..., None]
Edit = Callable[[Path, str, str], None]

FAILING = """

@mlf.feature(source="data/missing.parquet", keys="user_id")
def broken(df):
    return df
"""


def row_of(text: str, feature: str) -> list[str]:
    """A feature's line in the table."""
    return next(line.split() for line in text.splitlines() if line.startswith(f"{feature} "))


def test_a_first_build_says_what_was_built_and_why(mlforge: Mlforge, shop: Path) -> None:
    answer = mlforge("build", cwd=shop)
    assert answer.code == 0
    assert row_of(answer.out, "user_spend")[1:5] == ["built", "1.0.0", "first", "build"]
    assert "last_purchase 1.0.0  first 5 rows" in answer.out
    assert answer.out.splitlines()[-1].startswith("2 built in ")


def test_what_has_not_changed_is_not_built_and_it_says_why(mlforge: Mlforge, built_shop: Path) -> None:
    answer = mlforge("build", cwd=built_shop)
    assert answer.code == 0
    assert row_of(answer.out, "user_spend")[1:3] == ["unchanged", "1.0.0"]
    assert "Nothing to build: sources, definitions and functions are what they were." in answer.out


def test_force_builds_what_has_not_changed(mlforge: Mlforge, shop: Path) -> None:
    mlforge("build", "--features", "last_purchase", cwd=shop)
    answer = mlforge("build", "--features", "last_purchase", "--force", "--json", cwd=shop)
    assert [(r["status"], r["version"]) for r in answer.document["results"]] == [("built", "1.0.1")]


def test_a_change_is_named(mlforge: Mlforge, shop: Path, edit: Edit) -> None:
    mlforge("build", "--features", "user_spend", cwd=shop)
    edit(shop / "features.py", '"28d"], name="purchases"', '"14d", "28d"], name="purchases"')
    answer = mlforge("build", "--features", "user_spend", cwd=shop)
    assert "metrics added: purchases_14d" in answer.out


def test_progress_goes_to_stderr_in_plain_lines(mlforge: Mlforge, shop: Path) -> None:
    answer = mlforge("build", "--features", "user_spend", cwd=shop)
    lines = answer.err.splitlines()
    assert lines
    assert all(line.startswith("user_spend: ") and line.endswith(" s") for line in lines)
    assert len(lines) == 1


def test_each_step_is_a_line_where_one_asks_for_it_and_none_where_one_wants_quiet(
    shop: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(shop)
    assert run(["build", "-v", "--force"]) == 0
    told = capsys.readouterr().err.splitlines()
    assert any(line.startswith("user_spend: computing 333 rows … ") for line in told)
    assert any(line.startswith("last_purchase: committing ") for line in told)
    for words in (["-q", "build", "--force"], ["build", "--quiet", "--force"]):
        assert run(words) == 0
        answer = capsys.readouterr()
        assert answer.err == "" and "2 built" in answer.out


def test_a_long_step_is_told_of_again(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    seconds = iter([0.0, 1.0, 2.0, 12.0, 13.0, 14.0])
    monkeypatch.setattr(terminal, "perf_counter", lambda: next(seconds))
    with terminal.working() as tell:
        for feature in ("a", "a", "a", "a", "b"):
            tell(Progress(feature, "computing"))
    told = capsys.readouterr().err.splitlines()
    assert told == ["a: computing … 1.0 s", "a: computing … 12.0 s", "b: computing … 14.0 s"]


def test_dropped_rows_are_said_in_words(mlforge: Mlforge, shop: Path, spoil: Spoil) -> None:
    spoil(user_id={4: "", 9: "", 30: ""})
    answer = mlforge("build", "--features", "last_purchase", cwd=shop)
    assert answer.code == 0
    assert "last_purchase: 3 rows dropped: null key" in answer.out


def test_one_failing_feature_stops_no_other_and_the_exit_code_is_1(mlforge: Mlforge, shop: Path) -> None:
    with (shop / "features.py").open("a", encoding="utf-8") as file:
        file.write(FAILING)
    answer = mlforge("build", cwd=shop)
    assert answer.code == 1
    assert row_of(answer.out, "broken")[1] == "failed"
    assert row_of(answer.out, "user_spend")[1] == "built"
    assert "broken: The source 'missing' is not there" in answer.out
    assert "Hint: Relative paths start at the project's folder" in answer.out
    assert "2 built, 1 failed in" in answer.out
    assert "Traceback" not in answer.err


def test_a_broken_promise_is_listed_with_count_share_and_examples(mlforge: Mlforge, shop: Path, spoil: Spoil) -> None:
    spoil(amount={3: "-1.50", 7: "-2.50", 8: "-3.50", 9: "-4.50"}, user_id={20: ""})
    answer = mlforge("build", "--features", "user_spend", cwd=shop)
    assert answer.code == 1
    assert "user_spend: 2 of 3 promises broken." in answer.out
    told = " ".join(answer.out.split())
    assert "amount greater_than(0) 4 of 333 1.20 % -1.5, -2.5, -3.5" in told
    assert "user_id not_null() 1 of 333 0.30 % null" in told
    assert not (shop / "feature_store" / "user_spend").exists()


def test_a_dry_run_writes_nothing(mlforge: Mlforge, shop: Path) -> None:
    answer = mlforge("build", "--dry-run", cwd=shop)
    assert answer.code == 0
    assert row_of(answer.out, "user_spend")[1:3] == ["planned", "1.0.0"]
    assert f"user_spend: Reads {shop / 'data' / 'purchases.csv'}." in answer.out
    assert not list((shop / "feature_store").glob("*"))


def test_features_are_chosen_with_commas_and_by_repeating(mlforge: Mlforge, shop: Path) -> None:
    commas = mlforge("build", "--dry-run", "--json", "--features", "user_spend, last_purchase", cwd=shop)
    repeated = mlforge(
        "build", "--dry-run", "--json", "--features", "user_spend", "--features", "last_purchase", cwd=shop
    )
    for answer in (commas, repeated):
        assert [r["feature"] for r in answer.document["results"]] == ["user_spend", "last_purchase"]


def test_features_are_chosen_by_tag_and_schedule(mlforge: Mlforge, shop: Path) -> None:
    for words, expected in ((["--tags", "users"], 2), (["--schedule", "daily"], 1)):
        assert len(mlforge("build", "--dry-run", "--json", *words, cwd=shop).document["results"]) == expected


def test_nothing_to_build_says_why(mlforge: Mlforge, shop: Path) -> None:
    answer = mlforge("build", "--features", "last_purchase", "--tags", "daily", cwd=shop)
    assert (answer.code, answer.out) == (0, "Nothing to build: none of last_purchase has the tag daily.\n")
    answer = mlforge("build", "--schedule", "weekly,hourly", cwd=shop)
    assert (answer.code, answer.out) == (0, "Nothing to build: no feature has the schedule weekly or hourly.\n")


def test_definitions_without_features_say_so(mlforge: Mlforge, shop: Path, edit: Edit) -> None:
    edit(shop / "definitions.py", "features=[features]", "features=[]")
    assert mlforge("build", cwd=shop).out == "Nothing to build: the definitions hold no feature.\n"
    assert mlforge("validate", cwd=shop).out == "Nothing to validate: the definitions hold no feature.\n"


def test_an_unknown_feature_is_answered_with_the_nearest(mlforge: Mlforge, shop: Path) -> None:
    answer = mlforge("build", "--features", "user_spent", cwd=shop)
    assert answer.code == 1
    assert answer.err == "Error: There is no feature 'user_spent'.\nHint: Did you mean 'user_spend'?\n"


def test_a_version_of_ones_own_is_taken_once(mlforge: Mlforge, shop: Path) -> None:
    words = ("build", "--features", "last_purchase", "--version", "2.0.0")
    assert row_of(mlforge(*words, cwd=shop).out, "last_purchase")[2] == "2.0.0"
    answer = mlforge(*words, cwd=shop)
    assert answer.code == 1
    assert "'last_purchase' has a version 2.0.0 already." in answer.out


def test_no_preview_shows_no_rows(mlforge: Mlforge, shop: Path) -> None:
    assert "first 5 rows" not in mlforge("build", "--no-preview", cwd=shop).out


def test_json_is_the_only_thing_on_stdout_even_where_a_function_prints(
    mlforge: Mlforge, shop: Path, edit: Edit
) -> None:
    line = '    return df.select("user_id", "event_time", "amount")'
    edit(shop / "features.py", line, f"    print('hello from the function')\n{line}")
    answer = mlforge("build", "--json", cwd=shop)
    document = json.loads(answer.out)
    assert document["ok"] is True
    assert {r["feature"]: r["rows"] for r in document["results"]} == {"user_spend": 726, "last_purchase": 333}
    assert document["results"][0]["change"] == {"bump_type": "initial", "reason": "first_build", "details": []}
    assert document["results"][0]["preview"] == []
    assert "hello from the function" in answer.err


def test_json_brings_the_preview_where_it_is_asked_for(mlforge: Mlforge, shop: Path) -> None:
    answer = mlforge("build", "--json", "--preview", "--features", "last_purchase", cwd=shop)
    assert answer.document["results"][0]["preview"][0]["event_time"] == "2026-01-05T15:18:59Z"


def test_json_of_a_failed_build_has_the_failures_and_the_exit_code_is_1(
    mlforge: Mlforge, shop: Path, spoil: Spoil
) -> None:
    spoil(amount={3: "-1.50"})
    answer = mlforge("build", "--json", cwd=shop)
    assert answer.code == 1
    document = answer.document
    assert document["ok"] is False
    failed = document["results"][0]
    assert (failed["status"], failed["failure"]["kind"]) == ("failed", "CheckFailed")
    assert [(c["column"], c["failures"], c["examples"]) for c in failed["checks"] if c["failures"]] == [
        ("amount", 1, [-1.5])
    ]


def test_a_failing_function_is_told_in_words_and_debug_shows_where(mlforge: Mlforge, shop: Path, edit: Edit) -> None:
    edit(
        shop / "features.py",
        'return df.select("user_id", "event_time", "amount")',
        'raise KeyError("what_is_not_there")',
    )
    answer = mlforge("build", cwd=shop)
    assert answer.code == 1
    assert "what_is_not_there" in answer.out
    assert "Traceback" not in answer.out + answer.err
    shown = mlforge("--debug", "build", cwd=shop).err
    assert "Traceback" in shown
    assert "features.py" in shown
    for command in ("build", "validate"):
        assert "Traceback" in mlforge(command, "--debug", cwd=shop).err


RATES = """
import sqlite3

import mlforge as mlf
import polars as pl

RATES = {"chf": 1}
DATABASE = None


def convert(values):
    return pl.Series([v * RATES["chf"] for v in values])


def unrelated(values):
    return values


@mlf.feature(source="payments.csv", keys="user", timestamp=mlf.Timestamp("at"), incremental=True)
def paid(df):
    return df.with_columns(pl.col("amount").map_batches(lambda s: convert(s), return_dtype=pl.Int64))


@mlf.feature(source="payments.csv", keys="user", timestamp=mlf.Timestamp("at"))
def kept(df):
    return df.filter(DATABASE is None or True)


defs = mlf.Definitions("rates", features=[paid, kept], offline_store=mlf.LocalStore("store"))
"""


@pytest.fixture
def rates(tmp_path: Path) -> Path:
    (tmp_path / "definitions.py").write_text(RATES)
    (tmp_path / "payments.csv").write_text("user,at,amount\nada,2025-01-01T00:00:00Z,10\n")
    return tmp_path


def test_a_constant_read_in_a_comprehension_of_a_helper_is_the_functions_logic(
    mlforge: Mlforge, rates: Path, edit: Edit
) -> None:
    first = mlforge("build", "--json", cwd=rates).document
    assert {r["version"] for r in first["results"]} == {"1.0.0"}
    edit(rates / "definitions.py", '{"chf": 1}', '{"chf": 5}')
    refused = mlforge("build", "--features", "paid", cwd=rates)
    assert refused.code == 1
    assert "cannot be continued: the function." in " ".join(refused.err.split() + refused.out.split())
    full = mlforge("build", "--features", "paid", "--full-refresh", "--json", cwd=rates).document["results"][0]
    assert (full["version"], full["change"]["bump_type"], full["change"]["reason"]) == (
        "1.1.0",
        "minor",
        "logic_changed",
    )


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("    return values\n", "    return values * 2\n"),
        ("def convert(values):\n", 'def convert(values: "pl.Series") -> "pl.Series":\n    """Into francs."""\n'),
        ('pl.Series([v * RATES["chf"]', 'pl.Series(  # francs\n        [v * RATES["chf"]'),
        ('RATES = {"chf": 1}', 'RATES = {"chf": 2 - 1}\nOTHER = 3'),
    ],
)  # fmt: skip
def test_what_does_not_change_the_function_builds_nothing(
    mlforge: Mlforge, rates: Path, edit: Edit, old: str, new: str
) -> None:
    mlforge("build", cwd=rates)
    edit(rates / "definitions.py", old, new)
    again = mlforge("build", "--json", cwd=rates).document
    assert {r["status"] for r in again["results"]} == {"unchanged"}


def test_what_cannot_be_told_is_said_and_never_called_unchanged(mlforge: Mlforge, rates: Path, edit: Edit) -> None:
    edit(rates / "definitions.py", "DATABASE = None", 'DATABASE = sqlite3.connect(":memory:")')
    first = mlforge("build", "--features", "kept", cwd=rates)
    assert "kept.DATABASE, a sqlite3.Connection" in " ".join(first.out.split())
    again = mlforge("build", "--features", "kept", "--json", cwd=rates).document["results"][0]
    assert (again["status"], again["version"], again["change"]["reason"]) == ("built", "1.0.1", "logic_unknown")
    assert again["logic_unknown"] == ["kept.DATABASE, a sqlite3.Connection"]
    diff = mlforge("diff", "kept", "1.0.0", "1.0.1", "--json", cwd=rates).document
    assert diff["logic"] is None


def test_an_increment_on_what_cannot_be_told_is_refused_with_a_way_out(
    mlforge: Mlforge, rates: Path, edit: Edit
) -> None:
    edit(rates / "definitions.py", "DATABASE = None", 'DATABASE = sqlite3.connect(":memory:")')
    mlforge("build", "--features", "kept", cwd=rates)
    (rates / "payments.csv").write_text((rates / "payments.csv").read_text() + "bob,2025-01-02T00:00:00Z,20\n")
    refused = mlforge("build", "--features", "kept", "--since", "2025-01-02", cwd=rates)
    assert refused.code == 1
    assert "kept.DATABASE, a sqlite3.Connection" in " ".join(refused.out.split() + refused.err.split())
    hint = "mlforge build --features kept --full-refresh"
    assert hint in refused.out + refused.err
    assert mlforge(*hint.split()[1:], cwd=rates).code == 0
