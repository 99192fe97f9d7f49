"""The kit notices engines that lose, mix up or leave behind what they read and write, or fail in words of their own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mlforge.errors import Invalid, MlforgeError, PluginFailed
from mlforge.model.schema import Schema
from mlforge.testing import EngineTests
from mlforge.testing.engines.bench import Bench
from mlforge.testing.generated import VARIABLE
from mlforge.testing.reference import DESCRIPTOR, Table, files, joining
from mlforge.testing.reference import formats as reading
from mlforge.testing.reference.engine import Reference

GONE = "a_version_whose_data_are_gone_is_an_error_with_a_hint"
CUT = "a_version_whose_data_are_cut_off_is_an_error_with_a_hint"
TOLD = "whoever_reads_a_version_whose_data_are_gone_is_told_which"
UNHELD = "rows_of_a_frame_that_is_not_held_are_instants_in_utc_and_text"
ORDER = "columns_of_a_version_come_in_the_order_they_are_asked_for"
SAME = "what_is_done_with_a_frame_leaves_it_as_it_was"
FORMATS = "formats_of_any_making_are_read_or_refused_as_by_the_reference"
right = Reference


def read_as_it_comes(self: Any, artifact: Any, columns: Any = None) -> Table:
    for uri in artifact.uris:
        files.local(uri).read_text()
    return right.read_version(self, artifact, columns)


def nothing_for_what_is_gone(self: Any, artifact: Any, columns: Any = None) -> Table:
    try:
        return right.read_version(self, artifact, columns)
    except PluginFailed:
        return Table(Schema(artifact.meta.columns), [])


def without_a_hint(self: Any, artifact: Any, columns: Any = None) -> Table:
    try:
        return right.read_version(self, artifact, columns)
    except PluginFailed as error:
        raise PluginFailed(error.message) from error


def without_the_version(self: Any, artifact: Any, columns: Any = None) -> Table:
    try:
        return right.read_version(self, artifact, columns)
    except PluginFailed as error:
        raise PluginFailed("A file cannot be read.", hint=error.hint) from error


def wrapped(self: Any, function: Callable[..., Any], frame: Table) -> Table:
    try:
        return right.apply(self, function, frame)
    except MlforgeError as error:
        raise Invalid(error.message, hint=error.hint) from error


def turned_round(self: Any, frame: Table, checks: Any, examples: int = 3) -> Any:
    return right.check(self, frame, checks, examples)[::-1]


def in_their_own_order(self: Any, artifact: Any, columns: Any = None) -> Table:
    table = right.read_version(self, artifact)
    return table if columns is None else table.select([n for n in table.names if n in columns])


def null_for_an_unknown_one(self: Any, artifact: Any, columns: Any = None) -> Table:
    table = right.read_version(self, artifact)
    return table if columns is None else table.select([n for n in columns if n in table.names])


def write_anyhow(self: Any, frame: Table, target: Any) -> Any:
    files.local(target.uri).write_text("")
    return right.write(self, frame, target)


def write_to_one_place(self: Any, frame: Table, target: Any) -> Any:
    place = Path(target.uri).with_name(f"all.{target.format}")
    written = right.write(self, frame, msgspec.structs.replace(target, uri=str(place)))
    Path(target.uri).unlink(missing_ok=True)
    Path(target.uri).symlink_to(place)
    return written


def settle_in_place(self: Any, frame: Table, shape: Any) -> Table:
    settled = right.settle(self, frame, shape)
    frame.rows.reverse()
    return settled


def where_in_place(self: Any, frame: Table, condition: Any, timestamp: Any = None) -> Table:
    kept = right.where(self, frame, condition, timestamp)
    frame.rows[:] = kept.rows
    return kept


def join_by_the_first_key(self: Any, spine: Table, timestamp: Any, joins: Any) -> Table:
    one = [
        msgspec.structs.replace(
            j,
            artifact=msgspec.structs.replace(
                j.artifact, meta=msgspec.structs.replace(j.artifact.meta, entity_keys=j.artifact.meta.entity_keys[:1])
            ),
        )
        for j in joins
    ]
    return joining.asof(spine, timestamp, [(j, self.read_version(j.artifact)) for j in one])


def clock_times(self: Any, rows: Any, schema: Any) -> Table:
    return right.from_rows(self, [{n: as_clock(v) for n, v in row.items()} for row in rows], schema)


def as_clock(value: Any) -> Any:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value


def local_rows(self: Any, frame: Table, size: int = 10_000) -> Any:
    for batch in right.rows(self, frame, size):
        yield [{n: v.replace(tzinfo=None) if isinstance(v, datetime) else v for n, v in row.items()} for row in batch]


def one_batch_at_least(self: Any, frame: Table, size: int = 10_000) -> Any:
    yield from list(right.rows(self, frame, size)) or [[dict.fromkeys(frame.names)]]


def forget_empty(self: Any, artifact: Any, columns: Any = None) -> Table:
    table = right.read_version(self, artifact, columns)
    return table if table.rows else Table(Schema(()), [])


def no_short_zone(text: str, full: bool, found: Any) -> str:
    rest = reading_zone(text, full, found)
    if len(text) - len(rest) == 3:
        raise ValueError(text)
    return rest


reading_zone = reading.zone
MISTAKES: dict[str, tuple[str, Callable[..., Any], str, dict[str, Any]]] = {
    "errors as they come": ("read_version", read_as_it_comes, GONE, {}),
    "no rows for what is gone": ("read_version", nothing_for_what_is_gone, GONE, {}),
    "no hint": ("read_version", without_a_hint, CUT, {"left": 0.5}),
    "an empty file is empty": ("read_version", nothing_for_what_is_gone, CUT, {"left": 0.0}),
    "columns in their own order": ("read_version", in_their_own_order, ORDER, {}),
    "unknown columns are left out": (
        "read_version",
        null_for_an_unknown_one,
        "a_column_that_a_version_does_not_have_is_named",
        {},
    ),
    "no rows, no columns": ("read_version", forget_empty, "a_version_without_rows_keeps_its_columns", {}),
    "no word of the version": ("read_version", without_the_version, TOLD, {}),
    "errors of others": ("apply", wrapped, "an_error_of_mlforge_passes_through_as_it_is", {}),
    "results turned round": ("check", turned_round, "results_come_in_the_order_of_the_checks", {}),
    "times of a frame without a zone": ("rows", local_rows, UNHELD, {}),
    "written anyhow": ("write", write_anyhow, "an_address_that_cannot_be_written_is_a_plugin_failure", {}),
    "all in one place": ("write", write_to_one_place, "writing_one_version_changes_no_other", {}),
    "settled in place": ("settle", settle_in_place, SAME, {}),
    "chosen in place": ("where", where_in_place, SAME, {}),
    "joined by the first key": (
        "asof",
        join_by_the_first_key,
        "a_row_is_joined_where_all_its_keys_are_the_same",
        {},
    ),
    "clock times": ("from_rows", clock_times, "instants_of_rows_may_be_in_any_zone_and_are_utc_without_one", {}),
    "times without a zone": ("rows", local_rows, "rows_are_plain_and_their_instants_in_utc", {}),
    "a row of nulls for none": ("rows", one_batch_at_least, "no_rows_are_no_rows_in_any_batch", {}),
}


def run(engine: Any, name: str, folder: Path, given: dict[str, Any]) -> None:
    getattr(EngineTests(), f"test_{name}")(bench=Bench(engine, DESCRIPTOR, folder), **given)


@pytest.mark.parametrize("mistake", MISTAKES)
def test_the_kit_notices_an_engine_that_reads_or_writes_with(mistake: str, tmp_path: Path) -> None:
    method, instead, name, given = MISTAKES[mistake]
    wrong = type("Wrong", (Reference,), {method: instead})()
    with pytest.raises((Exception, pytest.fail.Exception)):
        run(wrong, name, tmp_path, given)
    again = tmp_path / "again"
    again.mkdir()
    run(Reference(), name, again, given)


def test_the_kit_notices_an_engine_that_reads_hours_of_a_zone_before_a_text_wrongly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "20000")
    test = getattr(EngineTests(), f"test_{FORMATS}")

    class Wrong(Reference):
        def conform(self, frame: Table, shape: Any) -> Any:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(reading, "zone", no_short_zone)
                return super().conform(frame, shape)

    bench = Bench(Wrong(), DESCRIPTOR, tmp_path)  # type: ignore[arg-type]
    bench.shrink = False
    with pytest.raises((Exception, pytest.fail.Exception)):
        test(bench=bench)


@pytest.mark.parametrize("format", ["%Y-%m", "%d.%m.%y", "%Y-%m-%d %I", "%F", "%s %z", "%Y-%j-%d", "%G-W%V", "%Y%m%d "])
def test_the_reference_judges_formats_by_itself(format: str) -> None:
    assert not reading.tells_one_instant(format)
    assert reading.tells_one_instant("%d.%m.%Y %H:%M:%S.%f %z")
