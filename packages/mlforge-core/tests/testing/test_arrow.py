"""The kit's own Arrow streams, against themselves and against others' readers and writers."""

from __future__ import annotations

import gc
from typing import Any

import pytest

from mlforge.errors import Invalid
from mlforge.model.schema import Schema
from mlforge.testing.arrow import Export, export, read
from mlforge.testing.compare import assert_same
from mlforge.testing.generated import explore
from mlforge.testing.reference import Table
from mlforge.testing.strategies.tables import every_value, tables
from mlforge.testing.strategies.values import DTYPES


class Counter:
    cases = 0
    shrink = True


def round_trip(table: Table) -> Table:
    return Table(*read(Export(table.schema, table.rows)))


@pytest.mark.parametrize("dtype", DTYPES)
def test_every_value_of_each_type_survives(dtype: str) -> None:
    table = every_value(dtype)
    assert_same(table, round_trip(table))


def test_any_table_survives() -> None:
    explore(tables(), lambda table: assert_same(table, round_trip(table)), Counter(), 200)


@pytest.mark.parametrize("form", ["tss:", "tsm:UTC", "tsu:Europe/Berlin", "tsn:America/New_York"])
def test_instants_survive_in_every_unit_and_zone(form: str) -> None:
    from mlforge.testing.reference.times import instant

    table = Table.of(Schema.of(t="Datetime"), [{"t": instant(86_400_000_000 * d)} for d in (-1, 0, 19_782)])
    assert_same(table, Table.of(*read(Export(table.schema, table.rows, {"t": form}))))


def test_text_by_code_survives() -> None:
    table = Table.of(Schema.of(c="String"), [{"c": c} for c in ("a", None, "b", "a", "", "c")])
    assert_same(table, Table(*read(Export(table.schema, table.rows, {"c": "dictionary"}))))


def test_a_type_the_kit_does_not_know_is_refused() -> None:
    with pytest.raises(Invalid, match="tiM"):
        read(Months())


class Months(Export):
    """One column of Arrow's intervals of months."""

    def __init__(self) -> None:
        super().__init__(Schema.of(n="Int32"), [])

    def column(self, name: str, dtype: str, values: Any) -> Any:
        node = super().column(name, dtype, values)
        node.format = "tiM"
        return node


def test_nothing_is_kept_of_streams_that_were_read_or_dropped() -> None:
    table, before = every_value("String"), set(export.KEPT)  # another's error may hold a stream of its own
    round_trip(table)
    Export(table.schema, table.rows).__arrow_c_stream__()
    gc.collect()
    assert not export.KEPT.keys() - before
