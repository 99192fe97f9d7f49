"""The point-in-time join around frames and types of DuckDB and Polars."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from mlforge.errors import Invalid, PluginFailed
from mlforge.model.keys import Key, surrogate_key
from mlforge.model.meta import Artifact, FeatureMeta, Recipe, Target
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import Join
from mlforge_duckdb.engine import LiveDuckDBEngine
from mlforge_duckdb.exchange import to_polars

START = datetime(2024, 1, 1, tzinfo=UTC)
LABEL = Timestamp("label")


@pytest.fixture
def stored(engine: LiveDuckDBEngine, tmp_path: Path):
    """Stores rows as a feature keyed by `k`."""

    def artifact(frame: pl.DataFrame, name: str = "spend", stamp: str | None = "t", sources: tuple = ()) -> Artifact:
        uri = str(tmp_path / f"{name}.parquet")
        engine.write(frame, Target(name, uri))
        meta = FeatureMeta(
            name=name,
            version="1.0.0",
            created_at="",
            updated_at="",
            row_count=frame.height,
            entity_keys=("k",),
            timestamp=stamp,
            interval=None,
            columns=engine.schema(frame).columns,
            schema_hash="",
            config_hash="",
            config=Recipe((Key("k", sources),), stamp),
        )
        return Artifact(meta, (uri,))

    return artifact


def spend(dtype: pl.DataType | type[pl.DataType] = pl.Int64) -> pl.DataFrame:
    return pl.DataFrame({"k": pl.Series([1, 2], dtype=pl.Int64).cast(dtype), "t": [START, START], "x": [10, 20]})


@pytest.mark.parametrize("ours", [pl.Int8, pl.UInt64, pl.Int64], ids=str)
@pytest.mark.parametrize("theirs", [pl.Int32, pl.UInt64, pl.Int64], ids=str)
def test_integer_keys_of_any_width_meet(engine: LiveDuckDBEngine, stored, ours, theirs) -> None:
    spine = pl.DataFrame({"k": pl.Series([2, None, 1], dtype=ours), "label": [START] * 3})
    answer = to_polars(engine.asof(spine, LABEL, [Join(stored(spend(theirs)), {"x": "y"})]))
    assert answer.schema["k"] == ours
    assert answer["y"].to_list() == [20, None, 10]


def test_the_spine_comes_out_as_it_went_in(engine: LiveDuckDBEngine, stored) -> None:
    spine = pl.DataFrame(
        {
            "label": ["2024-01-02 00:00", None, "2023-12-31 00:00"],
            "k": pl.Series([1, 1, 1], dtype=pl.Int16),
            "c": pl.Series(["a", "b", None], dtype=pl.Categorical),
            "s": [{"a": 1}, {"a": 2}, None],
        }
    )
    answer = to_polars(engine.asof(spine.lazy(), LABEL, [Join(stored(spend()), {"x": "y", "t": "since"})]))
    kept = spine.with_columns(pl.col("c").cast(pl.String))
    assert answer.select(spine.columns).equals(kept)
    assert answer.select("y", "since").rows() == [(10, START), (None, None), (None, None)]


def test_categorical_keys_meet_strings(engine: LiveDuckDBEngine, stored) -> None:
    spine = pl.DataFrame({"k": pl.Series(["2", "3"], dtype=pl.Categorical), "label": [START, START]})
    assert to_polars(engine.asof(spine, LABEL, [Join(stored(spend(pl.String)), {"x": "y"})]))["y"].to_list() == [
        20,
        None,
    ]


def test_a_key_of_another_type_is_refused_with_the_cast(engine: LiveDuckDBEngine, stored) -> None:
    spine = pl.DataFrame({"k": ["1"], "label": [START]})
    with pytest.raises(
        Invalid, match=r"'k' is String in the spine and Int64 in feature 'spend'\..*CAST\(k AS BIGINT\)"
    ):
        engine.asof(spine, LABEL, [Join(stored(spend()), {"x": "y"})])


def test_a_surrogate_key_is_made_on_the_way_and_does_not_stay(engine: LiveDuckDBEngine, stored) -> None:
    rows = pl.DataFrame({"k": [surrogate_key("Ada", None)], "t": [START], "x": [1]})
    spine = pl.DataFrame({"first": ["Ada", "Bob"], "last": [None, "B"], "label": [START] * 2})
    answer = to_polars(engine.asof(spine, LABEL, [Join(stored(rows, sources=("first", "last")), {"x": "x"})]))
    assert answer.columns == ["first", "last", "label", "x"]
    assert answer["x"].to_list() == [1, None]
    with pytest.raises(Invalid, match="Bring it, or what it is made of: first, last"):
        engine.asof(spine.drop("last"), LABEL, [Join(stored(rows, sources=("first", "last")), {"x": "x"})])


def test_a_name_that_two_bring_is_refused_with_both(engine: LiveDuckDBEngine, stored) -> None:
    spine = pl.DataFrame({"k": [1], "label": [START]})
    joins = [Join(stored(spend(), name), {"x": "x"}) for name in ("spend", "income")]
    with pytest.raises(Invalid, match=r"'spend' and 'income' both bring a column 'x'.*full_names"):
        engine.asof(spine, LABEL, joins)
    with pytest.raises(Invalid, match="The spine and 'spend'"):
        engine.asof(spine, LABEL, [Join(joins[0].artifact, {"x": "label"})])


def test_a_feature_with_a_stamp_needs_a_label_time(engine: LiveDuckDBEngine, stored) -> None:
    with pytest.raises(Invalid, match="'spend'"):
        engine.asof(pl.DataFrame({"k": [1]}), None, [Join(stored(spend()), {"x": "x"})])


def test_features_without_a_stamp_need_none(engine: LiveDuckDBEngine, stored) -> None:
    users = stored(pl.DataFrame({"k": [1, 2], "x": ["NL", None]}), stamp=None)
    answer = to_polars(engine.asof(pl.DataFrame({"k": [2, 1, 3]}), None, [Join(users, {"x": "country"})]))
    assert answer["country"].to_list() == [None, "NL", None]


def test_a_label_time_that_is_no_time_is_shown(engine: LiveDuckDBEngine, stored) -> None:
    spine = pl.DataFrame({"k": [1, 1], "label": ["2024-01-01", "soon"]})
    with pytest.raises(Invalid, match="'soon' in row 1"):
        engine.asof(spine, LABEL, [Join(stored(spend()), {"x": "y"})])


def test_a_version_without_its_file_is_the_plugins_failure(engine: LiveDuckDBEngine, stored) -> None:
    artifact = stored(spend())
    Path(artifact.uris[0]).unlink()
    for read in (lambda: engine.read_version(artifact), lambda: engine.horizon(artifact, 0, 0)):
        with pytest.raises(PluginFailed, match=r"'spend' 1\.0\.0 cannot be read"):
            read()


def test_an_unknown_column_of_a_version_is_named(engine: LiveDuckDBEngine, stored) -> None:
    with pytest.raises(Invalid, match="'spend' has no column 'z'"):
        engine.read_version(stored(spend()), ["z"])


def test_times_that_were_written_without_a_zone_are_read_as_utc(engine: LiveDuckDBEngine, stored) -> None:
    artifact = stored(spend())
    spend().with_columns(pl.col("t").dt.replace_time_zone(None)).write_parquet(artifact.uris[0])
    assert to_polars(engine.read_version(artifact))["t"].to_list() == [START, START]
