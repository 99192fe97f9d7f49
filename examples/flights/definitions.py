"""What is known of an aircraft, a carrier, an airport, a route and a service at any instant of 2013."""

from pathlib import Path

import polars as pl

import mlforge as mlf
import mlforge.validators as v

WINDOWS = ["1d", "7d", "30d"]
FLIGHTS = "data/flights.parquet"

aircraft = mlf.Entity("aircraft", join_key="tailnum")
carrier = mlf.Entity("carrier", join_key="carrier")
airport = mlf.Entity("airport", join_key="origin")
route = mlf.Entity("route", join_key=["origin", "dest"])
service = mlf.Entity("service", join_key="service_id", from_columns=["carrier", "flight"])  # UA 1545, day after day

AIRPORTS = v.is_in(["EWR", "JFK", "LGA"])
MINUTES_LATE = v.in_range(-180, 1440)
SHARE = v.in_range(0, 1)


def outcomes(windows: list[str]) -> list[mlf.Aggregate]:
    """How many flights came to an end, how late they arrived, and how many never flew."""
    return [
        mlf.Count(windows=windows, name="flights", description="flights whose end is known"),
        mlf.Mean("arr_delay", windows=windows, name="delay", unit="minutes"),
        mlf.Mean(mlf.col("arr_delay") > 15, windows=windows, name="late", description="share over 15 minutes late"),
        mlf.Sum("cancelled", windows=windows, name="cancelled", description="flights that never left"),
    ]


@mlf.feature(
    source=FLIGHTS,
    entities=[aircraft],
    timestamp="outcome_known_at",
    metrics=outcomes(WINDOWS),
    validators={"tailnum": v.matches_regex("^[A-Z0-9]+$"), "arr_delay": MINUTES_LATE, "late_30d": SHARE},
    tags=["delays", "realtime"],
    owner="operations",
)
def aircraft_delays(flights: pl.LazyFrame) -> pl.LazyFrame:
    """Delays of this aircraft.

    It flies a few times a day, so there is no interval: each flight counts from the minute it ends.
    """
    return flights.select("tailnum", "outcome_known_at", "arr_delay", "cancelled")


@mlf.feature(
    source=FLIGHTS,
    entities=[carrier],
    timestamp="outcome_known_at",
    interval="1h",
    metrics=outcomes(WINDOWS),
    validators={"carrier": [v.not_null(), v.matches_regex("^[A-Z0-9]{2}$")], "arr_delay": MINUTES_LATE},
    tags=["delays", "hourly"],
    owner="operations",
)
def carrier_delays(flights: pl.LazyFrame) -> pl.LazyFrame:
    """Delays of this carrier."""
    return flights.select("carrier", "outcome_known_at", "arr_delay", "cancelled")


@mlf.feature(
    source=FLIGHTS,
    entities=[airport],
    timestamp="departure_known_at",
    interval="1h",
    metrics=[
        mlf.Count(windows=["3h", *WINDOWS], name="departures", description="flights that left, or never will"),
        mlf.Mean("dep_delay", windows=["3h", *WINDOWS], name="delay", unit="minutes"),
        mlf.Max("dep_delay", windows="3h", name="worst", unit="minutes"),
        mlf.Sum("cancelled", windows=["3h", *WINDOWS], name="cancelled", description="flights that never left"),
    ],
    validators={"origin": [v.not_null(), AIRPORTS], "dep_delay": MINUTES_LATE},
    tags=["delays", "hourly"],
    owner="operations",
)
def origin_departures(flights: pl.LazyFrame) -> pl.LazyFrame:
    """Delays leaving this airport.

    They are known when a flight leaves, hours before it arrives: another clock than the other features'.
    """
    return flights.select("origin", "departure_known_at", "dep_delay", "cancelled")


@mlf.feature(
    source=FLIGHTS,
    entities=[route],
    timestamp="outcome_known_at",
    interval="1d",
    metrics=outcomes(["7d", "30d"]),
    validators={"origin": AIRPORTS, "dest": v.matches_regex("^[A-Z]{3}$"), "late_30d": SHARE},
    tags=["delays", "daily"],
    owner="network",
)
def route_delays(flights: pl.LazyFrame) -> pl.LazyFrame:
    """Delays between two airports."""
    return flights.select("origin", "dest", "outcome_known_at", "arr_delay", "cancelled")


@mlf.feature(
    source=FLIGHTS,
    entities=[service],
    timestamp="outcome_known_at",
    interval="1d",
    metrics=outcomes(["7d", "30d"]),
    validators={"carrier": v.not_null(), "flight": [v.not_null(), v.greater_than(0)]},
    tags=["delays", "daily"],
    owner="network",
)
def service_delays(flights: pl.LazyFrame) -> pl.LazyFrame:
    """Delays of this flight number."""
    return flights.select("service_id", "carrier", "flight", "outcome_known_at", "arr_delay", "cancelled")


@mlf.feature(
    source="data/weather.parquet",
    entities=[airport],
    timestamp="known_at",
    max_age="6h",
    validators={"wind_speed": v.in_range(0, 150), "humid": v.in_range(0, 100), "visib": v.greater_than_or_equal(0)},
    tags=["weather", "hourly"],
    owner="operations",
)
def weather(observations: pl.LazyFrame) -> pl.LazyFrame:
    """Weather of the last hour.

    One observation tells of a wind of 1,048 mph. The validator found it; here it becomes null.
    """
    wind = pl.col("wind_speed")
    return observations.with_columns(wind_speed=pl.when(wind < 150).then(wind))


@mlf.feature(
    source=mlf.Source("data/planes.csv", format=mlf.CSVFormat(null_values=["NA"])),
    entities=[aircraft],
    validators={"tailnum": [v.not_null(), v.unique()], "seats": v.greater_than(0)},
    tags=["reference", "on-demand"],
    owner="network",
)
def aircraft_facts(planes: pl.LazyFrame) -> pl.LazyFrame:
    """How old and how large it is."""
    return planes.select("tailnum", "seats", "engines", built="year")


flights = mlf.Definitions(
    "flights",
    features=[
        aircraft_delays,
        carrier_delays,
        origin_departures,
        route_delays,
        service_delays,
        weather,
        aircraft_facts,
    ],
    root=Path(__file__).parent,
)
