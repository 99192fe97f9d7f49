"""Local times without a zone, from a source to a training set, alike on both engines."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

import mlforge as mlf

ENGINES = ["polars", "duckdb"]
TWICE = "user;at;spent\nada;26.10.2025 01:59;1\nada;26.10.2025 02:30;2\nada;26.10.2025 03:00;4\n"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def definitions(root: Path, engine: str, text: str, **more: str) -> mlf.Definitions:
    (root / "events.csv").write_text(text)
    when = mlf.Timestamp("at", format="%d.%m.%Y %H:%M", alias="paid_at", timezone="Europe/Berlin", **more)

    @mlf.feature(
        source=mlf.Source(str(root / "events.csv"), format=mlf.CSVFormat(delimiter=";")),
        keys="user",
        timestamp=when,
        metrics=mlf.Sum("spent", windows="1h", name="spend"),
    )
    def spend(df):
        return df

    return mlf.Definitions("shop", features=[spend], engine=engine, store=mlf.LocalStore(root / f"store {engine}"))


def built(defs: mlf.Definitions) -> list[tuple[datetime, int]]:
    frame = defs.read("spend")
    rows = frame if isinstance(frame, pl.DataFrame) else frame.pl()
    return rows.select("paid_at", "spend_1h").rows()


@pytest.mark.parametrize("engine", ENGINES)
def test_local_times_are_built_explained_and_joined_as_instants(tmp_path: Path, engine: str) -> None:
    defs = definitions(tmp_path, engine, TWICE)
    defs.build().raise_for_failure()
    assert built(defs) == [
        (at("2025-10-25T23:59"), 1),
        (at("2025-10-26T00:30"), 3),
        (at("2025-10-26T00:59"), 2),
        (at("2025-10-26T01:30"), 0),
        (at("2025-10-26T02:00"), 4),
        (at("2025-10-26T03:00"), 0),
    ]
    explained = defs.explain("spend", {"user": "ada"}, at("2025-10-26T00:45"))
    assert (explained.failure, [(value.stored, value.recomputed) for value in explained.values]) == (None, [(3, 3)])
    spine = pl.DataFrame({"user": ["ada"] * 2, "on": ["2025-10-26 02:29", "2025-10-26 02:30"]})
    asked = mlf.Timestamp("on", timezone="Europe/Berlin")
    answer = defs.get_training_data(spine, features="spend", timestamp=asked)
    assert answer["spend_1h"].to_list() == [1, 3]


@pytest.mark.parametrize("engine", ENGINES)
def test_an_increment_reads_local_times_as_a_full_build_does(tmp_path: Path, engine: str) -> None:
    defs = definitions(tmp_path, engine, TWICE)
    defs.build().raise_for_failure()
    defs = definitions(tmp_path, engine, TWICE + "ada;26.10.2025 04:00;8\n")
    defs.build(since="2025-10-26T03:00").raise_for_failure()
    assert built(defs)[-3:] == [(at("2025-10-26T02:00"), 4), (at("2025-10-26T03:00"), 8), (at("2025-10-26T04:00"), 0)]


@pytest.mark.parametrize("engine", ENGINES)
def test_a_time_that_clocks_skipped_stops_the_build_with_the_way_out(tmp_path: Path, engine: str) -> None:
    skipped = "user;at;spent\nada;30.03.2025 01:00;1\nada;30.03.2025 02:30;2\n"
    failure = definitions(tmp_path, engine, skipped).build()["spend"].failure
    assert failure is not None
    assert "1 time does not exist in 'Europe/Berlin', 2025-03-30T02:30:00 in row 1" in failure.message
    assert 'Timestamp("at", timezone="Europe/Berlin", nonexistent="forward")' in (failure.hint or "")
    defs = definitions(tmp_path, engine, skipped, nonexistent="forward")
    defs.build().raise_for_failure()
    assert built(defs)[1] == (at("2025-03-30T01:00"), 0)
    assert built(defs)[2] == (at("2025-03-30T01:30"), 2)


@pytest.mark.parametrize("engine", ENGINES)
def test_another_zone_is_another_version(tmp_path: Path, engine: str) -> None:
    defs = definitions(tmp_path, engine, TWICE)
    assert defs.build()["spend"].version == "1.0.0"
    moved = mlf.Timestamp("at", format="%d.%m.%Y %H:%M", alias="paid_at", timezone="America/New_York")

    @mlf.feature(
        source=mlf.Source(str(tmp_path / "events.csv"), format=mlf.CSVFormat(delimiter=";")),
        keys="user",
        timestamp=moved,
        metrics=mlf.Sum("spent", windows="1h", name="spend"),
    )
    def spend(df):
        return df

    store = mlf.LocalStore(tmp_path / f"store {engine}")
    result = mlf.Definitions("shop", features=[spend], engine=engine, store=store).build()["spend"]
    assert result.version != "1.0.0"
    assert result.status == "built"
