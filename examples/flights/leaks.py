"""Does a training set know the future? Two ways to find out that trust nobody's word for it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from math import isclose
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import polars as pl

import mlforge as mlf

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
WEEK = timedelta(days=7)


def training_set_of_the_time(project: mlf.Definitions, spine: pl.DataFrame, moment: datetime) -> pl.DataFrame:
    """The training set that would have been made at a moment, in a world where nothing later has happened yet."""
    with TemporaryDirectory() as folder:
        then, now = Path(folder, "data"), project.root / "data"
        then.mkdir()
        flights_of_the_time(pl.read_parquet(now / "flights.parquet"), moment).write_parquet(then / "flights.parquet")
        pl.read_parquet(now / "weather.parquet").filter(pl.col("known_at") <= moment).write_parquet(
            then / "weather.parquet"
        )
        (then / "planes.csv").write_bytes((now / "planes.csv").read_bytes())
        past = mlf.Definitions("past", list(project.features.values()), root=folder)
        past.build().raise_for_failure()
        return past.get_training_data(spine, list(past.features), "decided_at", full_names=True)


def flights_of_the_time(flights: pl.DataFrame, moment: datetime) -> pl.DataFrame:
    """The flights that had left, without the ends of those still in the air."""
    ended = pl.col("outcome_known_at") <= moment
    return flights.filter(pl.col("departure_known_at") <= moment).with_columns(
        arr_delay=pl.when(ended).then("arr_delay"),
        outcome_known_at=pl.when(ended).then("outcome_known_at").otherwise(moment + timedelta(days=1)),
    )


class Claim(NamedTuple):
    """What a feature says it is: whose flights, which delay, known from when, and renewed in which steps."""

    feature: str
    keys: tuple[str, ...]
    delay: str
    known_at: str
    step: timedelta | None


CLAIMS = (
    Claim("aircraft_delays", ("tailnum",), "arr_delay", "outcome_known_at", None),
    Claim("carrier_delays", ("carrier",), "arr_delay", "outcome_known_at", timedelta(hours=1)),
    Claim("origin_departures", ("origin",), "dep_delay", "departure_known_at", timedelta(hours=1)),
    Claim("route_delays", ("origin", "dest"), "arr_delay", "outcome_known_at", timedelta(days=1)),
    Claim("service_delays", ("carrier", "flight"), "arr_delay", "outcome_known_at", timedelta(days=1)),
)


class Value(NamedTuple):
    """A week of an entity's flights: their mean delay, and how many never left."""

    delay: float | None
    cancelled: int | None


class Audit(NamedTuple):
    """How many values were compared, which were wrong, and how many the usual leak would change."""

    values: int
    wrong: list[str]
    would_leak: int


def audit(training: pl.DataFrame, flights: pl.DataFrame) -> Audit:
    """Compare values with those computed here, label by label, from the flights that were known by then.

    The usual leak is to stamp a flight with the time it was scheduled for: its own delay is then known before it left.
    A comparison that could not tell the two apart would prove nothing, so it is counted.
    """
    values, wrong, would_leak = 0, [], 0
    for claim, label, flown in _labels(training, flights):
        at = label["decided_at"]
        stored = Value(label[f"{claim.feature}__delay_7d"], label[f"{claim.feature}__cancelled_7d"])
        honest = week_before(at, flown, claim, claim.known_at)
        values += 1
        would_leak += not same(stored, week_before(at, flown, claim, "scheduled_at"))
        if not same(stored, honest):
            wrong.append(f"{claim.feature} at {at:%Y-%m-%d %H:%M}: stored {stored}, recomputed {honest}")
    return Audit(values, wrong, would_leak)


def week_before(at: datetime, flown: pl.DataFrame, claim: Claim, clock: str) -> Value:
    """The last week of an entity's flights, as of an instant, by a clock."""
    end = at if claim.step is None else at - (at - EPOCH) % claim.step
    time = pl.col(clock)
    known = flown.filter(time <= end if claim.step is None else time < end)
    week = known.filter(time > end - WEEK if claim.step is None else time >= end - WEEK)
    return Value(week[claim.delay].mean(), week["cancelled"].sum() if known.height else None)


def same(one: Value, other: Value) -> bool:
    """Whether two values are equal, but for the last bits of a mean."""
    if one.delay is None or other.delay is None:
        return one == other
    return one.cancelled == other.cancelled and isclose(one.delay, other.delay, rel_tol=1e-9, abs_tol=1e-9)


def _labels(training: pl.DataFrame, flights: pl.DataFrame) -> Iterator[tuple[Claim, dict, pl.DataFrame]]:
    for claim in CLAIMS:
        by_entity = flights.partition_by(claim.keys, as_dict=True)
        for label in training.iter_rows(named=True):
            yield claim, label, by_entity[tuple(label[k] for k in claim.keys)]
