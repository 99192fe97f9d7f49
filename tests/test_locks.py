"""Locks and plans, as people use them: what a model was trained with, what is served, and what would change."""

from __future__ import annotations

import json
import logging
import sys

import msgspec
import pytest
from full import no_file_longer_than
from nobody import as_nobody
from tests.conftest import House
from tests.test_sets import LABELS, WHO, define, loaded, two_versions

import mlforge as mlf
from mlforge.cli.app import run
from mlforge.errors import Conflict, Invalid, NotFound, PluginFailed


@pytest.fixture(scope="module")
def first_shop(tmp_path_factory):
    """A house with two versions of `plan`, the first published, and a lock of the set `churn`; not to be changed."""
    house = two_versions(tmp_path_factory.mktemp("locks"), "polars")
    loaded(house).lock("churn").save(house.root / "churn.lock")
    return house


@pytest.fixture
def shop(first_shop, tmp_path):
    """Such a house of one's own."""
    return House(tmp_path / "shop", like=first_shop)


@pytest.fixture
def defs(shop, monkeypatch):
    """Its definitions."""
    monkeypatch.chdir(shop.root)
    return loaded(shop)


@pytest.fixture
def mlforge(defs, monkeypatch, capsys):
    """Call `mlforge` in this process; gives the exit code, and what was printed."""
    monkeypatch.setenv("COLUMNS", "200")

    def call(*words):
        sys.modules.pop("definitions", None)
        code = run(words)
        shown = capsys.readouterr()
        return code, shown.out + ("" if "--json" in words else shown.err)

    return call


def test_a_lock_has_the_versions_of_a_set_and_makes_its_training_data_again(defs, mlforge):
    code, printed = mlforge("lock", "churn")
    lock = mlf.Lock.decode(printed.encode())
    assert (code, lock.name, [p.text for p in lock.pins]) == (0, "churn", ["spend@1.0.0", "plan@1.0.0"])
    assert "Locked 2 versions in new.lock" in mlforge("lock", "churn", "-o", "new.lock")[1]
    assert mlf.Lock.load("new.lock") == lock == mlf.Lock.load("churn.lock")
    before, trained = defs.get_training_data(LABELS, "churn", with_lock=True)
    assert trained == lock
    assert defs.build("spend", force=True)["spend"].version == "1.0.1"
    assert defs.get_training_data(LABELS, lock="new.lock").equals(before)
    assert defs.get_training_data(LABELS, "spend", lock=lock).columns == before.columns[:-1]
    assert mlf.get_training_data(LABELS, "churn.lock" and lock, store=mlf.LocalStore("store")).equals(before)
    assert defs.get_training_data(LABELS, with_lock=True, lock=lock).lock == lock


def test_columns_of_one_name_are_locked_by_the_option_that_the_hint_names(defs, mlforge):
    code, printed = mlforge("lock", "plan@1.1.0", "other")
    assert (code, "or --full-names, for feature__column" in printed) == (1, True)
    assert mlforge("lock", "plan@1.1.0", "other", "--full-names")[0] == 0


@pytest.mark.parametrize("name", ["chrn", "plans", "spend_7d"])
def test_a_name_that_nothing_has_is_answered_with_one_that_works(defs, mlforge, name):
    hints = {"chrn": "Did you mean 'churn'?", "plans": "Did you mean 'plan'?", "spend_7d": "Did you mean 'spend'?"}
    asked = [
        lambda: defs.lock(name),
        lambda: defs.get_training_data(LABELS, [name]),
        lambda: defs.get_online_features(name, WHO),
        lambda: defs.get_online_features(["spend", f"{name}@1.0.0"], WHO),
    ]
    for ask in asked:
        with pytest.raises(NotFound, match=f"'{name}") as caught:
            ask()
        assert caught.value.hint == hints[name]
    code, said = mlforge("lock", name)
    assert (code, f"Hint: {hints[name]}" in said) == (1, True)


def test_a_feature_that_is_asked_for_twice_is_said_so_and_full_names_are_no_way_out_of_it(defs):
    twice = (
        lambda **how: defs.lock(["churn", "spend"], **how),
        lambda **how: defs.get_training_data(LABELS, ["spend", "spend@1.0.0"], **how),
        lambda **how: defs.get_online_features(["spend", "spend"], WHO, **how),
    )
    for ask in twice:
        for how in ({}, {"full_names": True}):
            with pytest.raises(
                Invalid, match="'spend' is asked for twice, and its column '.+' would be there twice"
            ) as e:
                ask(**how)
            assert e.value.hint.startswith("Name it once; of two versions of it ask for")
    both = ["plan@1.0.0", "plan@1.1.0"]
    with pytest.raises(Invalid, match="'plan' is asked for twice"):
        defs.get_training_data(LABELS, both)
    assert "plan@1.1.0__dearest" in defs.get_training_data(LABELS, both, full_names=True).columns


@pytest.mark.posix
def test_a_full_disk_leaves_the_lock_that_was_there_and_nothing_beside_it(defs, tmp_path):
    folder = tmp_path / "models"
    folder.mkdir()
    kept, linked = folder / "a.lock", folder / "b.lock"
    lock = mlf.Lock.load("churn.lock")
    lock.save(kept)
    kept.chmod(0o640)
    linked.symlink_to(kept)
    for place in (kept, linked, folder / "new.lock"):
        with no_file_longer_than(20), pytest.raises(PluginFailed, match="cannot be written to .*: File too large") as e:
            lock.save(place)
        assert e.value.hint == "Make room there and try again."
    assert mlf.Lock.load(kept) == lock and set(folder.iterdir()) == {kept, linked}
    lock.save(linked)
    assert linked.is_symlink() and kept.stat().st_mode & 0o777 == 0o640


@pytest.mark.linux
def test_a_lock_can_be_written_to_what_is_no_file(defs):
    mlf.Lock.load("churn.lock").save("/dev/null")


def test_what_names_no_feature_is_refused_by_what_it_is(defs):
    table = "A table, DataFrame, names nothing"
    for ask, said in (
        (lambda: defs.get_training_data(["spend"], LABELS), table),
        (lambda: defs.get_online_features(LABELS, ["spend"]), table),
        (lambda: defs.build(LABELS), table),
        (lambda: defs.lock(5), "5 names nothing"),
        (lambda: defs.publish([5]), "5 is no name"),
        (lambda: defs.list_features(tags=5), "5 names nothing"),
    ):
        with pytest.raises(Invalid, match=said) as refused:
            ask()
        assert refused.value.hint


@pytest.mark.posix
def test_a_lock_that_may_not_be_written_or_read_is_said(defs, tmp_path):
    lock, closed = mlf.Lock.load("churn.lock"), tmp_path / "closed"
    closed.mkdir()
    lock.save(closed / "a.lock")
    closed.chmod(0)
    try:
        for verb, said in ((lock.save, "cannot be written to .*"), (mlf.Lock.load, "cannot be read")):
            with as_nobody(), pytest.raises(PluginFailed, match=f"{said}: Permission denied") as caught:
                verb(closed / "a.lock")
            assert caught.value.hint
    finally:
        closed.chmod(0o755)


def test_a_lock_is_asked_only_for_what_it_has(defs):
    lock = mlf.Lock.load("churn.lock")
    for verb in (
        lambda features: defs.get_training_data(LABELS, features, lock=lock),
        lambda features: defs.get_online_features(features, WHO, lock=lock),
    ):
        with pytest.raises(Invalid, match="The lock of 'churn' does not have 'other'"):
            verb("other")
        with pytest.raises(Invalid, match=r"has 'plan' 1\.0\.0, and 1\.1\.0 is asked for.*mlforge lock plan@1\.1\.0"):
            verb(["plan@1.1.0"])


def test_another_version_than_the_lock_has_is_refused_or_let_or_warned_of_as_asked(defs, mlforge, caplog):
    assert defs.get_online_features((), WHO, lock="churn.lock") == defs.get_online_features("churn", WHO)
    assert mlforge("lock", "--check", "churn.lock")[0] == 0
    defs.build("spend", force=True)
    defs.publish("spend").raise_for_failure()
    with pytest.raises(Conflict, match=r"'spend' is served as 1\.0\.1, and the model was trained with 1\.0\.0"):
        defs.get_online_features("churn", WHO, lock="churn.lock")
    code, said = mlforge("lock", "--check", "churn.lock")
    assert (code, "publish spend@1.0.0 --beside" in said, "does not hold" in said) == (1, True, True)
    with caplog.at_level(logging.WARNING, "mlforge.online"):
        refreshed = defs.get_online_features("churn", WHO, lock="churn.lock", policy="refresh")
        assert not caplog.messages
        assert mlforge("lock", "--check", "churn.lock", "--lock-policy", "refresh")[0] == 0
        assert defs.get_online_features("churn", WHO, lock="churn.lock", policy="warn") == refreshed
        assert ["'spend' is served as 1.0.1" in m for m in caplog.messages] == [True]
    defs.publish("plan").raise_for_failure()
    with pytest.raises(Conflict, match="'plan' is served as 1.1.0"):
        defs.get_online_features("churn", WHO, lock="churn.lock", policy="refresh")
    defs.publish(["plan@1.0.0", "spend@1.0.0"], beside=True).raise_for_failure()
    values = defs.get_online_features("churn", WHO, lock="churn.lock")
    assert "cheapest" not in values[0]
    told = json.loads(mlforge("lock", "--check", "churn.lock", "--json")[1])
    assert (told["ok"], [f["served"] for f in told["features"]]) == (True, ["1.0.0", "1.0.0"])


def test_a_version_that_is_gone_or_other_breaks_the_lock(defs, mlforge):
    lock = mlf.Lock.load("churn.lock")
    other = msgspec.structs.replace(lock, pins=(msgspec.structs.replace(lock.pins[1], content_hash="0" * 64),))
    gone = msgspec.structs.replace(lock, pins=(msgspec.structs.replace(lock.pins[1], version="7.0.0"),))
    for broken, kind, says in ((other, Invalid, "another hash"), (gone, NotFound, "no version '7.0.0'")):
        broken.save("broken.lock")
        with pytest.raises(kind, match=says):
            defs.get_training_data(LABELS, lock="broken.lock")
        code, said = mlforge("lock", "--check", "broken.lock")
        assert (code, says in said) == (1, True)
        code, said = mlforge("plan", "plan", "--lock", "broken.lock")
        assert (code, says in said) == (2, True)


def test_what_is_no_lock_is_refused_with_a_way_out(defs, mlforge, shop):
    (shop.root / "no.lock").write_bytes(b'{"pins": 3}')
    (shop.root / "noise.lock").write_bytes(b"\xff\xfe\x00")
    for words, says in (
        (["--check", "no.lock"], "no.lock is no lock"),
        (["--check", "noise.lock"], "noise.lock is no lock"),
        (["--check", "nowhere.lock"], "There is no lock at nowhere.lock"),
        (["--check", "store"], "store is a folder"),
        (["churn", "-o", "nowhere/x.lock"], "cannot be written"),
        (["churm"], "'churm' has not been built"),
        (["ab"], "'plan' is asked for twice, and its column 'dearest'"),
        (["churn@1.0.0"], "'churn' is a feature set"),
        ([], "Name what to lock"),
        (["churn", "--check", "churn.lock"], "name nothing beside it"),
        (["--check", "churn.lock", "-o", "x"], "--check makes none"),
    ):
        code, said = mlforge("lock", *words)
        assert code in (1, 2) and says in said and "Hint:" in said, said
    assert "plan@1.1.0" in [p.text for p in defs.lock("ab", full_names=True).pins]
    with pytest.raises(Invalid, match="'refresj' is no policy for locks.*'refresh'"):
        defs.check_lock("churn.lock", policy="refresj")


def test_a_plan_says_what_would_change_and_builds_nothing(shop, defs, mlforge):
    quiet = defs.plan(locks="churn.lock")
    assert [(f.feature, f.status, f.next) for f in quiet] == [
        ("spend", "unchanged", None), ("plan", "unchanged", None), ("other", "unchanged", None),
    ]  # fmt: skip
    assert (quiet["plan"].served, quiet["plan"].serves) == ("1.0.0", "1.1.0")
    assert [(e.name, e.standing) for e in quiet.sets] == [("churn", "holds"), ("ab", "holds"), ("some", "holds")]
    kept = sorted(p for p in (shop.root / "store").rglob("*") if p.is_file())

    text = (shop.root / "definitions.py").read_text()
    text = text.replace('windows=["1d", "7d"]', 'windows=["1d", "30d"]').replace(
        'mlf.Count(windows="7d", ', "mlf.Count(windows='14d', "
    )
    text = text.replace("features=[spend, plan, other]", "features=[spend, plan, new]").replace("def other", "def new")
    (shop.root / "definitions.py").write_text(text.replace("return df.select", "raise SystemExit; return df.select", 1))
    code, said = mlforge("plan", "--lock", "churn.lock", "--json")
    told = json.loads(said)
    found = {f["feature"]: f for f in told["features"]}
    assert (code, told["breaks"]) == (2, True)
    spend = found["spend"]
    assert (spend["status"], spend["current"], spend["next"]) == ("changed", "1.0.0", "2.0.0")
    assert spend["columns"] == ["+ amount__sum__30d", "+ events_14d", "- amount__sum__7d", "- events_7d"]
    assert [c["reason"] for c in spend["changes"]] == ["removed_metrics", "added_metrics"]
    assert (spend["served"], spend["serves"]) == ("1.0.0", "2.0.0")
    assert found["plan"]["changes"][0]["reason"] == "logic_changed"
    assert found["plan"]["unknown"] == ["the columns that the function returns, and their types"]
    assert (found["new"]["status"], found["new"]["next"], found["new"]["columns"]) == ("new", "1.0.0", ["+ user_id"])
    assert found["other"]["status"] == "undefined"
    assert {s["name"]: s["standing"] for s in told["sets"]} == {"churn": "changes", "ab": "holds", "some": "breaks"}
    (lock,) = told["locks"]
    assert lock["standing"] == "breaks"
    assert "spend would be served as 2.0.0, not 1.0.0" in lock["why"][0]
    code, said = mlforge("plan", "--lock", "churn.lock", "--lock-policy", "warn")
    assert code == 0
    assert "unknown until built: the columns that the function returns" in said
    assert sorted(p for p in (shop.root / "store").rglob("*") if p.is_file()) == kept


def test_a_plan_tells_all_that_breaks_a_lock_in_sentences(shop, defs, mlforge):
    defs.lock(["spend", "other"]).save("two.lock")
    text = (shop.root / "definitions.py").read_text().replace('windows=["1d", "7d"]', 'windows=["1d", "30d"]')
    (shop.root / "definitions.py").write_text(text.replace('"user_id", "cheapest")', '"user_id", "dearest")'))
    code, said = mlforge("plan", "--lock", "two.lock")
    assert code == 2
    assert "). other would be served as" in said


def test_a_plan_tells_data_from_definitions_and_what_cannot_be_built(shop, defs, mlforge):
    shop.events(user_id=[1, 1, 2], amount=[1.0, 2.0, 8.0])
    (plan,) = defs.plan("spend", locks="churn.lock").features
    assert (plan.status, plan.next, [c.reason for c in plan.changes]) == ("refreshed", "1.0.1", ["data_refresh"])
    assert plan.unknown == ("the columns' types",)
    assert mlforge("plan", "--set", "some", "--lock", "churn.lock")[0] == 2
    assert mlforge("plan", "--set", "some", "--lock", "churn.lock", "--lock-policy", "refresh")[0] == 0
    defs.publish("spend@1.0.0", beside=True).raise_for_failure()
    assert mlforge("plan", "--set", "some", "--lock", "churn.lock")[0] == 0
    (shop.root / "plans.csv").rename(shop.root / "gone.csv")
    code, said = mlforge("plan", "other")
    assert (code, "failed" in said, "plans.csv" in said) == (1, True, True)


def test_a_plan_of_a_project_that_was_never_built_makes_nothing(tmp_path, monkeypatch):
    house = House(tmp_path / "shop")
    monkeypatch.chdir(house.root)
    (house.root / "plans.csv").write_text("user_id,dearest,cheapest\n1,2.0,1.0\n")
    plan = define(house).plan()
    assert {f.status for f in plan} == {"new"}
    assert {e.name: e.standing for e in plan.sets} == {"churn": "changes", "ab": "breaks", "some": "changes"}
    assert sorted(p.name for p in house.root.iterdir() if p.name != "__pycache__") == [
        "definitions.py", "events.parquet", "plans.csv",
    ]  # fmt: skip


def test_bad_words_to_plan_are_refused(mlforge):
    for words, says in (
        (["spent"], "There is no feature 'spent'"),
        (["--set", "churm"], "There is no feature set 'churm'"),
        (["--lock", "nowhere.lock"], "There is no lock at nowhere.lock"),
        (["--lock-policy", "maybe"], "maybe"),
    ):
        code, said = mlforge("plan", *words)
        assert code in (1, 2) and says in said and "Hint:" in said, said
