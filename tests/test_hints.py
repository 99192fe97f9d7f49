"""A newcomer's mistakes: each is answered with what is wrong, a way out that works, and the line it is in."""

from __future__ import annotations

from typing import Any

import pytest

SPEND = """
@mlf.feature(source="events.parquet", keys="user_id", timestamp="event_time", interval="1d", tags=["daily"],
             metrics=[mlf.Sum("amount", windows=["1d", "7d"]), mlf.Count(windows="7d", name="events")])
def spend(df):
    return df
"""
FEATURE = """
@mlf.feature({deco})
def spend(df):
    {body}
"""
KEYS = 'source="events.parquet", keys="user_id"'
CLOCK = f'{KEYS}, timestamp="event_time"'


def feature(deco: str, body: str = "return df") -> str:
    return FEATURE.format(deco=deco, body=body)


BUILDS = {
    "a column that is not there": (
        feature(KEYS, 'return df.filter(pl.col("amuont") > 3)'),
        ["amuont", "Did you mean 'amount'?", 'definitions.py, line 9: return df.filter(pl.col("amuont") > 3)'],
    ),
    "a bug in a function": (feature(KEYS, "return 1 / 0"), ["ZeroDivisionError", "line 9: return 1 / 0"]),
    "a metric over no column": (
        feature(f'{CLOCK},\n    metrics=[\n        mlf.Sum("amuont", windows="7d")])'.removesuffix(")")),
        ["'amuont'", "Did you mean 'amount'?", 'definitions.py, line 9: mlf.Sum("amuont", windows="7d")'],
    ),
    "a key that is not there": (
        feature('source="events.parquet", keys="userid"'), ["Did you mean 'user_id'?", "definitions.py, line 7: "],
    ),
    "a timestamp that is not there": (
        feature(f'{KEYS}, timestamp="event_tiem"'), ["Did you mean 'event_time'?", "definitions.py, line 7: "],
    ),
    "a promise about no column": (
        feature(f'{KEYS}, validators={{"amuont": v.not_null()}}'),
        ["Did you mean 'amount'?", "definitions.py, line 7: "],
    ),
    "a source that is not there": (
        feature('source="event.parquet", keys="user_id"'),
        ["event.parquet", "Did you mean 'events.parquet'?", "definitions.py, line 7: "],
    ),
    "a source that is not there, whose name a metric has": (
        feature(
            f'\n    source="event.parquet",\n    {CLOCK.split(", ", 1)[1]},\n'
            '    metrics=mlf.Count(windows="7d", name="event")'
        ),
        ["'event' is not there", 'definitions.py, line 8: source="event.parquet",'],
    ),
    "nothing returned": (feature(KEYS, "df.head()"), ["returned None", "Return the frame", "definitions.py, line 7: "]),
    "a second parameter": (
        feature(KEYS).replace("spend(df)", "spend(df, more)"), ["'more'", "definitions.py, line 7: "],
    ),
}  # fmt: skip
DEFINITIONS = {
    "a misspelt metric": (
        feature(f'{CLOCK}, metrics=[mlf.Summ("amount", windows="7d")]'), ["Did you mean 'Sum'?", "line 7: @mlf"],
    ),
    "a misspelt metric, imported": ("from mlforge import Summ", ["Did you mean 'Sum'?", "line 6: from mlforge"]),
    "a word in the wrong case": ("mlf.sum", ["Did you mean 'Sum'?", "line 6: mlf.sum"]),
    "a misspelt validator": ("v.not_nul()", ["Did you mean 'not_null'?", "line 6: v.not_nul()"]),
    "a module of mlforge that is not there": ("import mlforge.metric", ["Did you mean 'mlforge.metrics'?", "line 6: "]),
    "a misspelt parameter": (
        feature(f'{KEYS}, timestmp="event_time"'), ["Did you mean 'timestamp'?", "line 7: @mlf.feature("],
    ),
    "no parentheses": ("@mlf.feature\ndef spend(df):\n    return df", ["without parentheses", "line 6: @mlf.feature"]),
    "a module beside it, misspelt": ("import helprs", ["Did you mean 'helpers'?", "line 6: import helprs"]),
    "a module whose distribution has another name": ("import skimage", ["pip install scikit-image", "line 6: "]),
    "a module nobody knows": ("import abacus_of_old", ["Mend its name, or install", "line 6: import abacus_of_old"]),
    "a name that is not defined": ("nowhere()", ["NameError", "line 6: nowhere()"]),
    "a bracket left open": ("nowhere(", ["never closed", "line 6: nowhere("]),
}  # fmt: skip


@pytest.mark.parametrize("mistake", BUILDS)
def test_a_mistake_in_a_feature_says_what_how_and_where(house: Any, mistake: str) -> None:
    text, words = BUILDS[mistake]
    house.define(text)
    shown = house.refused("build", says=words)
    assert "\nWhere: " in shown
    assert "--debug" not in shown


@pytest.mark.parametrize("mistake", DEFINITIONS)
def test_a_mistake_in_the_definitions_says_what_how_and_where(house: Any, mistake: str) -> None:
    text, words = DEFINITIONS[mistake]
    (house.root / "helpers.py").touch()
    house.define(text)
    shown = house.refused("list", says=words)
    assert "\nWhere: definitions.py, line " in shown


def test_python_is_told_the_line_too(house: Any) -> None:
    text, _ = BUILDS["a bug in a function"]
    house.define(text, "defs = mlf.Definitions(features=[spend], store='store')\ndefs.build().raise_for_failure()")
    shown = house.refused("list", says=["ZeroDivisionError", "definitions.py, line 9: return 1 / 0"])
    assert shown.count("return 1 / 0") == 1


@pytest.mark.parametrize(
    ("given", "hint"), [("1", "{'user_id': 1}."), ("[1]", "{'user_id': 1}."), ("[1, 2]", "user_id.")]
)
def test_an_entity_is_named_by_its_keys(house: Any, given: str, hint: str) -> None:
    house.built()
    house.define(SPEND, f"defs = mlf.Definitions(features=[spend], store='store')\ndefs.explain('spend', {given})")
    house.refused(
        "list", says=[f"{given} names no entity of 'spend'", f"Name its keys: {hint}", "line 13: defs.explain("]
    )
