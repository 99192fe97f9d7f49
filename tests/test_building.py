"""Building from outside: versions, what changes them, and what survives when builders collide or die."""

import json
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from functools import partial

import duckdb
import polars as pl
import pytest

import mlforge as mlf
from mlforge.errors import NotFound


def versions(house, name="spend"):
    return json.loads(house.mlforge("versions", name, "--json").stdout)


@pytest.fixture
def defs(tmp_path):
    """Definitions over a source that `grow` changes; built once."""
    frame = pl.DataFrame({"user_id": [1, 2], "amount": [1, 2]})
    frame.write_parquet(tmp_path / "e.parquet")
    return lambda function, **changes: mlf.Definitions(
        features=[mlf.feature(**({"source": "e.parquet", "keys": "user_id", "name": "f"} | changes))(function)],
        store=mlf.LocalStore("store"),
        root=tmp_path,
    )


def outcome(defs, **how):
    result = defs.build(**how).raise_for_failure()["f"]
    return result.status, result.version, result.change.reason if result.change else None


def test_an_unchanged_feature_is_not_built_again_and_says_why(defs):
    made = defs(lambda df: df)
    assert outcome(made) == ("built", "1.0.0", "first_build")
    again = made.build()["f"]
    assert (again.status, again.version) == ("unchanged", "1.0.0")
    assert "1.0.0" in again.notes[0]


def test_force_builds_what_has_not_changed(defs):
    made = defs(lambda df: df)
    made.build()
    assert outcome(made, force=True) == ("built", "1.0.1", "data_refresh")


def test_a_changed_source_is_a_patch(defs, tmp_path):
    made = defs(lambda df: df)
    made.build()
    pl.DataFrame({"user_id": [1, 2, 3], "amount": [1, 2, 3]}).write_parquet(tmp_path / "e.parquet")
    assert outcome(made) == ("built", "1.0.1", "data_refresh")


@pytest.mark.parametrize("engine", [mlf.PolarsEngine, mlf.DuckDBEngine])
@pytest.mark.parametrize("change", ["written", "removed"])
@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_source_that_changes_while_it_is_read_is_refused(tmp_path, engine, change, ending):
    def save(amount):
        frame = pl.DataFrame({"user_id": [1, 2], "amount": [amount, amount]})
        getattr(frame, {"parquet": "write_parquet", "csv": "write_csv"}[ending])(tmp_path / f"e.{ending}")

    def meanwhile(df):
        save(12_345) if change == "written" else (tmp_path / f"e.{ending}").unlink()
        return df

    meanwhile.__annotations__ = {"df": {"polars": pl.LazyFrame, "duckdb": duckdb.DuckDBPyRelation}[engine().kind]}
    save(1)
    feature = mlf.feature(source=f"e.{ending}", keys="user_id", name="f")(meanwhile)
    made = mlf.Definitions("shop", [feature], mlf.LocalStore("store"), engine=engine(), root=tmp_path)
    for compute in (made.build, made.validate):
        save(1)
        result = compute()["f"]
        assert result.status == "failed"
        assert f"e.{ending} changed while it was read" in result.failure.message
    with pytest.raises(NotFound):
        made.read("f")


def test_a_file_that_joins_a_source_while_it_is_read_waits_for_the_next_build(tmp_path):
    (tmp_path / "lake").mkdir()
    pl.DataFrame({"user_id": [1]}).write_parquet(tmp_path / "lake" / "1.parquet")

    late = tmp_path / "lake" / "2.parquet"

    @mlf.feature(source="lake", keys="user_id")
    def f(df):
        if not late.exists():
            pl.DataFrame({"user_id": [2]}).write_parquet(late)
        return df

    made = mlf.Definitions("shop", [f], mlf.LocalStore("store"), root=tmp_path)
    assert [made.build(force=True)["f"].rows for _ in range(2)] == [1, 2]


def test_changed_logic_is_minor_and_changed_columns_are_what_they_are(defs):
    defs(lambda df: df).build()
    assert outcome(defs(lambda df: df.filter(pl.col("amount") > 0))) == ("built", "1.1.0", "logic_changed")
    assert outcome(defs(lambda df: df.with_columns(more=1))) == ("built", "1.2.0", "added_columns")
    assert outcome(defs(lambda df: df.select("user_id"))) == ("built", "2.0.0", "removed_columns")
    assert outcome(defs(lambda df: df.select(pl.col("user_id").cast(pl.Int32)))) == ("built", "3.0.0", "changed_dtypes")


def test_tags_description_and_owner_build_nothing(defs):
    def function(df):
        return df

    defs(function).build()
    assert defs(function, tags=["x"], description="d", owner="me").build()["f"].status == "unchanged"


def test_a_version_of_the_users_choice(defs):
    made = defs(lambda df: df)
    assert outcome(made, version="2.0.0") == ("built", "2.0.0", "first_build")
    assert outcome(made, version="2.5.0") == ("built", "2.5.0", "data_refresh")
    assert made.list_versions("f") == ["2.0.0", "2.5.0"]
    assert made.build(version="2.0.0")["f"].failure.kind == "Conflict"


def test_one_version_for_several_features_is_refused(defs):
    made = defs(lambda df: df)
    made.features["g"] = mlf.feature(source="e.parquet", keys="user_id", name="g")(lambda df: df)
    with pytest.raises(mlf.errors.Invalid, match="2 features"):
        made.build(version="1.0.0")


def test_after_a_rollback_the_next_build_takes_a_free_number(defs):
    made = defs(lambda df: df)
    made.build()
    made.build(force=True)
    made.rollback("f", "1.0.0")
    assert made.latest("f") == "1.0.0"
    assert outcome(made, force=True) == ("built", "1.0.2", "data_refresh")
    assert made.latest("f") == "1.0.2"


def test_a_dry_run_writes_nothing(defs, tmp_path):
    made = defs(lambda df: df)
    planned = made.build(dry_run=True)["f"]
    assert (planned.status, planned.version) == ("planned", "1.0.0")
    assert not (tmp_path / "store").exists()


def test_rows_with_a_null_key_are_left_out_and_counted(defs):
    result = defs(lambda df: df.with_columns(user_id=pl.Series([1, None]))).build()["f"]
    assert (result.rows, result.dropped) == (1, 1)


def test_a_broken_promise_writes_nothing_and_names_every_column(defs, tmp_path):
    made = defs(
        lambda df: df,
        validators={
            "amount": [mlf.validators.greater_than(1), mlf.validators.not_null()],
            "user_id": mlf.validators.is_in([9]),
        },
    )
    result = made.build()["f"]
    assert result.failure.kind == "CheckFailed"
    assert [(c.column, c.failures, c.examples) for c in result.checks if not c.passed] == [
        ("amount", 1, (1,)),
        ("user_id", 2, (1, 2)),
    ]
    assert made.list_versions("f") == []


def test_a_promise_about_a_metrics_column_is_checked_on_the_built_rows(defs, tmp_path):
    pl.DataFrame({"user_id": [1, 1], "amount": [5, 6], "t": ["2025-01-01", "2025-01-02"]}).write_csv(tmp_path / "e.csv")
    windows = {"source": "e.csv", "timestamp": "t", "metrics": [mlf.Sum("amount", windows="7d", name="total")]}
    made = defs(lambda df: df, **windows, validators={"total_7d": mlf.validators.less_than(11)})
    result = made.build()["f"]
    assert [(c.column, c.examples) for c in result.checks if not c.passed] == [("total_7d", (11,))]
    assert defs(lambda df: df, **windows, validators={"total_7d": mlf.validators.less_than(12)}).build().ok


def test_a_feature_may_choose_its_time_columns_name(defs, tmp_path):
    pl.DataFrame({"user_id": [1], "ts": ["03.01.2025"]}).write_csv(tmp_path / "e.csv")
    stamp = mlf.Timestamp("ts", format="%d.%m.%Y", alias="event_time")
    made = defs(lambda df: df, source="e.csv", timestamp=stamp, validators={"ts": mlf.validators.not_null()})
    made.build().raise_for_failure()
    assert made.read("f").columns == ["user_id", "event_time"]


def test_the_diff_of_two_versions_says_what_changed(defs):
    defs(lambda df: df).build()
    made = defs(lambda df: df.with_columns(more=1.5))
    made.build()
    found = made.diff("f", "1.0.0", "1.1.0")
    assert found.columns == {"more": (None, "Float64")}
    assert (found.bump, found.logic, found.source, found.same_content) == ("minor", True, False, False)


def test_the_diff_of_two_versions_says_which_promises_changed(defs, tmp_path):
    pl.DataFrame({"user_id": [1], "at": ["2025-01-03"]}).write_csv(tmp_path / "e.csv")
    timed = partial(defs, lambda df: df, source="e.csv", timestamp="at")
    timed().build().raise_for_failure()
    made = timed(max_age="3d", validators={"user_id": mlf.validators.not_null()})
    made.build().raise_for_failure()
    found = made.diff("f", "1.0.0", "1.0.1")
    assert (found.config, found.logic, found.source) == (("max_age: None → 3d", "validators"), False, False)


def test_the_manifest_is_derivable_from_the_metadata(defs, tmp_path):
    made = defs(lambda df: df)
    made.build()
    kept = made.manifest()
    (tmp_path / "store/_metadata/manifest.json").unlink()
    assert made.manifest(regenerate=True).features == kept.features == made.manifest().features
    assert kept.features["f"].latest == "1.0.0"


def test_observers_see_every_feature_and_the_end(house):
    house.add_plugin(
        "mlforge-watcher",
        "watcher",
        """
        from pathlib import Path
        from mlforge.plugin import hookimpl

        @hookimpl
        def mlforge_feature_built(result):
            with Path("seen.txt").open("a") as file:
                print(result.feature, result.status, file=file)

        @hookimpl
        def mlforge_build_finished(report):
            with Path("seen.txt").open("a") as file:
                print(len(report), file=file)
            raise RuntimeError("an observer's own trouble")
        """,
    )
    house.built()
    assert (house.root / "seen.txt").read_text() == "spend built\n1\n"


def test_two_builders_at_once_lose_nothing(house):
    house.built()
    command = [sys.executable, "-m", "mlforge", "build", "--force"]
    builders = [
        subprocess.Popen(command, cwd=house.root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(4)
    ]
    outputs = [b.communicate(timeout=120)[0].decode() for b in builders]
    assert [b.returncode for b in builders] == [0] * 4, outputs
    store = mlf.Definitions(store=mlf.LocalStore(str(house.root / "store")))
    assert store.list_versions("spend") == [f"1.0.{i}" for i in range(5)]
    assert store.latest("spend") == "1.0.4"
    assert all(store.read("spend", v).height == 9 for v in store.list_versions("spend"))


@pytest.mark.parametrize("delay", [0.05, 0.2, 0.4, 0.6, 0.8])
def test_a_build_killed_at_any_moment_leaves_the_old_version_and_the_next_build_succeeds(house, delay):
    house.events(
        times=["2025-01-01T10:00"] * 50_000, user_id=list(range(50_000)), amount=[float(i) for i in range(50_000)]
    )
    house.built()
    before = house.read()
    house.events(times=["2025-02-01T10:00"] * 50_000, user_id=list(range(50_000)), amount=[1.0] * 50_000)
    victim = subprocess.Popen(
        [sys.executable, "-m", "mlforge", "build", "--force"], cwd=house.root, stdout=subprocess.DEVNULL
    )
    time.sleep(delay)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    assert house.read(version="1.0.0").equals(before)
    seen = house.read()
    assert seen.equals(before) or seen["event_time"].min() > before["event_time"].max()  # the old whole, or the new
    house.built("--force")
    leftovers = [p for p in (house.root / "store/spend").iterdir() if p.name.startswith(".staging")]
    assert leftovers == []


def test_a_promise_about_a_column_that_a_key_is_made_of_is_checked(defs, tmp_path):
    pl.DataFrame({"first": ["Ada", None], "last": ["L", "L"], "x": [1, 2]}).write_parquet(tmp_path / "e.parquet")
    person = mlf.Entity("person", join_key="person_id", from_columns=["first", "last"])
    keyed = {"keys": None, "entities": [person], "validators": {"first": mlf.validators.not_null()}}
    result = defs(lambda df: df.select("first", "last", "x"), **keyed).build()["f"]
    assert [(c.column, c.failures) for c in result.checks] == [("first", 1)]


def test_the_columns_a_key_is_made_of_stand_in_the_key_and_are_not_kept(defs, tmp_path):
    pl.DataFrame({"first": ["Ada", None], "last": ["L", "L"], "x": [1, 2]}).write_parquet(tmp_path / "e.parquet")
    person = mlf.Entity("person", join_key="person_id", from_columns=["first", "last"])
    for chosen in (["first", "last", "x"], ["person_id", "first", "last", "x"]):
        made = defs(lambda df, chosen=chosen: df.select(chosen), keys=None, entities=[person])
        made.build(force=True).raise_for_failure()
        assert made.read("f").columns == ["person_id", "x"]


def test_an_entity_key_is_added_inside_a_function_and_is_the_same_everywhere(defs, tmp_path):
    pl.DataFrame({"first": ["Ada", None], "last": ["L", "L"], "x": [1, 2]}).write_parquet(tmp_path / "e.parquet")
    with_person = mlf.entity_key("first", "last", alias="person_id")
    made = defs(lambda df: df.pipe(with_person).select("person_id", "x"), keys="person_id")
    made.build().raise_for_failure()
    expected = {mlf.surrogate_key("Ada", "L"), mlf.surrogate_key(None, "L")}
    assert set(made.read("f")["person_id"]) == expected
    with pytest.raises(mlf.errors.Invalid, match="dict"):
        with_person({"first": ["Ada"]})


def test_a_manifest_that_is_behind_is_mended_by_the_next_build(defs, tmp_path):
    made = defs(lambda df: df)
    made.build()
    (tmp_path / "store/_metadata/manifest.json").unlink()
    assert made.build()["f"].status == "unchanged"
    assert "f" in (tmp_path / "store/_metadata/manifest.json").read_text()


def test_a_manifest_that_cannot_be_written_fails_no_build(defs, tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store/_metadata").write_text("in the way")
    made = defs(lambda df: df)
    assert made.build()["f"].status == "built"
    assert made.manifest().features["f"].latest == "1.0.0"


def test_every_promise_about_the_timestamp_is_checked(defs, tmp_path):
    pl.DataFrame({"user_id": [1], "ts": ["2020-01-01"]}).write_csv(tmp_path / "e.csv")
    late = [mlf.validators.greater_than(datetime(y, 1, 1, tzinfo=UTC)) for y in (1970, 2024)]
    for stamp in ("ts", mlf.Timestamp("ts", alias="event_time")):
        result = defs(lambda df: df, source="e.csv", timestamp=stamp, validators={"ts": late}).build(force=True)["f"]
        assert [c.passed for c in result.checks] == [True, False]


def test_a_failed_check_can_be_raised_with_what_it_found(defs):
    report = defs(lambda df: df, validators={"amount": mlf.validators.greater_than(5)}).build()
    with pytest.raises(mlf.errors.CheckFailed) as error:
        report.raise_for_failure()
    assert [c.failures for c in error.value.results] == [2]


def test_a_first_row_that_cannot_be_shown_does_not_fail_a_committed_build(defs):
    made = defs(lambda df: df.with_columns(long=pl.lit(2**62).cast(pl.Duration("us"))))
    result = made.build(preview=True)["f"]
    assert (result.status, result.version) == ("built", made.latest("f"))


def test_a_project_in_a_folder_with_brackets_finds_its_files(tmp_path):
    root = tmp_path / "p[1]"
    (root / "data").mkdir(parents=True)
    pl.DataFrame({"user_id": [1], "x": [1]}).write_parquet(root / "data/a.parquet")
    pl.DataFrame({"user_id": [2], "x": [1]}).write_parquet(root / "data/b.parquet")
    for source in ("data/*.parquet", "data", "data/a.parquet"):
        made = mlf.feature(source=source, keys="user_id", name="f")(lambda df: df)
        defs = mlf.Definitions(features=[made], store=mlf.LocalStore("store"), root=root)
        assert defs.build(force=True).raise_for_failure()["f"].rows == (1 if source.endswith("a.parquet") else 2)
