"""Change points against a naive oracle written straight from the contract."""

import math
import os
from datetime import UTC as ZONE
from datetime import date, datetime
from fractions import Fraction
from typing import NamedTuple

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlforge.model.aggregation import AGGREGATIONS
from mlforge.model.duration import Duration
from mlforge.plugin.engine.aggregations import Aggregate, result_for
from mlforge_polars import windows as kernel
from mlforge_polars.types import plain, plainly, word

WEEK, DAY, HOUR = 604_800_000_000, 86_400_000_000, 3_600_000_000
MONDAY = -3 * DAY
UTC = pl.Datetime("us", "UTC")


class Agg(NamedTuple):
    """An aggregate whose type follows from its column's."""

    function: str
    column: str | None
    window: int
    name: str

    def over(self, schema):
        given = "" if self.column is None else word(schema[self.column], self.column)
        result = result_for(AGGREGATIONS[self.function], given)
        return Aggregate(self.function, self.column, 0, self.window, self.name, result)


def change_points(events, keys, time, interval, aggs):
    schema = events.collect_schema()
    inputs = {agg.column: plainly(agg.column, schema[agg.column]) for agg in aggs if agg.column is not None}
    interval = None if interval is None else Duration(interval, "")
    return kernel.change_points(events, keys, time, interval, inputs, [agg.over(schema) for agg in aggs])


FUNCTIONS = ("count", "sum", "mean", "std", "min", "max", "median")
# --- the oracle -------------------------------------------------------------------------------------------------------


def known_from(t, interval):
    if interval is None:
        return t
    origin = MONDAY if interval % WEEK == 0 else 0
    return ((t - origin) // interval + 1) * interval + origin


def holds(t, stamp, window, interval):
    if interval is None:
        return stamp - window < t <= stamp
    return stamp - window <= t < stamp


def special(values):
    if any(math.isnan(v) for v in values) or (math.inf in values and -math.inf in values):
        return math.nan
    return math.inf if math.inf in values else -math.inf


def aggregate(function, values, is_float):
    values = [v for v in values if v is not None]
    if function == "count":
        return len(values)
    if function in ("min", "max", "median"):
        return by_order(function, values, is_float)
    finite = all(math.isfinite(v) for v in values) if is_float else True
    if function == "sum":
        if not is_float:
            return sum(int(v) for v in values)
        return sum(map(Fraction, values), Fraction()) if finite else special(values)
    if function == "std":
        if len(values) < 2:
            return None
        if not finite:
            return math.nan
        mean = sum(map(Fraction, values), Fraction()) / len(values)
        return ("root", sum((Fraction(v) - mean) ** 2 for v in values) / (len(values) - 1))
    if not values:
        return None
    return sum(map(Fraction, values), Fraction()) / len(values) if finite else special(values)


def by_order(function, values, is_float):
    if not values:
        return None
    ordered = sorted(values, key=lambda v: (math.isnan(v), 0 if math.isnan(v) else v)) if is_float else sorted(values)
    if function in ("min", "max"):
        return ordered[0] if function == "min" else ordered[-1]
    middle = ordered[(len(ordered) - 1) // 2], ordered[len(ordered) // 2]
    if is_float and not all(map(math.isfinite, middle)):
        return sum(middle) / 2
    return sum(map(Fraction, middle)) / 2


def oracle(rows, interval, aggs, floats):
    """rows: (key tuple, t in microseconds, {column: value}); out: {(key, stamp): [value, ...]}"""
    entities = {}
    for key, t, values in rows:
        entities.setdefault(key, []).append((t, values))
    out = {}
    for key, events in entities.items():
        known = {known_from(t, interval) for t, _ in events}
        for stamp in sorted(known | {k + agg.window for k in known for agg in aggs}):
            row = []
            for agg in aggs:
                inside = [values for t, values in events if holds(t, stamp, agg.window, interval)]
                if agg.column is None:
                    row.append(len(inside))
                else:
                    row.append(aggregate(agg.function, [values[agg.column] for values in inside], agg.column in floats))
            out[key, stamp] = row
    return out


def close(got, want):
    """Exact, or within 1e-9 of an exact number (or of the least float, where nothing is nearer)."""
    if want is None or got is None:
        return got is want
    if isinstance(want, tuple):
        _, square = want
        if math.isinf(got):
            return square > Fraction(1.7e308) ** 2
        return abs(Fraction(got) ** 2 - square) <= square * Fraction(1, 10**9) + Fraction(5e-324) ** 2 * 4 + Fraction(
            5e-324
        ) * 4 * Fraction(got)
    if isinstance(want, Fraction):
        if math.isinf(got):
            return abs(want) > Fraction(1.7e308) and (got > 0) == (want > 0)
        return not math.isnan(got) and abs(Fraction(got) - want) <= abs(want) * Fraction(1, 10**9) + Fraction(5e-324)
    if isinstance(want, float) and math.isnan(want):
        return isinstance(got, float) and math.isnan(got)
    return got == want


def micros(column):
    return column.cast(UTC).to_physical().to_list()


def check(frame, keys, interval, aggs, lazy=False):
    floats = {c for c, d in frame.schema.items() if d.is_float()}
    kept = frame.select(plainly(c, d) for c, d in frame.schema.items())
    columns = {c: kept[c].to_list() for c in frame.columns}
    times = micros(frame["t"])
    rows = [
        (tuple(columns[k][i] for k in keys), times[i], {c: columns[c][i] for c in columns}) for i in range(frame.height)
    ]
    want = oracle(rows, interval, aggs, floats)
    got = change_points(frame.lazy() if lazy else frame, keys, "t", interval, aggs)
    assert got.columns == [*keys, "t", *(a.name for a in aggs)]
    assert [got.schema[k] for k in keys] == [frame.schema[k] for k in keys] and got.schema["t"] == UTC
    for agg in aggs:
        if agg.function == "count" or (agg.function == "sum" and agg.column not in floats):
            assert got.schema[agg.name] == pl.Int64
        elif agg.function in ("min", "max"):
            assert got.schema[agg.name] == plain(frame.schema[agg.column])
        else:
            assert got.schema[agg.name] == pl.Float64
    assert got.select(*keys, "t").equals(got.select(*keys, "t").sort(*keys, "t"))
    stamps = list(zip(zip(*(got[k].to_list() for k in keys), strict=True), micros(got["t"]), strict=True))
    assert len(stamps) == len(set(stamps)) and set(stamps) == set(want)
    for i, stamp in enumerate(stamps):
        for agg, value in zip(aggs, want[stamp], strict=True):
            found = got[agg.name][i]
            assert close(found, value), (stamp, agg, found, value)


# --- generated frames -------------------------------------------------------------------------------------------------

ADVERSARIAL = [
    0.0,
    -0.0,
    1.0,
    -1.0,
    1e16,
    -1e16,
    1e16 + 2,
    1e9,
    1e9 + 1,
    1e9 + 2,
    0.1,
    0.2,
    0.3,
    1e-300,
    1e300,
    -1e300,
    5e-324,
    1.7e308,
    -1.7e308,
    2.0**-60,
]
SPECIAL = [math.nan, math.inf, -math.inf]
VALUES = {
    "tame": (pl.Float64, st.sampled_from([1e16, 1.0, -1e16, 1e9, 1e9 + 1, 1e9 + 2, 0.1, 23.45, 0.0, -0.0, -0.1])),
    "wild": (pl.Float64, st.one_of(st.sampled_from(ADVERSARIAL), st.floats(allow_nan=False, allow_infinity=False))),
    "holes": (pl.Float64, st.sampled_from([1.0, 2.0, 1e16, -1e16, *SPECIAL])),
    "single": (pl.Float32, st.one_of(st.floats(width=32), st.sampled_from([1.0, 2.0]))),
    "big": (pl.Int64, st.one_of(st.integers(-(2**56), 2**56), st.sampled_from([2**53 + 1, -(2**53) - 1, 2**57]))),
    "small": (pl.Int8, st.integers(-128, 127)),
    "unsigned": (pl.UInt64, st.integers(0, 2**58)),
    "word": (pl.UInt32, st.integers(0, 2**32 - 1)),
    "flag": (pl.Boolean, st.booleans()),
    "text": (pl.String, st.sampled_from(["", "a", "b", "ä", "zz", "雪"])),
    "bytes": (pl.Binary, st.binary(max_size=2)),
    "day": (pl.Date, st.dates(date(1950, 1, 1), date(2050, 1, 1))),
    "moment": (UTC, st.datetimes(datetime(1950, 1, 1), datetime(2050, 1, 1), timezones=st.just(ZONE))),
    "naive": (pl.Datetime("ns"), st.datetimes(datetime(1950, 1, 1), datetime(2050, 1, 1))),
    "void": (pl.Float64, st.none()),
}
NUMBERS = {"tame", "wild", "holes", "single", "big", "small", "unsigned", "word", "flag", "void"}
KEYS = {
    "number": (pl.Int64, st.sampled_from([-(2**63), -5, 0, 1, 2**63 - 1])),
    "near": (pl.Int32, st.integers(-2, 2)),
    "byte": (pl.UInt8, st.integers(0, 255)),
    "large": (pl.UInt64, st.sampled_from([2**64 - 1, 2**64 - 2, 2**63])),
    "name": (pl.String, st.sampled_from(["", "a", "b", "é", "日本", "a\0"])),
    "yes": (pl.Boolean, st.booleans()),
    "birth": (pl.Date, st.dates(date(1960, 1, 1), date(1960, 1, 3))),
    "blob": (pl.Binary, st.sampled_from([b"", b"\0", b"\xff", b"a"])),
}
CLOCKS = {
    None: [1, 2, HOUR, DAY, 7 * DAY],
    1: [1, 3, 10],
    HOUR: [HOUR, 3 * HOUR, DAY],
    DAY: [DAY, 7 * DAY, 30 * DAY],
    WEEK: [WEEK, 4 * WEEK],
    7: [7, 21],
    1000: [1000, 5000],
}


@st.composite
def times(draw, interval, windows):
    base = draw(st.sampled_from([0, -10 * DAY, 1_700_000_000_000_000, -(10**15), MONDAY]))
    step = draw(st.sampled_from([1, 1000, interval or HOUR, DAY]))
    edges = [0, *windows, -windows[0]]
    nudge = st.sampled_from([-1, 0, 0, 1]) if draw(st.booleans()) else st.just(0)
    return st.builds(lambda n, e, j: base + n * step + e + j, st.integers(-3, 3), st.sampled_from(edges), nudge)


@st.composite
def cases(draw):
    interval = draw(st.sampled_from(list(CLOCKS)))
    windows = draw(st.lists(st.sampled_from(CLOCKS[interval]), min_size=1, max_size=3, unique=True))
    keys = draw(st.lists(st.sampled_from(list(KEYS)), min_size=1, max_size=2, unique=True))
    columns = draw(st.lists(st.sampled_from(list(VALUES)), min_size=1, max_size=2, unique=True))
    height = draw(st.one_of(st.integers(0, 3), st.integers(4, 14)))
    moment = draw(times(interval, windows))

    def make(name, dtype, values):
        return pl.Series(name, draw(st.lists(values, min_size=height, max_size=height)), dtype=dtype)

    series = [make(k, *KEYS[k]) for k in keys]
    series.append(make("t", pl.Int64, moment).cast(UTC))
    nullable = draw(st.booleans())
    for c in columns:
        dtype, values = VALUES[c]
        series.append(make(c, dtype, st.one_of(st.none(), values) if nullable else values))
    aggs = []
    for w in windows:
        if draw(st.booleans()):
            aggs.append(Agg("count", None, w, f"n_{w}"))
        for c in columns:
            known = FUNCTIONS if c in NUMBERS else ("count", "min", "max")
            drawn = draw(st.lists(st.sampled_from(list(known)), min_size=1, max_size=4, unique=True))
            aggs += [Agg(f, c, w, f"{c}_{f}_{w}") for f in drawn]
    return pl.DataFrame(series), keys, interval, aggs, draw(st.booleans())


EXAMPLES = int(os.environ.get("EXAMPLES", "300"))


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_generated_frames_agree_with_the_oracle(case):
    frame, keys, interval, aggs, lazy = case
    check(frame, keys, interval, aggs, lazy)


@settings(max_examples=EXAMPLES // 6, deadline=None, suppress_health_check=list(HealthCheck))
@given(case=cases(), size=st.integers(1, 3))
def test_slices_and_chunks_do_not_show(case, size):
    frame, keys, interval, aggs, lazy = case
    before = kernel.TILES_PER_SLICE
    kernel.TILES_PER_SLICE = size
    try:
        check(frame, keys, interval, aggs, lazy)
    finally:
        kernel.TILES_PER_SLICE = before


def all_aggs(column, windows, functions=FUNCTIONS):
    return [Agg(f, column, w, f"{f}_{w}") for w in windows for f in functions]


def frame_of(values, times, dtype=pl.Float64, keys=None):
    return pl.DataFrame(
        {
            "k": keys or [1] * len(values),
            "t": pl.Series(times, dtype=pl.Int64).cast(UTC),
            "x": pl.Series(values, dtype=dtype),
        }
    )


def test_cancellation_is_exact():
    frame = frame_of([1e16, 1.0, -1e16], [0, 1, 2])
    got = change_points(frame, ["k"], "t", None, [Agg("sum", "x", 10, "s")])
    assert got["s"].to_list() == [1e16, 1e16 + 1, 1.0, 1 - 1e16, -1e16, 0.0]


@pytest.mark.parametrize("interval", [None, DAY])
@pytest.mark.parametrize(
    "values",
    [
        [1e9, 1e9 + 1, 1e9 + 2],
        [1e16, 1.0, 1e16, 1.0],
        [1e300, 1e-300, -1e300, 5e-324, 3.0],
        [math.nan, 1.0, math.inf, -math.inf, 2.0],
    ],
)
def test_adversarial_floats(interval, values):
    frame = frame_of(values, [i * DAY // 2 for i in range(len(values))])
    check(frame, ["k"], interval, all_aggs("x", [DAY, 2 * DAY, 3 * DAY]))


def test_long_runs_of_unlike_sizes():
    values = [(-1.0) ** i * 10.0 ** (i * 7 % 33 - 16) for i in range(400)]
    frame = frame_of(values, [i * HOUR for i in range(400)], keys=[i % 3 for i in range(400)])
    for interval in (None, DAY):
        check(frame, ["k"], interval, all_aggs("x", [2 * DAY, 5 * DAY]))


def test_far_apart_times_are_cut_into_chunks():
    """Microseconds over 400 years leave room for 180 entities at once: 700 take several chunks."""
    times = [(-200 if i % 2 else 200) * 365 * DAY + i for i in range(1400)]
    frame = frame_of([float(i) for i in range(1400)], times, keys=[i // 2 for i in range(1400)])
    check(frame, ["k"], None, all_aggs("x", [1, 3 * DAY]))


def test_columns_come_in_the_same_pieces():
    """Where they do not, whatever is asked of the rows next copies all of them: there are two of each for a while."""
    number = 150_000
    frame = frame_of([1.0] * number, [i * HOUR for i in range(number)], keys=[i % 1000 for i in range(number)])
    found = change_points(frame, ["k"], "t", None, all_aggs("x", [2 * DAY], ("sum", "count", "max")))
    pieces = {tuple(map(len, column.get_chunks())) for column in found}
    assert len(pieces) == 1
    assert len(*pieces) > 1


@pytest.mark.parametrize("dtype", [pl.Int64, pl.UInt64])
def test_integer_overflow_names_the_aggregate(dtype):
    frame = frame_of([2**62, 2**62, 5], [0, 1, 2], dtype)
    with pytest.raises(OverflowError, match="^s: "):
        change_points(frame, ["k"], "t", None, [Agg("sum", "x", 10, "s")])
    got = change_points(frame, ["k"], "t", None, [Agg("sum", "x", 1, "s")])
    assert got["s"].max() == 2**62


def test_unsigned_beyond_int64_is_an_overflow_but_has_a_mean():
    frame = frame_of([2**64 - 1, 2**64 - 3], [0, 1], pl.UInt64)
    with pytest.raises(OverflowError, match="^s: "):
        change_points(frame, ["k"], "t", None, [Agg("sum", "x", 10, "s")])
    check(frame, ["k"], None, all_aggs("x", [1, 10], ["mean", "median", "std", "min", "max", "count"]))


def test_stamps_beyond_the_range_are_an_error():
    with pytest.raises(OverflowError):
        change_points(frame_of([1.0], [2**63 - 2]), ["k"], "t", None, [Agg("sum", "x", 10, "s")])


def test_one_column_may_be_key_and_value_and_names_do_not_collide():
    frame = pl.DataFrame({"key": [1, 1, 2], "t": pl.Series([0, 5, 0]).cast(UTC), "events": [1.0, 2.0, 3.0]})
    got = change_points(frame, ["key"], "t", None, [Agg("sum", "key", 10, "entity"), Agg("max", "events", 10, "stamp")])
    assert got.rows()[0][2:] == (1, 1.0) and got.columns == ["key", "t", "entity", "stamp"]


def test_the_empty_frame_has_the_schema():
    frame = frame_of([], [], pl.Int16)
    got = change_points(frame, ["k"], "t", DAY, all_aggs("x", [DAY]))
    assert got.height == 0 and got.schema[f"max_{DAY}"] == pl.Int16 and got.schema["t"] == UTC
