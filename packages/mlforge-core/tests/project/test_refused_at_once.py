"""What cannot be right is refused where it is written, with the way out."""

from __future__ import annotations

import asyncio
import traceback
from inspect import isawaitable, signature
from pathlib import Path
from typing import Any

import polars as pl
import pytest

import mlforge as mlf
from mlforge.errors import Invalid
from mlforge.model.feature import FeatureSpec
from mlforge.model.spelling import spelled
from mlforge.plugin import EngineDescriptor, OnlineStoreDescriptor, StoreDescriptor
from mlforge.plugin.registry import registry


def spend(df: Any) -> Any:
    return df


SOURCE: dict[str, Any] = {"source": "payments.csv", "keys": "user_id"}


@pytest.mark.parametrize("name", ["", "  ", None, 3])
def test_an_entity_needs_a_name_and_columns(name: Any) -> None:
    with pytest.raises(Invalid, match="cannot be an entity's name"):
        mlf.Entity(name, join_key="user_id")
    for columns in (
        {"join_key": name},
        {"join_key": ["user_id", name]},
        {"join_key": "k", "from_columns": [name, "b"]},
    ):
        if columns["join_key"] is not None and columns["join_key"] != 3:
            with pytest.raises(Invalid, match="'user'"):
                mlf.Entity("user", **columns)


def test_a_surrogate_key_is_made_of_something() -> None:
    with pytest.raises(Invalid, match="of no columns"):
        mlf.Entity("merchant", join_key="merchant_id", from_columns=[])


def test_two_entities_may_share_a_key_column() -> None:
    buyer, seller = mlf.Entity("buyer", join_key="user_id"), mlf.Entity("seller", join_key="user_id")

    @mlf.feature(source="payments.csv", entities=[buyer, seller])
    def both(df: Any) -> Any:
        return df

    assert [k.name for k in both.keys] == ["user_id"]
    made = mlf.Entity("made", join_key="user_id", from_columns=["name"])
    with pytest.raises(Invalid, match="of different columns"):
        mlf.feature(source="payments.csv", entities=[buyer, made])(spend)


def test_the_same_key_twice_is_a_mistake() -> None:
    with pytest.raises(Invalid, match="one twice"):
        mlf.feature(source="payments.csv", keys=["user_id", "user_id"])(spend)


@pytest.mark.parametrize("given", [{"columns": []}, {"columns": [""]}, {"version": "latest"}, {"version": "1.0"}])
def test_a_spec_chooses_columns_that_are_some_and_a_version_that_is_one(given: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        FeatureSpec("user_spend", **given)


@pytest.mark.parametrize("delimiter", ["", ";;", '"', "\n", "\r", None, 59])
def test_a_delimiter_is_one_character(delimiter: Any) -> None:
    with pytest.raises(Invalid, match="not one character between fields"):
        mlf.CSVFormat(delimiter=delimiter)


def test_one_text_that_means_null_need_not_be_a_list() -> None:
    assert mlf.CSVFormat(null_values="NA").null_values == ("NA",)


@pytest.mark.parametrize("path", ["x.json", "data/events.JSONL", "x.xlsx", "s3://bucket/x.avro", "store.db"])
def test_an_ending_that_is_not_read_is_refused_when_it_is_written(path: str) -> None:
    with pytest.raises(Invalid, match="are not read"):
        mlf.Source(path)
    assert mlf.Source(path, format=mlf.CSVFormat()).path == path
    assert mlf.Source(f"{path}/").path == f"{path}/"


def test_a_name_that_begins_with_a_tilde_is_a_name_where_nobody_is_called_so(tmp_path: Path) -> None:
    (tmp_path / "~nobody-of-that-name.csv").write_text("user_id,n\na,1\n")
    feature = mlf.feature(source="~nobody-of-that-name.csv", keys="user_id", name="tilde")(lambda df: df)
    defs = mlf.Definitions(features=[feature], store=tmp_path / "store", root=tmp_path)
    defs.build().raise_for_failure()
    assert defs.read("tilde")["n"].to_list() == [1]


def test_a_decorator_without_parentheses_shows_how_it_is_written() -> None:
    with pytest.raises(Invalid, match="without parentheses") as refused:

        @mlf.feature
        def spend(df: Any) -> Any:
            return df

    assert '@mlf.feature(source="payments.csv", keys="user_id")' in (refused.value.hint or "")


@pytest.mark.parametrize(
    ("wrong", "right"), [("timestmp", "timestamp"), ("entites", "entities"), ("metric", "metrics")]
)
def test_a_misspelled_word_is_answered_with_the_nearest(wrong: str, right: str) -> None:
    with pytest.raises(Invalid, match=f"has no {wrong}=") as refused:
        mlf.feature(**SOURCE, **{wrong: "x"})
    assert refused.value.hint == f"Did you mean {right!r}?"


def test_a_source_is_needed_and_a_frame_is_none() -> None:
    with pytest.raises(Invalid, match="needs a source"):
        mlf.feature(keys="user_id")
    with pytest.raises(Invalid, match="polars.DataFrame is no source") as refused:
        mlf.feature(source=pl.DataFrame(), keys="user_id")(spend)
    assert "Source.from_frame(" in (refused.value.hint or "")


def test_a_path_as_text_is_the_store_that_it_means(tmp_path: Path) -> None:
    defs = mlf.Definitions(store="features", online_store="online.db", root=tmp_path)
    found = defs.settings()
    assert (found.offline_store.kind, Path(found.offline_store.path)) == ("local", tmp_path / "features")
    assert (found.online_store.kind, Path(found.online_store.path)) == ("sqlite", tmp_path / "online.db")


@pytest.mark.parametrize("given", [{"store": "s3://bucket"}, {"store": ""}, {"online_store": "localhost:6379"}])
def test_a_text_that_means_no_store_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(Invalid):
        mlf.Definitions(**given)


CALLS: dict[str, tuple[Any, str, str]] = {
    "Definitions": (lambda: mlf.Definitions(feature=[]), "Definitions has no feature=", "'features'"),
    "Entity": (lambda: mlf.Entity("user", joinkey="id"), "Entity has no joinkey=", "'join_key'"),
    "Entity, short": (lambda: mlf.Entity("user"), "Entity needs join_key", "Entity(name=…, join_key=…)"),
    "Entity, long": (
        lambda: mlf.Entity("a", "b", "c", "d"),
        "Entity takes 3 values, not 4",
        "Entity(name=…, join_key=…, from_columns=…)",
    ),
    "Source": (lambda: mlf.Source("a.csv", fmt=mlf.CSVFormat()), "Source has no fmt=", "'format'"),
    "CSVFormat": (lambda: mlf.CSVFormat(delimeter=";"), "CSVFormat has no delimeter=", "'delimiter'"),
    "Timestamp": (lambda: mlf.Timestamp("at", fmt="%Y"), "Timestamp has no fmt=", "'format'"),
    "FeatureSpec": (lambda: mlf.FeatureSpec("a", column="b"), "FeatureSpec has no column=", "'columns'"),
    "LocalStore": (lambda: mlf.LocalStore(pth="a"), "LocalStore has no pth=", "'path'"),
    "PolarsEngine": (lambda: mlf.PolarsEngine(stream=True), "PolarsEngine has no stream=", "'streaming'"),
    "Sum": (lambda: mlf.Sum("a", window="7d"), "Sum has no window=", "'windows'"),
    "Sum, short": (lambda: mlf.Sum(), "missing a required argument: 'column'", "Sum(column=…)"),
    "in_range": (lambda: mlf.validators.in_range(1, max=2), "in_range has no max=", "'max_value'"),
    "in_range, short": (lambda: mlf.validators.in_range(1), "missing a required argument: 'max_value'", "max_value=…"),
    "build": (lambda: mlf.Definitions().build(feature="a"), "build has no feature=", "'features'"),
    "get_training_data": (lambda: mlf.get_training_data(None, feature="a"), "has no feature=", "'features'"),
    "publish": (lambda: mlf.Definitions().publish(as_off="a"), "publish has no as_off=", "'as_of'"),
}


def words_by_place() -> dict[str, Any]:
    """Every public word that takes a bounded number of values without a name."""
    kinds = (EngineDescriptor, OnlineStoreDescriptor, StoreDescriptor)
    configs = {d.config.__name__: d.config for kind in kinds for d in registry().of(kind).values()}
    checks = {n: getattr(mlf.validators, n) for n in ("in_range", "not_null", "unique")}
    words = {n: getattr(mlf, n) for n in mlf.__all__} | checks | configs
    return {n: w for n, w in words.items() if callable(w) and n not in RESULTS and takes_few(w)}


def takes_few(word: Any) -> bool:
    return all(p.kind is not p.VAR_POSITIONAL for p in signature(word).parameters.values())


RESULTS = {"BuildReport", "BuildResult", "Explanation", "Feature", "Lock", "OnlineFeatures", "PublishReport",
           "PublishResult", "RequestFeature", "SearchResults", "TrainingData"}  # fmt: skip
"""What mlforge makes and people read."""


@pytest.mark.parametrize("word", words_by_place())
def test_a_value_too_many_without_a_name_is_answered_with_how_it_is_named(word: str) -> None:
    call = words_by_place()[word]
    parameters = signature(call).parameters.values()
    placed = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    given = ["x"] * (len(placed) + 1 + any(p.kind is p.POSITIONAL_ONLY for p in parameters))

    async def called() -> None:
        answer = call(*given)
        await answer if isawaitable(answer) else None

    with pytest.raises(Invalid, match=rf"{word} takes .*, not {len(given)}") as refused:
        asyncio.run(called())
    hint = refused.value.hint or ""
    assert f"{word}(" in hint
    assert all(f"{p.name}=…" in hint for p in placed)
    named = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    assert not named or f"{named[0]}=…" in hint


@pytest.mark.parametrize("called", CALLS)
def test_a_call_that_does_not_fit_is_answered_with_the_nearest(called: str) -> None:
    call, message, hint = CALLS[called]
    with pytest.raises(Invalid) as refused:
        call()
    assert message in refused.value.message
    assert hint in (refused.value.hint or "")
    assert "".join(traceback.format_exception(refused.value)).count("Traceback") == 1


def test_a_call_that_is_awaited_is_answered_too() -> None:
    with pytest.raises(Invalid, match="has no feature="):
        asyncio.run(mlf.Definitions().aget_online_features(feature="a"))  # type: ignore[call-arg]


def test_a_type_error_from_within_is_not_blamed_on_the_call() -> None:
    def shout(text: str) -> str:
        return text + 1  # type: ignore[operator]

    with pytest.raises(TypeError, match="can only concatenate"):
        spelled(shout)("a")


NAMES = {"empty": "", "blank": " ", "two words": "my spend", "a dash": "a-b", "a digit first": "7d", "no text": 3}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_a_metrics_name_is_a_plain_word(name: Any) -> None:
    with pytest.raises(Invalid, match="cannot be a metric's name") as refused:
        mlf.Sum("amount", windows="7d", name=name)
    assert 'name="spend"' in (refused.value.hint or "")
    assert mlf.Sum("amount", windows="7d", name="größe_2").columns()[0].name == "größe_2_7d"


@pytest.mark.parametrize("name", ["", " ", None, 3])
def test_names_of_specs_and_timestamps_are_not_empty(name: Any) -> None:
    with pytest.raises(Invalid, match="cannot be a feature's name"):
        mlf.FeatureSpec(name)
    with pytest.raises(Invalid, match="needs a column"):
        mlf.Timestamp(name)


def test_a_source_is_a_path_and_its_format_a_format() -> None:
    with pytest.raises(Invalid, match="polars.DataFrame is no source"):
        mlf.Source(pl.DataFrame())  # type: ignore[arg-type]
    with pytest.raises(Invalid, match="The format 'csv' is none") as refused:
        mlf.Source("export.txt", format="csv")  # type: ignore[arg-type]
    assert "CSVFormat()" in (refused.value.hint or "")


def test_a_lambda_is_asked_for_a_name() -> None:
    with pytest.raises(Invalid, match="lambda has no name") as refused:
        mlf.feature(**SOURCE)(lambda df: df)
    assert 'name="user_spend"' in (refused.value.hint or "")
