"""Older versions: chosen, gone back to, and removed."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mlforge.errors import Invalid, NotFound, PluginFailed, Unsupported
from mlforge.flow.versions.choose import choose
from mlforge.flow.versions.prune import prune
from mlforge.flow.versions.rollback import rollback
from mlforge.model.feature import FeatureSpec
from mlforge.stores.local.plugin import LocalStore
from mlforge.testing.memory import MemoryStore
from mlforge.testing.refusals import refused
from mlforge.testing.versions import meta_of, write_file

NOW = datetime(2026, 1, 5, tzinfo=UTC)
VERSIONS = ["1.0.0", "1.1.0", "1.2.0"]


def commit(store, version, name="spend", **changes):
    target = store.begin(name, "parquet")
    write_file(target.uri, version.encode())
    return store.commit(target, meta_of(version, name, **changes), store.latest(name))


@pytest.fixture
def store(tmp_path):
    """Three versions of a feature, and one of another, without a greatest age."""
    with LocalStore(tmp_path / "kept").open() as live:
        for version in VERSIONS:
            commit(live, version)
        commit(live, "1.0.0", "plan", max_age=None)
        yield live


def listed(store):
    return store.read_manifest().features["spend"].versions


def test_the_latest_is_chosen_unless_a_version_is_named(store):
    chosen = choose(store, [FeatureSpec("plan"), FeatureSpec("spend"), FeatureSpec("spend", "1.0.0")], full_names=True)
    assert [(one.artifact.meta.name, one.artifact.meta.version) for one in chosen] == [
        ("plan", "1.0.0"), ("spend", "1.2.0"), ("spend", "1.0.0"),
    ]  # fmt: skip
    column = "x__sum__7d"
    assert [one.columns for one in chosen] == [
        {column: f"plan__{column}"}, {column: f"spend@1.2.0__{column}"}, {column: f"spend@1.0.0__{column}"},
    ]  # fmt: skip
    assert [one.join.max_age for one in chosen] == [None, 30 * 86_400_000_000, 30 * 86_400_000_000]
    assert len({one.place for one in chosen}) == 3


def test_some_columns_are_chosen_under_their_own_names_and_others_refused(store):
    found = choose(store, [FeatureSpec("spend", columns="x__sum__7d")], full_names=False)
    assert found[0].join.columns == {"x__sum__7d": "x__sum__7d"}
    with refused(NotFound, "'spend'", "'y'"):
        choose(store, [FeatureSpec("spend", columns="y")], full_names=False)
    with refused(NotFound, "'spend'", "'9.9.9'"):
        choose(store, [FeatureSpec("spend", "9.9.9")], full_names=False)


def test_going_back_changes_what_readers_get_and_the_manifest(store):
    assert rollback(store, "spend", "1.1.0", NOW).version == "1.1.0"
    assert (store.latest("spend"), store.versions("spend")) == ("1.1.0", VERSIONS)
    assert store.read_manifest().features["spend"].latest == "1.1.0"
    with refused(NotFound, "'spend'", "'9.9.9'"):
        rollback(store, "spend", "9.9.9", NOW)
    assert store.latest("spend") == "1.1.0"


@pytest.mark.parametrize(("keep", "left"), [(1, ["1.2.0"]), (2, VERSIONS[1:]), (3, VERSIONS), (9, VERSIONS)])
def test_the_newest_are_kept(store, keep, left):
    pruned = prune(store, "spend", keep, NOW)
    assert pruned.versions == tuple(v for v in VERSIONS if v not in left)
    assert (store.versions("spend"), listed(store)) == (left, tuple(left))
    assert store.versions("plan") == ["1.0.0"]


def test_what_readers_get_is_kept_though_it_is_old(store):
    store.point("spend", "1.0.0")
    assert prune(store, "spend", 1, NOW).versions == ("1.1.0",)
    assert (store.latest("spend"), store.versions("spend")) == ("1.0.0", ["1.0.0", "1.2.0"])


@pytest.mark.parametrize("keep", [0, -1, True, 1.0, "1", None])
def test_fewer_than_one_cannot_be_kept(store, keep):
    with refused(Invalid, f"{keep} versions of 'spend'"):
        prune(store, "spend", keep, NOW)
    assert store.versions("spend") == VERSIONS


def test_what_was_never_built_has_nothing_to_remove(store):
    with refused(NotFound, "'spent' has not been built"):
        prune(store, "spent", 1, NOW)


def test_a_store_that_removes_nothing_says_so():
    with MemoryStore().open() as store:
        commit(store, "1.0.0")
        with refused(Unsupported, "does not remove"):
            prune(store, "spend", 1, NOW)


def test_the_manifest_tells_what_is_left_where_removing_fails_half_way(store):
    class Fails(type(store)):
        def prune(self, name, keep):
            super().prune(name, 2)
            raise PluginFailed("The disk is gone.", hint="Mend it.")

    store.__class__ = Fails
    with refused(PluginFailed, "The disk"):
        prune(store, "spend", 1, NOW)
    assert listed(store) == tuple(store.versions("spend")) == ("1.1.0", "1.2.0")
