"""Entities with what is served of them: dicts answered with dicts, and what is no list of these refused."""

from __future__ import annotations

import asyncio
import subprocess
import sys

import pytest

from mlforge.errors import Invalid
from mlforge.flow.online.answer import aonline_features, online_features
from mlforge.testing.refusals import refused

THREE = [(1, -5, 10), (1, 1, 11), (1, 9, 12), (2, -4, 20), (3, -3, 30)]


@pytest.fixture
def spend(shop):
    shop.version("1.0.0", THREE)
    shop.publish(0)
    return shop


def no_engine():
    raise AssertionError("an engine was opened")


def test_dicts_are_answered_with_dicts_beside_their_own_columns(spend):
    rows = [{"user": 1, "note": "a"}, {"user": 9}]
    found = online_features(spend.reader(), rows, no_engine)
    assert found.values == [{"user": 1, "note": "a", "amount": 10}, {"user": 9, "amount": None}]
    assert found == asyncio.run(aonline_features(spend.reader(), rows, no_engine))
    assert rows == [{"user": 1, "note": "a"}, {"user": 9}]


@pytest.mark.parametrize("bad", [{"user": 1}, [1], [{"user": 1}, None], ["user"]], ids=repr)
def test_what_is_no_list_of_dicts_is_refused(spend, bad):
    with pytest.raises(Invalid, match=r"dict|list"):
        online_features(spend.reader(), bad, no_engine)


def test_a_column_that_entity_and_feature_both_have_is_refused(spend):
    with refused(Invalid, "entity 1", "amount"):
        online_features(spend.reader(), [{"user": 1}, {"user": 1, "amount": 5}], no_engine)


def test_reading_loads_no_dataframe_library(tmp_path):
    code = """
import sys
import mlforge as mlf
from mlforge.flow.online.reader import Reader
store = mlf.SQLiteOnlineStore(sys.argv[1])
try:
    mlf.get_online_features("spend", [{"user": 1}], store=store)
except mlf.errors.NotFound:
    heavy = {"polars", "pandas", "pyarrow", "duckdb", "numpy"} & set(sys.modules)
    assert not heavy, heavy
    print("light")
"""
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path / "o.db")], capture_output=True, text=True, check=False
    )
    assert done.stdout == "light\n", done.stderr
