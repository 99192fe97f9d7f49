"""The newest publish wins, whatever comes late; an entity that is gone stays gone."""

from __future__ import annotations

from mlforge.plugin import Entry, Expiring, Listing, OnlineStore
from mlforge.testing.online.subject import DAY, OnlineSubject, assert_found, entry, tombstone


class AgingTests(OnlineSubject):
    """What `as_of` decides."""

    def test_an_entity_gets_only_what_was_published_last(self, store: OnlineStore) -> None:
        store.write([entry(1, as_of=0, x=1, y=2)])
        newer = entry(1, as_of=DAY, version="2.0.0", x=3)
        assert store.write([newer]) == 1
        assert_found(store.read([newer.address]), [newer])

    def test_an_older_publish_never_overwrites_a_newer_one(self, store: OnlineStore) -> None:
        newer, other = entry(1, as_of=DAY, x=1), entry(2, as_of=0, x=2)
        store.write([newer])
        assert store.write([entry(1, as_of=DAY - 1, x=9), other]) == 1
        assert_found(store.read([newer.address, other.address]), [newer, other])

    def test_an_older_version_published_later_is_served(self, store: OnlineStore) -> None:
        store.write([entry(1, as_of=0, version="2.0.0", x=1)])
        back = entry(1, as_of=1, version="1.10.0", x=2)
        assert store.write([back]) == 1
        assert_found(store.read([back.address]), [back])

    def test_the_same_publish_again_replaces_what_is_there(self, store: OnlineStore) -> None:
        store.write([entry(1, as_of=DAY, x=1)])
        again = entry(1, as_of=DAY, x=2)
        assert store.write([again]) == 1
        assert_found(store.read([again.address]), [again])

    def test_microseconds_decide(self, store: OnlineStore) -> None:
        now = 1_700_000_000_000_001
        newer = entry(1, as_of=now, x=1)
        store.write([newer])
        assert store.write([entry(1, as_of=now - 1, x=2)]) == 0
        assert_found(store.read([newer.address]), [newer])

    def test_the_newest_of_one_write_stays(self, store: OnlineStore) -> None:
        newest = entry(1, as_of=2 * DAY, x=2)
        store.write([entry(1, as_of=DAY, x=1), newest, entry(1, as_of=-DAY, x=0)])
        assert_found(store.read([newest.address]), [newest])

    def test_an_entity_that_is_gone_is_missing(self, store: OnlineStore) -> None:
        here = entry(2, x=2)
        store.write([entry(1, x=1), here])
        assert store.write([tombstone(1, as_of=DAY)]) == 1
        assert_found(store.read([entry(1).address, here.address]), [None, here])

    def test_an_older_publish_does_not_bring_back_an_entity_that_is_gone(self, store: OnlineStore) -> None:
        gone = tombstone(1, as_of=DAY)
        store.write([gone])
        assert store.write([entry(1, as_of=DAY - 1, x=1)]) == 0
        assert_found(store.read([gone.address]), [None])

    def test_what_stands_under_the_name_of_a_version_is_taken_away_alone(self, store: OnlineStore) -> None:
        """A version that is served beside another has entries of its own, which go when it is withdrawn."""
        assert isinstance(store, Listing)
        beside = [entry(i, feature="spend@2.0.0", as_of=DAY, x=i) for i in range(3)]
        store.write([entry(1, as_of=DAY, x=1), *beside])
        keys = list(store.older("spend@2.0.0", 2 * DAY))
        assert sorted(keys) == sorted(e.key for e in beside)
        store.write([Entry("spend@2.0.0", key, "2.0.0", 2 * DAY) for key in keys])
        assert store.read([e.address for e in beside]) == [None] * 3
        assert list(store.older("spend@2.0.0", 3 * DAY)) == []
        assert_found(store.read([entry(1).address]), [entry(1, as_of=DAY, x=1)])
        again = entry(2, feature="spend@2.0.0", as_of=3 * DAY, x=7)
        store.write([again])
        assert_found(store.read([again.address]), [again])

    def test_an_older_tombstone_removes_nothing(self, store: OnlineStore) -> None:
        kept = entry(1, as_of=DAY, x=1)
        store.write([kept])
        assert store.write([tombstone(1, as_of=0)]) == 0
        assert_found(store.read([kept.address]), [kept])

    def test_an_entity_that_was_gone_comes_back_with_a_newer_publish(self, store: OnlineStore) -> None:
        back = entry(1, as_of=2 * DAY, x=1)
        store.write([tombstone(1, as_of=DAY)])
        assert store.write([back]) == 1
        assert_found(store.read([back.address]), [back])

    def test_entries_that_were_not_published_anew_are_listed(self, store: OnlineStore) -> None:
        old, others = [entry(i, x=i) for i in range(self.several)], [entry(1, feature="spend_2", x=1)]
        store.write([*old, *others, tombstone("gone"), *(entry(i, as_of=DAY, x=1) for i in range(7))])
        assert isinstance(store, Listing)
        assert sorted(store.older("spend", DAY)) == sorted(e.key for e in old[7:])
        assert list(store.older("spend", 0)) == list(store.older("plan", DAY)) == []

    def test_a_lifetime_is_positive_microseconds(self, store: OnlineStore) -> None:
        lifetime = store.lifetime() if isinstance(store, Expiring) else None
        assert lifetime is None or (type(lifetime) is int and lifetime > 0)
