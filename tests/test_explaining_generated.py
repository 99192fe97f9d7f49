"""On generated streams, with windows on both clocks and without: explanations are true, and what training data says."""

from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import mlforge as mlf
from mlforge.flow.explaining.recompute import agree
from mlforge.model.meta import Target
from mlforge.model.metric import Metric, MetricColumn
from mlforge.model.window import end_at, known_from, newest_change, span_of
from mlforge.project.project import engine_config
from mlforge.testing.reference import joining, windows
from mlforge.testing.reference.times import instant, micros
from mlforge.testing.strategies import cases
from mlforge.testing.strategies.times import units_of

some = settings(
    max_examples=40, deadline=None, database=None, derandomize=True,
    phases=[Phase.generate], suppress_health_check=list(HealthCheck),
)  # fmt: skip
engines = pytest.mark.parametrize("engine", ["polars", "duckdb"])


class Given(Metric, frozen=True):
    """The columns of a generated plan."""

    made: tuple[MetricColumn, ...]

    def columns(self):
        return self.made


def built(case, folder, engine, **definition):
    """A project with one built feature `f` over the case's events, each with its number `n`."""
    numbered = case.events.with_column("n", "Int64", list(range(len(case.events.rows))))
    with engine_config("polars").open() as writer:
        source = str(Path(folder, "events.parquet"))
        writer.write(writer.from_rows(numbered.rows, numbered.schema), Target("events", source))
    decorate = mlf.feature(
        name="f", source=source, keys=list(case.shape.key_names), timestamp="ts", engine=engine, **definition
    )
    defs = mlf.Definitions(
        features=[decorate(lambda df: df)], store=mlf.LocalStore(f"{folder}/store"), engine=engine, root=folder
    )
    defs.build().raise_for_failure()
    return defs


def questions(case):
    """Each row of the spine that names an entity and an instant: its place, the key, the instant."""
    labels = joining.label_times(case.spine, case.label)
    for place, (row, at) in enumerate(zip(case.spine.rows, labels, strict=True)):
        key = {k: row[k] for k in case.shape.key_names}
        if at is not None and None not in key.values():
            yield place, key, instant(at)


def hold(case, defs):
    """Fail unless what is explained is what training data gives, and what recomputing gives."""
    with engine_config("polars").open() as engine:
        spine = engine.from_rows(case.spine.rows, case.spine.schema)
    answers = defs.get_training_data(spine, ["f"], timestamp=case.label)
    rows = (answers.pl() if not isinstance(answers, pl.DataFrame) else answers).to_dicts()
    for place, key, at in questions(case):
        found = defs.explain("f", key, at)
        assert found.agrees is True, (found, case)
        assert found.since.changed == (), found
        for value in found.values:
            assert agree(value.answer, rows[place][value.column]), (value, rows[place], case)
    return rows


@engines
@some
@given(case=cases(floats=("plain", "special")))
def test_windows_are_explained_as_they_are_joined(engine, case):
    with TemporaryDirectory() as folder:
        hold(case, built(case, folder, engine, interval=case.plan.interval, metrics=Given(case.plan.columns)))


@engines
@some
@given(case=cases(floats=("plain", "special")), max_age=st.sampled_from([None, "1h", "7d"]))
def test_rows_are_explained_as_they_are_joined(engine, case, max_age):
    with TemporaryDirectory() as folder:
        hold(case, built(case, folder, engine, tie_break="n", max_age=max_age))


@settings(some, max_examples=300)
@given(case=cases())
def test_windows_hold_what_the_reference_says(case):
    interval, times = case.plan.interval, [micros(row["ts"]) for row in case.events.rows]
    units, events = units_of(case.plan), windows.events_of(case.events, case.shape, case.plan)
    for at in [*times, *(t + u + e for t in times for u in units for e in (-1, 0, 1))]:
        stamp = windows.stamp_at(at, interval)
        for window in case.plan.windows:
            span = span_of(window, end_at(at, interval), interval)
            assert [span.has(t) for t in times] == [windows.holds(t, stamp, window, interval) for t in times]
        if not case.plan.is_filtered:
            seen = [c for c in windows.change_points(events, case.plan) if c <= at]
            assert newest_change(times, at, case.plan.windows, interval) == max(seen, default=None)
    assert [known_from(t, interval) for t in times] == [windows.known(t, interval) for t in times]
