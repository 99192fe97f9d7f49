"""What later rows of one definition are, and what is something else."""

from __future__ import annotations

import hashlib

import msgspec
import pytest

from mlforge.flow.lock import pin_of, verdict_on
from mlforge.testing.versions import meta_of

INTEGER = {"user": {"first": "String", "last": "Int32"}}


def later(**changes):
    return meta_of("1.0.1", **{"content_hash": "0ther", "logic_unknown": (), "key_types": INTEGER} | changes)


@pytest.fixture
def pin():
    return pin_of(later(content_hash="c0ffee"), ["x"])


@pytest.mark.parametrize(
    ("now", "said"),
    [("Int32", "refresh"), ("UInt64", "refresh"), ("String", "other")],
    ids=["same", "other width", "other type"],
)
def test_keys_that_are_made_of_another_type_are_no_refresh(pin, now, said):
    assert verdict_on(pin, "1.0.1", later(key_types={"user": {"last": now, "first": "String"}})) == said


def test_a_pin_that_knows_nothing_of_keys_is_held_against_the_rest(pin):
    meta = later()
    kept = msgspec.json.encode([meta.schema_hash, meta.config_hash, meta.logic_hash])
    older = msgspec.structs.replace(pin, definition=hashlib.sha256(kept).hexdigest()[:32])
    assert verdict_on(older, "1.0.1", meta) == "refresh"
    assert verdict_on(older, "1.0.1", later(schema_hash="0ther")) == "other"
    assert verdict_on(pin_of(later(content_hash="c0ffee", key_types={}), ["x"]), "1.0.1", meta) == "refresh"
