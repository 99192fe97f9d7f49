"""Surrogate keys are the same in every engine, store and process."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import strategies as st

from mlforge.model.keys import Key, surrogate_key
from mlforge.model.schema import Column, Schema
from mlforge.testing.cases import Golden, golden_keys
from mlforge.testing.engines.bench import Bench
from mlforge.testing.engines.subject import EngineSubject
from mlforge.testing.generated import generated
from mlforge.testing.reference import Table
from mlforge.testing.reference.times import instant
from mlforge.testing.strategies.values import values

KEY_DTYPES = ("Int64", "Int8", "UInt64", "String", "Boolean", "Date", "Datetime", "Binary")


@st.composite
def sources(draw: st.DrawFn) -> Table:
    """One to three columns a key can be made of."""
    dtypes = draw(st.lists(st.sampled_from(KEY_DTYPES), min_size=1, max_size=3))
    schema = Schema(tuple(Column(f"s{i}", dtype) for i, dtype in enumerate(dtypes)))
    row = st.fixed_dictionaries({c.name: values(c.dtype) for c in schema})
    return Table.of(schema, draw(st.lists(row, min_size=1, max_size=6)))


def derived(bench: Bench, table: Table) -> list[Any]:
    """The key that the engine makes of all columns, row by row."""
    frame = bench.engine.with_surrogates(bench.frame(table), [Key("key", table.names)])
    return bench.table(frame).column("key")


class KeyTests(EngineSubject):
    """The keys an engine makes."""

    @pytest.mark.parametrize("golden", golden_keys(), ids=lambda g: g.name)
    def test_keys_equal_the_golden_table(self, bench: Bench, golden: Golden) -> None:
        schema = Schema(tuple(Column(f"s{i}", dtype) for i, dtype in enumerate(golden.dtypes)))
        table = Table.of(schema, [dict(zip(schema.names, golden.values, strict=True))])
        assert derived(bench, table) == [golden.key]

    @generated(0.05, sources())
    def test_keys_equal_those_of_surrogate_key(self, bench: Bench, table: Table) -> None:
        assert derived(bench, table) == [surrogate_key(*row.values()) for row in table.rows]

    def test_keys_of_categories_and_of_times_in_any_zone_are_those_of_their_values(self, bench: Bench) -> None:
        then = datetime(1900, 1, 1, tzinfo=UTC)
        pairs = [("ü:1", then), ("", instant(0)), (None, None), ("ü:1", then)]
        table = Table(Schema.of(s="String", t="Datetime"), [{"s": s, "t": t} for s, t in pairs])
        frame = bench.arrow_frame(table, {"s": "dictionary", "t": "tsu:Asia/Tokyo"})
        made = bench.table(bench.engine.with_surrogates(frame, [Key("key", ("s", "t"))]))
        assert made.column("key") == [surrogate_key(*row.values()) for row in table.rows]

    def test_a_key_that_is_there_is_left_alone(self, bench: Bench) -> None:
        table = Table.of(Schema.of(s="String", key="String"), [{"s": "a", "key": "mine"}])
        frame = bench.engine.with_surrogates(bench.frame(table), [Key("key", ("s",))])
        assert bench.table(frame).column("key") == ["mine"]

    def test_a_key_without_all_its_sources_is_not_made(self, bench: Bench) -> None:
        table = Table.of(Schema.of(s="String"), [{"s": "a"}])
        frame = bench.engine.with_surrogates(bench.frame(table), [Key("key", ("s", "t"))])
        assert bench.table(frame).names == ("s",)
