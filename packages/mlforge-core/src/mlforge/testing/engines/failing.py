"""What goes wrong outside: files that are gone, cut off or in the way, and engines that are closed or open twice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from mlforge.errors import Invalid, MlforgeError, PluginFailed
from mlforge.model.expr import Col
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.meta import Target
from mlforge.model.schema import Schema
from mlforge.model.source import ParquetFormat
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import Join, Scan
from mlforge.testing.compare import assert_same
from mlforge.testing.engines.bench import Bench
from mlforge.testing.engines.subject import EngineSubject
from mlforge.testing.reference import Table
from mlforge.testing.reference.times import instant
from mlforge.testing.refusals import refused
from mlforge.testing.versions import local_path

KEYS = (Key("k"), Key("j"))
SHAPE = Shape(KEYS, Timestamp("ts"))
ROWS = Table.of(
    Schema.of(k="Int64", j="String", ts="Datetime", x="Float64"),
    [{"k": k, "j": j, "ts": instant(k), "x": k + len(j) / 8} for k in range(5) for j in ("a", "bb")],
)


class FailingTests(EngineSubject):
    """Errors of files, in mlforge's words."""

    def test_an_address_that_cannot_be_written_is_a_plugin_failure(self, bench: Bench) -> None:
        (bench.folder / "in the way").write_text("a file")
        place = bench.folder / "in the way" / f"part.{bench.format}"
        with refused(PluginFailed, "feature"):
            bench.engine.write(bench.frame(ROWS), Target("feature", str(place), bench.format))

    def test_a_version_whose_data_are_gone_is_an_error_with_a_hint(self, bench: Bench) -> None:
        artifact = bench.stored(ROWS, shape=SHAPE)
        local_path(artifact.uris[0]).unlink()
        with refused(MlforgeError):
            bench.table(bench.engine.scan_version(artifact))

    def test_whoever_reads_a_version_whose_data_are_gone_is_told_which(self, bench: Bench) -> None:
        artifact = bench.stored(ROWS, shape=SHAPE)
        local_path(artifact.uris[0]).unlink()
        with refused(PluginFailed, "'feature' 1.0.0 cannot be read"):
            bench.table(bench.engine.read_version(artifact))
        with refused(PluginFailed, "'feature' 1.0.0 cannot be read"):
            bench.table(bench.engine.horizon(artifact, 0, 0))

    @pytest.mark.parametrize("left", [0.0, 0.5])
    def test_a_version_whose_data_are_cut_off_is_an_error_with_a_hint(self, bench: Bench, left: float) -> None:
        artifact = bench.stored(ROWS, shape=SHAPE)
        cut(local_path(artifact.uris[0]), left)
        with refused(MlforgeError):
            bench.table(bench.engine.scan_version(artifact))

    def test_joining_a_version_whose_data_are_gone_is_an_error_with_a_hint(self, bench: Bench) -> None:
        artifact = bench.stored(ROWS, shape=SHAPE)
        local_path(artifact.uris[0]).unlink()
        with refused(MlforgeError):
            bench.table(bench.engine.asof(bench.frame(ROWS), Timestamp("ts"), [Join(artifact, {"x": "y"})]))

    @pytest.mark.parametrize("ability", ["parquet"])
    def test_a_source_that_is_cut_off_is_named(self, bench: Bench, ability: str) -> None:
        path = bench.folder / "events.parquet"
        bench.engine.write(bench.frame(ROWS), Target("x", str(path), "parquet"))
        cut(path, 0.5)
        with refused(Invalid, "events.parquet"):
            bench.table(bench.engine.scan(Scan("events", (str(path),), ParquetFormat())))


class ReadingTests(EngineSubject):
    """What is read is what was asked for, and stays."""

    def test_columns_of_a_version_come_in_the_order_they_are_asked_for(self, bench: Bench) -> None:
        artifact = bench.stored(ROWS, shape=SHAPE)
        for names in (["x", "k"], ["ts", "x", "j", "k"], ["j"]):
            assert_same(ROWS.select(names), bench.table(bench.engine.scan_version(artifact, names)))

    def test_a_column_that_a_version_does_not_have_is_named(self, bench: Bench) -> None:
        artifact = bench.stored(ROWS, shape=SHAPE)
        for read in (bench.engine.scan_version, bench.engine.read_version):
            with refused(Invalid, "'feature' has no column 'nowhere'"):
                bench.table(read(artifact, ["x", "nowhere"]))

    def test_a_version_without_rows_keeps_its_columns(self, bench: Bench) -> None:
        artifact = bench.stored(Table(ROWS.schema, []), shape=SHAPE)
        assert_same(Table(ROWS.schema, []), bench.table(bench.engine.read_version(artifact)))

    def test_no_rows_are_no_rows_in_any_batch(self, bench: Bench) -> None:
        assert [row for batch in bench.engine.rows(bench.frame(Table(ROWS.schema, []))) for row in batch] == []

    def test_rows_are_plain_and_their_instants_in_utc(self, bench: Bench) -> None:
        (row, *_) = [row for batch in bench.engine.rows(bench.frame(ROWS)) for row in batch]
        assert {name: type(value) for name, value in row.items()} == {"k": int, "j": str, "ts": datetime, "x": float}
        assert row["ts"].utcoffset() == timedelta(0)

    def test_rows_of_a_frame_that_is_not_held_are_instants_in_utc_and_text(self, bench: Bench) -> None:
        noon = datetime(2024, 3, 1, 12, tzinfo=UTC)
        table = Table(Schema.of(t="Datetime", c="String"), [{"t": noon, "c": "a"}])
        frame = bench.arrow_frame(table, {"t": "tsu:", "c": "dictionary"})
        assert list(bench.engine.rows(frame)) == [[{"t": noon, "c": "a"}]]

    def test_instants_of_rows_may_be_in_any_zone_and_are_utc_without_one(self, bench: Bench) -> None:
        noon, schema = datetime(2024, 3, 1, 12, tzinfo=UTC), Schema.of(t="Datetime")
        written = [noon, noon.replace(tzinfo=None), noon.astimezone(timezone(timedelta(hours=-9, minutes=-30)))]
        frame = bench.engine.from_rows([{"t": t} for t in written], schema)
        assert bench.table(frame).column("t") == [noon] * 3

    def test_what_is_done_with_a_frame_leaves_it_as_it_was(self, bench: Bench) -> None:
        frame, artifact = bench.frame(ROWS), bench.stored(ROWS, shape=SHAPE)
        held = bench.engine.conform(frame, SHAPE).frame
        before = bench.table(held)
        for made in (
            bench.engine.settle(held, SHAPE),
            bench.engine.where(frame, Col("x") > 2, None),
            bench.engine.anti_join(frame, [held], ["k"]),
            bench.engine.asof(frame, Timestamp("ts"), [Join(artifact, {"x": "y"})]),
        ):
            bench.table(made)
        assert_same(ROWS, bench.table(frame))
        assert_same(before, bench.table(held))

    def test_writing_one_version_changes_no_other(self, bench: Bench) -> None:
        first = bench.stored(ROWS, shape=SHAPE)
        bench.stored(Table(ROWS.schema, ROWS.rows[:1]), shape=SHAPE)
        assert_same(ROWS, bench.table(bench.engine.read_version(first)))

    def test_a_row_is_joined_where_all_its_keys_are_the_same(self, bench: Bench) -> None:
        artifact = bench.stored(ROWS, shape=SHAPE)
        spine = [{"k": 1, "j": j, "at": instant(9)} for j in ("a", "bb", "c", None)] + [{"j": "a", "at": instant(9)}]
        table = Table.of(Schema.of(k="Int64", j="String", at="Datetime"), spine)
        answer = bench.table(bench.engine.asof(bench.frame(table), Timestamp("at"), [Join(artifact, {"x": "x"})]))
        assert answer.column("x") == [1.125, 1.25, None, None, None]


class OpeningTests(EngineSubject):
    """Engines open and close beside each other."""

    def test_two_engines_are_open_at_once(self, bench: Bench) -> None:
        artifact = bench.stored(ROWS, shape=SHAPE)
        with self.config().open() as other:
            assert_same(ROWS, Bench(other, bench.descriptor, bench.folder).table(other.read_version(artifact)))
        assert_same(ROWS, bench.table(bench.engine.read_version(artifact)))

    def test_what_was_read_is_there_when_the_engine_is_closed(self, bench: Bench) -> None:
        artifact = bench.stored(ROWS, shape=SHAPE)
        with self.config().open() as other:
            frame = other.read_version(artifact)
        assert_same(ROWS, bench.table(frame))

    def test_a_config_opens_its_engine_as_often_as_is_asked(self, bench: Bench) -> None:
        for _ in range(3):
            with self.config().open() as engine:
                assert_same(ROWS, Bench(engine, bench.descriptor, bench.folder).table(bench.frame(ROWS)))


def cut(path: Path, left: float) -> None:
    """Cut a file, or each file of a folder, to a part of its size."""
    for file in files_at(path):
        data = file.read_bytes()
        file.write_bytes(data[: int(len(data) * left)])


def files_at(path: Path) -> list[Path]:
    """A file, or each file of a folder."""
    return [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
