"""What earlier releases wrote stays readable, and means the same: stores, metadata, locks, what is served."""

from __future__ import annotations

import json
import shutil
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

import mlforge as mlf

GOLDEN = Path(__file__).resolve().parent / "golden"
RELEASES = sorted(path.name for path in GOLDEN.iterdir() if path.is_dir())
LABELS = pl.DataFrame({"user_id": ["u01", "u02", "nobody"], "label_time": [datetime(2026, 2, 15)] * 3})


@pytest.fixture(params=RELEASES)
def release(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A copy of what a release wrote."""
    return shutil.copytree(GOLDEN / request.param, tmp_path / "release")


def test_there_is_one_at_least() -> None:
    assert "0.9" in RELEASES


def test_the_store_is_whole(release: Path) -> None:
    report = mlf.Definitions(store=release / "store").verify_store()
    assert report.findings == ()
    assert (report.features, report.versions) == (2, 3)


def test_the_metadata_says_what_it_said(release: Path) -> None:
    defs = mlf.Definitions(store=release / "store")
    assert defs.all_versions() == {}  # nothing is defined here
    assert {n: e.versions for n, e in defs.manifest().features.items()} == {
        "last_purchase": ("1.0.0",), "user_spend": ("1.0.0", "1.0.1"),
    }  # fmt: skip
    meta = defs.metadata("user_spend")
    assert (meta.version, meta.row_count) == ("1.0.1", 726)
    assert (meta.entity_keys, meta.timestamp) == (("user_id",), "event_time")
    assert meta.schema.dtype("spend_7d") == "Float64"
    assert defs.diff("user_spend", "1.0.0", "1.0.1").logic is False
    assert mlf.search_features("spent", store=mlf.LocalStore(str(release / "store"))).names == ["user_spend"]


def test_a_lock_gives_the_same_training_data(release: Path) -> None:
    lock = mlf.Lock.load(release / "churn.lock")
    found = mlf.get_training_data(LABELS, lock, store=mlf.LocalStore(str(release / "store")))
    assert found.write_csv() == (release / "training.csv").read_text(encoding="utf-8")


def test_what_was_published_is_served(release: Path) -> None:
    store = mlf.SQLiteOnlineStore(str(release / "online.db"))
    found = mlf.get_online_features(
        "user_spend,last_purchase", [{"user_id": "u01"}, {"user_id": "nobody"}], store=store
    )
    assert found == json.loads((release / "served.json").read_text(encoding="utf-8"))
