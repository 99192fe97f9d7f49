"""Incremental builds equal full ones: late events, deletions, ranges in any order, both clocks, every engine."""

import itertools
from datetime import UTC, datetime, timedelta

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

import mlforge as mlf
from mlforge.testing.generated import total_cases

HOUR = 3_600_000_000
START = datetime(2025, 3, 1, tzinfo=UTC)
ORIGIN = (START - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
SCHEMA = {"user": pl.Int64, "ts": pl.Datetime("us", "UTC"), "x": pl.Float64, "n": pl.Int64}
KINDS = ("buckets", "instants", "endless", "rows")
METRICS = [
    metric(column, windows=["1h", "3h"])
    for metric in (mlf.Sum, mlf.Mean, mlf.Min, mlf.Max, mlf.Std, mlf.Median)
    for column in ("x", "n")
]
BESIDE = [
    mlf.Sum("n", windows=mlf.Window("1h", offset="2h"), where=mlf.col("n") > 0, name="positive"),
    mlf.Last("x", windows="2h", where=mlf.col("n") > 0, name="at_positive"),
    mlf.LastN("n", 2, windows="3h", distinct=True),
    mlf.CountDistinct("n", windows="3h"),
    mlf.Formula("trend", mlf.agg("sum", "n", "1h") / mlf.agg("count", "n", mlf.Window("3h", offset="1h"))),
]
ENDLESS = [
    mlf.Sum("n", windows="all"),
    mlf.First("x", windows=mlf.Window("all", offset="1h")),
    mlf.TopK("n", 2, windows="all", where=mlf.col("x") > 0, name="frequent"),
    mlf.Formula("share", mlf.agg("sum", "n", "1h") / mlf.agg("sum", "n", "all")),
]
EXAMPLES = settings(
    max_examples=total_cases() // 300, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
numbers = itertools.count()


def plainly(df):
    return df


def lazily(df: pl.LazyFrame):
    return df.select(list(SCHEMA))


def by_relation(df: duckdb.DuckDBPyRelation):
    return df.select(*SCHEMA)


DEFERRED = {"polars": lazily, "duckdb": by_relation}


def instants(first=0, last=10):
    """Microseconds at, or one beside, an hour, a half or a third of one."""
    parts = st.sampled_from([HOUR, HOUR // 2, HOUR // 3])
    made = st.builds(
        lambda n, part, j: n * HOUR + part + j, st.integers(first, last), parts, st.sampled_from([-1, 0, 1])
    )
    return made.map(lambda micros: ORIGIN + micros)


def events(first=0, last=10, most=12):
    """Events by user and time, so that a feature without windows takes them too."""
    key = st.tuples(st.integers(1, 3), instants(first, last))
    values = st.tuples(st.none() | st.sampled_from([0.1, -2.5, 1e9, 3.0]), st.none() | st.integers(-5, 5))
    return st.dictionaries(key, values, max_size=most)


@st.composite
def edits(draw):
    """A range, open at its end or not, and what holds in it from now on."""
    since, until = sorted((draw(instants()), draw(instants(1, 12))))
    until = until + 1 if since == until else until
    until = None if draw(st.booleans()) else until
    stays = draw(st.sampled_from([0.0, 0.5, 1.0]))
    return since, until, draw(events(most=6)), stays


def edited(known, edit):
    """The events after an edit: nothing outside its range is touched."""
    since, until, fresh, stays = edit
    inside = {k: v for k, v in known.items() if k[1] >= since and (until is None or k[1] < until)}
    kept = dict(itertools.islice(inside.items(), int(len(inside) * stays)))
    news = {k: v for k, v in fresh.items() if k[1] >= since and (until is None or k[1] < until)}
    return {k: v for k, v in known.items() if k not in inside} | kept | news


class Stream:
    """A source, a feature over it that is built in steps, and the same feature built whole."""

    def __init__(self, folder, engine, kind, **how):
        self.folder = folder / str(next(numbers))
        self.folder.mkdir()
        self.engine = engine
        self.source = self.folder / "events.parquet"
        self.steps = self._definitions("steps", kind, how)
        self.kind = kind

    def _definitions(self, store, kind, how):
        metrics = ENDLESS if kind == "endless" else [mlf.Count(windows=["1h", "3h"]), *METRICS, *BESIDE]
        windows = {"metrics": metrics} if kind != "rows" else {}
        clock = {"interval": "1h"} if kind in ("buckets", "endless") else {}

        given = {"source": str(self.source), "keys": "user", "timestamp": "ts", "name": "spend"}
        function = DEFERRED.get(self.engine, plainly) if kind in ("buckets", "rows") else plainly
        spend = mlf.feature(**given, **windows, **clock, **how)(function)
        place = mlf.LocalStore(self.folder / store)
        return mlf.Definitions("s", features=[spend], offline_store=place, engine=self.engine, root=self.folder)

    def write(self, known):
        rows = [(user, t, x, n) for (user, t), (x, n) in known.items()]
        types = SCHEMA | {"ts": pl.Int64}
        frame = pl.DataFrame(rows, schema=types, orient="row").cast({"ts": SCHEMA["ts"]})
        frame.with_columns(note=pl.lit("nobody asks for it")).write_parquet(self.source, row_group_size=4)

    def build(self, **how):
        return self.steps.build(**how).raise_for_failure()["spend"]

    def read(self, definitions=None):
        rows = (definitions or self.steps).read("spend")
        return rows if isinstance(rows, pl.DataFrame) else pl.DataFrame(rows)

    def whole(self):
        """What a full build of the source gives."""
        definitions = self._definitions(f"whole-{next(numbers)}", self.kind, {})
        definitions.build().raise_for_failure()
        return self.read(definitions)

    def assert_whole(self):
        assert_frame_equal(self.read(), self.whole(), rel_tol=1e-9, abs_tol=0)
        assert self.steps.metadata("spend").row_count == self.read().height


def time_of(micros):
    return None if micros is None else datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)


def changes_rows(stream, since, until):
    """Build a range; whether anything lay in it."""
    report = stream.steps.build(since=time_of(since), until=time_of(until))
    failure = report["spend"].failure
    if failure is not None:
        assert "has no event" in failure.message, failure
    return failure is None


@pytest.fixture(params=["polars", "duckdb", "toy-engine"])
def engine(request):
    return request.param


@pytest.mark.parametrize("kind", KINDS)
def test_ranges_in_any_order_give_what_a_full_build_gives(tmp_path, engine, kind):
    @EXAMPLES
    @given(first=events(), steps=st.lists(edits(), min_size=1, max_size=3))
    def check(first, steps):
        stream, known = Stream(tmp_path, engine, kind), first
        stream.write(known)
        stream.build()
        for edit in steps:
            known = edited(known, edit)
            stream.write(known)
            if not changes_rows(stream, edit[0], edit[1]):
                assert_frame_equal(stream.read(), stream.whole(), rel_tol=1e-9, abs_tol=0)
                continue
            stream.assert_whole()

    check()


@pytest.mark.parametrize("kind", KINDS)
def test_slices_of_a_source_in_any_order_make_the_whole(tmp_path, engine, kind):
    @EXAMPLES
    @given(
        known=events(most=20),
        cuts=st.lists(instants(), max_size=3, unique=True),
        order=st.randoms(use_true_random=False),
    )
    def check(known, cuts, order):
        stream = Stream(tmp_path, engine, kind)
        stream.write(known)
        ends = [None, *sorted(cuts), None]
        slices = list(itertools.pairwise(ends))
        order.shuffle(slices)
        built = [changes_rows(stream, since, until) for since, until in slices]
        if any(built):
            stream.assert_whole()

    check()


@pytest.mark.parametrize("kind", KINDS)
def test_a_plain_build_continues_where_the_last_one_ended(tmp_path, engine, kind):
    @EXAMPLES
    @given(known=events(most=20), days=st.lists(instants(), min_size=1, max_size=3, unique=True))
    def check(known, days):
        stream = Stream(tmp_path, engine, kind, incremental=True)
        for day in [*sorted(days), None]:
            stream.write({k: v for k, v in known.items() if day is None or k[1] < day})
            stream.build()
            stream.assert_whole()

    check()
