"""Databases as sources, on both engines: what they answer, streamed, and their passwords nowhere."""

from __future__ import annotations

import pickle
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from urllib.parse import quote

import adbc_driver_postgresql.dbapi
import duckdb
import polars as pl
import pytest

import mlforge as mlf
from mlforge.cli.app import run
from mlforge.errors import Invalid, MlforgeError, NotFound, NotInstalled
from mlforge.flow.planning.resolve import resolve, source_fingerprint
from mlforge.plugin import Narrow
from mlforge_tables import databases
from mlforge_tables import sqlite as sqlite_rows

ENGINES = ["PolarsEngine", "DuckDBEngine"]
FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def read(engine, source, root):
    with getattr(mlf, engine)().open() as live:
        rows = live.persist(live.scan(resolve(source, root)))
        return [row for batch in live.rows(rows) for row in batch]


@pytest.fixture(scope="session")
def shop(postgres):
    """The address of a database with events."""
    with adbc_driver_postgresql.dbapi.connect(f"postgresql://{postgres}") as connection, connection.cursor() as cursor:
        cursor.execute(
            'CREATE TABLE events ("user" bigint, amount float8, at timestamptz, "Local Time" timestamp, day date,'
            " paid boolean, note text)"
        )
        cursor.execute(
            "INSERT INTO events SELECT i % 5, i, timestamptz '2026-01-01 00:00+00' + i * interval '1 day',"
            " timestamp '2026-01-01' + i * interval '1 day', date '2026-01-01' + i, i % 2 = 0,"
            " CASE WHEN i % 3 > 0 THEN 'é' || i END FROM generate_series(0, 99) i"
        )
        connection.commit()
    return f"postgresql://{postgres}"


@pytest.mark.linux
@pytest.mark.parametrize("engine", ENGINES)
def test_a_table_and_a_query_of_postgresql_are_read(shop, tmp_path, engine):
    found = read(engine, mlf.Source(shop, table="public.events"), tmp_path)
    assert len(found) == 100
    assert found[4] == {
        "user": 4, "amount": 4.0, "at": FIRST + timedelta(days=4), "Local Time": FIRST + timedelta(days=4),
        "day": date(2026, 1, 5), "paid": True, "note": "é4",
    }  # fmt: skip
    query = 'WITH few AS (SELECT "user" AS u, amount FROM events WHERE amount < 2) SELECT * FROM few ORDER BY u DESC; '
    assert read(engine, mlf.Source(shop, query=query), tmp_path) == [{"u": 1, "amount": 1.0}, {"u": 0, "amount": 0.0}]
    none = mlf.Source(shop.replace("postgresql", "postgres"), query="SELECT note FROM events WHERE false -- none")
    assert read(engine, none, tmp_path) == []


@pytest.mark.linux
def test_only_the_columns_and_times_that_are_asked_for_leave_the_database(shop, tmp_path):
    rows = resolve(mlf.Source(shop, table="events"), tmp_path).rows
    since, until = (int((FIRST + timedelta(days=n)).timestamp()) * 1_000_000 for n in (50, 60))
    for column in ("at", "Local Time", "day"):
        found = pl.concat([pl.DataFrame(b) for b in rows.batches(["amount"], Narrow(column, since, until))])
        assert found.columns == ["amount"]
        assert set(range(50, 60)) <= set(map(int, found["amount"]))
        assert len(found) <= 13
    assert sum(len(pl.DataFrame(b)) for b in rows.batches(["amount"], Narrow("note", since, until))) == 100


def lazily(df: pl.LazyFrame):
    return df.select("user", "amount", "at")


def by_relation(df: duckdb.DuckDBPyRelation):
    return df.project('"user", amount, "at"')


@pytest.mark.linux
@pytest.mark.parametrize(("engine", "function"), [("polars", lazily), ("duckdb", by_relation)])
def test_an_increment_asks_a_database_for_no_column_that_is_left_out(shop, tmp_path, monkeypatch, engine, function):
    asked, given = [], databases.DatabaseRows.batches

    def batches(self, columns=None, narrow=None):
        asked.append((set(columns or ()), narrow and narrow.since))
        return given(self, columns, narrow)

    monkeypatch.setattr(databases.DatabaseRows, "batches", batches)
    source = mlf.Source(shop, table="events")
    feature = mlf.feature(source=source, keys="user", timestamp="at", name="spend")(function)
    made = mlf.Definitions("shop", features=[feature], store=mlf.LocalStore(str(tmp_path / "store")), engine=engine)
    made.build().raise_for_failure()
    asked.clear()
    since = FIRST + timedelta(days=90)
    made.build(since=since).raise_for_failure()
    micros = int(since.timestamp()) * 1_000_000
    assert asked == [({"at"}, micros), ({"user", "amount", "at"}, micros)]


@pytest.mark.linux
@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_a_project_over_postgresql_is_built_and_its_password_appears_nowhere(
    shop, tmp_path, monkeypatch, capfd, caplog, engine
):
    monkeypatch.chdir(tmp_path)
    Path("definitions.py").write_text(
        f"""import mlforge as mlf
source = mlf.Source({shop!r}, table="events", options={{"state": "SELECT max(amount) FROM events"}})

@mlf.feature(source=source, keys="user", timestamp="at", metrics=[mlf.Sum("amount", windows=["7d"])], incremental=True)
def spend(df):
    return df

defs = mlf.Definitions("shop", features=[spend], store=mlf.LocalStore("store"), engine={engine!r})
"""
    )
    with caplog.at_level("DEBUG"):
        for words, said in (
            (["build"], "built"),
            (["build"], "unchanged"),
            (["build", "--since", "2026-02-01", "--until", "2026-02-03"], "spend"),
            (["list", "sources", "--json"], "postgresql"),
            (["inspect", "spend"], "spend"),
        ):
            assert run(words) == 0, capfd.readouterr()
            out = capfd.readouterr()
            assert said in out.out + out.err
            assert "hunter2" not in out.out + out.err
    kept = b"".join(p.read_bytes() for p in Path("store").rglob("*") if p.is_file())
    for secret in ("hunter2", "%2F%C3%BC"):
        assert secret not in caplog.text
        assert secret.encode() not in kept


FOREIGN = [
    ("interval '1 day 02:03'", "1 day 02:03:00"),
    ("timetz '12:34:56.789+02'", "12:34:56.789+02"),
    ("uuid 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"),
    ("ARRAY['a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, NULL]", ["a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", None]),
    ("ARRAY[1.5, 2]", ["1.5", "2"]),
    ("ARRAY[interval '1 day']", ["1 day"]),
    ("inet '10.0.0.1'", "10.0.0.1/32"),
    ("cidr '10.0.0.0/8'", "10.0.0.0/8"),
    ("'1234.50'::money", "$1,234.50"),
    ("int4range(1, 5)", "[1,5)"),
    ("point '(1,2)'", "(1,2)"),
    ("B'101'", "101"),
    ("xml '<a/>'", "<a/>"),
    ("'a b'::tsvector", "'a' 'b'"),
    ("'pg_class'::regclass", "pg_class"),
    ("ROW(1, 'a')", "(1,a)"),
    ("4294967295::oid", 4294967295),
    ("jsonb '{\"a\": 1}'", '{"a": 1}'),
    ("'NaN'::numeric", "nan"),
    ("'infinity'::float8", float("inf")),
    ("decode('00ff', 'hex')", b"\x00\xff"),
    ("ARRAY['{\"a\": 1}', NULL]::jsonb[]", ['{"a": 1}', None]),
    ("ARRAY['[1]']::json[]", ["[1]"]),
    ("time '12:34:56.5'", time(12, 34, 56, 500_000)),
    ("ARRAY[1, NULL]::bigint[]", [1, None]),
]


@pytest.mark.linux
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(("written", "value"), FOREIGN, ids=[written for written, _ in FOREIGN])
def test_what_arrow_has_no_type_for_comes_as_text_and_nulls_as_nulls(shop, tmp_path, engine, written, value):
    query = f'SELECT 1 AS id, {written} AS "Of it" UNION ALL SELECT 2, NULL ORDER BY id'
    found = read(engine, mlf.Source(shop, query=query), tmp_path)
    assert found == [{"id": 1, "Of it": value}, {"id": 2, "Of it": None}]


@pytest.mark.linux
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("written", ["time '24:00'", "ARRAY[time '01:00', '24:00']"])
def test_a_time_of_day_that_postgresql_alone_has_is_refused_and_not_a_null(shop, tmp_path, engine, written):
    query = f"SELECT NULL::time AS never, {written} AS closes"
    with pytest.raises(Invalid, match=r"'closes' holds 24:00:00") as refused:
        read(engine, mlf.Source(shop, query=query), tmp_path)
    assert "closes::text" in refused.value.hint
    assert read(engine, mlf.Source(shop, query="SELECT nullif(time '24:00', '24:00') AS closes"), tmp_path)


@pytest.mark.linux
@pytest.mark.parametrize("word", ["user", "current_date", "select"])
def test_a_word_of_sql_is_no_table_of_postgresql_without_quotes(shop, tmp_path, word):
    with pytest.raises(MlforgeError, match="syntax error") as refused:
        read("PolarsEngine", mlf.Source(shop, table=word), tmp_path)
    assert "table='\"user\"'" in refused.value.hint


@pytest.mark.linux
def test_a_column_that_comes_as_text_can_be_left_out_and_the_others_be_narrowed(shop, tmp_path):
    query = "SELECT *, interval '1 day' AS long FROM events"
    rows = resolve(mlf.Source(shop, query=query), tmp_path).rows
    assert pl.concat([pl.DataFrame(b) for b in rows.batches(["amount"])]).columns == ["amount"]
    since = int((FIRST + timedelta(days=90)).timestamp()) * 1_000_000
    found = pl.concat([pl.DataFrame(b) for b in rows.batches(["long"], Narrow("at", since, None))])
    assert (found.columns, found["long"].unique().to_list(), len(found)) == (["long"], ["1 day"], 11)


@pytest.mark.linux
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("SELECT 1 AS x, 2 AS x", "has two columns 'x'"),
        ("SELECT FROM events", "has no columns"),
        ("SELECT 1 / (9000 - i) AS x FROM generate_series(1, 9999) i", "PostgreSQL refuses: .*division by zero"),
        ("SELECT pg_terminate_backend(pg_backend_pid())::text FROM events", "PostgreSQL refuses: .*terminating"),
    ],
)
def test_what_cannot_be_read_of_an_answer_is_the_sources_fault_and_not_a_functions(shop, tmp_path, engine, query, said):
    with pytest.raises(MlforgeError, match=f"^Source '.*{said}") as refused:
        read(engine, mlf.Source(shop, query=query), tmp_path)
    assert "query" in refused.value.hint and "hunter2" not in str(refused.value)


@pytest.mark.linux
def test_a_scheme_in_capitals_and_a_table_with_quotes_in_its_name_are_read(shop, tmp_path):
    with adbc_driver_postgresql.dbapi.connect(shop) as connection, connection.cursor() as cursor:
        cursor.execute('CREATE TABLE "of ""them""" AS SELECT 1 AS x')
        connection.commit()
    source = mlf.Source(shop.replace("postgresql", "PostgreSQL"), table='public."of ""them"""')
    assert read("PolarsEngine", source, tmp_path) == [{"x": 1}]


@pytest.mark.linux
def test_a_password_is_in_no_text_of_a_source_nor_of_its_errors(shop, tmp_path):
    wrong = [
        (mlf.Source(shop, table="nowhere"), "nowhere"),
        (mlf.Source(shop, query="SELEKT 1"), "syntax"),
        (mlf.Source(shop, query="DELETE FROM events"), "syntax"),
        (mlf.Source(shop, query="SELECT 1) AS x; DROP TABLE events; SELECT * FROM (SELECT 1"), "refuses"),
        (mlf.Source(shop.replace("hunter2", "hunter3"), table="events"), "authentication"),
        (mlf.Source(shop.replace("/postgres", "/none"), table="events"), "none"),
        (mlf.Source(shop.rsplit(":", 1)[0] + ":1/postgres", table="events"), "refuses"),
        (mlf.Source(shop.rsplit(":", 1)[0] + ":x/hunter2", table="events"), "refuses"),
    ]
    for source, said in wrong:
        with pytest.raises(MlforgeError, match=said) as refused:
            read("PolarsEngine", source, tmp_path)
        assert refused.value.hint
        assert refused.value.__cause__ is None
        for text in (str(refused.value), repr(source), repr(source.held), source.path):
            assert "hunter3" not in text
            assert "hunter2%2F" not in text
            assert "hunter2/ü" not in text
    with pytest.raises(Invalid, match="not pickled"):
        pickle.dumps(wrong[0][0])
    assert len(read("PolarsEngine", mlf.Source(shop, table="events"), tmp_path)) == 100


@pytest.fixture
def sqlite(tmp_path):
    """A SQLite database whose first thousands of values tell nothing of the others."""
    with closing(sqlite3.connect(tmp_path / "my shop.db")) as made, made:
        made.execute("CREATE TABLE events (user INTEGER, amount, note TEXT, data BLOB)")
        made.executemany(
            "INSERT INTO events VALUES (?, ?, ?, ?)",
            ((i, i if i < 5000 else i + 0.5, None if i < 5000 else f"n{i}", b"x" if i else None) for i in range(5002)),
        )
    made.close()
    return "sqlite:///my%20shop.db"


@pytest.mark.parametrize("engine", ENGINES)
def test_sqlite_is_read_under_types_that_all_values_are_of(sqlite, tmp_path, engine):
    found = read(engine, mlf.Source(sqlite, table="events"), tmp_path)
    assert len(found) == 5002
    assert found[0] == {"user": 0, "amount": 0.0, "note": None, "data": None}
    assert found[-1] == {"user": 5001, "amount": 5001.5, "note": "n5001", "data": b"x"}
    whole = mlf.Source(f"sqlite:///{quote(str(tmp_path / 'my shop.db'))}", query="SELECT max(user) AS most FROM events")
    assert read(engine, whole, tmp_path) == [{"most": 5001}]


@pytest.mark.parametrize(("engine", "function"), [("polars", lazily), ("duckdb", by_relation)])
def test_times_that_are_text_are_read_once_and_with_all_columns(tmp_path, monkeypatch, engine, function):
    asked, given = [], sqlite_rows.SQLiteRows.batches

    def batches(self, columns=None, narrow=None):
        asked.append(set(columns or ()))
        return given(self, columns, narrow)

    monkeypatch.setattr(sqlite_rows.SQLiteRows, "batches", batches)
    with closing(sqlite3.connect(tmp_path / "shop.db")) as made, made:
        made.execute('CREATE TABLE events ("user" INTEGER, amount REAL, at TEXT, note TEXT)')
        days = (FIRST + timedelta(days=n) for n in range(9))
        made.executemany("INSERT INTO events VALUES (1, 2.0, ?, 'x')", ((f"{day:%Y-%m-%d %H:%M}",) for day in days))
    made.close()
    source = mlf.Source(f"sqlite:///{quote(str(tmp_path / 'shop.db'))}", table="events")
    feature = mlf.feature(source=source, keys="user", timestamp="at", name="spend")(function)
    grown, whole = (
        mlf.Definitions("shop", features=[feature], store=mlf.LocalStore(str(tmp_path / store)), engine=engine)
        for store in ("grown", "whole")
    )
    grown.build(until=FIRST + timedelta(days=5)).raise_for_failure()
    asked.clear()
    grown.build(since=FIRST + timedelta(days=5)).raise_for_failure()
    assert asked == [{"user", "amount", "at", "note"}]
    whole.build().raise_for_failure()
    assert pl.DataFrame(grown.read("spend")).equals(pl.DataFrame(whole.read("spend")))


def test_a_build_is_needed_when_the_file_or_the_probe_is_another(sqlite, tmp_path):
    def told(**options):
        source = mlf.Source(sqlite, table="events", options=options)
        return source_fingerprint(source, resolve(source, tmp_path))

    def change(statement):
        with closing(sqlite3.connect(tmp_path / "my shop.db")) as changed, changed:
            changed.execute(statement)
        changed.close()

    plain, probed = told(), told(state="SELECT max(user) FROM events")
    assert (told(), told(state="SELECT max(user) FROM events")) == (plain, probed)
    change("CREATE TABLE other (x)")
    assert told() != plain
    assert told(state="SELECT max(user) FROM events") == probed
    change("INSERT INTO events (user) VALUES (9000)")
    assert told(state="SELECT max(user) FROM events") != probed


def test_what_cannot_be_read_of_sqlite_is_said(sqlite, tmp_path):
    (tmp_path / "text.db").write_text("no database at all")
    for source, error, said in (
        (mlf.Source("sqlite:///none.db", table="t"), NotFound, "is not there"),
        (mlf.Source("sqlite://none.db/t", table="t"), Invalid, "no address"),
        (mlf.Source("sqlite:///text.db", table="t"), MlforgeError, "not a database"),
        (mlf.Source(sqlite, table="nowhere"), Invalid, "no such table"),
        (mlf.Source(sqlite, table="events; DROP TABLE events"), Invalid, "no table's name"),
        (mlf.Source(sqlite, query="SELECT amount FROM events UNION ALL SELECT 'x'"), Invalid, "holds integer and real"),
        (mlf.Source(sqlite, table="events", options={"stat": "x"}), Invalid, "no option 'stat'"),
    ):
        with pytest.raises(error, match=said) as refused:
            read("PolarsEngine", source, tmp_path)
        assert refused.value.hint


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"path": "postgresql://db/shop"}, "either a query or a table"),
        ({"path": "postgresql://db/shop", "table": "a", "query": "SELECT 1"}, "either a query or a table"),
        ({"path": "postgresql://db/shop", "table": " "}, "empty query or table"),
        ({"path": "postgresql://db/shop", "table": "a", "format": mlf.ParquetFormat()}, "no format"),
        ({"path": "a.parquet", "table": "a"}, "is no database"),
    ],
    ids=str,
)
def test_words_that_do_not_go_together_are_refused(given, said):
    with pytest.raises(Invalid, match=said):
        mlf.Source(**given)


@pytest.mark.parametrize("scheme", ["snowflake", "bigquery"])
def test_a_database_without_its_driver_is_refused_with_the_line_that_installs_it(tmp_path, monkeypatch, scheme):
    for name in [name for name in sys.modules if name.startswith(f"adbc_driver_{scheme}")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, f"adbc_driver_{scheme}", None)  # as where it is not installed
    with pytest.raises(NotInstalled, match=rf'pip install "mlforge-tables\[{scheme}\]"'):
        resolve(mlf.Source(f"{scheme}://me:hunter2@account/db", table="events"), tmp_path)
