"""A version is read where the engine can read it, or brought there, or refused in words."""

from __future__ import annotations

import pytest

from mlforge.errors import Unsupported
from mlforge.flow.versions.reach import within_reach
from mlforge.model.meta import Artifact
from mlforge.testing import MemoryStore, ReferenceEngine
from mlforge.testing.versions import meta_of, write_file


def test_an_address_that_neither_engine_nor_store_can_deal_with_is_refused():
    far = Artifact(meta_of("1.0.0"), ("s3://bucket/spend/1.0.0/data.parquet",))
    with MemoryStore().open() as store, ReferenceEngine().open() as engine:
        with pytest.raises(Unsupported, match="s3://bucket/spend") as caught:
            within_reach(store, engine, far, relied=False)
        assert "mlforge store copy FROM TO" in caught.value.hint  # and no engine, which may not be here


def test_files_of_this_machine_are_read_where_they_are():
    with MemoryStore().open() as store, ReferenceEngine().open() as engine:
        target = store.begin("spend", "parquet")
        write_file(target.uri, b"rows")
        store.commit(target, meta_of("1.0.0"), None)
        artifact = store.get("spend", "1.0.0")
        for relied in (False, True):
            assert within_reach(store, engine, artifact, relied=relied) is artifact
