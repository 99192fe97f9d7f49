"""A commit is all or nothing, and nobody's work is lost."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager

import msgspec
import pytest

from mlforge.errors import Conflict, Invalid, MlforgeError, NotFound, Unsupported
from mlforge.model.schema import Column
from mlforge.plugin import Store
from mlforge.testing.refusals import refused
from mlforge.testing.stores.subject import StoreSubject
from mlforge.testing.versions import meta_of

Opened = Callable[[], AbstractContextManager[Store]]
UNSAFE = ("", ".", "..", "../x", "/x", "a/b", "a\\b", "a\0b", "_metadata", ".hidden")


class CommitTests(StoreSubject):
    """Begin, commit, abort."""

    def test_nothing_is_seen_before_the_commit(self, store: Store) -> None:
        self.begin(store)
        assert (store.names(), store.versions("spend"), store.latest("spend")) == ([], [], None)

    def test_a_new_version_is_not_seen_before_its_commit(self, store: Store) -> None:
        self.commit(store, "1.0.0", data=b"old")
        self.begin(store, data=b"new")
        assert (store.versions("spend"), store.latest("spend")) == (["1.0.0"], "1.0.0")
        assert self.contents(store.get("spend", "1.0.0")) == [b"old"]

    def test_a_committed_version_is_the_latest(self, store: Store) -> None:
        self.commit(store, "1.0.0", data=b"old")
        self.commit(store, "1.1.0", data=b"new")
        assert (store.names(), store.latest("spend")) == (["spend"], "1.1.0")
        assert self.contents(store.get("spend", "1.0.0")) == [b"old"]
        assert self.contents(store.get("spend", "1.1.0")) == [b"new"]

    def test_metadata_comes_back_as_it_was_committed(self, store: Store) -> None:
        committed = self.commit(store, "1.0.0")
        assert store.get("spend", "1.0.0").meta == committed
        given = msgspec.structs.replace(committed, parts=(), content_hash="")
        assert given == meta_of("1.0.0")

    def test_parts_say_their_size_and_hash(self, store: Store) -> None:
        meta = self.commit(store, "1.0.0", data=b"some rows")
        assert [(p.bytes, p.hash) for p in meta.parts] == [(9, hashlib.sha256(b"some rows").hexdigest())]
        assert [p.rows for p in meta.parts] == [meta.row_count]
        assert meta.content_hash

    def test_equal_data_has_an_equal_content_hash(self, store: Store) -> None:
        one, two, other = (
            self.commit(store, v, data=d) for v, d in (("1.0.0", b"a"), ("1.0.1", b"a"), ("1.0.2", b"b"))
        )
        assert one.content_hash == two.content_hash != other.content_hash

    def test_a_version_that_is_there_is_not_replaced(self, store: Store) -> None:
        self.commit(store, "1.0.0", data=b"first")
        with refused(Conflict, "spend", "1.0.0"):
            store.commit(self.begin(store, data=b"second"), meta_of("1.0.0"), "1.0.0")
        assert self.contents(store.get("spend", "1.0.0")) == [b"first"]

    def test_the_second_of_two_committers_loses_nothing(self, store: Store) -> None:
        first, second = self.begin(store, data=b"first"), self.begin(store, data=b"second")
        store.commit(first, meta_of("1.0.0"), None)
        with refused(Conflict, "spend"):
            store.commit(second, meta_of("1.0.0"), None)
        store.commit(second, meta_of("1.0.1"), "1.0.0")
        assert self.contents(store.get("spend", "1.0.0")) == [b"first"]
        assert self.contents(store.get("spend", "1.0.1")) == [b"second"]

    def test_a_pointer_that_moved_meanwhile_is_a_conflict_that_changes_nothing(self, store: Store) -> None:
        self.commit(store, "1.0.0")
        late = self.begin(store)
        self.commit(store, "1.1.0")
        with refused(Conflict, "spend"):
            store.commit(late, meta_of("2.0.0"), "1.0.0")
        assert (store.versions("spend"), store.latest("spend")) == (["1.0.0", "1.1.0"], "1.1.0")

    def test_a_first_version_is_a_conflict_where_another_is_expected(self, store: Store) -> None:
        with refused(Conflict, "spend"):
            store.commit(self.begin(store), meta_of("1.0.1"), "1.0.0")
        assert (store.names(), store.versions("spend")) == ([], [])

    def test_no_version_is_expected_only_where_there_is_none(self, store: Store) -> None:
        self.commit(store, "1.0.0")
        with refused(Conflict, "spend"):
            store.commit(self.begin(store), meta_of("1.1.0"), None)
        assert (store.versions("spend"), store.latest("spend")) == (["1.0.0"], "1.0.0")

    def test_a_later_commit_changes_nothing_of_an_earlier_one(self, store: Store) -> None:
        first = self.commit(store, "1.0.0", data=b"first")
        self.commit(store, "1.1.0", data=b"second, and longer")
        assert store.get("spend", "1.0.0").meta == first
        assert self.contents(store.get("spend", "1.0.0")) == [b"first"]

    def test_every_byte_counts(self, store: Store) -> None:
        data = bytes(range(256)) * 12_000
        one, other = (self.commit(store, v, data=d) for v, d in (("1.0.0", data), ("1.0.1", data[:-1] + b"!")))
        assert one.content_hash != other.content_hash
        assert (one.parts[0].bytes, one.parts[0].hash) == (len(data), hashlib.sha256(data).hexdigest())
        assert self.contents(store.get("spend", "1.0.0")) == [data]

    def test_metadata_of_a_thousand_columns_come_back(self, store: Store) -> None:
        columns = tuple(Column(f"column_{n}", "Float64", "sum", "7d", "Wörter – " * 9, "€") for n in range(1000))
        committed = store.commit(self.begin(store), meta_of("1.0.0", columns=columns), None)
        assert store.get("spend", "1.0.0").meta == committed
        assert committed.columns == columns

    def test_an_abort_takes_only_its_own_target_away(self, store: Store) -> None:
        names = ("spend", "spend_7d", "spen", "spend")
        given_up, *others = [self.begin(store, name, name.encode()) for name in names]
        store.abort(given_up)
        for target in others:
            store.commit(target, meta_of("1.0.0", target.name), None)
            assert self.contents(store.get(target.name, "1.0.0")) == [target.name.encode()]

    def test_an_aborted_target_leaves_nothing(self, store: Store) -> None:
        store.abort(self.begin(store))
        assert (store.names(), store.versions("spend")) == ([], [])

    def test_aborting_twice_is_no_error(self, store: Store) -> None:
        target = self.begin(store)
        store.abort(target)
        store.abort(target)

    def test_aborting_after_the_commit_takes_nothing_away(self, store: Store) -> None:
        target = self.begin(store, data=b"kept")
        store.commit(target, meta_of("1.0.0"), None)
        store.abort(target)
        assert self.contents(store.get("spend", "1.0.0")) == [b"kept"]

    def test_a_version_may_be_begun_again_after_an_abort(self, store: Store) -> None:
        store.abort(self.begin(store, data=b"given up"))
        self.commit(store, "1.0.0", data=b"kept")
        assert self.contents(store.get("spend", "1.0.0")) == [b"kept"]

    def test_targets_do_not_share_an_address(self, store: Store) -> None:
        form = self.descriptor().formats[0]
        assert len({store.begin("spend", form).uri for _ in range(5)}) == 5

    def test_an_unknown_format_is_refused(self, store: Store) -> None:
        with refused(Unsupported, "papyrus"):
            store.begin("spend", "papyrus")

    @pytest.mark.parametrize("name", UNSAFE)
    def test_a_name_that_leads_elsewhere_is_refused(self, store: Store, name: str) -> None:
        with refused(Invalid):
            store.begin(name, self.descriptor().formats[0])

    @pytest.mark.parametrize("version", ["../1.0.0", "", "..", "latest"])
    def test_a_version_that_leads_elsewhere_is_refused(self, store: Store, version: str) -> None:
        self.commit(store, "1.0.0")
        with refused(MlforgeError):
            store.get("spend", version)
        with refused(MlforgeError):
            store.point("spend", version)

    def test_what_is_committed_is_there_after_reopening(self, opened: Opened) -> None:
        with opened() as store:
            committed = self.commit(store, "1.0.0", data=b"kept")
        with opened() as store:
            assert (store.names(), store.latest("spend")) == (["spend"], "1.0.0")
            assert store.get("spend", "1.0.0").meta == committed
            assert self.contents(store.get("spend", "1.0.0")) == [b"kept"]

    def test_of_many_committers_at_once_exactly_one_wins(self, opened: Opened) -> None:
        def race(number: int) -> str | None:
            with opened() as store:
                try:
                    store.commit(self.begin(store, data=b"%d" % number), meta_of("1.0.0", owner=str(number)), None)
                except Conflict:
                    return None
            return str(number)

        with ThreadPoolExecutor(8) as pool:
            winners = [w for w in pool.map(race, range(8)) if w is not None]
        with opened() as store:
            artifact = store.get("spend", "1.0.0")
            assert [artifact.meta.owner] == winners
            assert self.contents(artifact) == [winners[0].encode()]

    def test_what_is_not_there_is_not_found(self, store: Store) -> None:
        self.commit(store, "1.0.0")
        for name, version in (("spend", "1.0.1"), ("other", "1.0.0")):
            with refused(NotFound, name, version):
                store.get(name, version)
