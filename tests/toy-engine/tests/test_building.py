"""Whatever mlforge does with an engine, it does with this one, and gets what it gets from Polars."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import mlforge as mlf

FIRST = [("ada", "2024-03-01T10:00:00Z", 1), ("bob", "2024-03-01T11:30:00Z", 2), ("ada", "2024-03-02T09:00:00Z", 4)]
LATER = [("ada", "2024-03-03T08:00:00Z", 8), ("cyd", "2024-03-03T09:00:00Z", 16)]
LABELS = [("ada", 2), ("ada", 4), ("bob", 3), ("eve", 3), ("cyd", 4)]
ENGINES = ("toy-engine", "polars")


def unchanged(df):
    return df


class Shop:
    """The same two features, built by two engines into stores of their own."""

    def __init__(self, folder: Path) -> None:
        self.source = folder / "payments.csv"
        self.write(FIRST)
        spend = mlf.feature(
            source=str(self.source), keys="user", timestamp="paid_at", interval="1d", name="spend",
            metrics=[mlf.Sum("amount", windows=["1d", "7d"]), mlf.Median("amount", windows="7d")],
            validators={"amount": [mlf.validators.greater_than(0)]},
        )(unchanged)  # fmt: skip
        last = mlf.feature(source=str(self.source), keys="user", timestamp="paid_at", name="last")(unchanged)
        self.definitions = {
            engine: mlf.Definitions(
                "shop", features=[spend, last], store=mlf.LocalStore(str(folder / engine)), engine=engine
            )
            for engine in ENGINES
        }

    def write(self, rows: list[tuple[str, str, int]]) -> None:
        lines = [f"{user},{at},{amount}" for user, at, amount in rows]
        self.source.write_text("\n".join(["user,paid_at,amount", *lines, ""]))

    def both(self, ask: Any) -> list[Any]:
        return [ask(self.definitions[engine]) for engine in ENGINES]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    return Shop(tmp_path)


def rows_of(frame: Any) -> list[dict[str, Any]]:
    return pa.table(frame).to_pylist()


def training(defs: Any) -> list[dict[str, Any]]:
    spine = pa.table(
        {"user": [u for u, _ in LABELS], "at": [datetime(2024, 3, day, tzinfo=UTC) for _, day in LABELS]},
        pa.schema([("user", pa.string()), ("at", pa.timestamp("us", "UTC"))]),
    )
    return rows_of(defs.get_training_data(spine, ["spend"], timestamp="at"))


def test_features_are_built_and_joined(shop: Shop) -> None:
    for report in shop.both(lambda defs: defs.build()):
        report.raise_for_failure()
    ours, theirs = shop.both(training)
    assert ours == theirs
    assert [row["amount__sum__7d"] for row in ours] == [1, 5, 2, None, None]


def test_what_is_new_is_added(shop: Shop) -> None:
    shop.both(lambda defs: defs.build())
    shop.write(FIRST + LATER)
    for report in shop.both(lambda defs: defs.build(since="2024-03-03")):
        report.raise_for_failure()
    for name in ("spend", "last"):
        ours, theirs = shop.both(lambda defs, name=name: rows_of(defs.read(name)))
        assert ours == theirs
    assert [row["amount__sum__7d"] for row in shop.both(training)[0]] == [1, 13, 2, None, 16]


def test_a_broken_promise_stops_a_build(shop: Shop) -> None:
    shop.write([("ada", "2024-03-01T10:00:00Z", -1)])
    ours, theirs = shop.both(lambda defs: defs.build(["spend"]).results[0])
    assert (ours.status, ours.checks, ours.failure) == (theirs.status, theirs.checks, theirs.failure)
    assert ours.status == "failed"
