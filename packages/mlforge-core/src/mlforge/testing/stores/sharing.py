"""Several handles of one store, open at once in one process."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager

from mlforge.errors import Conflict
from mlforge.plugin import Store
from mlforge.testing.closing import assert_gives_back
from mlforge.testing.refusals import refused
from mlforge.testing.stores.subject import StoreSubject
from mlforge.testing.versions import meta_of

Opened = Callable[[], AbstractContextManager[Store]]


class SharingTests(StoreSubject):
    """No handle keeps what it has seen."""

    def test_what_one_handle_commits_another_sees_at_once(self, opened: Opened) -> None:
        with opened() as one, opened() as other:
            for version in ("1.0.0", "1.1.0"):
                assert version not in other.versions("spend")
                meta = self.commit(one, version, data=version.encode())
                assert (other.names(), other.latest("spend")) == (["spend"], version)
                assert other.versions("spend")[-1] == version
                assert other.get("spend", version).meta == meta
                assert self.contents(other.get("spend", version)) == [version.encode()]

    def test_a_pointer_that_one_handle_moves_another_reads_at_once(self, opened: Opened) -> None:
        with opened() as one, opened() as other:
            for version in ("1.0.0", "1.1.0"):
                self.commit(one, version)
            assert other.latest("spend") == "1.1.0"
            one.point("spend", "1.0.0")
            assert other.latest("spend") == "1.0.0"

    def test_a_handle_that_is_behind_overwrites_nothing(self, opened: Opened) -> None:
        with opened() as one, opened() as other:
            late = self.begin(other, data=b"late")
            assert other.latest("spend") is None
            self.commit(one, "1.0.0", data=b"first")
            with refused(Conflict, "spend"):
                other.commit(late, meta_of("1.0.0"), None)
            other.commit(late, meta_of("1.0.1"), "1.0.0")
            assert [self.contents(one.get("spend", v)) for v in one.versions("spend")] == [[b"first"], [b"late"]]

    def test_what_one_handle_has_begun_another_leaves_alone(self, opened: Opened) -> None:
        with opened() as one, opened() as other:
            begun = self.begin(one, data=b"begun")
            given_up = self.begin(other, data=b"given up")
            assert begun.uri != given_up.uri
            other.abort(given_up)
            self.commit(other, "1.0.0", data=b"first")
            one.commit(begun, meta_of("1.1.0"), "1.0.0")
            assert self.contents(other.get("spend", "1.1.0")) == [b"begun"]

    def test_closing_one_handle_leaves_another_open(self, opened: Opened) -> None:
        with opened() as one:
            begun = self.begin(one, data=b"begun")
            with opened() as other:
                assert other.names() == []
            one.commit(begun, meta_of("1.0.0"), None)
            assert self.contents(one.get("spend", "1.0.0")) == [b"begun"]

    def test_closing_gives_back_what_opening_took(self, opened: Opened) -> None:
        with opened() as store:
            self.commit(store, "1.0.0")
        assert_gives_back(opened, lambda store: (store.names(), store.latest("spend")))
