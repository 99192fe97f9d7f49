"""A function gets the Polars frame it asks for, and what it does wrong is said by its name."""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING, Annotated, Any

import polars as pl
import pytest

from mlforge.errors import Invalid, Unsupported
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.plugin import Engine

if TYPE_CHECKING:
    import pandas as pd
    from polars import LazyFrame as TypedOnly

FRAME = pl.DataFrame({"a": [1, 2]})


def bare(df):
    return df.with_columns(got=pl.lit(type(df).__name__))


def eager(df: pl.DataFrame) -> pl.DataFrame:
    return bare(df)


def lazy(df: pl.LazyFrame) -> pl.LazyFrame:
    return bare(df)


def anything(df: Any) -> Any:
    return bare(df)


def either(df: pl.DataFrame | pl.LazyFrame) -> Any:
    return bare(df)


def annotated(df: Annotated[pl.LazyFrame, "the events"]) -> Any:
    return bare(df)


def imported_for_types_alone(df: TypedOnly) -> Any:
    return df


def pandas_frame(df: pd.DataFrame) -> pd.DataFrame:
    return df


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        (bare, "DataFrame"),
        (eager, "DataFrame"),
        (lazy, "LazyFrame"),
        (anything, "DataFrame"),
        (either, "DataFrame"),
        (annotated, "LazyFrame"),
        (functools.partial(lazy), "LazyFrame"),
    ],
    ids=lambda v: getattr(v, "__name__", str(v)[:20]),
)
def test_the_first_annotation_decides_which_frame_is_handed_over(engine: Engine, function, kind) -> None:
    for frame in (FRAME, FRAME.lazy()):
        assert engine.apply(function, frame).lazy().collect()["got"].unique().to_list() == [kind]


def test_an_annotation_that_cannot_be_resolved_is_refused_as_it_is_written(engine: Engine) -> None:
    with pytest.raises(Unsupported, match=r"TypedOnly"):
        engine.apply(imported_for_types_alone, FRAME)
    with pytest.raises(Unsupported, match=r"pd\.DataFrame.*pl\.DataFrame"):
        engine.apply(pandas_frame, FRAME)


def test_a_lazy_result_names_the_function_where_a_column_is_missing(engine: Engine) -> None:
    def typo(df: pl.LazyFrame) -> pl.LazyFrame:
        return df.select("aa")

    with pytest.raises(Invalid, match=r"typo\(\) raised ColumnNotFoundError.*The source's columns: a\.") as caught:
        engine.apply(typo, FRAME)
    assert isinstance(caught.value.__cause__, pl.exceptions.ColumnNotFoundError)


def test_what_a_lazy_result_raises_when_it_is_computed_is_wrapped_once(engine: Engine) -> None:
    def late(df: pl.LazyFrame) -> pl.LazyFrame:
        return df.select(pl.col("a").map_elements(lambda x: 1 // 0, return_dtype=pl.Int64))

    with pytest.raises(Invalid, match="ZeroDivisionError") as caught:
        engine.conform(engine.apply(late, FRAME), Shape((Key("a"),)))
    assert isinstance(caught.value.__cause__, ZeroDivisionError)


def test_another_librarys_frame_is_refused_with_the_way_to_convert_it(engine: Engine) -> None:
    import pandas as pd

    with pytest.raises(Invalid, match=r"returned a pandas\.DataFrame.*pl\.DataFrame\(result\)"):
        engine.apply(lambda df: pd.DataFrame({"a": [1]}), FRAME)


def test_a_column_is_no_frame(engine: Engine) -> None:
    with pytest.raises(Invalid, match="returned"):
        engine.apply(lambda df: pl.Series([1]), FRAME)


def test_polars_imported_for_type_checkers_alone_is_known_by_its_usual_name(engine: Engine) -> None:
    def lazily(df):
        return bare(df)

    for text, kind in (("pl.LazyFrame", "LazyFrame"), ("polars.DataFrame", "DataFrame"), ("'LazyFrame'", "LazyFrame")):
        lazily.__annotations__["df"] = f"{text} | Nowhere"
        assert engine.apply(lazily, FRAME).lazy().collect()["got"][0] == kind
