"""What is listed, in which order, and which version the pointer names."""

from __future__ import annotations

from mlforge.errors import NotFound
from mlforge.plugin import Store
from mlforge.testing.refusals import refused
from mlforge.testing.stores.subject import StoreSubject
from mlforge.testing.versions import meta_of

NAMES = (
    *("1a", "7", "a-b", "a_b", "ab", "a--b", "axb", "a-b-1", "data", "latest", "manifest", "select"),
    *("x" * 127 + "y", "x" * 127 + "z"),
)
"""Names that features may have, alike to those who cut, fold, split or match by a pattern."""


class LookupTests(StoreSubject):
    """Names, versions, the pointer."""

    def test_an_empty_store_has_no_names(self, store: Store) -> None:
        assert store.names() == []

    def test_an_unknown_name_has_no_versions(self, store: Store) -> None:
        assert (store.versions("nobody"), store.latest("nobody")) == ([], None)

    def test_names_are_sorted(self, store: Store) -> None:
        for name in ("b", "a", "c_d", "B"):
            self.commit(store, "1.0.0", name)
        assert store.names() == ["B", "a", "b", "c_d"]

    def test_a_longer_name_is_another_feature(self, store: Store) -> None:
        self.commit(store, "1.0.0", "spend_7d")
        assert (store.versions("spend"), store.names()) == ([], ["spend_7d"])

    def test_names_that_differ_in_case_alone_are_two_features(self, store: Store) -> None:
        for name in ("spend", "Spend", "SPEND"):
            self.commit(store, "1.0.0", name, name.encode())
        assert store.names() == ["SPEND", "Spend", "spend"]
        assert [self.contents(store.get(name, "1.0.0")) for name in ("spend", "Spend")] == [[b"spend"], [b"Spend"]]

    def test_long_names_that_begin_alike_are_two_features(self, store: Store) -> None:
        names = [f"{'a_long_name_' * 9}{end}" for end in "ab"]
        for name in names:
            self.commit(store, "1.0.0", name, name.encode())
        assert store.names() == names
        assert [self.contents(store.get(name, "1.0.0")) for name in names] == [[name.encode()] for name in names]

    def test_any_name_that_a_feature_may_have_is_its_own(self, store: Store) -> None:
        for name in NAMES:
            self.commit(store, "1.0.0", name, name.encode())
        assert store.names() == sorted(NAMES)
        store.commit(self.begin(store, "a_b", b"again"), meta_of("1.1.0", "a_b"), "1.0.0")
        assert {n: store.latest(n) for n in NAMES} == dict.fromkeys(NAMES, "1.0.0") | {"a_b": "1.1.0"}
        assert {n: store.versions(n)[1:] for n in NAMES} == {n: ["1.1.0"] * (n == "a_b") for n in NAMES}
        assert [self.contents(store.get(n, "1.0.0")) for n in NAMES] == [[n.encode()] for n in NAMES]

    def test_versions_that_begin_alike_are_two_versions(self, store: Store) -> None:
        versions = ["1.1.1", "1.1.10", "1.1.11", "1.10.1", "1.11.1", "11.1.1"]
        for version in versions:
            self.commit(store, version, data=version.encode())
        assert store.versions("spend") == versions
        assert [self.contents(store.get("spend", v)) for v in versions] == [[v.encode()] for v in versions]

    def test_asking_makes_nothing(self, store: Store) -> None:
        assert (store.versions("spend"), store.latest("spend")) == ([], None)
        with refused(NotFound, "spend"):
            store.get("spend", "1.0.0")
        with refused(NotFound, "spend"):
            store.point("spend", "1.0.0")
        assert (store.names(), store.versions("spend"), store.latest("spend")) == ([], [], None)

    def test_answers_belong_to_whoever_asked(self, store: Store) -> None:
        self.commit(store, "1.0.0")
        store.names().append("nobody")
        store.versions("spend").clear()
        assert (store.names(), store.versions("spend")) == (["spend"], ["1.0.0"])

    def test_1_10_0_comes_after_1_9_0(self, store: Store) -> None:
        for version in ("1.9.0", "1.10.0", "1.2.0", "10.0.0", "2.0.0"):
            self.commit(store, version)
        assert store.versions("spend") == ["1.2.0", "1.9.0", "1.10.0", "2.0.0", "10.0.0"]

    def test_the_pointer_names_what_was_committed_last(self, store: Store) -> None:
        for version in ("1.10.0", "1.9.1"):
            self.commit(store, version)
        assert store.latest("spend") == "1.9.1"

    def test_an_older_version_can_be_made_the_latest(self, store: Store) -> None:
        for version in ("1.0.0", "1.1.0"):
            self.commit(store, version)
        store.point("spend", "1.0.0")
        assert (store.latest("spend"), store.versions("spend")) == ("1.0.0", ["1.0.0", "1.1.0"])

    def test_a_commit_goes_on_from_where_the_pointer_was_put(self, store: Store) -> None:
        for version in ("1.0.0", "1.1.0"):
            self.commit(store, version)
        store.point("spend", "1.0.0")
        store.commit(self.begin(store), meta_of("1.2.0"), "1.0.0")
        assert store.latest("spend") == "1.2.0"

    def test_the_pointer_cannot_name_what_is_not_there(self, store: Store) -> None:
        self.commit(store, "1.0.0")
        for name, version in (("spend", "1.0.1"), ("other", "1.0.0")):
            with refused(NotFound, name, version):
                store.point(name, version)
        assert store.latest("spend") == "1.0.0"
