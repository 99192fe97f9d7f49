"""The example of the flights, on a small made-up summer with the columns of the real tables."""

from __future__ import annotations

import csv
import importlib
import os
import random
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import polars as pl
import pytest

EXAMPLE = Path(__file__).parents[1] / "examples" / "flights"
MODULES = ("definitions", "leaks", "prepare")
FIRST, LAST = date(2013, 8, 20), date(2013, 11, 10)
SPLIT = datetime(2013, 10, 1, tzinfo=UTC)
DESTINATIONS = {"BOS": (60, 0), "ORD": (150, -60), "LAX": (360, -180), "SJU": (230, 0)}  # minutes: flight, clock
ZONES = {"BOS": "America/New_York", "ORD": "America/Chicago", "LAX": "America/Los_Angeles"}


def clock(minutes: int) -> int:
    minutes %= 1440
    return minutes // 60 * 100 + minutes % 60


def services(chance: random.Random) -> Iterator[dict]:
    for number in range(1, 31):
        dest = chance.choice(list(DESTINATIONS))
        leaves, (lasts, shift) = chance.randrange(300, 1400), DESTINATIONS[dest]
        yield {
            "carrier": chance.choice(["UA", "B6", "9E"]),
            "flight": number,
            "origin": chance.choice(["EWR", "JFK", "LGA"]),
            "dest": dest,
            "distance": lasts * 8,
            "sched_dep_time": clock(leaves),
            "sched_arr_time": clock(leaves + lasts + shift),
        }


def flights(chance: random.Random) -> Iterator[dict]:
    timetable = list(services(chance))
    for day in range((LAST - FIRST).days + 1):
        date_ = FIRST + timedelta(days=day)
        for service in timetable:
            plane = chance.randrange(20)
            late = round(chance.gauss(plane * 2 - 15, 20))
            fate = chance.random()
            yield service | {
                "year": date_.year,
                "month": date_.month,
                "day": date_.day,
                "tailnum": f"N{plane:03}UA" if fate > 0.01 else "NA",
                "dep_delay": late if fate > 0.04 else "NA",
                "arr_delay": late - 5 if fate > 0.05 else "NA",
            }


def weather(chance: random.Random) -> Iterator[dict]:
    for hour in range((LAST - FIRST).days * 24):
        at = datetime(FIRST.year, FIRST.month, FIRST.day, tzinfo=UTC) + timedelta(hours=hour)
        for origin in ("EWR", "JFK", "LGA"):
            measured = {"temp": 60.1, "humid": 50.5, "precip": 0.0, "visib": 10.0, "pressure": 1012.5}
            wind = 1048.4 if hour == 30 else round(chance.random() * 30, 1)
            yield {"origin": origin, "time_hour": f"{at:%Y-%m-%dT%H:%M:%SZ}", "wind_speed": wind} | measured


def write(path: Path, rows: list[dict]) -> None:
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    folder, chance = tmp_path_factory.mktemp("flights"), random.Random(1)
    tables = folder / "tables"
    tables.mkdir()
    write(tables / "flights.csv", list(flights(chance)))
    write(tables / "weather.csv", list(weather(chance)))
    write(tables / "airports.csv", [{"faa": faa, "tzone": zone} for faa, zone in ZONES.items()])
    planes = [{"tailnum": f"N{n:03}UA", "year": 1990 + n, "seats": 150, "engines": 2} for n in range(19)]
    write(tables / "planes.csv", [*planes, {"tailnum": "N019UA", "year": "NA", "seats": 9, "engines": 1}])
    shutil.copytree(
        EXAMPLE, folder / "project", ignore=shutil.ignore_patterns("data", "feature_store", "online.db*", "__pycache__")
    )

    def run() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, str(folder / "project" / "main.py"), "--tables", str(tables)]
        environment = os.environ | {"PYTHONWARNINGS": "error"}
        return subprocess.run(
            command, cwd=tables, env=environment, capture_output=True, text=True, timeout=300, check=False
        )

    return SimpleNamespace(project=folder / "project", tables=tables, first=run(), second=run())


@pytest.fixture
def modules(example: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    monkeypatch.syspath_prepend(str(example.project))
    yield SimpleNamespace(**{name: importlib.import_module(name) for name in MODULES})
    for name in MODULES:
        del sys.modules[name]


@pytest.fixture
def training(modules: SimpleNamespace, example: SimpleNamespace) -> pl.DataFrame:
    return asked(modules, spine(example), timedelta(0))


def spine(example: SimpleNamespace) -> pl.DataFrame:
    flown = pl.read_parquet(example.project / "data" / "flights.parquet").filter(pl.col("arr_delay").is_not_null())
    decided_at = pl.col("scheduled_at") - pl.duration(hours=2)
    return flown.select("tailnum", "carrier", "flight", "origin", "dest", decided_at=decided_at)


def asked(modules: SimpleNamespace, labels: pl.DataFrame, too_late: timedelta) -> pl.DataFrame:
    """The training set of questions that were asked too late, with the labels' own times."""
    project = modules.definitions.flights
    shifted = labels.with_columns(pl.col("decided_at") + too_late)
    known = project.get_training_data(shifted, list(project.features), "decided_at", full_names=True)
    return known.with_columns(labels["decided_at"])


def test_it_runs_from_another_folder_and_prints_two_scores_and_two_proofs(example: SimpleNamespace) -> None:
    assert example.first.returncode == 0, example.first.stdout + example.first.stderr
    assert "7 built" in example.first.stdout
    assert "ticket and features" in example.first.stdout
    assert "all the same" in example.first.stdout
    assert "are equal" in example.first.stdout


def test_it_publishes_reads_and_replays_what_was_known_then(example: SimpleNamespace) -> None:
    served = example.first.stdout.partition("5  Serve")[2].partition("6  Ask")[0]
    assert "7 published" in served
    assert "values of 7 features in" in served
    assert served.rstrip().endswith("100 % of 729 values are equal.")


def test_it_asks_a_server_and_is_told_which_values_are_stale(example: SimpleNamespace) -> None:
    asked = example.first.stdout.partition("6  Ask")[2]
    assert "$ mlforge serve &" in asked
    assert re.search(r"\$ curl http://127.0.0.1:\d+/features/online", asked)
    assert re.search(r"^  aircraft_facts__\w+ = \d+  present$", asked, re.MULTILINE)
    assert re.search(r"^  carrier_delays__\w+ = \S+  stale$", asked, re.MULTILINE)


def test_the_rows_without_an_aircraft_are_counted(example: SimpleNamespace) -> None:
    lost = pl.read_parquet(example.project / "data" / "flights.parquet")["tailnum"].null_count()
    assert lost > 0
    assert f"aircraft_delays: {lost} rows dropped" in example.first.stdout


def test_a_second_run_builds_nothing_and_says_the_same(example: SimpleNamespace) -> None:
    assert example.second.returncode == 0, example.second.stdout + example.second.stderr
    assert "7 unchanged" in example.second.stdout
    trained = [run.stdout.partition("3  Train")[2].partition("5  Serve")[0] for run in (example.first, example.second)]
    after = [text.partition("\n\n")[2].splitlines()[1:] for text in trained]
    assert after[0] == after[1]
    assert "7 unchanged" in example.second.stdout.partition("5  Serve")[2]


def test_wall_clocks_become_instants(modules: SimpleNamespace, tmp_path: Path) -> None:
    common = {"year": 2013, "carrier": "UA", "tailnum": "N1", "origin": "EWR", "distance": 100}
    rows = [
        # A summer evening to Los Angeles: landing at 00:30 on the next day there, three hours behind.
        {
            "month": 7,
            "day": 4,
            "flight": 1,
            "dest": "LAX",
            "sched_dep_time": 2130,
            "sched_arr_time": 30,
            "arr_delay": 5,
        },
        # The evening before clocks go back, past midnight: 65 minutes, not 5 nor 125.
        {"month": 11, "day": 2, "flight": 2, "dest": "BOS", "sched_dep_time": 2355, "sched_arr_time": 100},
        # Puerto Rico, which the airports lack, is on New York's summer time all year.
        {"month": 12, "day": 1, "flight": 3, "dest": "SJU", "sched_dep_time": 800, "sched_arr_time": 1250},
    ]
    filled = [{"dep_delay": 5, "arr_delay": 0} | common | row for row in rows]
    order = list(filled[0])
    write(tmp_path / "flights.csv", [{k: row[k] for k in order} for row in filled])
    write(tmp_path / "airports.csv", [{"faa": faa, "tzone": zone} for faa, zone in ZONES.items()])
    found = modules.prepare.read_flights(tmp_path)
    assert found["scheduled_at"].to_list() == [
        datetime(2013, 7, 5, 1, 30, tzinfo=UTC),
        datetime(2013, 11, 3, 3, 55, tzinfo=UTC),
        datetime(2013, 12, 1, 13, 0, tzinfo=UTC),
    ]
    assert found["outcome_known_at"].to_list() == [
        datetime(2013, 7, 5, 7, 35, tzinfo=UTC),
        datetime(2013, 11, 3, 5, 0, tzinfo=UTC),
        datetime(2013, 12, 1, 16, 50, tzinfo=UTC),
    ]


def test_a_flight_that_never_came_is_known_of_six_hours_later(modules: SimpleNamespace, tmp_path: Path) -> None:
    common = {"year": 2013, "month": 12, "day": 1, "carrier": "UA", "tailnum": "N1", "origin": "EWR", "dest": "BOS"}
    times = {"distance": 100, "sched_dep_time": 1200, "sched_arr_time": 1300}
    cancelled = common | times | {"flight": 1, "dep_delay": "NA", "arr_delay": "NA"}
    diverted = common | times | {"flight": 2, "dep_delay": 600, "arr_delay": "NA"}
    flown = common | times | {"flight": 3, "dep_delay": 0, "arr_delay": -10}
    write(tmp_path / "flights.csv", [cancelled, diverted, flown])
    write(tmp_path / "airports.csv", [{"faa": "BOS", "tzone": "America/New_York"}])
    found = modules.prepare.read_flights(tmp_path)
    day = datetime(2013, 12, 1, tzinfo=UTC)
    assert found["departure_known_at"].to_list() == [day + timedelta(hours=h) for h in (23, 27, 17)]
    assert found["outcome_known_at"].to_list() == [
        day + timedelta(hours=h, minutes=m) for h, m in ((24, 0), (34, 0), (17, 50))
    ]


def test_the_audit_finds_a_value_that_knows_an_hour_too_much(
    modules: SimpleNamespace, example: SimpleNamespace, training: pl.DataFrame
) -> None:
    raw = pl.read_parquet(example.project / "data" / "flights.parquet")
    sample = spine(example).sample(200, seed=1)
    honest = modules.leaks.audit(asked(modules, sample, timedelta(0)), raw)
    leaking = modules.leaks.audit(asked(modules, sample, timedelta(hours=1)), raw)
    assert (honest.values, honest.wrong) == (1000, [])
    assert honest.would_leak > 100
    assert len(leaking.wrong) > 100


def test_a_world_without_the_future_gives_the_same_training_set_and_no_other(
    modules: SimpleNamespace, example: SimpleNamespace, training: pl.DataFrame
) -> None:
    past = spine(example).filter(pl.col("decided_at") <= SPLIT)
    blind = modules.leaks.training_set_of_the_time(modules.definitions.flights, past, SPLIT)
    assert blind.equals(training.filter(pl.col("decided_at") <= SPLIT))
    assert not blind.equals(asked(modules, past, timedelta(hours=6)))
