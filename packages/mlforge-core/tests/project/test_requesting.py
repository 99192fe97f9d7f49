import pytest

import mlforge as mlf
from mlforge import at, col
from mlforge.errors import Invalid
from mlforge.model.expr import Agg

GIVEN = {"inputs": {"amount": "Float64"}, "uses": "spend", "columns": {"ratio": col("amount") / col("mean_30d")}}


def risk(name="risk", **changes):
    return mlf.request_feature(name, **(GIVEN | changes))


@mlf.feature(source="events.parquet", keys="user_id")
def spend(df):
    return df


def test_a_request_feature_names_what_it_uses_in_any_way():
    uses = ["a", "b@1.0.0", ("c", "2.0.0"), spend, mlf.FeatureSpec("d", columns="x")]
    found = risk(uses=uses).uses
    assert [(u.name, u.version, u.columns) for u in found] == [
        ("a", None, None), ("b", "1.0.0", None), ("c", "2.0.0", None), ("spend", None, None), ("d", None, ("x",)),
    ]  # fmt: skip


def test_an_input_has_the_name_of_no_feature_of_the_project():
    other = mlf.request_feature("other", inputs={"spend": "Float64"}, columns={"x": col("spend") + 1})
    with pytest.raises(Invalid, match="'spend', which is a feature's name"):
        mlf.Definitions("shop", [spend, other])


def test_a_request_feature_may_need_nothing_but_the_instant():
    assert mlf.request_feature("hour", columns={"hour": at().hour()}).inputs == {}


@pytest.mark.parametrize(
    ("changes", "says", "hint"),
    [
        ({"name": "no name"}, "'no name'", "letters"),
        ({"columns": {}}, "no columns", "columns="),
        ({"columns": [1]}, "names no columns", "columns="),
        ({"columns": {"x": 1}}, "no expression", "columns="),
        ({"columns": {"x": Agg("sum", col("amount"))}}, "aggregates", "metric"),
        ({"columns": {"amount": col("amount")}}, "input and a column 'amount'", "otherwise"),
        ({"columns": {"x": col("amount"), "y": col("x")}}, "'x', a column of its own", "expression"),
        ({"columns": {"x": col("amount"), "X": col("amount")}}, "case alone", "Rename"),
        ({"inputs": {"amount": "Float"}}, "'Float'", "Float64"),
        ({"inputs": {"amount": "List(Int64)"}}, "'List(Int64)'", "Inputs are Int64"),
        ({"inputs": ["amount"]}, "no types", "inputs="),
        ({"inputs": {"": "Int64"}}, "no name", "inputs="),
        ({"inputs": {"spend": "Int64"}}, "'spend', which is a feature's name", "otherwise"),
        ({"inputs": {"risk": "Int64"}}, "'risk', which is a feature's name", "otherwise"),
        ({"uses": ["spend", "spend@1.0.0"]}, "'spend' twice", "once"),
        ({"uses": [5]}, "5 does not name a feature", "FeatureSpec"),
        ({"uses": ()}, "no column 'mean_30d'", "amount"),
        ({"uses": (), "columns": {"x": col("amount") + "a"}}, "cannot compute x: add", "floats"),
        ({"fields": mlf.Field("ration")}, "no column 'ration'", "ratio"),
        ({"fields": [mlf.Field("ratio"), mlf.Field("ratio")]}, "two fields", "one"),
        ({"fields": "ratio"}, "no Field", "fields="),
    ],
)
def test_what_cannot_be_right_is_refused_where_it_is_defined(changes, says, hint):
    with pytest.raises(Invalid) as error:
        risk(**changes)
    assert says in str(error.value)
    assert hint in error.value.hint


def test_a_project_knows_its_request_features_beside_the_others():
    found = mlf.Definitions("shop", [spend, risk()])
    assert (list(found.features), list(found.request_features)) == (["spend"], ["risk"])
    assert found.request_feature("risk").uses[0].name == "spend"
    with pytest.raises(mlf.errors.Unknown, match="'rsk'"):
        found.request_feature("rsk")


@pytest.mark.parametrize(
    ("features", "says"),
    [
        ([spend, risk("spend", uses=(), columns={"x": col("amount")})], "'spend'"),
        ([risk(), risk()], "Two request features are named 'risk'"),
        ([risk(), risk("more", uses="risk")], "'more' uses 'risk', which is not stored either"),
    ],
)
def test_request_features_that_do_not_go_together_are_refused(features, says):
    with pytest.raises(Invalid, match=says) as error:
        mlf.Definitions("shop", features)
    assert error.value.hint


@pytest.mark.parametrize(
    ("given", "says"),
    [(("",), "cannot be a column's name"), ((5,), "5"), (("a", 5), "no text"), (("a", None, 1), "unit")],
)
def test_a_field_says_a_columns_meaning_in_words(given, says):
    with pytest.raises(Invalid, match=says) as error:
        mlf.Field(*given)
    assert error.value.hint


def test_what_a_metric_says_is_not_said_again_by_a_field():
    metrics = mlf.Sum("a", windows="1d", name="x", unit="USD")
    given = {"source": "e.parquet", "keys": "u", "timestamp": "t", "name": "f", "metrics": metrics}
    assert mlf.feature(**given, fields=mlf.Field("x_1d", "All of it"))(spend.function).fields
    for field, says in ((mlf.Field("x_1d", unit="EUR"), "by its metric"), (mlf.Field("y_1d"), "no column 'y_1d'")):
        with pytest.raises(Invalid, match=says) as error:
            mlf.feature(**given, fields=field)(spend.function)
        assert error.value.hint
