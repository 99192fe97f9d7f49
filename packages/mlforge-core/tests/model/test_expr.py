import pytest

from mlforge.errors import Invalid
from mlforge.model.check import Validator
from mlforge.model.expr import Agg, Call, Col, Lit, Matches, col, it
from mlforge.model.metric import Aggregate
from mlforge.validators import in_range, not_null


def test_operators_build_the_tree():
    assert (col("a") + 1 > col("b")) == Call("gt", (Call("add", (Col("a"), Lit(1))), Col("b")))


def test_an_expression_names_the_columns_it_reads_once_and_in_order():
    assert ((col("b") / col("a")) + col("b")).column_names == ("b", "a")


@pytest.mark.parametrize("wrong", [("plus", 2), ("add", 1), ("not", 2), ("if", 2), ("and", 0)])
def test_what_is_not_in_the_algebra_is_refused(wrong):
    op, count = wrong
    with pytest.raises(Invalid, match="algebra"):
        Call(op, tuple(Lit(0) for _ in range(count)))


@pytest.mark.parametrize("pattern", ["(", "(?=a)b", "(?<!a)b", r"(a)\1", "(?P=x)"])
def test_a_pattern_that_engines_cannot_match_is_refused(pattern):
    with pytest.raises(Invalid, match="pattern"):
        Matches(it(), pattern)


@pytest.mark.parametrize("pattern", ["^[A-Z]{2}$", r"\\1", "(?:ab)+", r"\d+"])
def test_plain_patterns_are_taken(pattern):
    assert Matches(it(), pattern).pattern == pattern


def test_an_unknown_aggregation_is_refused_with_those_there_are():
    with pytest.raises(Invalid) as error:
        Aggregate("a", "avg", windows="7d")
    assert "mean" in str(error.value.hint)


def test_only_count_works_without_a_column():
    assert Agg("count").arg is None
    with pytest.raises(Invalid, match="column"):
        Agg("sum")


def test_a_validator_becomes_a_check_of_its_column():
    check = in_range(0, 10).on("amount")
    assert check.violation.column_names == ("amount",)
    assert check.label == "in_range(0, 10)"


def test_a_validator_may_read_other_columns_too():
    assert Validator("after", it() < col("start")).on("end").violation.column_names == ("end", "start")


def test_not_null_is_the_only_validator_a_null_breaks():
    assert not_null().violation == it().is_null()


def test_an_aggregate_without_a_name_is_called_after_its_column():
    assert [c.name for c in Aggregate("amount", "sum", ["7d", "30d"]).columns()] == [
        "amount__sum__7d",
        "amount__sum__30d",
    ]
    assert [c.name for c in Aggregate(None, "count", "1d", name="n").columns()] == ["n_1d"]


def test_an_aggregate_of_an_expression_needs_a_name():
    with pytest.raises(Invalid, match="name"):
        Aggregate(col("delay") > 15, "sum", ["7d"])


@pytest.mark.parametrize("windows", [(), [], None, ["7d", "7d"], ["7d", "1w"]])
def test_windows_are_given_and_each_once(windows):
    with pytest.raises(Invalid, match="window"):
        Aggregate("amount", "sum", windows)


@pytest.mark.parametrize(
    "build",
    [
        lambda: (col("v") > 1) and (col("v") < 3),
        lambda: 1 < col("v") < 3,
        lambda: not col("v").is_null(),
        lambda: (col("v") > 0) & (col("s") == "paid"),
        lambda: Aggregate(col("s") == "paid", "sum", "7d", name="x"),
        lambda: Validator("x", violation=it() == "open"),
    ],
    ids=["and", "chained", "not", "== in an operand", "== in a metric", "== in a validator"],
)
def test_an_expression_that_python_would_cut_short_is_refused(build):
    with pytest.raises(Invalid) as error:
        build()
    assert ".eq(x)" in error.value.hint


@pytest.mark.parametrize(("name", "instead"), [("lt", "a < b"), ("isin", "is_in"), ("is_between", "(a >= low)")])
def test_a_word_of_other_libraries_is_answered_with_the_one_here(name, instead):
    with pytest.raises(AttributeError) as error:
        getattr(it(), name)
    assert instead in str(error.value)


def test_an_expression_has_nothing_that_it_does_not_say():
    assert not hasattr(col("v"), "__array__")
    assert not hasattr(col("v"), "dtype")
