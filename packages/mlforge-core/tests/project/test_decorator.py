import inspect

import pytest

import mlforge as mlf
from mlforge import col
from mlforge.errors import Invalid, MlforgeError
from mlforge.model.duration import Duration
from mlforge.model.expr import Agg, it
from mlforge.model.metric import MetricColumn

WINDOWED = {"source": "events.parquet", "keys": "user_id", "timestamp": "t", "interval": "1d"}


def make(name="spend", **changes):
    def function(df):
        """What a user spent.

        More of it.
        """
        return df

    function.__name__ = name
    given = {"source": "events.parquet", "keys": ["user_id"]} | changes
    return mlf.feature(**given)(function)


def test_the_function_stays_callable_and_inspectable():
    made = make()
    assert made("frame") == "frame"
    assert list(inspect.signature(made).parameters) == ["df"]
    assert made.__name__ == "spend"


def test_the_description_is_the_first_paragraph_of_the_docstring_unless_given():
    assert make().description == "What a user spent."
    assert make(description="Else.").description == "Else."


def test_keys_and_entities_say_the_same():
    user = mlf.Entity("user", join_key="user_id")
    assert make(entities=[user], keys=None).shape == make().shape


@pytest.mark.parametrize(
    "given", [{"keys": None}, {"entities": [mlf.Entity("u", "u")]}, {"keys": []}, {"keys": ["a", "a"]}]
)
def test_a_feature_has_keys_or_entities_each_once(given):
    with pytest.raises(Invalid):
        make(**given)


@pytest.mark.parametrize("name", ["../x", "", ".hidden", "_x", "a/b", "a b", "é", "x" * 129, "<lambda>"])
def test_a_name_that_is_no_safe_folder_is_refused(name):
    with pytest.raises(Invalid, match="name"):
        make(name=name)


def test_a_window_that_is_no_multiple_of_the_interval_is_refused():
    with pytest.raises(Invalid, match="36h.*amount__sum__36h.*1d"):
        make(**WINDOWED, metrics=[mlf.Sum("amount", windows=["36h"])])


def test_a_window_may_have_any_length_without_an_interval():
    assert str(make(keys="u", timestamp="t", metrics=mlf.Sum("amount", windows="36h")).plan.windows[0]) == "36h"


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"metrics": [mlf.Count(windows="1d")]}, "timestamp"),
        ({"interval": "1d", "timestamp": "t"}, "interval"),
        ({"max_age": "1d"}, "max_age"),
        ({"online_horizon": "1d"}, "online_horizon"),
        ({"online_horizon": "soon", "timestamp": "t"}, "online_horizon"),
        ({"tie_break": "user_id"}, "ties"),
        ({**WINDOWED, "metrics": [mlf.Count(windows="1d")], "tie_break": "x"}, "tie_break"),
        ({"metrics": ["sum"]}, "metric"),
        ({"validators": {"a": [mlf.validators.not_null]}}, "validator"),
        ({"validators": {"a": 5}}, "not"),
        ({"tags": ["a", 1]}, "tags"),
        ({"timestamp": ""}, "Timestamp"),
    ],
)
def test_parts_that_do_not_fit_are_refused_with_a_way_out(changes, word):
    with pytest.raises(MlforgeError, match=word) as error:
        make(**changes)
    assert error.value.hint


@pytest.mark.parametrize(
    ("derived", "says", "hint"),
    [
        ({"user_id": col("a")}, "column 'user_id'", "another name"),
        ({"X_1D": col("x_1d")}, "column 'x_1d'", "another name"),
        ({"y": col("x_7d")}, "no column 'x_7d'", "x_1d"),
        ({"y": col("t")}, "'t', which is a key or the timestamp", "Max"),
        ({"y": col("x_1d"), "z": col("y")}, "'y', which is derived itself", "expression"),
        ({"y": col("y")}, "'y', which is derived itself", "otherwise"),
        ({"y": mlf.when(col("x_1d") > 0).then(1)}, "otherwise", "otherwise"),
        ({"y": "x_1d * 2"}, "no expression", "col("),
        ({"y": col("x_1d").duplicated()}, "duplicated", "metric"),
        ({"y": it() > 0}, "it()", "col("),
        ({"y": Agg("sum", col("a"))}, "aggregates", "metric"),
        ({1: col("x_1d")}, "1", "derived="),
        ([col("x_1d")], "names no columns", "derived="),
    ],
)
def test_derived_columns_that_cannot_be_are_refused_where_they_are_defined(derived, says, hint):
    with pytest.raises(Invalid) as error:
        make(**WINDOWED, metrics=mlf.Sum("a", windows="1d", name="x"), derived=derived)
    assert says in str(error.value)
    assert hint in error.value.hint


def test_a_validator_that_was_not_called_is_named():
    with pytest.raises(Invalid) as error:
        make(validators={"a": mlf.validators.not_null})
    assert error.value.hint == "Call it: not_null()"


def test_two_metrics_of_one_name_are_refused():
    with pytest.raises(Invalid, match="x_1d"):
        make(**WINDOWED, metrics=[mlf.Sum("a", windows="1d", name="x"), mlf.Mean("a", windows="1d", name="x")])


def test_columns_that_would_differ_in_case_alone_are_refused():
    with pytest.raises(Invalid, match="'x_1d' and 'X_1d', which differ in case alone") as error:
        make(**WINDOWED, metrics=[mlf.Sum("a", windows="1d", name="x"), mlf.Mean("a", windows="1d", name="X")])
    assert "name=" in error.value.hint
    with pytest.raises(Invalid, match="'user_id' and 'USER_ID'"):
        make(**WINDOWED, metrics=[Fixed("USER_ID")])
    with pytest.raises(Invalid, match="'user_id' and 'User_Id'"):
        make(timestamp=mlf.Timestamp("t", alias="User_Id"))


@pytest.mark.parametrize("name", ["", "a b", "a\n", "\0", "-a", "a.b", "a/b", 'a"', "top-3", "7x", "x" * 129, 3])
def test_a_metric_has_a_plain_word_for_a_name(name):
    with pytest.raises(Invalid, match="cannot be a metric's name") as error:
        mlf.Sum("a", windows="1d", name=name)
    assert error.value.hint


@pytest.mark.parametrize("name", ["late_flights", "größe", "top3", "_x"])
def test_a_plain_word_has_letters_of_any_language(name):
    assert mlf.Sum("a", windows="1d", name=name).columns()[0].name == f"{name}_1d"


@pytest.mark.parametrize("name", ["", "a\0", "a\tb"])
def test_no_column_is_made_that_nobody_can_name(name):
    with pytest.raises(Invalid, match="'spend'"):
        make(**WINDOWED, metrics=[Fixed(name)])


class Fixed(mlf.metrics.Metric, frozen=True):
    name: str

    def columns(self):
        return (MetricColumn(self.name, Duration.parse("1d"), mlf.col("x"), "x"),)


@pytest.mark.parametrize("taken", ["user_id", "t"])
def test_a_metric_named_like_a_key_or_the_timestamp_is_refused(taken):
    with pytest.raises(Invalid, match=taken):
        make(**WINDOWED, metrics=[Fixed(taken)])


def test_rolling_warns_and_gives_the_old_names():
    with pytest.warns(DeprecationWarning, match="Sum"):
        rolling = mlf.Rolling(windows=["7d"], aggregations={"amt": ["sum", "count"]})
    assert [c.name for c in rolling.columns()] == ["amt__sum__7d", "amt__count__7d"]


def test_a_feature_shows_itself_in_a_notebook_without_markup_from_outside():
    html = make(description="<b>bold</b>", tags=["daily"])._repr_html_()
    assert "&lt;b&gt;" in html
    assert "daily" in html


def test_definitions_refuse_two_features_of_one_name():
    with pytest.raises(Invalid, match="'spend'"):
        mlf.Definitions(features=[make(), make()])


def test_the_same_feature_twice_is_one():
    made = make()
    assert mlf.Definitions(features=[made, [made]]).list_features() == [made]


def test_definitions_take_modules(tmp_path, monkeypatch):
    (tmp_path / "my_features_a.py").write_text(
        "import mlforge as mlf\n@mlf.feature(source='a.csv', keys='u')\ndef one(df):\n    return df\n"
    )
    (tmp_path / "my_features_b.py").write_text("from my_features_a import one\n")
    monkeypatch.syspath_prepend(tmp_path)
    import my_features_a
    import my_features_b

    assert list(mlf.Definitions(features=[my_features_a, my_features_b]).features) == ["one"]


@pytest.mark.parametrize("wrong", [["spend"], [inspect], 5])
def test_definitions_refuse_what_holds_no_feature(wrong):
    with pytest.raises(Invalid):
        mlf.Definitions(features=wrong)


def test_store_says_the_same_as_offline_store():
    store = mlf.LocalStore("s")
    assert mlf.Definitions(store=store).offline_store == store
    with pytest.raises(Invalid, match="Both"):
        mlf.Definitions(store=store, offline_store=store)


def test_selection_is_by_name_tag_and_schedule():
    made = [make("a", tags=["daily", "x"]), make("b", tags=["hourly", "x"]), make("c")]
    defs = mlf.Definitions(features=made)
    assert [f.name for f in defs.list_features(tags="x")] == ["a", "b"]
    assert [f.name for f in defs.list_features(schedule="daily,hourly")] == ["a", "b"]
    assert [f.name for f in defs.list_features(tags=["x"], schedule="daily")] == ["a"]
    assert defs.list_tags() == ["daily", "hourly", "x"]


@pytest.mark.parametrize("given", [{"tags": "z"}, {"schedule": "dayly"}])
def test_an_unknown_tag_or_schedule_is_an_error(given):
    with pytest.raises(mlf.errors.Unknown):
        mlf.Definitions(features=[make(tags=["x"])]).list_features(**given)


def test_entities_and_sources_are_listed_once():
    defs = mlf.Definitions(features=[make("a"), make("b")])
    assert [e.name for e in defs.list_entities()] == ["user_id"]
    assert [s.name for s in defs.list_sources()] == ["events"]


def test_a_feature_is_printed_in_one_line():
    assert repr(make()) == "Feature('spend', keys=['user_id'], source='events.parquet')"


def test_a_feature_may_be_chosen_by_itself():
    from mlforge.project.selection import select

    made = {"a": make("a"), "b": make("b")}
    assert select(made, made["b"]) == (made["b"],)
    assert select(made, ["a", made["b"]]) == (made["a"], made["b"])
    assert select(made, "b , a") == (made["b"], made["a"])


@pytest.mark.parametrize("empty", [[], "", " , "])
def test_an_empty_choice_is_refused_rather_than_meaning_all(empty):
    from mlforge.project.selection import select

    with pytest.raises(Invalid, match="No feature"):
        select({"a": make("a")}, empty)
    with pytest.raises(Invalid, match="No tag"):
        select({"a": make("a")}, None, empty)


def test_two_entities_of_one_name_are_refused():
    made = [make(n, keys=None, entities=[mlf.Entity("user", join_key=k)]) for n, k in (("a", "u"), ("b", "uid"))]
    with pytest.raises(Invalid, match="'user'.*u.*uid"):
        mlf.Definitions(features=made)


def test_sources_of_one_name_are_told_apart_by_their_paths():
    made = [make(n, source=f"{n}/e.parquet") for n in ("a", "b")]
    assert sorted(mlf.Definitions(features=made).sources()) == ["a/e.parquet", "b/e.parquet"]
