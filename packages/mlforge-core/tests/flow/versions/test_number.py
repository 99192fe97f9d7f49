import msgspec
import pytest

import mlforge as mlf
from mlforge.flow.versions.fingerprints import fingerprints
from mlforge.flow.versions.logic.told import Logic, logic_of
from mlforge.flow.versions.number import categorise, expected_change, expected_changes, next_version
from mlforge.model.meta import Change, FeatureMeta
from mlforge.model.schema import Column, Schema
from mlforge.model.version import Version

SCHEMA = Schema.of(user_id="Int64", t="Datetime", amount__sum__7d="Float64")


def made(metrics=None, interval="1d", keys="user_id", **changes):
    metrics = metrics if metrics is not None else [mlf.Sum("amount", windows=["7d"])]
    given = {"source": "e.parquet", "keys": keys, "timestamp": "t", "interval": interval, "metrics": metrics} | changes
    return mlf.feature(**given, name="spend")(lambda df: df)


def prints(feature=None, source="s", logic="l"):
    return fingerprints(feature or made(), source, logic if isinstance(logic, Logic) else Logic(logic))


def meta(schema=SCHEMA, of=None, version="1.0.0"):
    of = of or prints()
    return FeatureMeta(
        name="spend", version=version, created_at="", updated_at="", row_count=1, entity_keys=("user_id",),
        timestamp="t", interval="1d", columns=schema.columns,
        schema_hash=schema.hash, config_hash=of.config_hash, logic_hash=of.logic.hash, logic_unknown=of.logic.unknown,
        source_hash=of.source, checks_hash=of.checks, config=of.config, max_age=of.max_age,
    )  # fmt: skip


def with_columns(*columns):
    return Schema((*SCHEMA.columns, *columns))


def test_the_first_build_is_1_0_0():
    change = categorise(None, SCHEMA, prints())
    assert (change.bump, change.reason, next_version(None, change, [])) == ("initial", "first_build", "1.0.0")


def test_the_same_definition_over_new_data_is_a_patch():
    assert categorise(meta(), SCHEMA, prints(source="new")).bump == "patch"


@pytest.mark.parametrize(
    ("schema", "feature", "bump", "reason"),
    [
        (with_columns(Column("x", "Int64")), made(), "minor", "added_columns"),
        (Schema(SCHEMA.columns[:2]), made(), "major", "removed_columns"),
        (Schema((*SCHEMA.columns[:2], Column("amount__sum__7d", "Int64"))), made(), "major", "changed_dtypes"),
        (SCHEMA, made(metrics=[mlf.Count(windows="7d", name="n")]), "major", "removed_metrics"),
        (SCHEMA, made(metrics=[mlf.Sum("amount", windows=["7d", "30d"])]), "minor", "added_metrics"),
        (SCHEMA, made(interval="7d"), "minor", "config_changed"),
        (SCHEMA, made(keys=["user_id", "t2"]), "minor", "config_changed"),
        (SCHEMA, made(metrics=[mlf.Mean("amount", windows="7d", name="amount__sum")]), "major", "removed_metrics"),
        (SCHEMA, made(max_age="7d"), "patch", "terms_changed"),
    ],
)
def test_each_kind_of_change_bumps_its_part(schema, feature, bump, reason):
    change = categorise(meta(), schema, prints(feature))
    assert (change.bump, change.reason) == (bump, reason)


def test_of_several_changes_the_gravest_counts():
    schema = Schema((SCHEMA.columns[0], Column("x", "Int64")))
    assert categorise(meta(), schema, prints(made(interval="7d"), logic="other")).bump == "major"


ZIP_AS_TEXT = {"place": {"zip": "String"}}


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ({"place": {"zip": "Int64"}}, ZIP_AS_TEXT, "changed_dtypes"),
        ({"place": {"zip": "Int64"}}, {"place": {"zip": "Int8"}}, "data_refresh"),
        ({}, ZIP_AS_TEXT, "data_refresh"),
        (ZIP_AS_TEXT, {}, "data_refresh"),
    ],
    ids=["another type", "another width", "not known before", "not known now"],
)
def test_other_types_in_a_surrogate_key_are_a_major_change(before, after, reason):
    previous = msgspec.structs.replace(meta(), key_types=before)
    change = categorise(previous, SCHEMA, prints(), after)
    assert (change.bump, change.reason) == ("major" if reason == "changed_dtypes" else "patch", reason)
    assert change.details == (("place(zip): Int64 → String",) if reason == "changed_dtypes" else ())


def test_changed_logic_is_a_minor_change():
    change = categorise(meta(), SCHEMA, prints(logic="other"))
    assert (change.bump, change.reason) == ("minor", "logic_changed")


def test_description_tags_and_owner_never_bump():
    other = made(description="d", tags=["x"], owner="me")
    assert prints(other).unchanged_since(meta())


@pytest.mark.parametrize(
    "other",
    [
        prints(source="new"), prints(logic="new"), prints(made(timestamp=mlf.Timestamp("b", alias="t"))),
        prints(made(timestamp=mlf.Timestamp("t", format="%d/%m/%Y"))), prints(logic=None),
        prints(made(interval="7d")), prints(made(max_age="1d")),
        prints(made(validators={"amount": mlf.validators.not_null()})), prints(source=None),
    ],
)  # fmt: skip
def test_anything_else_means_building_again(other):
    assert not other.unchanged_since(meta(of=other if other.source is None else None))


def test_a_number_that_is_taken_is_passed_over():
    patch = expected_change(meta(), prints(source="new"))
    assert next_version("1.0.0", patch, ["1.0.0", "1.0.1", "1.0.2"]) == "1.0.3"


def test_the_tenth_minor_comes_after_the_ninth():
    assert Version.parse("1.10.0") > Version.parse("1.9.0")


@pytest.mark.parametrize(
    "text",
    ["1", "1.0", "1.0.0.0", "v1.0.0", "01.0.0", "1.0.-1", "latest", "../x", "1.0.0\n", "1٠.0.0", "1.0." + "9" * 5000],
)
def test_what_is_no_version_is_refused(text):
    with pytest.raises(mlf.errors.Invalid, match="version"):
        Version.parse(text)


def test_logic_is_the_functions_syntax_not_its_text():
    hashes = [logic_of(f).hash for f in named_alike()]
    assert hashes[0] == hashes[1]
    assert hashes[0] != hashes[2]


def named_alike():
    def first():
        def f(df):
            return df.head(10)

        return f

    def second():
        def f(df: object) -> object:
            """A docstring."""
            # a comment
            return df.head(
                10,
            )

        return f

    def third():
        def f(df):
            return df.head(11)

        return f

    return first(), second(), third()


def test_spelling_is_no_change():
    assert prints(made(interval="24h", max_age="1w")).unchanged_since(meta(of=prints(made(max_age="7d"))))


def test_a_metric_over_an_expression_compares_equal_to_what_was_stored():
    import msgspec

    over = prints(made(metrics=[mlf.Sum((mlf.col("x") > 1) & ~mlf.col("x").is_in([3]), "7d", name="n")]))
    stored = msgspec.json.decode(msgspec.json.encode(meta(of=over)), type=FeatureMeta)
    assert categorise(stored, SCHEMA, over).reason == "data_refresh"


def test_what_a_metric_computes_is_part_of_the_definition():
    one, two = (made(metrics=[f("amount", windows="7d", name="x")]) for f in (mlf.Sum, mlf.Mean))
    schema = Schema.of(user_id="Int64", t="Datetime", x_7d="Float64")
    change = categorise(meta(schema, of=prints(one)), schema, prints(two))
    assert (change.bump, change.reason, change.details) == ("minor", "config_changed", ("metric x_7d",))


FACTOR = 2


def test_plain_values_from_outside_are_logic():
    def scaled(by, default=1):
        def f(df, default=default):
            return df * by * FACTOR * default

        return f

    assert logic_of(scaled(1)).hash == logic_of(scaled(1)).hash
    assert len({logic_of(f).hash for f in (scaled(1), scaled(1000), scaled(1, 5))}) == 3


def test_of_a_lambda_only_the_lambda_counts():
    tagged = mlf.feature(source="e.csv", keys="u", name="f", tags="daily")(lambda df: df.head(1))
    other = mlf.feature(source="e.csv", keys="u", name="f", tags="hourly")(lambda df: df.head(1))
    assert logic_of(tagged.function).hash == logic_of(other.function).hash


@pytest.mark.parametrize(
    ("was", "now"), [(Logic("l"), Logic("l", ("DB",))), (Logic("l", ("DB",)), Logic("l")), (Logic(None), Logic("l")),
                     (Logic("l"), Logic(None, ("f",))), (Logic("l", ("DB",)), Logic("l", ("DB",)))]
)  # fmt: skip
def test_a_function_that_cannot_be_told_is_built_again_as_a_patch(was, now):
    before = meta(of=prints(logic=was))
    change = categorise(before, SCHEMA, prints(logic=now))
    assert (change.bump, change.reason) == ("patch", "logic_unknown")
    assert change.details
    assert not prints(logic=now).unchanged_since(before)


def test_what_surely_changed_counts_beside_what_cannot_be_told():
    before = meta(of=prints(logic=Logic("l", ("DB",))))
    assert categorise(before, SCHEMA, prints(logic=Logic("m", ("DB",)))).reason == "logic_changed"


def reasons(of, before=None):
    return [(change.bump, change.reason) for change in expected_changes(before or meta(), of)]


def test_nothing_is_expected_of_what_has_not_changed():
    assert reasons(prints()) == []


@pytest.mark.parametrize(
    "source", ["r", "t", None]
)  # before and after "s" in the alphabet, and one that cannot be told
def test_other_data_is_expected_to_be_a_patch(source):
    assert reasons(prints(source=source)) == [("patch", "data_refresh")]


@pytest.mark.parametrize("limit", range(6))  # their hashes stand before and after the one that was, in any order
def test_other_checks_are_expected_to_be_a_patch(limit):
    checked = made(validators={"amount": mlf.greater_than(limit)})
    assert reasons(prints(checked)) == [("patch", "checks_changed")]
    assert reasons(prints(), meta(of=prints(checked))) == [("patch", "checks_changed")]
    assert reasons(prints(checked), meta(of=prints(checked))) == []


def test_every_reason_is_expected_and_the_gravest_comes_first():
    other = made(metrics=[mlf.Count(windows="7d", name="n")], interval="7d", max_age="7d")
    found = reasons(prints(other, source="new", logic="other"))
    assert found[0] == ("major", "removed_metrics")
    assert [bump for bump, _ in found] == ["major", "minor", "minor", "minor", "patch", "patch"]
    assert {reason for _, reason in found} == {
        "removed_metrics", "added_metrics", "config_changed", "logic_changed", "terms_changed", "data_refresh",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("other", "reason"),
    [
        ({"interval": "7d"}, "config_changed"),
        ({"interval": "7d", "max_age": "7d"}, "config_changed"),
        ({"max_age": "7d"}, "terms_changed"),
    ],
)
def test_of_several_reasons_the_first_of_the_gravest_is_told(other, reason):
    assert categorise(meta(), SCHEMA, prints(made(**other), source="new")).reason == reason


@pytest.mark.parametrize("dtype", ["Boolean", "String"])  # before and after Float64 in the alphabet
def test_any_other_type_is_a_major_change(dtype):
    schema = Schema((*SCHEMA.columns[:2], Column("amount__sum__7d", dtype)))
    change = categorise(meta(), schema, prints())
    assert (change.bump, change.reason, change.details) == (
        "major", "changed_dtypes", (f"amount__sum__7d: Float64 → {dtype}",),
    )  # fmt: skip


def test_an_equal_max_age_that_was_read_from_elsewhere_is_no_change():
    before = msgspec.structs.replace(meta(of=prints(made(max_age="7d"))), max_age=str(b"7d", "ascii"))
    assert categorise(before, SCHEMA, prints(made(max_age="7d"))).reason == "data_refresh"


@pytest.mark.parametrize(
    ("base", "bump", "taken", "number"),
    [
        (None, "initial", ["1.0.0"], "1.0.1"),
        ("1.2.3", "patch", ["1.2.4", "1.2.5"], "1.2.6"),
        ("1.2.3", "minor", ["1.3.0"], "1.4.0"),
        ("1.2.3", "major", ["2.0.0", "3.0.0"], "4.0.0"),
        ("1.2.3", "patch", ["1.2.6", "1.3.0", "2.2.9"], "1.2.7"),
        ("1.2.3", "minor", ["1.9.4", "2.11.0"], "1.10.0"),
        ("1.2.3", "major", ["4.1.0"], "5.0.0"),
        (None, "initial", ["1.0.7", "1.1.0"], "1.0.8"),
    ],
)
def test_a_number_that_is_or_may_have_been_taken_is_passed_over_by_the_part_that_is_bumped(base, bump, taken, number):
    assert next_version(base, Change(bump, "…"), taken) == number


@pytest.mark.parametrize(
    ("other", "reason"),
    [({"interval": "7d"}, "config_changed"), ({"max_age": "7d"}, "terms_changed")],
)
def test_over_the_same_data_the_data_is_no_reason(other, reason):
    assert [told for _, told in reasons(prints(made(**other)))] == [reason]


def test_other_types_in_a_key_count_more_than_a_minor_change():
    previous = msgspec.structs.replace(meta(), key_types={"place": {"zip": "Int64"}})
    change = categorise(previous, SCHEMA, prints(made(interval="7d")), ZIP_AS_TEXT)
    assert (change.bump, change.reason) == ("major", "changed_dtypes")


def test_a_column_that_is_derived_otherwise_counts_more_than_other_data():
    before = prints(made(derived={"more": mlf.col("amount__sum__7d") + 1}))
    after = prints(made(derived={"more": mlf.col("amount__sum__7d") + 2}), source="new")
    schema = with_columns(Column("more", "Float64"))
    change = categorise(meta(schema, before), schema, after)
    assert (change.bump, change.reason, change.details) == ("minor", "logic_changed", ("derived more",))


def test_each_part_is_bumped_by_one():
    assert [str(Version(1, 3, 2).bump(part)) for part in ("major", "minor", "patch")] == ["2.0.0", "1.4.0", "1.3.3"]
    assert Version.is_valid("1.3.2") and not Version.is_valid("1.3")
