"""Frames go in and come out unchanged, and their types have names."""

from __future__ import annotations

import pytest

from mlforge.errors import Invalid
from mlforge.model.schema import Schema
from mlforge.testing.compare import assert_same
from mlforge.testing.engines.bench import Bench
from mlforge.testing.engines.subject import EngineSubject
from mlforge.testing.generated import generated
from mlforge.testing.reference import Table
from mlforge.testing.refusals import refused
from mlforge.testing.strategies.tables import every_value, tables
from mlforge.testing.strategies.values import DTYPES

UNFIT = {"text": "x", "70 bits": 2**70, "an object": object()}
"""What is no Int64."""


class FrameTests(EngineSubject):
    """Rows, Arrow streams and schemas."""

    @generated(0.05, tables())
    def test_rows_come_back_as_they_went_in(self, bench: Bench, table: Table) -> None:
        assert_same(table, bench.table(bench.frame(table)))

    @generated(0.04, tables())
    def test_an_arrow_stream_carries_every_value(self, bench: Bench, table: Table) -> None:
        again = bench.engine.from_arrow(bench.engine.to_arrow(bench.frame(table)))
        assert_same(table, bench.table(again))

    @generated(0.03, tables())
    def test_any_reader_of_arrow_understands_its_streams(self, bench: Bench, table: Table) -> None:
        assert_same(table, bench.reference.from_arrow(bench.engine.to_arrow(bench.frame(table))))

    @generated(0.03, tables())
    def test_it_understands_the_arrow_streams_of_others(self, bench: Bench, table: Table) -> None:
        assert_same(table, bench.table(bench.arrow_frame(table)))

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_each_type_has_its_name_and_keeps_its_values(self, bench: Bench, dtype: str) -> None:
        table = every_value(dtype)
        assert_same(table, bench.table(bench.frame(table)))

    @pytest.mark.parametrize("dtype", DTYPES)
    def test_arrow_streams_carry_every_value_of_each_type(self, bench: Bench, dtype: str) -> None:
        table = every_value(dtype)
        assert_same(table, bench.table(bench.arrow_frame(table)))
        assert_same(table, bench.reference.from_arrow(bench.engine.to_arrow(bench.frame(table))))

    def test_a_frame_without_rows_keeps_its_columns(self, bench: Bench) -> None:
        table = Table.of(Schema.of(**dict(zip("abcdefghijklmnopqrst", DTYPES, strict=False))), [])
        assert_same(table, bench.table(bench.frame(table)))

    def test_a_column_of_nulls_keeps_its_type(self, bench: Bench) -> None:
        table = Table.of(Schema.of(n="Int64", s="String", t="Datetime"), [{}, {}])
        assert_same(table, bench.table(bench.frame(table)))

    @pytest.mark.parametrize("case", UNFIT)
    def test_rows_that_do_not_fit_their_schema_are_refused(self, bench: Bench, case: str) -> None:
        with refused(Invalid, "schema", "a Int64"):
            bench.table(bench.engine.from_rows([{"a": UNFIT[case]}], Schema.of(a="Int64")))

    @pytest.mark.parametrize("size", [1, 3, 7, 100])
    def test_batches_hold_no_more_rows_than_asked_and_keep_their_order(self, bench: Bench, size: int) -> None:
        frame = bench.frame(Table.of(Schema.of(n="Int64"), [{"n": i} for i in range(7)]))
        batches = list(bench.engine.rows(frame, size))
        assert max(map(len, batches)) <= size
        assert [row["n"] for batch in batches for row in batch] == list(range(7))

    def test_it_knows_its_own_frames_from_others(self, bench: Bench) -> None:
        assert bench.engine.owns(bench.frame(Table.of(Schema.of(n="Int64"), [{"n": 1}])))
        assert not bench.engine.owns([{"n": 1}])
        assert not bench.engine.owns(None)
