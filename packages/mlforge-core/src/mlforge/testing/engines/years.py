"""The ends of time: nothing lies outside the years 1 to 9999, and up to them everything is right."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from mlforge.errors import Invalid
from mlforge.model.duration import Duration
from mlforge.model.expr import Agg, Col
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.metric import MetricColumn, WindowPlan
from mlforge.model.schema import Column, Schema
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import ArrowStream, Join
from mlforge.testing.arrow import Export
from mlforge.testing.compare import assert_same
from mlforge.testing.engines.bench import Bench
from mlforge.testing.engines.subject import EngineSubject
from mlforge.testing.reference import Table
from mlforge.testing.reference.times import LAST, instant
from mlforge.testing.refusals import refused

SHAPE = Shape((Key("k"),), Timestamp("ts"))
DAY = 86_400_000_000
FIRST = (datetime(1, 1, 1, tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)).days * DAY
BEYOND: dict[str, tuple[str, str, int]] = {
    "a microsecond after": ("Datetime", "tsu:UTC", LAST + 1),
    "a microsecond before": ("Datetime", "tsu:UTC", FIRST - 1),
    "infinity": ("Datetime", "tsu:", 2**63 - 1),
    "minus infinity": ("Datetime", "tsu:", -(2**63) + 1),
    "infinity with a zone": ("Datetime", "tsu:UTC", 2**63 - 1),
    "the year 36812, in milliseconds": ("Datetime", "tsm:", 2**40 * 1000),
    "what microseconds do not hold": ("Datetime", "tsm:", 2**60),
    "an infinite date": ("Date", "tdD", 2**31 - 1),
    "a date before the first": ("Date", "tdD", -719_163),
    "a date after the last": ("Date", "tdD", 2_932_897),
}


class YearTests(EngineSubject):
    """Stamps, labels and values in the first and the last days, and beyond them."""

    @pytest.mark.parametrize("case", BEYOND)
    @pytest.mark.parametrize("column", ["ts", "valid_to"])
    def test_a_time_outside_of_the_years_is_refused_when_rows_are_held(
        self, bench: Bench, case: str, column: str
    ) -> None:
        dtype, form, number = BEYOND[case]
        other = "valid_to" if column == "ts" else "ts"
        schema = Schema((Column("k", "Int64"), Column(column, dtype), Column(other, "Datetime")))
        rows: list[dict[str, Any]] = [{"k": 0, column: 0, other: 0}, {"k": 1, column: number, other: 0}]
        with refused(Invalid, "range"):
            frame = bench.engine.from_arrow(ArrowStream(Export(schema, rows, {column: form, other: "tsu:UTC"})))
            bench.engine.conform(frame, SHAPE)

    @pytest.mark.parametrize("form", ["tsu:", "tsu:UTC"])
    def test_a_label_time_outside_of_the_years_is_refused(self, bench: Bench, form: str) -> None:
        feature = bench.stored(Table.of(Schema.of(k="Int64", ts="Datetime", x="Int64"), []), shape=SHAPE)
        rows = [{"k": 1, "at": 2**63 - 1}]
        with refused(Invalid, "range"):
            spine = bench.engine.from_arrow(
                ArrowStream(Export(Schema.of(k="Int64", at="Datetime"), rows, {"at": form}))
            )
            bench.table(bench.engine.asof(spine, Timestamp("at"), [Join(feature, {"x": "x"})]))

    @pytest.mark.parametrize("interval", [None, "1h", "1d", "1w"])
    def test_windows_at_the_ends_are_those_of_the_reference(self, bench: Bench, interval: str | None) -> None:
        every = Duration.parse(interval) if interval else None
        windows = [Duration.parse(w) for w in (("1w", "5w") if interval == "1w" else ("1d", "30d"))]
        columns = (MetricColumn(f"{f}_{w}", w, Agg(f, Col("x")), f) for w in windows for f in ("sum", "max", "median"))
        plan = WindowPlan(every, tuple(columns))
        times = [FIRST, FIRST + 1, FIRST + 9 * DAY, LAST - 40 * DAY, LAST - DAY - 1, LAST - 1, LAST]
        rows = [
            {"k": k, "ts": instant(t), "x": i} for k, part in ((1, times), (2, times[-1:])) for i, t in enumerate(part)
        ]
        events = Table.of(Schema.of(k="Int64", ts="Datetime", x="Int64"), rows)
        expected = bench.reference.aggregate(events, SHAPE, plan)
        found = bench.engine.aggregate(bench.frame(events), SHAPE, plan)
        assert_same(expected, bench.table(found), {c.name for c in plan.columns if "median" in c.name})
        feature = bench.artifact(found, shape=SHAPE)
        labels = [FIRST, FIRST + DAY, FIRST + 40 * DAY, LAST - DAY, LAST]
        spine = Table.of(
            Schema.of(k="Int64", at="Datetime"), [{"k": k, "at": instant(t)} for k in (1, 2) for t in labels]
        )
        join = Join(feature, {c.name: c.name for c in plan.columns})
        answer = bench.table(bench.engine.asof(bench.frame(spine), Timestamp("at"), [join]))
        assert [row["sum_" + str(windows[0])] for row in answer.rows] == [
            _as_of(expected, row["k"], row["at"], "sum_" + str(windows[0])) for row in spine.rows
        ]


def _as_of(rows: Table, key: int, at: datetime, column: str) -> Any:
    """The value of the greatest stamp up to an instant."""
    known = [row for row in rows.rows if row["k"] == key and row["ts"] <= at]
    return max(known, key=lambda row: row["ts"])[column] if known else None
