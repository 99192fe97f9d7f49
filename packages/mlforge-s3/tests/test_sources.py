"""Sources in a bucket: files, globs, folders and what folders tell, read by both engines, as far as is asked."""

from __future__ import annotations

import hashlib
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import botocore.session
import duckdb
import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from pyiceberg.catalog.sql import SqlCatalog

import mlforge as mlf
from mlforge.errors import Invalid, MlforgeError, NotFound
from mlforge.flow.planning.resolve import resolve

BUCKET, KEY, SECRET = "shop-features", "AKIAIOSFODNN7EXAMPLE", "wJalr-the-right-one-EXAMPLEKEY"

pytestmark = pytest.mark.linux  # its server has no wheel for others


@pytest.fixture
def lake(servers, tmp_path, monkeypatch):
    """Writes objects below a prefix of its own and says where they are; the endpoint is in AWS's own variable."""
    url = servers.url("weed")
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    prefix = f"lakes/{hashlib.sha256(os.fsencode(tmp_path)).hexdigest()[:12]}"
    asked = botocore.session.Session().create_client("s3", region_name="us-east-1", endpoint_url=url)

    def put(**objects):
        for name, body in objects.items():
            asked.put_object(Bucket=BUCKET, Key=f"{prefix}/{name}", Body=body)
        return f"s3://{BUCKET}/{prefix}"

    return put


def parquet(frame: pl.DataFrame, **how) -> bytes:
    path = Path("made.parquet").resolve()
    frame.write_parquet(path, **how)
    return path.read_bytes()


def rows(engine, source, root):
    with getattr(mlf, engine)().open() as live:
        frame = live.scan(resolve(source, root))
        found = [row for batch in live.rows(live.persist(frame)) for row in batch]
    return sorted(found, key=str)


EVENTS = pl.DataFrame({"user": [1, 2, 3], "name": ["a", "b", None]})


@pytest.mark.parametrize("engine", ["PolarsEngine", "DuckDBEngine"])
def test_files_globs_folders_and_what_folders_tell_are_read(lake, tmp_path, monkeypatch, engine):
    monkeypatch.chdir(tmp_path)
    one, two = parquet(EVENTS.head(1)), parquet(EVENTS.tail(2))
    objects = {
        "events/year=2025/a b%20+é.parquet": one,
        "events/year=2026/b.parquet": two,
        "events/_tmp/x.parquet": b"x",
        "events/year=2026/.c.parquet": b"x",
        "t/a.csv": b"user,name\n1,a\n",
        "t/b.csv": b"user,name\n2,b\n",
    }
    at = lake(**objects)
    expected = EVENTS.with_columns(year=pl.Series([2025, 2026, 2026])).to_dicts()
    assert rows(engine, mlf.Source(f"{at}/events"), tmp_path) == expected
    assert rows(engine, mlf.Source(f"{at}/events/year=2025/"), tmp_path) == EVENTS.head(1).to_dicts()
    assert rows(engine, mlf.Source(f"{at}/*/**/[ab]*.parquet"), tmp_path) == expected
    assert rows(engine, mlf.Source(f"{at}/events/year=2026/b.parquet"), tmp_path) == EVENTS.tail(2).to_dicts()
    assert rows(engine, mlf.Source(f"{at}/t/?.csv"), tmp_path) == EVENTS.head(2).to_dicts()
    assert mlf.Source(f"{at}/events/year=2026/b.parquet").name == "b"


@pytest.mark.parametrize("engine", ["PolarsEngine", "DuckDBEngine"])
def test_only_the_columns_and_the_rows_that_are_asked_for_are_fetched(
    lake, tmp_path, monkeypatch, servers, engine, counting
):
    monkeypatch.chdir(tmp_path)
    wide = pl.DataFrame({"user": range(100_000)}).with_columns(
        pl.col("user").hash(n).cast(pl.String).alias(f"c{n}") for n in range(8)
    )
    body = parquet(wide, row_group_size=10_000)
    at = lake(**{"wide.parquet": body})
    with counting(servers.url("weed")) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
        with getattr(mlf, engine)().open() as live:
            frame = live.scan(resolve(mlf.Source(f"{at}/wide.parquet"), tmp_path))
            few = live.select(live.where(frame, mlf.col("user") < 5), ["user", "c3"])
            assert sum(map(len, live.rows(few))) == 5
    assert proxy.sent < len(body) / 5


def lazily(df: pl.LazyFrame):
    return df.select("user", "at", "c3")


def by_relation(df: duckdb.DuckDBPyRelation):
    return df.project('"user", "at", c3')


@pytest.mark.parametrize(("engine", "function"), [("polars", lazily), ("duckdb", by_relation)])
def test_an_increment_fetches_no_more_columns_than_a_whole_build(
    lake, tmp_path, monkeypatch, servers, engine, function, counting
):
    monkeypatch.chdir(tmp_path)
    first = datetime(2026, 1, 1, tzinfo=UTC)
    wide = pl.DataFrame({"user": range(200_000)}).with_columns(
        pl.col("user").hash(n).cast(pl.String).alias(f"c{n}") for n in range(8)
    )
    wide = wide.with_columns(at=first + pl.duration(minutes=pl.col("user")))
    body = parquet(wide, row_group_size=100_000)
    at = lake(**{"wide.parquet": body})
    feature = mlf.feature(source=f"{at}/wide.parquet", keys="user", timestamp="at", name="f")(function)
    made = mlf.Definitions(features=[feature], store=mlf.LocalStore("store"), root=tmp_path, engine=engine)
    sent = []
    for since in (None, first + timedelta(minutes=150_000)):
        with counting(servers.url("weed")) as proxy:
            monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.url)
            made.build(since=since).raise_for_failure()
        sent.append(proxy.sent)
    assert sent[0] < len(body) / 2
    assert sent[1] < len(body) / 4


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
def test_a_build_is_needed_when_an_object_is_another(lake, tmp_path, monkeypatch, engine):
    monkeypatch.chdir(tmp_path)
    at = lake(**{"e/1.parquet": parquet(EVENTS)})

    @mlf.feature(source=f"{at}/e/*.parquet", keys="user")
    def names(df):
        return df

    defs = mlf.Definitions("shop", features=[names], store=mlf.LocalStore("store"), engine=engine)
    assert [defs.build().results[0].status for _ in range(2)] == ["built", "unchanged"]
    assert defs.plan().features[0].status == "unchanged"
    lake(**{"e/1.parquet": parquet(EVENTS.with_columns(user=pl.col("user") + 1))})
    assert defs.plan().features[0].status == "refreshed"
    assert defs.build().results[0].status == "built"
    lake(**{"e/2.parquet": parquet(EVENTS.with_columns(user=pl.col("user") + 9))})
    assert [defs.build().results[0].status for _ in range(2)] == ["built", "unchanged"]
    kept = "".join(p.read_text() for p in Path("store").rglob("*.json"))
    assert KEY not in kept
    assert SECRET not in kept


def test_what_is_not_there_or_not_allowed_is_said_in_a_sentence(lake, tmp_path, monkeypatch, servers):
    monkeypatch.chdir(tmp_path)
    at = lake(**{"e/one.parquet": parquet(EVENTS), "empty/a.csv": b"", "mixed/a.csv": b"x\n", "mixed/b.parquet": b"x"})
    refusals = {
        f"{at}/e/on.parquet": (NotFound, "is no object", f"{at}/e/one.parquet"),
        f"{at}/e/*.csv": (NotFound, "no object fits", ""),
        f"{at}/nothing/": (NotFound, "is no object", ""),
        f"{at}/empty": (Invalid, "has an empty file", ""),
        f"{at}/mixed": (Invalid, "mixes formats", ""),
        "s3://no-such-bucket-here/a.parquet": (MlforgeError, "no-such-bucket-here", "bucket"),
        "s3:///a.parquet": (Invalid, "names no bucket", ""),
    }
    for path, (error, said, hint) in refusals.items():
        with pytest.raises(error, match=said) as refused:
            resolve(mlf.Source(path), tmp_path)
        assert hint in (refused.value.hint or "")
    with pytest.raises(Invalid, match="no option 'endpoint'"):
        resolve(mlf.Source(f"{at}/e", options={"endpoint": "x"}), tmp_path)
    with pytest.raises(Invalid, match="its options cannot be"):
        resolve(mlf.Source(f"{at}/e", options={"region": 7}), tmp_path)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    with pytest.raises(MlforgeError, match="S3 at .* refused") as refused:
        resolve(mlf.Source(f"{at}/e"), tmp_path)
    assert "another" not in str(refused.value)


def test_options_say_where_the_bucket_is(lake, tmp_path, monkeypatch, servers):
    monkeypatch.chdir(tmp_path)
    at = lake(**{"e/one.parquet": parquet(EVENTS)})
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    source = mlf.Source(f"{at}/e", options={"endpoint_url": servers.url("weed"), "region": "us-east-1"})
    assert rows("PolarsEngine", source, tmp_path) == EVENTS.to_dicts()
    assert SECRET not in repr(resolve(source, tmp_path))


@pytest.mark.parametrize("engine", ["PolarsEngine", "DuckDBEngine"])
def test_a_file_that_is_no_parquet_is_named(lake, tmp_path, monkeypatch, engine):
    monkeypatch.chdir(tmp_path)
    at = lake(**{"e/one.parquet": b"no parquet at all"})
    with pytest.raises(MlforgeError, match=r"one\.parquet cannot be read as parquet"):
        rows(engine, mlf.Source(f"{at}/e"), tmp_path)


@pytest.mark.parametrize("engine", ["PolarsEngine", "DuckDBEngine"])
def test_tables_in_a_bucket_are_read_and_removed_rows_do_not_come_back(lake, tmp_path, servers, engine):
    at, url = lake(), servers.url("weed")
    words = {"aws_endpoint_url": url, "aws_allow_http": "true", "aws_region": "us-east-1"}
    write_deltalake(f"{at}/delta", EVENTS, storage_options=words)
    DeltaTable(f"{at}/delta", storage_options=words).delete("user = 1")
    given = {"s3.endpoint": url, "s3.access-key-id": KEY, "s3.secret-access-key": SECRET, "s3.region": "us-east-1"}
    catalog = SqlCatalog("c", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=at, **given)
    catalog.create_namespace("n")
    table = catalog.create_table("n.t", schema=EVENTS.to_arrow().schema, location=f"{at}/iceberg")
    table.append(EVENTS.to_arrow())
    table.delete("user = 1")
    catalog.close()
    for kind in ("delta", "iceberg"):
        assert rows(engine, mlf.Source(f"{at}/{kind}"), tmp_path) == EVENTS.tail(2).to_dicts()
        with pytest.raises(MlforgeError, match=f"files of the {kind.title()} table"):
            resolve(mlf.Source(f"{at}/{kind}/**/*.parquet"), tmp_path)
    with pytest.raises(NotFound, match="is not there"):
        rows(engine, mlf.Source(f"{at}/none", format=mlf.DeltaFormat()), tmp_path)
