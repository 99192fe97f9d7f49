"""Sources in a bucket of Google Cloud Storage, read by both engines."""

from __future__ import annotations

import hashlib
import os
import sys
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote
from urllib.request import Request, urlopen

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from pyarrow.fs import LocalFileSystem, SubTreeFileSystem
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.io.pyarrow import PyArrowFileIO

import mlforge as mlf
from mlforge.errors import MlforgeError, NotFound
from mlforge.flow.planning.resolve import resolve, source_fingerprint

pytestmark = pytest.mark.linux  # its server has no wheel for others

EVENTS = pl.DataFrame({"user": [1, 2, 3], "name": ["a", "b", None]})


@pytest.fixture
def lake(url, tmp_path):
    """Writes objects below a prefix of its own and says where they are."""
    prefix = f"lakes/{hashlib.sha256(os.fsencode(tmp_path)).hexdigest()[:12]}"

    def put(objects):
        for name, body in objects.items():
            key = quote(f"{prefix}/{name}", safe="")
            urlopen(Request(f"{url}/upload/storage/v1/b/shop-features/o?uploadType=media&name={key}", body)).close()
        return f"gs://shop-features/{prefix}"

    return put


def parquet(frame, folder):
    frame.write_parquet(folder / "made.parquet")
    return (folder / "made.parquet").read_bytes()


@pytest.mark.parametrize("engine", ["PolarsEngine", "DuckDBEngine"])
def test_files_globs_and_folders_are_read(lake, tmp_path, url, engine):
    made = [parquet(part, tmp_path) for part in (EVENTS.head(1), EVENTS.tail(2))]
    at = lake({"e/year=2025/a.parquet": made[0], "e/year=2026/b.parquet": made[1], "t/a.csv": b"user,name\n1,a\n"})
    expected = EVENTS.with_columns(year=pl.Series([2025, 2026, 2026])).to_dicts()
    options = {"endpoint_url": url, "anonymous": True}
    for path, found in (("e", expected), ("e/**/*.parquet", expected), ("t/*.csv", EVENTS.head(1).to_dicts())):
        with getattr(mlf, engine)().open() as live:
            scan = resolve(mlf.Source(f"{at}/{path}", options=options), tmp_path)
            rows = [row for batch in live.rows(live.persist(live.scan(scan))) for row in batch]
        assert sorted(rows, key=str) == found


def test_a_fingerprint_follows_the_generations_and_what_is_not_there_is_said(lake, tmp_path, url, monkeypatch):
    body = parquet(EVENTS, tmp_path)
    at = lake({"e/a.parquet": body})
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", url)
    source = mlf.Source(f"{at}/e", options={"anonymous": True})
    first = source_fingerprint(source, resolve(source, tmp_path))
    assert source_fingerprint(source, resolve(source, tmp_path)) == first
    lake({"e/a.parquet": body})
    assert source_fingerprint(source, resolve(source, tmp_path)) != first
    with pytest.raises(NotFound, match="no object fits"):
        resolve(mlf.Source(f"{at}/e/*.csv", options={"anonymous": True}), tmp_path)
    with pytest.raises(MlforgeError, match="refused") as refused:
        resolve(mlf.Source("gs://no-such-bucket/e", options={"anonymous": True}), tmp_path)
    assert "bucket" in (refused.value.hint or "")


@pytest.mark.parametrize("engine", ["PolarsEngine", "DuckDBEngine"])
def test_a_delta_table_in_a_bucket_is_read(lake, tmp_path, url, engine):
    table = tmp_path / "table"
    write_deltalake(table, EVENTS)
    DeltaTable(table).delete("user = 1")
    at = lake({f"delta/{p.relative_to(table)}": p.read_bytes() for p in table.rglob("*") if p.is_file()})
    with getattr(mlf, engine)().open() as live:
        scan = resolve(mlf.Source(f"{at}/delta", options={"endpoint_url": url, "anonymous": True}), tmp_path)
        rows = [row for batch in live.rows(live.persist(live.scan(scan))) for row in batch]
    assert rows == EVENTS.tail(2).to_dicts()


class Aside(PyArrowFileIO):
    """Writes what is meant for a bucket into a folder, `aside`: Arrow's own client does not write to the server."""

    def _initialize_fs(self, scheme, netloc=None):
        return SubTreeFileSystem(self.properties["aside"], LocalFileSystem())

    def new_output(self, location):
        Path(self.properties["aside"], location.removeprefix("gs://")).parent.mkdir(parents=True, exist_ok=True)
        return super().new_output(location)


@pytest.mark.parametrize("engine", ["PolarsEngine", "DuckDBEngine"])
def test_an_iceberg_table_in_a_bucket_is_read(lake, tmp_path, url, engine, monkeypatch):
    at, aside = lake({}), tmp_path / "aside"
    aside.mkdir()
    monkeypatch.setitem(sys.modules, "written", SimpleNamespace(Aside=Aside))
    given = {"py-io-impl": "written.Aside", "aside": str(aside)}
    catalog = SqlCatalog("c", uri=f"sqlite:///{tmp_path}/catalog.db", warehouse=at, **given)
    catalog.create_namespace("n")
    table = catalog.create_table("n.t", schema=EVENTS.to_arrow().schema, location=f"{at}/iceberg")
    table.append(EVENTS.to_arrow())
    table.delete("user = 1")
    catalog.close()
    made = aside / at.removeprefix("gs://")
    lake({str(p.relative_to(made)): p.read_bytes() for p in made.rglob("*") if p.is_file()})
    with getattr(mlf, engine)().open() as live:
        scan = resolve(mlf.Source(f"{at}/iceberg", options={"endpoint_url": url, "anonymous": True}), tmp_path)
        rows = [row for batch in live.rows(live.persist(live.scan(scan))) for row in batch]
    assert rows == EVENTS.tail(2).to_dicts()
