"""What only a store over Unity Catalog does: time travel, VACUUM, tables of their own, files by a volume."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import mlforge as mlf
from mlforge.errors import Conflict, Invalid, NotFound, Unsupported
from mlforge.model.meta import Increment
from mlforge.plugin import Store, verify
from mlforge.testing.refusals import refused
from mlforge.testing.versions import meta_of
from mlforge_databricks import address, tables
from mlforge_databricks.plugin import UnityCatalogStore
from mlforge_databricks.session import SparkStatements
from mlforge_databricks.store import LiveUnityCatalogStore

TS = datetime(2024, 2, 29, 12, 30, 1, 7, tzinfo=UTC)
ROWS = {"user": pa.array([1, 2], pa.int64()), "ts": [TS] * 2, "x__sum__7d": [0.5, None]}


def fill(workspace: Any, uri: str, **rows: Any) -> None:
    workspace.lake.write(address.parse(uri).shown, pa.table(rows))


def commit(workspace: Any, store: Store, version: str, **rows: Any) -> Any:
    target = store.begin("spend", "delta")
    fill(workspace, target.uri, **ROWS | rows)
    return store.commit(target, meta_of(version), store.latest("spend"))


def read(store: Any, version: str) -> list[dict[str, Any]]:
    (path,) = store.fetch(store.get("spend", version)).uris
    return sorted(pq.read_table(path).to_pylist(), key=lambda row: row["user"])


def test_versions_are_versions_of_one_table(store_of, workspace, tmp_path):
    config = store_of(tmp_path)
    with config.open() as store:
        for version, value in (("1.0.0", 1.0), ("1.1.0", 2.0)):
            commit(workspace, store, version, x__sum__7d=[value, None])
        uris = [store.get("spend", v).uris[0] for v in ("1.0.0", "1.1.0")]
        assert uris == [f"table://main.{config.schema}.spend?version={n}" for n in (0, 1)]
        assert read(store, "1.0.0")[0] == {"user": 1, "ts": TS, "x__sum__7d": 1.0}
        tables = {row["tableName"] for row in store.statements.rows(f"SHOW TABLES IN main.{config.schema}")}
        assert tables == {"spend", "_mlforge_metadata"}


def test_an_increment_is_merged_into_the_version_that_it_continues(store_of, workspace, tmp_path):
    with store_of(tmp_path).open() as store:
        first = commit(workspace, store, "1.0.0")
        target = store.begin("spend", "delta")
        later = TS + timedelta(days=1)
        fill(workspace, target.uri, user=[2, 3], ts=[TS, later], x__sum__7d=[9.0, 3.0])
        fill(workspace, target.gone, user=[1], ts=[TS])
        commit_of_another_builder_that_dies(workspace, store)
        meta = meta_of("1.0.1", parts=first.parts, increment=Increment("1.0.0", rows=2, gone=1))
        store.commit(target, meta, "1.0.0")
        assert [(row["user"], row["x__sum__7d"]) for row in read(store, "1.0.1")] == [(2, 9.0), (3, 3.0)]
        assert [row["user"] for row in read(store, "1.0.0")] == [1, 2]


def commit_of_another_builder_that_dies(workspace: Any, store: Any) -> None:
    """The table has its rows, and no version names them."""
    table = address.parse(store.get("spend", "1.0.0").uris[0])
    fill(workspace, f"table://{table.shown}", **ROWS | {"user": [7, 8]})


def test_an_increment_of_other_parts_is_a_conflict(store_of, workspace, tmp_path):
    with store_of(tmp_path).open() as store:
        first = commit(workspace, store, "1.0.0")
        commit(workspace, store, "1.1.0")
        target = store.begin("spend", "delta")
        fill(workspace, target.uri, **ROWS)
        with refused(Conflict, "spend"):
            store.commit(target, meta_of("1.1.1", parts=first.parts, increment=Increment("1.0.0")), "1.1.0")


def test_a_version_that_vacuum_made_unreadable_is_gone_and_said_to_be(store_of, workspace, tmp_path):
    config = store_of(tmp_path)
    with config.open() as store:
        commit(workspace, store, "1.0.0", x__sum__7d=[1.0, 1.0])
        commit(workspace, store, "1.1.0")
        workspace.lake.run(f"VACUUM main.{config.schema}.spend RETAIN 0 HOURS")
        for asking in (lambda one: store.fetch(one), lambda one: verify(store, one, relied=True)):
            with refused(NotFound, "spend 1.0.0", "VACUUM", "table_per_version=True"):
                asking(store.get("spend", "1.0.0"))
        assert len(read(store, "1.1.0")) == 2


def test_a_table_per_version_is_out_of_the_reach_of_vacuum(store_of, workspace, tmp_path):
    config = store_of(tmp_path, table_per_version=True)
    with config.open() as store:
        first = commit(workspace, store, "1.0.0", x__sum__7d=[1.0, 1.0])
        target = store.begin("spend", "delta")
        fill(workspace, target.uri, **ROWS | {"user": [2, 3]})
        store.commit(target, meta_of("1.0.1", parts=first.parts, increment=Increment("1.0.0", rows=2)), "1.0.0")
        for version in ("1.0.0", "1.0.1"):
            workspace.lake.run(f"VACUUM {address.parse(store.get('spend', version).uris[0]).shown} RETAIN 0 HOURS")
        assert [row["user"] for row in read(store, "1.0.0")] == [1, 2]
        assert [(row["user"], row["x__sum__7d"]) for row in read(store, "1.0.1")] == [(1, 1.0), (2, 0.5), (3, None)]
        pruned = store.prune("spend", 1)
        assert pruned.versions == ("1.0.0",)
        assert pruned.bytes > 0
        tables = {row["tableName"] for row in store.statements.rows(f"SHOW TABLES IN main.{config.schema}")}
        assert tables == {address.parse(store.get("spend", "1.0.1").uris[0]).name, "_mlforge_metadata"}


def test_a_project_of_polars_builds_and_reads_by_a_volume(store_of, workspace, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    events = {"user_id": [1, 1, 2], "at": [TS, TS + timedelta(days=2), TS], "amount": [1, 2, 4], "n": [1, 2, 3]}
    pl.DataFrame(events, schema_overrides={"n": pl.UInt32}).write_parquet("events.parquet")

    @mlf.feature(source="events.parquet", keys="user_id", timestamp="at", metrics=[mlf.Sum("amount", windows="1d")])
    def spend(df):
        return df

    @mlf.feature(source="events.parquet", keys="user_id")
    def seen(df):
        return df.select("user_id", "n", waited=pl.lit(timedelta(hours=1))).unique("user_id", keep="last")

    defs = mlf.Definitions("shop", [spend, seen], offline_store=store_of(tmp_path, volume="mlforge"), engine="polars")
    assert defs.build().ok
    assert [f.name for f in (tmp_path / "spend").parent.iterdir()] == ["events.parquet"]
    spine = pl.DataFrame({"user_id": [1, 2], "at": [TS + timedelta(hours=1)] * 2})
    found = defs.get_training_data(spine, ["spend", "seen"], timestamp="at")
    assert found["amount__sum__1d"].to_list() == [1, 4]
    assert found.schema["n"] == pl.UInt32
    assert found["waited"].to_list() == [timedelta(hours=1)] * 2
    assert not list(workspace.lake.folder.glob("Volumes/**/*.parquet")), "files stayed in the volume"


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@pytest.mark.parametrize("settings", [{}, {"table_per_version": True}], ids=["one table", "a table per version"])
def test_increments_of_engines_of_files_give_what_a_whole_build_gives(
    store_of, tmp_path, monkeypatch, engine, settings
):
    monkeypatch.chdir(tmp_path)

    @mlf.feature(
        source="events.parquet", keys="user_id", timestamp="at", interval="1d", incremental=True,
        metrics=[mlf.Sum("amount", windows=["1d", "7d"])],
    )  # fmt: skip
    def spend(df: pl.DataFrame) -> pl.DataFrame:
        return df

    def defs(store: Any) -> mlf.Definitions:
        return mlf.Definitions("shop", [spend], offline_store=store, engine=engine)

    grown, whole = defs(store_of(tmp_path, volume="mlforge", **settings)), defs(mlf.LocalStore("whole"))
    for count in (20, 30, 40):
        events = [{"user_id": n % 3, "at": TS + timedelta(hours=7 * n), "amount": n} for n in range(count)]
        pl.DataFrame(events).write_parquet("events.parquet")
        grown.build(preview=False).raise_for_failure()
    whole.build(preview=False).raise_for_failure()
    assert grown.metadata("spend").increment.base == "1.0.1"
    assert rows_of(grown.read("spend")).equals(rows_of(whole.read("spend")))


def rows_of(frame: Any) -> pl.DataFrame:
    return (frame if isinstance(frame, pl.DataFrame) else frame.pl()).sort("user_id", "at")


def test_an_engine_of_files_is_refused_where_there_is_no_volume(store_of, tmp_path):
    with store_of(tmp_path).open() as store, refused(Unsupported, "volume"):
        store.begin("spend", "parquet")


def test_times_of_day_are_refused_before_anything_is_written(store_of, workspace, tmp_path):
    with store_of(tmp_path).open() as store:
        target = store.begin("spend", "delta")
        columns = (*meta_of("1.0.0").columns, mlf.model.schema.Column("at", "Time"))
        with refused(Unsupported, "'at'", "seconds since midnight"):
            store.commit(target, meta_of("1.0.0", columns=columns), None)


def test_tables_say_what_they_hold(store_of, workspace, tmp_path):
    config = store_of(tmp_path)
    with config.open() as store:
        commit(workspace, store, "1.0.0")
    told = "\n".join(workspace.lake.described[f"main.{config.schema}.spend"])
    for words in ("`x__sum__7d` COMMENT 'What was spent", "'mlforge_version' = '1.0.0'", "(`user`, `ts` TIMESERIES)"):
        assert words in told


def test_a_session_of_spark_runs_the_same_statements(store_of, workspace, tmp_path):
    config = store_of(tmp_path, table_per_version=True)
    session = workspace.lake.connect()
    with LiveUnityCatalogStore(config, SparkStatements(session)) as store:
        assert store.names() == []
        commit(workspace, store, "1.0.0")
        assert store.latest("spend") == "1.0.0"
        assert read(store, "1.0.0")[0]["user"] == 1
        with refused(NotFound, "spend"):
            store.get("spend", "2.0.0")
        with refused(mlf.errors.PluginFailed, "TABLE_OR_VIEW_NOT_FOUND"):
            store.statements.rows("SELECT * FROM main.nowhere.nothing")


def test_an_answer_of_many_pieces_is_whole(store_of, workspace, tmp_path):
    with store_of(tmp_path).open() as store:
        many = 25_001
        commit(workspace, store, "1.0.0", user=range(many), ts=[TS] * many, x__sum__7d=[1.0] * many)
        assert [row["user"] for row in read(store, "1.0.0")] == list(range(many))
        answer = store.statements.rows(f"SELECT user FROM {address.parse(store.get('spend', '1.0.0').uris[0]).read}")
        assert len({row["user"] for row in answer}) == many


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"catalog": "a.b"}, ("catalog", "'a.b'")),
        ({"schema": ""}, ("schema",)),
        ({"volume": "a/b"}, ("volume",)),
        ({"host": "ftp://x"}, ("address",)),
        ({"warehouse_id": "/sql/1.0/warehouses/abc"}, ("warehouse_id", "ID alone")),
        ({"timeout": 0}, ("timeout",)),
    ],
    ids=["catalog", "schema", "volume", "host", "warehouse_id", "timeout"],
)
def test_a_setting_that_cannot_be_is_named(settings, words):
    with refused(Invalid, *words):
        UnityCatalogStore(**{"catalog": "main", "schema": "features"} | settings)


def test_a_table_that_is_committed_while_leftovers_are_looked_for_stays(store_of, workspace, tmp_path, monkeypatch):
    with store_of(tmp_path, table_per_version=True).open() as store:
        target, left = store.begin("spend", "delta"), store.tables.left
        fill(workspace, target.uri, **ROWS)

        def late():
            store.commit(target, meta_of("1.0.0"), None)
            return left()

        monkeypatch.setattr(store.tables, "left", late)
        assert store.collect(-3600.0, dry_run=False) == []
        assert len(read(store, "1.0.0")) == 2


def test_two_may_prune_at_the_same_time(store_of, workspace, tmp_path, monkeypatch):
    config = store_of(tmp_path, table_per_version=True)
    with config.open() as store, config.open() as other:
        for version in ("1.0.0", "1.1.0", "1.2.0"):
            commit(workspace, store, version)
        monkeypatch.setattr(other, "latest", lambda name: (store.prune(name, 1), store.latest(name))[1])
        assert other.prune("spend", 2).versions == ()
        assert store.versions("spend") == ["1.2.0"]
        assert len(read(store, "1.2.0")) == 2


def test_a_table_that_a_slow_build_wrote_just_now_stays(store_of, workspace, tmp_path, monkeypatch):
    with store_of(tmp_path, table_per_version=True).open() as store:
        with monkeypatch.context() as earlier:
            earlier.setattr(tables, "time", SimpleNamespace(time=lambda: time.time() - 7200))
            target = store.begin("spend", "delta")
        fill(workspace, target.uri, **ROWS)
        assert store.collect(3600.0, dry_run=False) == []
        store.commit(target, meta_of("1.0.0"), None)
        assert len(read(store, "1.0.0")) == 2


def test_a_session_tells_times_as_instants(workspace):
    statements = SparkStatements(workspace.lake.connect())
    ((told,),) = (row.values() for row in statements.rows("SELECT TIMESTAMP '2024-02-29T12:30:01Z' AS at"))
    assert datetime.fromisoformat(told) == datetime(2024, 2, 29, 12, 30, 1, tzinfo=UTC)
