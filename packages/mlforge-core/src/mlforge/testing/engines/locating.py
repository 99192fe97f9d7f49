"""Local times without a zone are instants in the zone that the timestamp names, wherever a timestamp is read."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from mlforge.errors import Invalid
from mlforge.model.expr import Col
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.schema import Schema
from mlforge.model.span import Span
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import ArrowStream, Join
from mlforge.testing.arrow import Export
from mlforge.testing.engines.bench import Bench
from mlforge.testing.engines.subject import EngineSubject
from mlforge.testing.generated import generated
from mlforge.testing.reference import Table
from mlforge.testing.reference.times import as_utc, instant, micros
from mlforge.testing.refusals import refused
from mlforge.testing.strategies.localtimes import LocalColumn, local_columns

SPRING = ("2025-03-30T01:59:59", "2025-03-30T02:30:00", "2025-03-30T03:00:00")
READ: dict[str, tuple[str, tuple[str, ...], str, tuple[str, ...]]] = {
    "winter and summer": ("Europe/Berlin", ("2025-01-31T12:00", "2025-07-31T12:00"), "raise", ("11:00", "10:00")),
    "west of Greenwich": ("America/New_York", ("2025-01-31T12:00", "2025-07-31T12:00"), "raise", ("17:00", "16:00")),
    "an hour that exists twice": (
        "Europe/Berlin",
        ("2025-10-26T01:59", "2025-10-26T02:00", "2025-10-26T02:59", "2025-10-26T03:00"),
        "raise",
        ("23:59", "00:00", "00:59", "02:00"),
    ),
    "an hour that does not exist, moved": ("Europe/Berlin", SPRING, "forward", ("00:59:59", "01:30", "01:00")),
    "half an hour that exists twice": (
        "Australia/Lord_Howe",
        ("2025-04-06T01:29", "2025-04-06T01:45", "2025-04-06T02:00"),
        "raise",
        ("14:29", "14:45", "15:30"),
    ),
    "after the last year that zones list": (
        "Europe/Berlin",
        ("2150-01-31T12:00", "2150-07-31T12:00"),
        "raise",
        ("11:00", "10:00"),
    ),
}


def held(bench: Bench, table: Table, timestamp: Timestamp, arrow: str | None = None) -> list[Any]:
    """What the engine holds of the column `ts`."""
    frame = bench.arrow_frame(table, {"ts": arrow}) if arrow else bench.frame(table)
    return bench.table(bench.engine.conform(frame, Shape((), timestamp)).frame).column("ts")


def column(*values: Any, dtype: str = "Datetime") -> Table:
    """Rows with these times."""
    return Table(Schema.of(ts=dtype, row="Int64"), [{"ts": value, "row": i} for i, value in enumerate(values)])


def shown(text: str) -> datetime:
    """What a clock shows, counted as if it were UTC."""
    return as_utc(datetime.fromisoformat(text))


class LocalTimeTests(EngineSubject):
    """Clocks that are put forward and back."""

    @pytest.mark.parametrize("case", READ)
    def test_local_times_are_instants_in_their_zone(self, bench: Bench, case: str) -> None:
        zone, texts, way, clocks = READ[case]
        timestamp = Timestamp("ts", None, None, zone, "forward" if way == "forward" else "raise")
        from_text = held(bench, column(*texts, dtype="String"), timestamp)
        assert [at.time().isoformat() for at in from_text] == [
            shown(f"2025-01-01T{c}").time().isoformat() for c in clocks
        ]
        assert held(bench, column(*map(shown, texts)), timestamp, "tsu:") == from_text

    @generated(0.04, local_columns())
    def test_local_times_are_read_where_the_reference_reads_them(self, bench: Bench, local: LocalColumn) -> None:
        table = column(*local.values, dtype=local.dtype)
        formats = {"ts": local.arrow} if local.arrow else None
        try:
            plain = bench.reference.from_arrow(ArrowStream(Export(table.schema, table.rows, formats)))
            expected = bench.reference.conform(plain, Shape((), local.timestamp)).frame.column("ts")
        except Invalid:
            with refused(Invalid, "ts"):
                held(bench, table, local.timestamp, local.arrow)
        else:
            assert held(bench, table, local.timestamp, local.arrow) == expected

    def test_times_that_do_not_exist_are_counted_and_the_first_is_shown(self, bench: Bench) -> None:
        table = column("2025-03-30T01:00", *SPRING[1:], "2025-03-30T02:00", dtype="String")
        with refused(Invalid, "'ts'", 2, "'Europe/Berlin'", "2025-03-30T02:30:00", "row 1"):
            held(bench, table, Timestamp("ts", timezone="Europe/Berlin"))

    def test_a_date_is_the_instant_its_day_begins_there(self, bench: Bench) -> None:
        table = column(date(2025, 1, 31), date(2025, 7, 31), dtype="Date")
        begins = held(bench, table, Timestamp("ts", timezone="Europe/Berlin"))
        assert begins == [shown("2025-01-30T23:00"), shown("2025-07-30T22:00")]
        with refused(Invalid, "2018-11-04T00:00:00", "row 0"):
            held(bench, column(date(2018, 11, 4), dtype="Date"), Timestamp("ts", timezone="America/Sao_Paulo"))

    @pytest.mark.parametrize("dtype", ["Datetime", "String"])
    def test_a_zone_beside_that_of_the_times_is_refused(self, bench: Bench, dtype: str) -> None:
        value = "2025-01-31T12:00:00Z" if dtype == "String" else shown("2025-01-31T12:00")
        with refused(Invalid, "'ts'", "zone"):
            held(bench, column(value, dtype=dtype), Timestamp("ts", timezone="Europe/Berlin"))

    def test_every_verb_reads_local_times(self, bench: Bench) -> None:
        timestamp, noon = Timestamp("ts", timezone="Europe/Berlin"), shown("2025-07-31T10:00")
        frame = bench.arrow_frame(column(shown("2025-07-31T11:59"), shown("2025-07-31T12:00")), {"ts": "tsu:"})
        inside = bench.engine.within(frame, timestamp, Span(micros(noon), micros(noon) + 1))
        chosen = bench.engine.where(frame, Col("ts") >= noon, timestamp)
        extent = bench.engine.extent(frame, timestamp)
        assert bench.table(inside).column("row") == bench.table(chosen).column("row") == [1]
        assert (extent.first, extent.last) == (micros(noon) - 60_000_000, micros(noon))
        shape = Shape((Key("row"),), Timestamp("at"))
        rows = [{"row": i, "at": instant(micros(noon)), "v": i} for i in range(2)]
        stored = bench.stored(Table.of(Schema.of(row="Int64", at="Datetime", v="Int64"), rows), shape=shape)
        answer = bench.table(bench.engine.asof(frame, timestamp, [Join(stored, {"v": "v"})]))
        assert answer.column("v") == [None, 1]
