"""Types that only Arrow's schema tells, or that are wider than ours: read right, or refused, by all alike."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from mlforge.errors import Invalid
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.schema import KEY_TYPES, Schema
from mlforge.model.source import ParquetFormat
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import Join, Scan
from mlforge.testing.cases import ArrowCase, arrow_cases
from mlforge.testing.compare import assert_same
from mlforge.testing.engines.bench import Bench
from mlforge.testing.engines.subject import EngineSubject
from mlforge.testing.reference import Table, files
from mlforge.testing.refusals import refused

PLAIN = Shape((Key("k"),), Timestamp("t"))
AS_KEY = Shape((Key("v"),), Timestamp("t"))
AS_TIME = Shape((Key("k"),), Timestamp("v"))
NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
FORMS: Mapping[str, tuple[str, Any]] = {
    "tsu:+05:30": ("Datetime", NOON),
    "tsn:-03:45": ("Datetime", NOON),
    "tsu:Z": ("Datetime", NOON),
    "tsm:Mars/Phobos": ("Datetime", NOON),
    "tDs": ("Duration", timedelta(seconds=7)),
    "tDn": ("Duration", timedelta(seconds=7)),
}
"""Arrow's words for types, ours, and a value."""


def conformed(bench: Bench, case: ArrowCase, shape: Shape) -> Table:
    """The rows of a case's file, held."""
    path = bench.folder / "typed.parquet"
    path.write_bytes(b64decode(case.parquet))
    frame = bench.engine.scan(Scan("typed", (str(path),), ParquetFormat()))
    return bench.table(bench.engine.conform(frame, shape).frame)


def values_of(bench: Bench, case: ArrowCase) -> Table:
    """What the column `v` holds."""
    path = bench.folder / "values.jsonl"
    path.write_text(case.values)
    return files.read(str(path))


class TypeTests(EngineSubject):
    """Each type as a column, a key and a time of a Parquet file, and in frames that come over Arrow."""

    @pytest.mark.parametrize("ability", ["parquet"])
    @pytest.mark.parametrize("case", arrow_cases(), ids=lambda c: c.name)
    def test_a_type_of_parquet_is_read_right_or_refused(self, bench: Bench, case: ArrowCase, ability: str) -> None:
        if case.refused:
            with refused(Invalid, *case.refused):
                conformed(bench, case, PLAIN)
        else:
            assert_same(values_of(bench, case), conformed(bench, case, PLAIN).select(["v"]))

    @pytest.mark.parametrize("ability", ["parquet"])
    @pytest.mark.parametrize("case", arrow_cases(), ids=lambda c: c.name)
    def test_it_is_a_key_where_its_kind_can_be_one(self, bench: Bench, case: ArrowCase, ability: str) -> None:
        if case.refused or values_of(bench, case).schema.dtype("v") not in KEY_TYPES:
            with refused(Invalid, *(case.refused or ("v",))):
                conformed(bench, case, AS_KEY)
        else:
            assert_same(values_of(bench, case), conformed(bench, case, AS_KEY).select(["v"]))

    @pytest.mark.parametrize("ability", ["parquet"])
    @pytest.mark.parametrize("case", arrow_cases(), ids=lambda c: c.name)
    def test_it_is_a_time_where_its_kind_can_be_one(self, bench: Bench, case: ArrowCase, ability: str) -> None:
        if case.refused or values_of(bench, case).schema.dtype("v") != "Datetime":
            with refused(Invalid, *(case.refused or ("v",))):
                conformed(bench, case, AS_TIME)
        else:
            assert_same(values_of(bench, case), conformed(bench, case, AS_TIME).select(["v"]))

    @pytest.mark.parametrize("form", FORMS)
    def test_a_type_of_a_frame_is_read_right(self, bench: Bench, form: str) -> None:
        dtype, value = FORMS[form]
        table = Table.of(Schema.of(k="Int64", t="Datetime", v=dtype), [{"k": 1, "t": NOON, "v": value}])
        held = bench.engine.conform(bench.arrow_frame(table, {"v": form}), PLAIN)
        assert_same(table, bench.table(held.frame))

    @pytest.mark.parametrize("form", [form for form in FORMS if form.startswith("ts")])
    def test_a_spine_asks_at_times_of_any_zone(self, bench: Bench, form: str) -> None:
        feature = bench.stored(
            Table.of(Schema.of(k="Int64", t="Datetime", x="Int64"), [{"k": 1, "t": NOON, "x": 7}]), shape=PLAIN
        )
        spine = Table.of(
            Schema.of(k="Int64", at="Datetime"), [{"k": 1, "at": NOON + timedelta(seconds=s)} for s in (-1, 0)]
        )
        joined = bench.engine.asof(bench.arrow_frame(spine, {"at": form}), Timestamp("at"), [Join(feature, {"x": "x"})])
        assert bench.table(joined).column("x") == [None, 7]
