"""Feature sets, locks and two versions at once, as people use them: on definitions and on the command line."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime

import polars as pl
import pytest
from tests.conftest import House

import mlforge as mlf
from mlforge.cli.app import run
from mlforge.errors import Conflict, Invalid, NotFound, Unknown
from mlforge.project.loader import load_project

DEFINITIONS = """
defs = mlf.Definitions(
    "shop", features=[spend, plan, other], store=mlf.LocalStore("store"),
    online_store=mlf.SQLiteOnlineStore("online.db"), engine="ENGINE",
    feature_sets=[
        mlf.FeatureSet("churn", features=["spend", ("plan", "1.0.0")], description="Who leaves", owner="crm", tags="m"),
        mlf.FeatureSet("ab", features=[("plan", "1.0.0"), ("plan", "1.1.0")]),
        mlf.FeatureSet("some", features=mlf.FeatureSpec("spend", columns=["events_7d"])),
    ],
)
"""
FEATURES = """
@mlf.feature(source="events.parquet", keys="user_id", timestamp="event_time", interval="1d", tags=["daily"],
             metrics=[mlf.Sum("amount", windows=["1d", "7d"]), mlf.Count(windows="7d", name="events")])
def spend(df):
    return df

@mlf.feature(source="plans.csv", keys="user_id")
def plan(df):
    return df.select("user_id", "dearest"MORE)

@mlf.feature(source="plans.csv", keys="user_id")
def other(df):
    return df.select("user_id", "cheapest")
"""
LABELS = pl.DataFrame({"user_id": [1, 2, 9], "label_time": [datetime(2025, 1, 4, tzinfo=UTC)] * 3})
WHO = [{"user_id": 1}, {"user_id": 9}]


def define(house, more="", engine="polars"):
    house.define(FEATURES.replace("MORE", more), DEFINITIONS.replace("ENGINE", engine))
    return loaded(house)


def loaded(house):
    """Its definitions as they are now."""
    sys.modules.pop("definitions", None)
    return load_project(str(house.root / "definitions.py"), house.root)


def two_versions(root, engine):
    """A house with `plan` 1.0.0 and 1.1.0, which has a column more, built by an engine and published as of a day."""
    house = House(root / "shop")
    (house.root / "plans.csv").write_text("user_id,dearest,cheapest\n1,2.0,1.0\n2,4.0,4.0\n")
    define(house, engine=engine).build().failed and pytest.fail("not built")
    defs = define(house, ', "cheapest"', engine)
    assert defs.build("plan")["plan"].version == "1.1.0"
    defs.publish("churn", as_of="2025-01-04").raise_for_failure()
    return house


@pytest.fixture(scope="module", params=["polars", "duckdb"])
def versions(request, tmp_path_factory):
    """Such a house on each engine; not to be changed, but for what is published beside."""
    return two_versions(tmp_path_factory.mktemp(request.param), request.param)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """Such a house on Polars, for the command line."""
    return two_versions(tmp_path_factory.mktemp("sets"), "polars")


@pytest.fixture
def defs(versions):
    """The definitions of its second version."""
    return loaded(versions)


@pytest.fixture
def mlforge(shop, monkeypatch, capsys):
    """Call `mlforge` in this process; gives the exit code, and what was printed."""
    monkeypatch.chdir(shop.root)
    monkeypatch.setenv("COLUMNS", "200")

    def call(*words):
        code = run(words)
        shown = capsys.readouterr()
        return code, shown.out if code == 0 else shown.out + shown.err

    return call


def test_a_sets_name_stands_for_its_features_offline_and_online(defs):
    found = defs.get_training_data(LABELS, "churn")
    each = defs.get_training_data(LABELS, ["spend", ("plan", "1.0.0")])
    assert found.equals(each)
    assert "cheapest" not in found.columns
    assert defs.get_training_data(LABELS, ["churn", "other"]).columns[-1] == "cheapest"
    assert defs.get_training_data(LABELS, "some").columns == ["user_id", "label_time", "events_7d"]
    online, statuses = defs.get_online_features("churn", WHO, with_status=True)
    assert online == defs.get_online_features("spend,plan", WHO)
    assert list(statuses[0]) == ["spend", "plan"]
    assert mlf.get_training_data(LABELS, defs.feature_set("some"), store=defs.offline_store.at(defs.root)).width == 3
    assert [r.feature for r in defs.replay("churn", at="2025-01-04T12:00")] == ["spend", "plan@1.0.0"]
    assert [r.feature for r in defs.build("churn", dry_run=True)] == ["spend", "plan"]


def test_sets_on_the_command_line(mlforge):
    assert "spend, plan@1.0.0" in mlforge("list", "sets")[1]
    sets = json.loads(mlforge("list", "sets", "--json")[1])["sets"]
    assert [s["name"] for s in sets] == ["churn", "ab", "some"]
    assert (sets[0]["owner"], sets[0]["tags"]) == ("crm", ["m"])
    shown = json.loads(mlforge("inspect", "churn", "--json")[1])
    assert (shown["kind"], shown["features"][1]) == (
        "set", {"name": "plan", "version": "1.0.0", "columns": None, "latest": "1.1.0", "computed": False},
    )  # fmt: skip
    assert "Who leaves" in mlforge("inspect", "set", "churn")[1]
    told = json.loads(mlforge("build", "--set", "churn", "--features", "other", "--dry-run", "--json")[1])
    assert [r["feature"] for r in told["results"]] == ["other", "spend", "plan"]
    assert "1.0.0" in mlforge("publish", "--set", "churn")[1]
    assert mlforge("replay", "--set", "churn")[0] == 0


def test_what_cannot_be_a_set_is_refused_with_a_way_out(defs):
    features = list(defs.features.values())

    def refused(kind, says, *sets, made=None):
        with pytest.raises(kind) as caught:
            mlf.Definitions("x", features=features, feature_sets=[made()] if made else list(sets))
        assert says in caught.value.message, caught.value.message
        assert caught.value.hint

    refused(Unknown, "'spent'", mlf.FeatureSet("a", ["spent"]))
    refused(Invalid, "A feature and a set are named 'plan'", mlf.FeatureSet("plan", ["spend"]))
    refused(Invalid, "Two feature sets", mlf.FeatureSet("a", ["spend"]), mlf.FeatureSet("a", ["plan"]))
    refused(Invalid, "is no feature set", "churn")
    refused(Invalid, "names no feature", made=lambda: mlf.FeatureSet("a", []))
    refused(Invalid, "'plan' 1.0.0 twice", made=lambda: mlf.FeatureSet("a", ["plan@1.0.0", ("plan", "1.0.0")]))
    refused(Invalid, "cannot be a feature set's name", made=lambda: mlf.FeatureSet("a b", ["plan"]))
    refused(Invalid, "does not name a feature", made=lambda: mlf.FeatureSet("a", [3]))
    refused(Invalid, "no list of features", made=lambda: mlf.FeatureSet("a", 3))
    refused(Invalid, "in the tags", made=lambda: mlf.FeatureSet("a", ["plan"], tags=[""]))
    refused(Invalid, "has no feature=", made=lambda: mlf.FeatureSet("a", feature=["plan"]))
    with pytest.raises(Invalid, match="is a feature set, no feature"):
        mlf.Definitions("x", features=[mlf.FeatureSet("a", ["plan"])])


def test_a_set_has_no_versions_and_no_columns_and_an_unknown_one_is_named(defs, mlforge):
    for features in ("churn@1.0.0", ("churn", "1.0.0"), mlf.FeatureSpec("churn", columns=["x"])):
        with pytest.raises(Invalid, match="'churn' is a feature set"):
            defs.get_training_data(LABELS, [features])
    for verb in (defs.build, defs.publish, defs.replay):
        with pytest.raises(Invalid, match="'churn' is a feature set"):
            verb("churn@1.0.0")
        with pytest.raises(Unknown, match="Did you mean 'churn'"):
            verb("churm")
    code, said = mlforge("build", "--set", "churm")
    assert (code, "There is no feature set 'churm'" in said, "Did you mean 'churn'" in said) == (1, True, True)


def test_two_versions_of_a_feature_are_told_apart_by_full_names_offline(defs):
    with pytest.raises(Invalid, match="asked for twice, and its column 'dearest'"):
        defs.get_training_data(LABELS, "ab")
    found, lock = defs.get_training_data(LABELS, ["ab", "spend"], full_names=True, with_lock=True)
    assert found.columns[2:6] == [
        "plan@1.0.0__dearest", "plan@1.1.0__dearest", "plan@1.1.0__cheapest", "spend__amount__sum__1d",
    ]  # fmt: skip
    assert found["plan@1.1.0__cheapest"].to_list() == [1.0, 4.0, None]
    assert defs.get_training_data(LABELS, lock).equals(found)
    latest_too = defs.get_training_data(LABELS, ["plan", ("plan", "1.0.0")], full_names=True)
    assert "plan@1.1.0__cheapest" in latest_too.columns


def test_two_versions_are_served_to_those_who_name_them_once_one_is_published_beside(defs):
    both = ["plan@1.0.0", "plan@1.1.0"]
    with pytest.raises(NotFound, match=r"publish plan@1.1.0 --beside"):
        defs.get_online_features(both, WHO, full_names=True)
    report = defs.publish("plan@1.1.0", beside=True)
    assert report.raise_for_failure()["plan@1.1.0"].entities == 2
    values, statuses = defs.get_online_features(both, WHO, full_names=True, with_status=True)
    assert values[0] == {
        "user_id": 1, "plan@1.0.0__dearest": 2.0, "plan@1.1.0__dearest": 2.0, "plan@1.1.0__cheapest": 1.0,
    }  # fmt: skip
    assert statuses[1] == {"plan@1.0.0": "missing", "plan@1.1.0": "missing"}
    assert defs.get_online_features("ab", WHO, full_names=True) == values
    assert list(defs.get_online_features("plan", WHO)[0]) == ["user_id", "dearest"]
    assert defs.get_online_features("plan@1.1.0", WHO)[0]["cheapest"] == 1.0
    assert defs.publish("plan@1.1.0", beside=True)["plan@1.1.0"].status == "unchanged"
    replayed = defs.replay(both)
    assert replayed.ok, replayed
    assert [r.entities for r in replayed] == [2, 2]


def test_a_version_that_was_published_beside_is_taken_away_again(defs):
    defs.publish("plan@1.1.0", beside=True).raise_for_failure()
    assert defs.get_online_features("plan@1.1.0", WHO)[0]["cheapest"] == 1.0
    found = defs.unpublish("plan@1.1.0")["plan@1.1.0"]
    assert (found.status, found.removed) == ("withdrawn", 2)
    with pytest.raises(NotFound, match=r"'plan' is served as 1.0.0, not 1.1.0") as error:
        defs.get_online_features("plan@1.1.0", WHO)
    assert "--beside" in error.value.hint
    assert defs.get_online_features("plan", WHO)[0]["dearest"] == 2.0, "what is served to all stays"
    with defs.online_store_of().open() as online:
        assert list(online.older("plan@1.1.0", 2**62)) == []
    again = defs.publish("plan@1.1.0", beside=True)["plan@1.1.0"]
    assert (again.status, again.entities) == ("published", 2)
    assert defs.get_online_features("plan@1.1.0", WHO)[0]["cheapest"] == 1.0
    assert defs.replay("plan@1.1.0").ok
    defs.unpublish("plan@1.1.0").raise_for_failure()


def test_what_is_not_beside_cannot_be_withdrawn(defs, mlforge):
    defs.publish("plan@1.1.0", beside=True).raise_for_failure()
    given = ["plan@1.0.0", "plan@9.0.0", "plan", "nobody@1.0.0"]
    said = [failure_of(defs, one) for one in given]
    assert "served to those who name no version" in said[0].message
    assert said[0].hint.endswith("mlforge publish plan@1.1.0")
    assert "'plan@9.0.0' is not published beside" in said[1].message
    assert "plan@1.1.0" in said[1].hint
    assert ("Which version of 'plan'" in said[2].message, "plan@1.1.0" in said[2].hint) == (True, True)
    assert "'nobody@1.0.0' is not published beside" in said[3].message
    assert "No version of 'nobody'" in said[3].hint
    defs.unpublish("plan@1.1.0").raise_for_failure()
    with pytest.raises(Conflict, match="was withdrawn as of"):
        defs.publish("plan@1.1.0", beside=True, as_of="2025-01-04").raise_for_failure()
    assert "'plan@1.1.0' is not published beside" in failure_of(defs, "plan@1.1.0").message
    code, shown = mlforge("unpublish", "plan@9.0.0")
    assert (code, "No version of 'plan' is published beside" in shown) == (1, True)


def failure_of(defs, version):
    return defs.unpublish(version)[version].failure


def test_what_cannot_be_published_beside_is_refused(defs):
    with pytest.raises(Invalid, match=r"--beside"):
        defs.publish("ab")
    with pytest.raises(Invalid, match="Which version of 'plan'"):
        defs.publish("plan", beside=True)
    failed = defs.publish("plan@9.0.0", beside=True)["plan@9.0.0"].failure
    assert failed and "no version '9.0.0'" in failed.message
