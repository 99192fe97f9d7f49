"""Names of columns: those that not every engine tells apart are refused, alike by every engine; all others may be."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest

import mlforge as mlf
from mlforge.errors import Invalid

ENGINES = ["polars", "duckdb"]
NOON = datetime(2025, 1, 1, 12, tzinfo=UTC)
WRONG = {
    "case": (["a", "A", "A_1"], "columns 'a' and 'A', which differ in case alone"),
    "nameless": ([""], "a column without a name, number 3"),
    "NUL": (["a\0b"], repr("a\0b")),
    "pattern": (["^x$"], "a column '^x$', which is a pattern of columns' names to Polars"),
    "all": (["*"], "a column '*'"),
}


def project(tmp_path, engine, function, name="f", **more):
    made = mlf.feature(source=str(tmp_path / "x.parquet"), keys="k", timestamp="t", name=name, **more)(function)
    return mlf.Definitions("p", features=[made], engine=engine, offline_store=mlf.LocalStore(tmp_path / engine))


def same(df):
    return df


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("case", WRONG)
def test_a_parquet_source_whose_columns_cannot_be_told_apart_is_refused(tmp_path, engine, case):
    names, said = WRONG[case]
    pl.DataFrame({"k": [1], "t": [NOON], **{name: [1] for name in names}}).write_parquet(tmp_path / "x.parquet")
    failure = project(tmp_path, engine, same).build()["f"].failure
    assert failure.kind == "Invalid"
    assert said in failure.message
    assert "x.parquet" in failure.message
    assert failure.hint


@pytest.mark.parametrize("engine", ENGINES)
def test_struct_fields_are_no_columns(tmp_path, engine):
    struct = {"a": {"k": 1, "K": {"v": 2}}, "b": [[{"K": 1}]]}
    pl.DataFrame([{"k": 1, "t": NOON, **struct, "v": 7}]).write_parquet(tmp_path / "x.parquet")
    defs = project(tmp_path, engine, lambda df: df.select("k", "t", "v"))
    defs.build().raise_for_failure()


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", ["a\nb", "a\0b", "\x7f", ""])
def test_a_function_that_returns_a_column_nobody_can_name_is_refused(tmp_path, engine, name):
    pl.DataFrame({"k": [1], "t": [NOON]}).write_parquet(tmp_path / "x.parquet")
    failure = project(tmp_path, engine, lambda df: df.with_columns(pl.lit(1).alias(name))).build()["f"].failure
    assert failure.kind == "Invalid"
    assert (repr(name) if name else "without a name") in failure.message


@pytest.mark.parametrize("engine", ENGINES)
def test_a_column_with_a_newline_may_be_renamed_by_the_function(tmp_path, engine):
    pl.DataFrame({"k": [1], "t": [NOON], "in\nEUR": [5]}).write_parquet(tmp_path / "x.parquet")
    defs = project(tmp_path, engine, lambda df: df.rename({"in\nEUR": "eur"}))
    defs.build().raise_for_failure()
    assert [row["eur"] for row in defs.read("f").pl().to_dicts()] if engine == "duckdb" else defs.read("f")["eur"][0]


@pytest.mark.parametrize("engine", ENGINES)
def test_two_features_whose_columns_differ_in_case_alone_join_by_their_full_names(tmp_path, engine):
    pl.DataFrame({"k": [1], "t": [NOON], "v": [3]}).write_parquet(tmp_path / "x.parquet")
    source = str(tmp_path / "x.parquet")
    low = mlf.feature(source=source, keys="k", timestamp="t", name="f", metrics=mlf.Sum("v", "1d", name="s"))(same)
    high = mlf.feature(source=source, keys="k", timestamp="t", name="g", metrics=mlf.Max("v", "1d", name="S"))(same)
    defs = mlf.Definitions("p", features=[low, high], engine=engine, offline_store=mlf.LocalStore(tmp_path / "store"))
    defs.build().raise_for_failure()
    spine = pl.DataFrame({"k": [1], "at": [NOON]})
    with pytest.raises(Invalid, match="'f' brings a column 's_1d' and 'g' 'S_1d'") as refused:
        defs.get_training_data(spine, features=["f", "g"])
    assert "full_names=True" in refused.value.hint
    joined = defs.get_training_data(spine, features=["f", "g"], full_names=True)
    assert joined.row(0)[2:] == (3, 3)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_spine_whose_columns_differ_in_case_alone_is_refused(tmp_path, engine):
    pl.DataFrame({"k": [1], "t": [NOON], "v": [3]}).write_parquet(tmp_path / "x.parquet")
    defs = project(tmp_path, engine, same)
    defs.build().raise_for_failure()
    with pytest.raises(Invalid, match="The spine has columns 'k' and 'K'"):
        defs.get_training_data(pl.DataFrame({"k": [1], "at": [NOON], "K": [2]}), features=["f"])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("column", ["place", "ROWID", "file_row_number", "n"])
@pytest.mark.parametrize("role", ["key", "value"])
def test_a_column_may_have_a_name_that_engines_use_themselves(tmp_path, engine, column, role):
    names = {"key": "k", "time": "t", "value": "v"} | {role: column}
    key, time, value = names.values()
    given = [(1, NOON, 7), (2, NOON, 7), (3, NOON, 7), (4, NOON, None)]

    def write(rows):
        pl.DataFrame(rows, schema=[key, time, value], orient="row").write_parquet(tmp_path / "x.parquet")

    made = mlf.feature(source=str(tmp_path / "x.parquet"), keys=key, timestamp=time, name="f")(same)
    defs = mlf.Definitions("p", features=[made], engine=engine, offline_store=mlf.LocalStore(tmp_path / engine))
    spine = pl.DataFrame({key: [4, 3, 2, 1, 5], "at": [NOON] * 5})
    write(given)
    defs.build().raise_for_failure()
    assert defs.get_training_data(spine, "f", timestamp="at")[value].to_list() == [None, 7, 7, 7, None]
    write([*given, (1, NOON + timedelta(days=1), 8)])
    defs.build(since=NOON + timedelta(days=1)).raise_for_failure()
    assert defs.get_training_data(spine, "f", timestamp="at")[value].to_list() == [None, 7, 7, 7, None]
    write([(0, NOON, 1), (0, NOON, 2)])
    assert "2 rows share their" in defs.build(full_refresh=True)["f"].failure.message
