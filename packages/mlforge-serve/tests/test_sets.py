"""Feature sets, locks and two versions of one feature over HTTP."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

SETS = """
defs = mlf.Definitions("shop", features=[spend, places, shops, shifts, fresh, secret, unpublished, risk], store=store,
    feature_sets=[
        mlf.FeatureSet("fraud", features=[mlf.FeatureSpec("spend", columns=["visits"]), "fresh"], owner="risk"),
        mlf.FeatureSet("ab", features=["spend@1.0.0", "spend@1.0.1"]),
        mlf.FeatureSet("hidden", features=["spend", "secret"]),
        mlf.FeatureSet("odd", features=["fresh", mlf.FeatureSpec("risk", columns=["ratio"])]),
    ])
"""
WHO = {"user_id": 2}


@pytest.fixture(scope="module")
def sets(published: Path, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A project with sets, a lock, and a second version of `spend` that is not published."""
    import shutil

    folder = shutil.copytree(published, tmp_path_factory.mktemp("sets") / "project")
    text = (folder / "definitions.py").read_text()
    (folder / "definitions.py").write_text(text[: text.index("defs =")] + SETS)
    defs = defs_of(folder)
    defs.lock("fraud").save(folder / "fraud.lock")
    assert defs.build("spend", force=True)["spend"].version == "1.0.1"
    return folder


def defs_of(folder: Path) -> Any:
    from mlforge.project.loader import load_project

    sys.modules.pop("definitions", None)
    return load_project(str(folder / "definitions.py"), folder)


@pytest.fixture(scope="module")
def server(sets: Path, tmp_path_factory: pytest.TempPathFactory, serving: Callable[..., Any]) -> Iterator[Any]:
    with serving(sets, log=tmp_path_factory.mktemp("server") / "log") as running:
        yield running


def ask(server: Any, **request: Any) -> Any:
    return server.post("/features/online", {"entity": WHO, **request})


def test_a_set_has_request_features_too(server: Any) -> None:
    answer = server.post("/features/online", {"set": "odd", "entity": {**WHO, "paid": 3, "due": None}})
    assert list(answer.json["status"]) == ["fresh", "risk"]
    assert sorted(answer.json["values"]) == ["fresh_visits", "ratio"]
    assert answer.json["values"]["ratio"] is not None
    assert answer.json["versions"].keys() == {"fresh", "spend"}, "what is read for it, too"


def test_a_sets_name_stands_for_its_features(server: Any) -> None:
    found = ask(server, set="fraud").json
    assert found["values"] == {"visits": 2, "fresh_visits": None}
    assert list(found["status"]) == ["spend", "fresh"]
    assert ask(server, features=["fraud"]).json == found
    assert ask(server, features=[{"name": "fraud"}], full_names=True).json["values"]["spend__visits"] == 2
    both = server.post("/features/batch", {"set": "fraud", "entities": [WHO, WHO]}).json
    assert both["values"] == [found["values"]] * 2
    listed = {s["name"]: s for s in server.get("/features").json["sets"]}
    assert listed["fraud"]["owner"] == "risk"
    assert listed["fraud"]["features"][0] == {"name": "spend", "version": None, "columns": ["visits"]}


def test_what_names_no_set_is_refused(server: Any) -> None:
    for request, status, says in (
        ({"set": "frud"}, 404, "no feature set 'frud'"),
        ({"set": "fraud", "features": ["spend"]}, 422, "Both"),
        ({"set": "fraud", "features": []}, 422, "Both"),
        ({}, 422, "No feature is named"),
        ({"features": []}, 422, "No feature is named"),
        ({"set": None}, 422, "set"),
        ({"features": ["fraud@1.0.0"]}, 422, "is a feature set"),
        ({"features": [{"name": "fraud", "columns": ["visits"]}]}, 422, "is a feature set"),
    ):
        answer = ask(server, **request)
        assert (answer.status, says in answer.json["detail"]) == (status, True), answer.json
        assert answer.json["hint"]
    twice = b'{"set": "fraud", "set": "hidden", "entity": {"user_id": 2}}'
    assert server.ask("POST", "/features/online", twice, {"content-type": "application/json"}).status == 400


def test_two_versions_are_served_beside_each_other_once_both_are_published(
    server: Any, sets: Path, wait: Callable[..., None]
) -> None:
    versions = ["spend@1.0.0", "spend@1.0.1"]
    refused = ask(server, features=versions, full_names=True)
    assert (refused.status, "spend@1.0.1 --beside" in refused.json["hint"]) == (404, True)
    defs_of(sets).publish("spend@1.0.1", beside=True).raise_for_failure()
    wait(lambda: ask(server, features=versions, full_names=True).status == 200)
    found = ask(server, set="ab", full_names=True).json
    assert found["values"]["spend@1.0.0__visits"] == found["values"]["spend@1.0.1__visits"] == 2
    assert found["versions"] == {"spend@1.0.0": "1.0.0", "spend@1.0.1": "1.0.1"}
    assert ask(server, features=["spend"]).json["versions"] == {"spend": "1.0.0"}
    assert ask(server, features=["fresh@7.0.0"]).status == 404


def test_a_key_that_is_limited_gets_no_set_with_another_feature(sets: Path, serve: Any, mlforge: Any) -> None:
    made = mlforge(sets, "serve-key", "checkout", "--api-key-file", "keys.yaml", "--features", "spend,fresh")
    key = {"authorization": f"Bearer {made.stdout.split()[-1]}"}
    with serve(sets, "--api-key-file", "keys.yaml") as server:
        assert [s["name"] for s in server.get("/features", **key).json["sets"]] == ["fraud", "ab"]
        assert server.post("/features/online", {"set": "fraud", "entity": WHO}, **key).status == 200
        refused = server.post("/features/online", {"set": "hidden", "entity": WHO}, **key)
        assert (refused.status, refused.json["code"]) == (403, "key_limited")


def test_no_key_is_limited_to_a_set(sets: Path, mlforge: Any) -> None:
    made = mlforge(sets, "serve-key", "checkout", "--api-key-file", "k.yaml", "--features", "fraud")
    assert (made.returncode, "'fraud' is a feature set" in made.stderr) == (1, True)
    hint = next(line for line in made.stderr.splitlines() if line.startswith("Hint: "))
    words = ["serve-key", "checkout", "--api-key-file", "k.yaml", *hint.removeprefix("Hint: ").split()]
    assert mlforge(sets, *words).returncode == 0
    (sets / "k.yaml").unlink()


def test_a_lock_is_served_and_nothing_else(sets: Path, tmp_path: Path, serve: Any, wait: Callable[..., None]) -> None:
    import shutil

    folder = shutil.copytree(sets, tmp_path / "locked")
    with serve(folder, "--lock", "fraud.lock") as server:
        assert ask(server, set="fraud").json["versions"] == {"spend": "1.0.0", "fresh": "1.0.0"}
        assert ask(server, features=["places"]).status == 404
        assert ask(server, features=["spend@1.0.1"]).status == 422
        assert [s["name"] for s in server.get("/features").json["sets"]] == ["fraud"]
        defs_of(folder).publish("spend").raise_for_failure()
        wait(lambda: ask(server, set="fraud").status == 409)
        problem = ask(server, set="fraud").json
        assert "'spend' is served as 1.0.1, and the model was trained with 1.0.0" in problem["detail"]
        assert "spend is not served" in server.log
    with serve(folder, "--lock", "fraud.lock", "--lock-policy", "warn", "--features", "x") as server:
        assert ask(server, set="fraud").json["versions"] == {"spend": "1.0.1", "fresh": "1.0.0"}
        assert server.log.count("the model was trained with 1.0.0") == 1


def test_a_lock_with_a_request_feature_is_served_and_checked(
    sets: Path, tmp_path: Path, serve: Any, mlforge: Any
) -> None:
    import shutil

    folder = shutil.copytree(sets, tmp_path / "odd")
    assert mlforge(folder, "lock", "odd", "-o", "odd.lock").returncode == 0
    defs_of(folder).publish("spend").raise_for_failure()
    asked = {**WHO, "paid": 3, "due": None}
    with serve(folder, "--lock", "odd.lock") as server:
        found = server.post("/features/online", {"set": "odd", "entity": asked}).json
        assert sorted(found["values"]) == ["fresh_visits", "ratio"]
        assert found["values"]["ratio"] is not None
        assert server.post("/features/online", {"features": ["places"], "entity": WHO}).status == 404
    assert mlforge(folder, "lock", "--check", "odd.lock").returncode == 0


def test_what_is_no_lock_serves_nothing(sets: Path, mlforge: Any) -> None:
    (sets / "no.lock").write_text("{}")
    done = mlforge(sets, "serve", "--lock", "no.lock")
    assert (done.returncode, "no.lock is no lock" in done.stderr, "Hint:" in done.stderr) == (1, True, True)
