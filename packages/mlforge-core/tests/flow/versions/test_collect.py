"""Leftovers are removed by stores that know them; others say what to do instead."""

from __future__ import annotations

import pytest

from mlforge.errors import Unsupported
from mlforge.flow.versions.collect import collect
from mlforge.plugin import CollectingStore
from mlforge.testing.memory import MemoryStore
from mlforge.testing.refusals import refused
from mlforge.testing.versions import meta_of, write_file


@pytest.mark.parametrize("dry_run", [True, False])
def test_a_store_that_knows_no_leftovers_refuses_and_keeps_what_it_has(dry_run):
    with MemoryStore().open() as store:
        target = store.begin("spend", "parquet")
        write_file(target.uri, b"rows")
        store.commit(target, meta_of("1.0.0"), None)
        begun = store.begin("spend", "parquet")
        write_file(begun.uri, b"more")
        assert not isinstance(store, CollectingStore)
        with refused(Unsupported, "dead builds") as told:
            collect(store, dry_run)
        assert "tools of its backend" in told.value.hint
        store.commit(begun, meta_of("1.1.0"), "1.0.0")
        assert store.versions("spend") == ["1.0.0", "1.1.0"]
