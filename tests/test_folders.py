"""The files of one source: what fits together, what folders tell, and which files are read, alike on every engine."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from nobody import as_nobody

import mlforge as mlf
from mlforge.errors import Invalid
from mlforge.flow.planning.resolve import resolve
from mlforge.model.source import ParquetFormat
from mlforge.plugin import Engine, Scan
from toy_engine.plugin import ToyEngine

ENGINES = {"polars": mlf.PolarsEngine, "duckdb": mlf.DuckDBEngine, "toy": ToyEngine}
NOON, MICROS = datetime(2025, 1, 1, 12), pa.timestamp("us")
AFTER = datetime(1970, 1, 1, 0, 0, 0, 1, UTC)
TOGETHER = {
    "whole numbers and nothing": (pa.array([1]), pa.nulls(1), [1, None]),
    "text and nothing": (pa.array(["a"]), pa.nulls(1), ["a", None]),
    "times without a zone and nothing": (pa.array([NOON], MICROS), pa.nulls(1), [NOON.replace(tzinfo=UTC), None]),
    "times without and with a zone": (
        pa.array([NOON], MICROS),
        pa.array([NOON], pa.timestamp("us", "UTC")),
        [NOON.replace(tzinfo=UTC)] * 2,
    ),
    "times of two zones": (
        pa.array([NOON], pa.timestamp("us", "Europe/Berlin")),
        pa.array([NOON], pa.timestamp("us", "UTC")),
        [NOON.replace(tzinfo=UTC)] * 2,
    ),
    "times of two units": (
        pa.array([NOON], pa.timestamp("ms")),
        pa.array([NOON], pa.timestamp("ns")),
        [NOON.replace(tzinfo=UTC)] * 2,
    ),
    "times of two units, with a zone": (
        pa.array([NOON], pa.timestamp("us", "UTC")),
        pa.array([1_500], pa.timestamp("ns", "UTC")),
        [NOON.replace(tzinfo=UTC), AFTER],
    ),
    "text and a dictionary": (pa.array(["a"]), pa.array(["b"]).dictionary_encode(), ["a", "b"]),
    "text and large text": (pa.array(["a"]), pa.array(["b"], pa.large_string()), ["a", "b"]),
    "times of day of two units": (
        pa.array([time(1)], pa.time64("us")),
        pa.array([time(2)], pa.time64("ns")),
        [time(1), time(2)],
    ),
}
APART = {
    "whole numbers and text": (pa.array([1]), pa.array(["a"])),
    "whole numbers of two widths": (pa.array([1], pa.int32()), pa.array([1], pa.int64())),
    "whole numbers and fractions": (pa.array([1]), pa.array([1.5])),
    "days and times": (pa.array([date(2025, 1, 1)]), pa.array([NOON], MICROS)),
    "decimals of two scales": (pa.array([1], pa.decimal128(9, 0)), pa.array([1], pa.decimal128(9, 2))),
}


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest):
    with ENGINES[request.param]().open() as live:
        yield live


def rows(engine: Engine, scan: Scan) -> list[dict[str, object]]:
    return [row for batch in engine.rows(engine.scan(scan)) for row in batch]


def files(folder: Path, *columns: pa.Array) -> Scan:
    """A file for each, with the column `v`."""
    paths = [folder / f"{number}.parquet" for number in range(len(columns))]
    for path, column in zip(paths, columns, strict=True):
        pq.write_table(pa.table({"v": column}), path)
    return Scan("events", tuple(map(str, paths)), ParquetFormat())


@pytest.mark.parametrize("turned", [False, True], ids=["", "turned"])
@pytest.mark.parametrize("case", TOGETHER)
def test_columns_of_a_kind_fit_together(engine: Engine, tmp_path: Path, case: str, turned: bool) -> None:
    first, second, values = TOGETHER[case]
    scan = files(tmp_path, *((second, first) if turned else (first, second)))
    assert [row["v"] for row in rows(engine, scan)] == (values[::-1] if turned else values)


@pytest.mark.parametrize("turned", [False, True], ids=["", "turned"])
@pytest.mark.parametrize("case", APART)
def test_columns_of_two_kinds_are_refused_by_file(engine: Engine, tmp_path: Path, case: str, turned: bool) -> None:
    first, second = APART[case]
    scan = files(tmp_path, *((second, first) if turned else (first, second)))
    with pytest.raises(Invalid, match=r"1\.parquet has other columns than .*0\.parquet: 'v' as ") as refused:
        rows(engine, scan)
    assert "two sources" in (refused.value.hint or "")


def plain(folder: Path) -> Path:
    """A small file, under a name that every engine takes."""
    (folder / "plain").mkdir()
    pl.DataFrame({"user": [1]}).write_parquet(folder / "plain" / "plain.parquet")
    return folder / "plain" / "plain.parquet"


@pytest.mark.linux
@pytest.mark.parametrize("place", ["events.parquet", "*.parquet", "folder"])
def test_a_name_that_is_no_utf8_is_refused_before_an_engine_sees_it(tmp_path: Path, place: str) -> None:
    strange = os.fsdecode(b"caf\xe9")
    root = tmp_path if place != "events.parquet" else tmp_path / strange
    file = {
        "events.parquet": "events.parquet",
        "*.parquet": f"{strange}.parquet",
        "folder": f"folder/{strange}.parquet",
    }
    (root / file[place]).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(plain(tmp_path), root / file[place])
    with pytest.raises(Invalid, match="which is no UTF-8 text") as caught:
        resolve(mlf.Source(place, name="events"), root)
    assert "another name" in str(caught.value.hint)
    with pytest.raises(Invalid, match="which is no UTF-8 text"):
        mlf.LocalStore("store").at(tmp_path / strange)
    assert mlf.LocalStore("st\u00f6re \U0001f600").at(tmp_path).path.endswith("\U0001f600")


def read(place: str, root: Path) -> list[str]:
    """The files of a source, below its root."""
    return [os.path.relpath(uri, root) for uri in resolve(mlf.Source(place, name="events"), root).uris]


@pytest.fixture
def linked(tmp_path: Path) -> Path:
    """A folder with links: to a file of it, to folders elsewhere, and to the folder above them."""
    lake, other = tmp_path / "lake", tmp_path / "other"
    for folder in (lake, other):
        folder.mkdir()
        shutil.copy(plain(tmp_path), folder / f"{folder.name}.parquet")
        shutil.rmtree(tmp_path / "plain")
    (lake / "newest.parquet").symlink_to("lake.parquet")
    (lake / "sub").symlink_to(other)
    (other / "again").symlink_to(lake)
    return tmp_path


@pytest.mark.posix
@pytest.mark.parametrize("place", ["lake", "lake/**/*.parquet"])
def test_links_are_followed_and_each_file_is_read_once(linked: Path, place: str) -> None:
    assert read(place, linked) == ["lake/lake.parquet", "lake/sub/other.parquet"]


@pytest.mark.posix
def test_a_folder_that_two_columns_lead_to_is_read_for_both(linked: Path) -> None:
    for month in ("month=1", "month=2"):
        (linked / "sales").mkdir(exist_ok=True)
        (linked / "sales" / month).symlink_to(linked / "other")
    (linked / "other" / "again").unlink()
    assert read("sales", linked) == ["sales/month=1/other.parquet", "sales/month=2/other.parquet"]


@pytest.mark.posix
@pytest.mark.parametrize("place", ["lake", "lake/*.parquet", "lake/gone.parquet"])
def test_a_link_that_leads_nowhere_is_refused(linked: Path, place: str) -> None:
    (linked / "lake" / "gone.parquet").symlink_to("nothing.parquet")
    with pytest.raises(Invalid, match=r"a link that leads nowhere: .*gone\.parquet"):
        read(place, linked)


@pytest.mark.posix
def test_a_closed_folder_within_a_source_is_said(tmp_path: Path) -> None:
    closed = plain(tmp_path).parent
    shutil.copy(closed / "plain.parquet", tmp_path / "open.parquet")
    tmp_path.chmod(0o755)
    closed.chmod(0)
    try:
        with as_nobody(), pytest.raises(Invalid, match="'events' cannot be looked at: .*Permission denied"):
            read(".", tmp_path)
    finally:
        closed.chmod(0o755)


@pytest.mark.posix
def test_a_source_in_a_folder_that_is_closed_is_said(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    pl.DataFrame({"user": [1]}).write_parquet(tmp_path / "data" / "events.parquet")
    (tmp_path / "data").chmod(0)
    try:
        said = "'events' cannot be looked at: .*Permission denied"
        with as_nobody(), pytest.raises(Invalid, match=said) as caught:
            resolve(mlf.Source("data/events.parquet"), tmp_path)
    finally:
        (tmp_path / "data").chmod(0o755)
    assert caught.value.hint == "Check that you may read there."


def test_a_column_of_nothing_fits_however_late_it_gets_values(engine: Engine, tmp_path: Path) -> None:
    scan = files(tmp_path, pa.nulls(1), pa.nulls(2), pa.array(["a"]).dictionary_encode(), pa.nulls(1), pa.array(["b"]))
    assert [row["v"] for row in rows(engine, scan)] == [None, None, None, "a", None, "b"]


def test_columns_in_another_order_are_matched_by_name(engine: Engine, tmp_path: Path) -> None:
    pq.write_table(pa.table({"a": [1], "b": [2]}), tmp_path / "0.parquet")
    pq.write_table(pa.table({"b": [4], "a": [3]}), tmp_path / "1.parquet")
    scan = Scan("events", (str(tmp_path / "0.parquet"), str(tmp_path / "1.parquet")), ParquetFormat())
    assert rows(engine, scan) == [{"a": 1, "b": 2}, {"a": 3, "b": 4}]


def laid_out(root: Path, ending: str) -> mlf.Source:
    """Sales of two years, a folder a month."""
    for year, month in ((2024, "01"), (2024, "12"), (2025, "01")):
        folder = root / f"sales/year={year}/month={month}/shop=B%20{month}"
        folder.mkdir(parents=True)
        frame = pl.DataFrame({"user": [1], "spent": [float(f"{year}.{month}")]})
        frame.write_parquet(folder / "0.parquet") if ending == "parquet" else frame.write_csv(folder / "0.csv")
    return mlf.Source("sales")


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_folders_tell_columns_with_types(engine: Engine, tmp_path: Path, ending: str) -> None:
    scan = resolve(laid_out(tmp_path, ending), tmp_path)
    assert rows(engine, scan)[1] == {"user": 1, "spent": 2024.12, "year": 2024, "month": 12, "shop": "B 12"}


@pytest.mark.parametrize("name", ["polars", "duckdb"])
def test_files_of_folders_that_nobody_asks_for_are_not_read(tmp_path: Path, name: str) -> None:
    scan = resolve(laid_out(tmp_path, "parquet"), tmp_path)
    with ENGINES[name]().open() as engine:
        frame = engine.scan(scan)
        for path in (tmp_path / "sales/year=2024").rglob("*.parquet"):
            content = bytearray(path.read_bytes())
            content[4:20] = b"\xff" * 16  # its pages, not what tells its columns
            path.write_bytes(content)
        if name == "polars":
            assert frame.filter(pl.col("year") == 2025).collect()["spent"].to_list() == [2025.01]
        else:
            assert frame.filter("year = 2025").project("spent").fetchall() == [(2025.01,)]


@pytest.mark.parametrize("name", ["polars", "duckdb"])
def test_what_folders_tell_is_built_like_any_column(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for day in ("2025-01-01", "2025-01-02"):
        Path(f"events/day={day}").mkdir(parents=True)
        pl.DataFrame({"user": [1]}).write_parquet(f"events/day={day}/0.parquet")

    @mlf.feature(source="events/", keys="user", timestamp="day", metrics=mlf.Count(windows="2d", name="visits"))
    def visits(df):
        return df

    defs = mlf.Definitions("shop", features=[visits], engine=name, store=mlf.LocalStore(tmp_path / "store"))
    defs.build().raise_for_failure()
    first = datetime(2025, 1, 1, tzinfo=UTC)
    built = [(row["day"], row["visits_2d"]) for row in to_rows(defs.read("visits"))]
    assert built == [(first + timedelta(days=n), count) for n, count in enumerate((1, 2, 1, 0))]


def to_rows(frame) -> list[dict[str, object]]:
    return (frame if isinstance(frame, pl.DataFrame) else frame.pl()).to_dicts()


@pytest.mark.parametrize("name", ["polars", "duckdb"])
@pytest.mark.parametrize("source", ["lake", "lake/*.parquet", "lake/a.parquet"])
def test_rows_that_a_delta_table_removed_do_not_come_back(
    tmp_path: Path, name: str, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("lake/_delta_log").mkdir(parents=True)
    pl.DataFrame({"user": [1]}).write_parquet("lake/a.parquet")
    Path("lake/_delta_log/00000000000000000000.json").write_text('{"remove":{"path":"a.parquet"}}')

    @mlf.feature(source=mlf.Source(source, name="lake"), keys="user")
    def users(df):
        return df

    defs = mlf.Definitions("shop", features=[users], engine=name, store=mlf.LocalStore(tmp_path / "store"))
    failure = defs.build()["users"].failure
    assert failure is not None
    assert "Delta table" in failure.message
    assert ("DeltaFormat" in (failure.hint or "")) == (
        source != "lake"
    )  # a folder is read as the table, here a broken one
