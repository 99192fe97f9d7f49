"""A feature is built, grown and read from the store, with an engine that has never heard of it."""

from datetime import UTC, datetime

import polars as pl
import pytest

import mlforge as mlf
from toy_bucket.plugin import FsspecStore

pytestmark = pytest.mark.posix  # the store's lock is flock


@pytest.mark.parametrize("engine", ["polars", "duckdb"])
@pytest.mark.parametrize("url", ["file://features", "memory://{folder}/features"])
def test_a_feature_is_built_and_read(url, engine, tmp_path):
    source = tmp_path / "events.parquet"
    feature = mlf.feature(source=str(source), keys="user", timestamp="at", metrics=[mlf.Sum("amount", windows=["7d"])])(
        spend
    )
    store = FsspecStore(url.format(folder=tmp_path)).at(tmp_path)
    defs = mlf.Definitions("shop", features=[feature], store=store, engine=engine)
    for rows, version in ((1, "1.0.0"), (2, "1.0.1")):
        pl.DataFrame(
            {"user": [1] * rows, "amount": [1.0, 2.0][:rows], "at": [datetime(2026, 1, 1, 12, tzinfo=UTC)] * rows}
        ).write_parquet(source)
        (result,) = defs.build()
        assert (result.status, result.version) == ("built", version)
    spine = pl.DataFrame({"user": [1], "label": [datetime(2026, 1, 2, tzinfo=UTC)]})
    frame = mlf.get_training_data(spine, "spend", store=store, engine=engine)
    assert frame["amount__sum__7d"].to_list() == [3.0]
    assert (tmp_path / "features").is_dir() == url.startswith("file")


def spend(df):
    return df
