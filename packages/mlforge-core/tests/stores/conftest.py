"""A store in a folder of its own, and a short way to commit to it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from mlforge.model.keys import Key
from mlforge.model.meta import FeatureMeta, Recipe
from mlforge.model.schema import Column
from mlforge.stores.local.plugin import LocalStore


@pytest.fixture
def root(tmp_path):
    return tmp_path / "feature_store"


@pytest.fixture
def store(root):
    with LocalStore(root).open() as live:
        yield live


@pytest.fixture
def draft():
    return FeatureMeta(
        name="spend", version="1.0.0", created_at="2025-01-15T10:00:00Z", updated_at="2025-01-15T10:00:00Z",
        row_count=3, entity_keys=("user_id",), timestamp="at", interval="1d",
        columns=(Column("user_id", "Int64"), Column("at", "Datetime"), Column("total_7d", "Float64", "sum", "7d")),
        schema_hash="s", config_hash="c", config=Recipe((Key("user_id"),), "at", "1d"), tags=("money",),
    )  # fmt: skip


@pytest.fixture
def begin():
    """Begin a version and write its data, as an engine would."""

    def begin(store, data=b"data", name="spend"):
        target = store.begin(name, "parquet")
        Path(target.uri).write_bytes(data)
        return target

    return begin


@pytest.fixture
def commit(draft, begin):
    """Commit a version on top of the latest one."""

    def commit(store, version="1.0.0", data=b"data", name="spend"):
        meta = msgspec.structs.replace(draft, name=name, version=version)
        return store.commit(begin(store, data, name), meta, store.latest(name))

    return commit


@pytest.fixture
def data_of():
    """The bytes of a version, as any reader gets them."""

    def data_of(store, version, name="spend"):
        return b"".join(Path(u).read_bytes() for u in store.get(name, version).uris)

    return data_of


@pytest.fixture
def staged(root):
    """What a feature's folder holds that is not committed."""
    return lambda name="spend": sorted(p.name for p in (root / name).glob(".staging-*"))
