"""The point-in-time join around Polars' own frames and types."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from mlforge.errors import Invalid
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.meta import Artifact, Target
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import Join
from mlforge.testing.engines.bench import meta_of

START = datetime(2024, 1, 1, tzinfo=UTC)
SPEND = pl.DataFrame({"k": [1, 2], "t": [START, START], "x": [10, 20]})
SHAPE = Shape((Key("k"),), Timestamp("t"))
LABEL = Timestamp("label")
CASTS = {"polars": r"cast\(pl\.Int64\)", "duckdb": r"CAST\(k AS BIGINT\)"}
CATEGORIES = {"polars": pl.Categorical, "duckdb": pl.String}


@pytest.fixture
def spend(engine, tmp_path) -> Artifact:
    """A feature keyed by `k`."""
    uri = str(tmp_path / "spend.parquet")
    engine.write(SPEND, Target("spend", uri))
    return Artifact(meta_of("spend", engine.schema(SPEND), SHAPE, 2, "parquet"), (uri,))


def test_the_spine_comes_out_as_it_went_in(engine, library, in_polars, spend) -> None:
    spine = pl.DataFrame(
        {
            "label": ["2024-01-02 00:00", None, "2023-12-31 00:00"],
            "k": pl.Series([1, 1, 1], dtype=pl.Int16),
            "c": pl.Series(["a", "b", None], dtype=pl.Categorical),
            "s": [{"a": 1}, {"a": 2}, None],
        }
    )
    answer = in_polars(engine.asof(spine.lazy(), LABEL, [Join(spend, {"x": "y", "t": "since"})]))
    kept = spine.with_columns(pl.col("c").cast(CATEGORIES[library]))
    assert answer.select(spine.columns).equals(kept)
    assert answer.schema["c"] == CATEGORIES[library]
    assert answer.select("y", "since").rows() == [(10, START), (None, None), (None, None)]


def test_a_key_of_another_type_is_refused_with_the_cast(engine, library, spend) -> None:
    spine = pl.DataFrame({"k": ["1"], "label": [START]})
    said = rf"'k' is String in the spine and Int64 in feature 'spend'\..*{CASTS[library]}"
    with pytest.raises(Invalid, match=said):
        engine.asof(spine, LABEL, [Join(spend, {"x": "y"})])


def test_times_that_were_written_without_a_zone_are_read_as_utc(engine, in_polars, spend) -> None:
    SPEND.with_columns(pl.col("t").dt.replace_time_zone(None)).write_parquet(spend.uris[0])
    assert in_polars(engine.read_version(spend))["t"].to_list() == [START, START]
