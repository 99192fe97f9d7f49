"""Point-in-time joins: each spine row gets the newest feature row of its keys that is not younger than its instant.

Keys and stamp become one integer, so that a join of two sorted columns is a single merge. It finds row numbers only;
values are read afterwards, a few columns at a time, and gathered once, straight into the order of the spine.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import polars as pl

from mlforge_polars.entities import LAST, STAMP, coarsest_unit, integer

BYTES_AT_ONCE = 2**28  # of feature values in memory beside the result


class Join(NamedTuple):
    """A feature to join: `features` scans its rows, unique per keys and stamp and sorted by them."""

    features: pl.LazyFrame
    keys: Sequence[str]
    stamp: str | None  # None: rows are unique per keys, and always valid
    columns: Mapping[str, str]  # feature column: output name
    max_age: int | None  # microseconds


class StampClock(NamedTuple):
    """The span of a feature's stamps in the coarsest unit that tells them apart."""

    unit: int
    first: int
    gap: int

    def units_of(self, time: pl.Expr) -> pl.Expr:
        return (time if self.unit == 1 else time // self.unit) - self.first


class Spine:
    """The rows that can match at all, sorted by keys and instant once for all joins on the same keys."""

    def __init__(self, spine: pl.DataFrame, instants: pl.Series) -> None:
        self.height = spine.height
        self._rows = spine.with_columns(instants.cast(STAMP).to_physical().alias("\0s")).with_row_index("\0row")
        self._sorted: dict[tuple[str, ...], pl.DataFrame] = {}

    def by(self, keys: Sequence[str]) -> pl.DataFrame:
        """Columns `row`, `s` and k0, k1, ..."""
        if tuple(keys) not in self._sorted:
            named = [pl.col(key).alias(name) for name, key in zip(_names(keys), keys, strict=True)]
            rows = self._rows.lazy().select(pl.col("\0row").alias("row"), pl.col("\0s").alias("s"), *named)
            self._sorted[tuple(keys)] = rows.drop_nulls(_names(keys)).sort(*_names(keys), "s").collect()
        return self._sorted[tuple(keys)]


def asof(spine: pl.DataFrame, instants: pl.Series, joins: Sequence[Join]) -> pl.DataFrame:
    """The output columns of all joins, one row per spine row, in its order; null where nothing matches.

    The keys of the spine are of the types of the features' keys.
    """
    rows, parts = Spine(spine, instants), list[pl.DataFrame]()
    for join in joins:
        parts += _gathered(join.features, _matches(rows, join), join.columns)
    return pl.concat(parts, how="horizontal") if parts else pl.DataFrame(height=spine.height)


def _names(keys: Sequence[str]) -> list[str]:
    return [f"k{i}" for i in range(len(keys))]


# --- keys -------------------------------------------------------------------------------------------------------------


def _number_directly(features: pl.DataFrame, spine: pl.DataFrame, gap: int) -> tuple[pl.DataFrame, pl.DataFrame] | None:
    """A single integer key is a number already, less the lowest one, where the range leaves room for stamps."""
    dtype = features.schema["k0"]
    if "k1" in features.columns or not dtype.is_integer() or dtype in (pl.Int128, pl.UInt128, pl.UInt64):
        return None
    low, high = integer(features["k0"].min()), integer(features["k0"].max())
    if high - low >= LAST // gap:
        return None
    entity = (pl.col("k0").cast(pl.Int64) - low).alias("entity")
    return features.with_columns(entity), spine.filter(pl.col("k0").is_between(low, high)).with_columns(entity)


def _number_runs(
    features: pl.DataFrame, spine: pl.DataFrame, names: Sequence[str]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Sorted keys are numbered run by run; the spine looks its numbers up."""
    starts = pl.any_horizontal(pl.col(name).ne_missing(pl.col(name).shift(1)) for name in names)
    first = pl.int_range(pl.len()) == 0
    numbered = features.with_columns((starts | first).cum_sum().cast(pl.Int64).alias("entity") - 1)
    table = numbered.filter(pl.col("entity").ne_missing(pl.col("entity").shift(1))).select(*names, "entity")
    if table.select(names).is_duplicated().any():  # not sorted after all
        return _number_runs(features.sort(*names, "stamp"), spine, names)
    return numbered, spine.join(table, on=list(names), how="inner", maintain_order="left")


# --- matching ---------------------------------------------------------------------------------------------------------


def _matches(rows: Spine, join: Join) -> pl.Series:
    """For each spine row the number of its feature row, or null."""
    spine, source, names = rows.by(join.keys), join.features, _names(join.keys)
    columns = [pl.col(key).alias(name) for name, key in zip(names, join.keys, strict=True)]
    if join.stamp is None:
        features = source.select(columns).with_row_index("at").collect()
        return _scattered([spine.join(features, on=names, how="inner")], rows.height)
    spine = spine.filter(pl.col("s").is_not_null())
    stamp = pl.col(join.stamp).cast(STAMP).to_physical().alias("stamp")
    features = source.select(*columns, stamp).with_row_index("at").collect()
    if features.is_empty() or spine.is_empty():
        return _scattered([], rows.height)
    clock = _clock(features["stamp"])
    numbered = _number_directly(features, spine, clock.gap) or _number_runs(features, spine, names)
    return _scattered(_found(*numbered, clock, join.max_age), rows.height)


def _scattered(found: Iterator[pl.DataFrame] | Sequence[pl.DataFrame], height: int) -> pl.Series:
    at = pl.repeat(None, height, dtype=pl.get_index_type(), eager=True)
    for part in found:
        at = at.scatter(part["row"], part["at"])
    return at


def _clock(stamps: pl.Series) -> StampClock:
    low, high = integer(stamps.min()), integer(stamps.max())
    unit = coarsest_unit(stamps)
    return StampClock(unit, low // unit, high // unit - low // unit + 1)


def _found(
    features: pl.DataFrame, spine: pl.DataFrame, clock: StampClock, max_age: int | None
) -> Iterator[pl.DataFrame]:
    """Columns `row` and `at` of all matches, in as many chunks of entities as 63 bits ask for."""
    low, high = clock.first * clock.unit, (clock.first + clock.gap - 1) * clock.unit
    spine = spine.filter(pl.col("s") >= low).with_columns(until=pl.col("s").clip(upper_bound=high))
    at_once = LAST // clock.gap
    if not at_once:
        raise OverflowError("the stamps of the feature are too far apart for 64-bit arithmetic")
    entities = integer(features["entity"].max()) + 1
    for start in range(0, entities, at_once):
        chunk = pl.col("entity").is_between(start, start + at_once - 1)
        ours, theirs = (spine, features) if entities <= at_once else (spine.filter(chunk), features.filter(chunk))
        base = (pl.col("entity") - start) * clock.gap
        yield _merged(
            ours.select("row", "s", base=base, point=base + clock.units_of(pl.col("until"))),
            theirs.select("at", "stamp", point=base + clock.units_of(pl.col("stamp"))),
            max_age,
        )


def _merged(spine: pl.DataFrame, features: pl.DataFrame, max_age: int | None) -> pl.DataFrame:
    features = features.with_columns(known=pl.col("point"))
    joined = _in_order(spine).join_asof(_in_order(features), on="point", check_sortedness=False)
    valid = pl.col("known") >= pl.col("base")  # else it is a row of the entity before
    if max_age is not None:
        valid &= pl.col("s") - pl.col("stamp") <= max_age
    return joined.filter(valid).select("row", "at")


def _in_order(frame: pl.DataFrame) -> pl.DataFrame:
    """Mostly a look: only where a type sorts differently here and there is anything left to do."""
    return frame.set_sorted("point") if frame["point"].is_sorted() else frame.sort("point")


# --- values -----------------------------------------------------------------------------------------------------------


def _gathered(source: pl.LazyFrame, at: pl.Series, columns: Mapping[str, str]) -> Iterator[pl.DataFrame]:
    height, names = integer(source.select(pl.len()).collect().item()), list(columns)
    step = max(1, BYTES_AT_ONCE // (8 * max(1, height)))
    for i in range(0, len(names), step):
        values = source.select(names[i : i + step]).collect()
        yield values.select(pl.col(name).gather(at).alias(columns[name]) for name in values.columns)
