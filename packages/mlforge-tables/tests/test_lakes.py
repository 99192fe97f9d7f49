"""Delta and Iceberg tables as sources, on both engines: the rows that there are, and no more of them than is asked."""

from __future__ import annotations

import json
import shutil
import struct
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from pyiceberg.catalog.sql import SqlCatalog

import mlforge as mlf
from mlforge.errors import Invalid, MlforgeError, NotFound, NotInstalled, Unsupported
from mlforge.flow.planning.resolve import resolve, source_fingerprint
from mlforge.plugin import Narrow
from mlforge_tables import delta, iceberg

DAY = timedelta(days=1)
FIRST = datetime(2026, 1, 1, tzinfo=UTC)
EVENTS = pl.DataFrame(
    {
        "user": [i % 5 for i in range(100)],
        "amount": [float(i) for i in range(100)],
        "at": [FIRST + i * DAY for i in range(100)],
        "day": [(FIRST + i * DAY).date() for i in range(100)],
    }
)
KEPT = EVENTS.filter(pl.col("amount") >= 10)


def delta_table(folder):
    write_deltalake(folder, EVENTS, partition_by=["user"])
    DeltaTable(folder).delete("amount < 10")
    return mlf.Source(str(folder))


def iceberg_table(folder):
    catalog = SqlCatalog("c", uri=f"sqlite:///{folder.parent}/catalog.db", warehouse=f"file://{folder.parent}")
    catalog.create_namespace("n")
    rows = EVENTS.to_arrow().cast(EVENTS.to_arrow().schema)
    table = catalog.create_table("n.t", schema=rows.schema, location=f"file://{folder}")
    table.append(rows)
    table.delete("amount < 10")
    catalog.close()
    return mlf.Source(str(folder))


TABLES = {"delta": delta_table, "iceberg": iceberg_table}


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    """Makes a table once; it is not changed."""
    made = {}

    def make(kind):
        if kind not in made:
            made[kind] = TABLES[kind](tmp_path_factory.mktemp(kind) / "events")
        return made[kind]

    return make


def read(engine, source, root):
    with getattr(mlf, engine)().open() as live:
        rows = live.persist(live.scan(resolve(source, root)))
        return pl.DataFrame([row for batch in live.rows(rows) for row in batch]).sort("amount")


@pytest.mark.parametrize("engine", ["PolarsEngine", "DuckDBEngine"])
@pytest.mark.parametrize("kind", TABLES)
def test_a_folder_is_the_table_that_it_is_and_removed_rows_do_not_come_back(lake, tmp_path, engine, kind):
    found = read(engine, lake(kind), tmp_path)
    assert found.select(EVENTS.columns).equals(KEPT)


@pytest.mark.parametrize("kind", TABLES)
def test_only_the_columns_and_times_that_are_asked_for_are_read(lake, tmp_path, kind):
    rows = resolve(lake(kind), tmp_path).rows
    since, until = (int((FIRST + n * DAY).timestamp()) * 1_000_000 for n in (50, 60))
    for column in ("at", "day"):
        found = [pl.DataFrame(b) for b in rows.batches(["amount"], Narrow(column, since, until))]
        amounts = sorted(pl.concat(found)["amount"])
        assert {f.width for f in found} == {1}
        assert set(range(50, 60)) <= set(map(int, amounts))
        assert len(amounts) <= 13
    everything = pl.concat([pl.DataFrame(b) for b in rows.batches(["amount"], Narrow("amount", since, until))])
    assert len(everything) == 90


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_a_version_of_the_table_decides_whether_a_build_is_needed(tmp_path, engine):
    source = delta_table(tmp_path / "events")

    @mlf.feature(source=source, keys="user", timestamp="at", metrics=[mlf.Sum("amount", windows=["7d"])])
    def spend(df):
        return df

    defs = mlf.Definitions("shop", features=[spend], store=mlf.LocalStore(str(tmp_path / "store")), engine=engine)
    assert [defs.build().results[0].status for _ in range(2)] == ["built", "unchanged"]
    DeltaTable(tmp_path / "events").optimize.compact()
    write_deltalake(tmp_path / "events", EVENTS.head(1), mode="append")
    assert defs.plan().features[0].status == "refreshed"
    assert defs.build().results[0].status == "built"


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_an_increment_over_a_table_gives_what_a_whole_build_gives(tmp_path, engine):
    folder = tmp_path / "events"
    write_deltalake(folder, EVENTS.head(50))

    @mlf.feature(
        source=mlf.Source(str(folder)), keys="user", timestamp="at", incremental=True,
        metrics=[mlf.Sum("amount", windows=["7d"])],
    )  # fmt: skip
    def spend(df):
        return df

    def defs(store):
        return mlf.Definitions("shop", features=[spend], store=mlf.LocalStore(str(tmp_path / store)), engine=engine)

    grown = defs("grown")
    grown.build()
    write_deltalake(folder, EVENTS.tail(50), mode="append")
    for one in (grown, defs("whole")):
        assert one.build().results[0].status == "built"
    first, second = (one.read("spend") for one in (grown, defs("whole")))
    as_polars = [f.pl() if engine == "duckdb" else f for f in (first, second)]
    assert as_polars[0].sort("user", "at").equals(as_polars[1].sort("user", "at"))


def lazily(df: pl.LazyFrame):
    return df.filter(pl.col("amount") >= 10).select("user", "amount", "at")


def by_relation(df: duckdb.DuckDBPyRelation):
    return df.filter("amount >= 10").project('"user", amount, "at"')


def later_lazily(df: pl.LazyFrame):
    return lazily(df).with_columns(pl.col("at") + timedelta(hours=2))


def later_by_relation(df: duckdb.DuckDBPyRelation):
    return by_relation(df).project('"user", amount, "at" + INTERVAL 2 HOURS AS "at"')


def known_lazily(df: pl.LazyFrame):
    return lazily(df).select("user", "amount", (pl.col("at") + timedelta(hours=2)).alias("known"))


def known_by_relation(df: duckdb.DuckDBPyRelation):
    return by_relation(df).project('"user", amount, "at" + INTERVAL 2 HOURS AS known')


def spent(source, function, engine, store, timestamp="at"):
    feature = mlf.feature(
        source=source, keys="user", timestamp=timestamp, name="spend", metrics=[mlf.Sum("amount", windows=["7d"])]
    )(function)
    return mlf.Definitions("shop", features=[feature], store=mlf.LocalStore(str(store)), engine=engine)


def rows_of(definitions):
    rows = definitions.read("spend")
    return (rows if isinstance(rows, pl.DataFrame) else rows.pl()).sort(pl.col("user"), pl.nth(1))


class Readings(list):
    """Columns and times of each reading."""


@pytest.fixture
def readings(monkeypatch):
    """Notes each reading of a table; what stands in `hidden` is not there yet for the first one."""
    noted, hidden = Readings(), []
    for kind in (delta.DeltaRows, iceberg.IcebergRows):

        def batches(self, columns=None, narrow=None, given=kind.batches):
            noted.append((set(columns or ()), narrow))
            unless = hidden.pop() if hidden else pl.lit(value=False)
            for batch in given(self, columns, narrow):
                yield pl.DataFrame(batch).filter(~unless)

        monkeypatch.setattr(kind, "batches", batches)
    noted.hidden = hidden
    return noted


@pytest.mark.parametrize(("engine", "function"), [("polars", lazily), ("duckdb", by_relation)])
@pytest.mark.parametrize("kind", TABLES)
def test_an_increment_reads_no_column_of_a_table_that_is_left_out(tmp_path, readings, kind, engine, function):
    source = TABLES[kind](tmp_path / "events")
    grown, whole = (spent(source, function, engine, tmp_path / store) for store in ("grown", "whole"))
    grown.build(until=FIRST + 90 * DAY).raise_for_failure()
    whole.build().raise_for_failure()
    readings.clear()
    grown.build(since=FIRST + 90 * DAY).raise_for_failure()
    assert [columns for columns, _ in readings] == [{"at"}, {"user", "amount", "at"}]
    assert all(narrow.since for _, narrow in readings)
    assert rows_of(grown).equals(rows_of(whole))


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_a_function_that_takes_all_columns_makes_an_increment_read_a_table_once(tmp_path, readings, engine):
    def spend(df):
        return df

    source = delta_table(tmp_path / "events")
    grown, whole = (spent(source, spend, engine, tmp_path / store) for store in ("grown", "whole"))
    grown.build(until=FIRST + 90 * DAY).raise_for_failure()
    whole.build().raise_for_failure()
    readings.clear()
    grown.build(since=FIRST + 90 * DAY).raise_for_failure()
    assert [columns for columns, _ in readings] == [set(EVENTS.columns)]
    assert rows_of(grown).equals(rows_of(whole))


@pytest.mark.parametrize(("engine", "function"), [("polars", known_lazily), ("duckdb", known_by_relation)])
def test_where_only_the_function_tells_times_no_column_is_read_that_is_left_out(tmp_path, readings, engine, function):
    source = delta_table(tmp_path / "events")
    grown, whole = (spent(source, function, engine, tmp_path / store, "known") for store in ("grown", "whole"))
    grown.build(until=FIRST + 90 * DAY).raise_for_failure()
    whole.build().raise_for_failure()
    readings.clear()
    grown.build(since=FIRST + 90 * DAY).raise_for_failure()
    assert [columns for columns, _ in readings] == [{"user", "amount", "at"}]
    assert rows_of(grown).equals(rows_of(whole))


@pytest.mark.parametrize(
    ("engine", "function", "later"), [("polars", lazily, later_lazily), ("duckdb", by_relation, later_by_relation)]
)
def test_rows_that_come_while_a_table_is_read_are_not_taken_for_moved_ones(tmp_path, readings, engine, function, later):
    source, new = delta_table(tmp_path / "events"), pl.col("at") >= FIRST + 95 * DAY
    grown, whole, moved = (
        spent(source, f, engine, tmp_path / store)
        for store, f in (("grown", function), ("whole", function), ("moved", later))
    )
    for one in (grown, moved):
        one.build(until=FIRST + 90 * DAY)
    whole.build().raise_for_failure()
    for one in (grown, moved):
        readings.hidden.append(new)
        report = one.build(since=FIRST + 90 * DAY)
        assert not readings.hidden
    assert "changes the times in 'at'" in report["spend"].failure.message
    assert rows_of(grown).equals(rows_of(whole))


def test_delta_travels_in_time_and_what_was_never_is_refused(lake, tmp_path):
    path = lake("delta").path
    before = mlf.Source(path, format=mlf.DeltaFormat(version=0))
    assert len(read("PolarsEngine", before, tmp_path)) == 100
    now = mlf.Source(path, format=mlf.DeltaFormat(as_of=datetime.now(UTC).isoformat()))
    assert len(read("DuckDBEngine", now, tmp_path)) == 90
    known = {source_fingerprint(s, resolve(s, tmp_path)) for s in (before, mlf.Source(path))}
    assert len(known) == 2
    with pytest.raises(Invalid, match="cannot be read as DeltaFormat"):
        read("PolarsEngine", mlf.Source(path, format=mlf.DeltaFormat(version=99)), tmp_path)
    for wrong in (
        {"version": -1},
        {"version": "7"},
        {"as_of": "2025-01-01"},
        {"version": 1, "as_of": "2025-01-01T00Z"},
    ):
        with pytest.raises(Invalid, match="DeltaFormat"):
            mlf.DeltaFormat(**wrong)


def grown(folder):
    """A table of four versions with a row each, a second apart by their log, and when each was made."""
    times = [FIRST + timedelta(seconds=n) for n in range(4)]
    for n, made in enumerate(times):
        write_deltalake(folder, EVENTS[n : n + 1].select("amount"), mode="append")
        path = folder / f"_delta_log/{n:020}.json"
        actions = [json.loads(line) for line in path.read_text().splitlines()]
        told = [a | {"commitInfo": a["commitInfo"] | {"timestamp": int(made.timestamp() * 1000)}}
                if "commitInfo" in a else a for a in actions]  # fmt: skip
        path.write_text("\n".join(map(json.dumps, told)))
    return times


def test_what_a_delta_table_was_at_an_instant_its_log_says_and_not_the_times_of_its_files(tmp_path):
    times = grown(tmp_path / "events")
    for number, made in enumerate(times):
        then = mlf.Source("events", format=mlf.DeltaFormat(as_of=(made + timedelta(milliseconds=500)).isoformat()))
        assert read("PolarsEngine", then, tmp_path)["amount"].to_list() == list(range(number + 1))


def test_an_instant_before_the_first_version_that_the_log_has_is_refused(tmp_path):
    folder = tmp_path / "events"
    times = grown(folder)
    early = mlf.Source("events", format=mlf.DeltaFormat(as_of=(times[0] - DAY).isoformat()))
    with pytest.raises(Invalid, match="does not tell which version was the latest then") as refused:
        read("PolarsEngine", early, tmp_path)
    assert "from 0 on" in refused.value.hint
    DeltaTable(folder).create_checkpoint()
    for number in range(3):
        (folder / f"_delta_log/{number:020}.json").unlink()
    then = mlf.Source("events", format=mlf.DeltaFormat(as_of=times[1].isoformat()))
    with pytest.raises(Invalid, match="does not tell which version was the latest then") as refused:
        read("PolarsEngine", then, tmp_path)
    assert "from 3 on" in refused.value.hint
    with pytest.raises(Invalid, match="cannot be read as DeltaFormat") as refused:
        read("PolarsEngine", mlf.Source("events", format=mlf.DeltaFormat(version=1)), tmp_path)
    assert "Choose a version" in refused.value.hint


@pytest.mark.parametrize("feature", ["vacuumProtocolCheck", "catalogManaged"])
def test_what_delta_rs_finds_out_that_it_lacks_is_refused_with_the_way_out(tmp_path, feature):
    folder = tmp_path / "events"
    write_deltalake(folder, EVENTS.head(3))
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": [feature], "writerFeatures": [feature]}
    add_to_log(folder, {"protocol": protocol})
    with pytest.raises(Unsupported, match="delta-rs lacks") as refused:
        read("PolarsEngine", mlf.Source("events"), tmp_path)
    assert "Export its rows as Parquet" in refused.value.hint


def test_iceberg_travels_to_a_snapshot_and_what_was_never_is_refused(lake, tmp_path):
    path = lake("iceberg").path
    newest = max((Path(path) / "metadata").glob("*.metadata.json"))
    first = json.loads(newest.read_text())["snapshots"][0]["snapshot-id"]
    before = mlf.Source(path, format=mlf.IcebergFormat(snapshot=first))
    assert len(read("PolarsEngine", before, tmp_path)) == 100
    assert source_fingerprint(before, resolve(before, tmp_path)) != source_fingerprint(
        mlf.Source(path), resolve(mlf.Source(path), tmp_path)
    )
    with pytest.raises(Invalid, match="has no snapshot 7"):
        read("PolarsEngine", mlf.Source(path, format=mlf.IcebergFormat(snapshot=7)), tmp_path)


def test_two_newest_metadata_files_are_refused_and_one_can_be_named(lake, tmp_path):
    shutil.copytree(lake("iceberg").path, tmp_path / "events")
    newest = max((tmp_path / "events/metadata").glob("*.metadata.json"))
    shutil.copy(newest, newest.with_name(newest.name[:5] + "-another.metadata.json"))
    with pytest.raises(Invalid, match="two newest metadata files"):
        read("PolarsEngine", mlf.Source("events"), tmp_path)
    named = mlf.Source(str(newest), format=mlf.IcebergFormat())
    assert len(read("PolarsEngine", named, tmp_path)) == 90


def add_to_log(folder, *actions):
    number = len(list((folder / "_delta_log").glob("*.json")))
    (folder / f"_delta_log/{number:020}.json").write_text("\n".join(map(json.dumps, actions)))


def logged(folder, word):
    for path in sorted((folder / "_delta_log").glob("*.json"), reverse=True):
        for line in path.read_text().splitlines():
            if word in (action := json.loads(line)):
                return action[word]
    raise AssertionError(word)


def inline_vector(*rows):
    """A deletion vector as it stands in the log: a roaring bitmap in Z85."""
    bitmap = struct.pack("<IIHHI", 12346, 1, 0, len(rows) - 1, 16) + b"".join(struct.pack("<H", r) for r in rows)
    data = struct.pack("<IQI", 1681511377, 1, 0) + bitmap
    size = len(data)
    data += b"\0" * (-size % 4)
    letters = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
    words = [int.from_bytes(data[i : i + 4], "big") for i in range(0, len(data), 4)]
    text = "".join(letters[word // 85**place % 85] for word in words for place in (4, 3, 2, 1, 0))
    return {"storageType": "i", "pathOrInlineDv": text, "sizeInBytes": size, "cardinality": len(rows)}


@pytest.mark.parametrize("engine", ["PolarsEngine", "DuckDBEngine"])
def test_rows_that_a_deletion_vector_removes_do_not_come_back(tmp_path, engine):
    folder = tmp_path / "events"
    write_deltalake(folder, EVENTS.head(10).select("user", "amount"))
    add = logged(folder, "add")
    features = ["deletionVectors"]
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features, "writerFeatures": features}
    gone = {k: add[k] for k in ("path", "size", "partitionValues")} | {"dataChange": True, "deletionTimestamp": 1}
    add_to_log(
        folder,
        {"protocol": protocol},
        {"remove": gone},
        {"add": add | {"deletionVector": inline_vector(2, 7)}},
    )
    assert read(engine, mlf.Source("events"), tmp_path)["amount"].to_list() == [0, 1, 3, 4, 5, 6, 8, 9]


def test_renamed_columns_are_read_by_their_new_names(tmp_path):
    folder = tmp_path / "events"
    write_deltalake(folder, EVENTS.head(3).select("user", "amount"))
    meta = logged(folder, "metaData")
    schema = json.loads(meta["schemaString"])
    for number, field in enumerate(schema["fields"], 1):
        field["metadata"] = {"delta.columnMapping.id": number, "delta.columnMapping.physicalName": field["name"]}
    schema["fields"][0]["name"] = "customer"
    settings = {"delta.columnMapping.mode": "name", "delta.columnMapping.maxColumnId": "2"}
    features = ["columnMapping"]
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": features, "writerFeatures": features}
    changed = meta | {"schemaString": json.dumps(schema), "configuration": settings}
    add_to_log(folder, {"protocol": protocol}, {"metaData": changed})
    found = read("PolarsEngine", mlf.Source("events"), tmp_path)
    assert found.to_dict(as_series=False) == {"customer": [0, 1, 2], "amount": [0.0, 1.0, 2.0]}


def test_what_a_reader_must_know_and_delta_rs_does_not_is_refused(tmp_path):
    folder = tmp_path / "events"
    write_deltalake(folder, EVENTS.head(3))
    protocol = {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["newer"], "writerFeatures": ["newer"]}
    add_to_log(folder, {"protocol": protocol})
    with pytest.raises(MlforgeError, match="newer"):
        read("PolarsEngine", mlf.Source("events"), tmp_path)


@pytest.mark.parametrize("engine", ["PolarsEngine", "DuckDBEngine"])
def test_a_table_whose_file_is_gone_is_named(tmp_path, engine):
    write_deltalake(tmp_path / "events", EVENTS.head(3))
    next((tmp_path / "events").glob("*.parquet")).unlink()
    with pytest.raises(MlforgeError, match="Delta table .*events cannot be read"):
        read(engine, mlf.Source("events"), tmp_path)
    (tmp_path / "bare").mkdir()
    for fmt in (mlf.DeltaFormat(), mlf.IcebergFormat()):
        with pytest.raises(NotFound, match="bare is not there"):
            read(engine, mlf.Source("bare", format=fmt), tmp_path)


def test_without_its_library_a_table_is_refused_with_the_line_that_installs_it(lake, tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "deltalake", None)
    with pytest.raises(NotInstalled, match=r'pip install "mlforge-tables\[delta\]"'):
        resolve(lake("delta"), tmp_path)
    assert delta.DeltaRows


def test_what_an_iceberg_table_says_of_itself_is_no_setting(tmp_path):
    source = iceberg_table(tmp_path / "events")
    for path in (tmp_path / "events" / "metadata").glob("*.metadata.json"):
        told = json.loads(path.read_text())
        told["properties"] |= {"py-io-impl": "os.remove", "s3.endpoint": "http://127.0.0.1:1"}
        path.write_text(json.dumps(told))
    assert read("PolarsEngine", source, tmp_path).select(EVENTS.columns).equals(KEPT)
