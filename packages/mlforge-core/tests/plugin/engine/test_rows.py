"""What is said of rows, columns and keys that cannot be, whatever the engine; and in which order columns stand."""

import pytest

from mlforge.errors import Invalid, PluginFailed
from mlforge.model.feature import Shape
from mlforge.model.keys import Key, encode_component
from mlforge.model.meta import Artifact, FeatureMeta, Layer, Recipe
from mlforge.model.timestamp import Timestamp
from mlforge.plugin import Join
from mlforge.plugin.engine import columns, keys, layers, rows
from mlforge.plugin.engine.edge import Edge, reason
from mlforge.testing.refusals import refused

USER = Key("user", ("first", "last"))
SHAPE = Shape((USER,), Timestamp("at", alias="when"))


def meta_of(name: str = "spend", key: Key = USER, stamp: str | None = "when", **types: str) -> FeatureMeta:
    return FeatureMeta(
        name=name,
        version="1.0.0",
        created_at="",
        updated_at="",
        row_count=0,
        entity_keys=(key.name,),
        timestamp=stamp,
        interval=None,
        columns=(),
        schema_hash="",
        config_hash="",
        config=Recipe((key,), stamp),
        key_types={key.name: types} if types else {},
    )


def join_of(name: str = "spend", brings: dict[str, str] | None = None, **more) -> Join:
    return Join(Artifact(meta_of(name, **more), ()), brings or {"x": "x"})


def test_a_column_that_is_not_there_is_named_with_the_nearest_and_all():
    error = columns.no_column("amuont", ["user", "amount"], "The frame")
    assert error.message == "The frame has no column 'amuont'."
    assert error.hint == "Did you mean 'amount'? Columns: user, amount."
    assert columns.no_column("x", [], "The frame").hint == "Columns: none."


def test_a_column_of_a_version_that_it_lacks_is_named():
    columns.need_values(["x"], ["x", "y"], meta_of())
    with refused(Invalid, "Feature 'spend' has no column 'z'", "x, y"):
        columns.need_values(["x", "z"], ["x", "y"], meta_of())


def test_one_name_from_two_is_refused_with_both():
    with refused(Invalid, "'spend' and 'income' both bring a column 'x'", "full_names=True"):
        columns.refuse_twins(["user"], [join_of(), join_of("income")])
    with refused(Invalid, "The spine and 'spend' both bring a column 'user'"):
        columns.refuse_twins(["user"], [join_of(brings={"x": "user"})])


def test_keys_that_are_missing_and_can_be_made_are_derived_once():
    assert keys.derivable(["first", "last"], [USER, Key("order"), USER]) == [USER]
    assert keys.derivable(["first"], [USER]) == []
    assert keys.derivable(["first", "last", "user"], [USER]) == []


@pytest.mark.parametrize("word", ["Float64", "Decimal(10, 2)", "List(Int64)", "Duration", "Time"])
def test_a_type_that_cannot_be_a_key_is_refused_as_the_engine_calls_it(word):
    with refused(Invalid, "Column 'k' is DOUBLE, which cannot be a key"):
        keys.check_key("k", word, "DOUBLE")


@pytest.mark.parametrize(
    ("word", "value"), [("Int8", 1), ("UInt64", 1), ("String", "a"), ("Boolean", True), ("Binary", b"")]
)
def test_components_begin_with_the_letter_of_their_type(word, value):
    assert encode_component(value).startswith(keys.label(word).encode())


def test_a_null_is_the_component_that_no_text_spells():
    assert encode_component(None) == keys.NULL.encode()


def test_a_result_without_its_key_is_told_what_the_key_is_made_of():
    with refused(Invalid, "The function's result has no column 'last'"):
        keys.need_result(["first", "at"], SHAPE)
    with refused(Invalid, "The function's result has no column 'at'"):
        keys.need_result(["user"], SHAPE)
    keys.need_result(["user", "at"], SHAPE)


def test_a_key_of_a_spine_is_made_of_the_types_it_was_made_of():
    spine = {"first": "String", "last": None}
    assert keys.made_of_spine(spine, [join_of(first="String", last="String")]) == [USER]
    with refused(Invalid, "Column 'first' of the spine is String", "made of Int64"):
        keys.made_of_spine(spine, [join_of(first="Int64")])


@pytest.mark.parametrize(("ours", "theirs"), [("Int8", "UInt64"), ("String", "String"), (None, "Date")])
def test_keys_that_join_are_let_through(ours, theirs):
    keys.check_joined(meta_of(key=Key("k")), {"k": ours}, (), {"k": theirs}, "{}{}".format)


def test_a_key_of_another_type_is_refused_with_the_cast():
    with refused(
        Invalid, "Key 'k' is String in the spine and Int64 in feature 'spend'", "Cast it in the spine: k::Int64."
    ):
        keys.check_joined(meta_of(key=Key("k")), {"k": "String"}, (), {"k": "Int64"}, "{}::{}".format)


@pytest.mark.parametrize("found", ["List(String)", "struct<x:string>", "map<string,int>"])
def test_a_key_of_several_values_is_not_to_be_cast(found):
    with refused(Invalid, "in the spine and String in feature 'spend'", "A key is one value"):
        keys.check_joined(meta_of(key=Key("k")), {"k": found}, (), {"k": "String"}, "{}::{}".format)


def test_a_made_key_is_text():
    keys.check_joined(meta_of(), {"first": "Int64"}, {"user"}, {"user": "String"}, "{}{}".format)
    with refused(Invalid, "Key 'user' is String in the spine and Int64"):
        keys.check_joined(meta_of(), {"first": "Int64"}, {"user"}, {"user": "Int64"}, "{}{}".format)


def test_a_spine_without_the_key_is_told_both_ways_out():
    with refused(Invalid, "The spine lacks a key of feature 'spend'", "'user'", "made of: first, last"):
        keys.check_joined(meta_of(), {"first": "String"}, (), {"user": "String"}, "{}{}".format)
    with refused(Invalid, "it has no column 'k'", "first"):
        keys.check_joined(meta_of(key=Key("k")), {"first": "String"}, (), {"k": "String"}, "{}{}".format)


def test_keys_and_stamp_stand_first():
    assert rows.in_order(["x", "when", "first", "user"], SHAPE) == ["user", "when", "x", "first"]


def test_what_a_key_stands_for_goes():
    assert rows.settled_columns(["user", "when", "first", "last", "x"], SHAPE) == ["user", "when", "x"]


def test_a_tie_is_settled_by_its_column_then_by_the_others_from_left_to_right():
    shape = Shape((Key("k"),), Timestamp("t"), "b")
    assert rows.ranking(["k", "t", "a", "b", "c"], shape) == ["b", "a", "c"]
    assert rows.ranking(["k", "t"], Shape((Key("k"),), Timestamp("t"))) == []
    assert rows.ranking(["k", "a"], Shape((Key("k"),), None, "k")) == ["k", "a"]
    with refused(Invalid, "tie_break: the frame has no column 'z'"):
        rows.ranking(["k"], Shape((Key("k"),), None, "z"))


def test_duplicates_are_counted_and_three_of_them_shown():
    error = rows.duplicates(12_000, [{"k": "a", "n": i} for i in range(5)])
    assert error.message == (
        "12,000 rows share their k and n with another, such as k='a', n=0; k='a', n=1; k='a', n=2."
    )
    assert "tie_break=" in (error.hint or "")


def test_a_feature_that_changes_with_time_asks_for_label_times():
    rows.need_label([join_of(stamp=None)])
    with refused(Invalid, "'spend' changes with time, and no timestamp of the spine is named", "label_time"):
        rows.need_label([join_of(stamp=None), join_of()])


def test_windows_ask_for_a_stamp():
    assert rows.need_stamp(SHAPE) == "when"
    with refused(Invalid, "Windows need a timestamp"):
        rows.need_stamp(Shape((USER,)))


def test_layers_lose_what_later_ones_have_or_took_away():
    found = list(layers.overlay([Layer(("a",)), Layer(("b", "c"), ("d",)), Layer(("e",))]))
    assert found == [(("e",), ()), (("b", "c"), (("e",),)), (("a",), (("e",), ("b", "c"), ("d",)))]
    assert list(layers.overlay([Layer(("a",))])) == [(("a",), ())]


def test_a_reason_is_one_line_and_a_sentence():
    assert reason(ValueError("no such thing:\nat line 3")) == "no such thing."
    assert reason(ValueError()) == "ValueError."


def test_an_exception_is_wrapped_once_with_its_cause_by_what_it_means():
    edge = Edge((ArithmeticError, OSError), known=lambda what, error: Invalid(what) if "known" in str(error) else None)
    for raised, message in (
        (ArithmeticError("odd"), "It broke: odd."),
        (ArithmeticError("known"), "It broke"),
        (KeyError("k"), "It broke: 'k'."),
    ):
        with pytest.raises(Invalid) as caught, edge("It broke", "Look.", also=(KeyError,)):
            raise raised
        assert caught.value.message == message
        assert caught.value.__cause__ is raised


def test_a_disk_is_the_plugins_failure_even_where_the_backend_calls_it_broken():
    with refused(PluginFailed, "It broke: no room", "full disk"), Edge((OSError,))("It broke", "Look."):
        raise OSError("no room")


def test_another_exception_passes():
    with pytest.raises(RuntimeError), Edge((ArithmeticError,))("It broke", "Look."):
        raise RuntimeError
