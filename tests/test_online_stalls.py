"""A publisher that stalls anywhere, and goes on after newer publications are done: nothing that it does then shows.

Every store at hand. The publisher stalls before each of the store's verbs in turn, and in the middle of each write.
"""

from __future__ import annotations

import itertools
from contextlib import suppress
from functools import partial

import msgspec
import pytest

from mlforge.errors import Conflict, NotFound
from mlforge.flow.online.publish import Publishing, PublishOrder, publish
from mlforge.flow.online.reader import Reader
from mlforge.model.duration import MICROS, Duration
from mlforge.model.feature import Shape
from mlforge.model.keys import Key
from mlforge.model.schema import Schema
from mlforge.model.timestamp import Timestamp
from mlforge.testing.engines.bench import reference_bench
from mlforge.testing.reference import Table
from mlforge.testing.reference.times import instant

NOON, HOUR = 1_709_208_000_000_000, MICROS["h"]
USERS = range(9)
VERSIONS = {  # by user: its amount an hour before noon, and what it changes to an hour and a half after
    "1.0.0": {user: (user, user) for user in range(7)},
    "1.0.1": {user: (10 + user, 20 + user) for user in (0, 1, 2, 3, 7)},
    "1.0.2": {user: (30 + user, 40 + user) for user in (0, 2, 4, 8)},
    "1.0.3": {0: (30, 40), 1: (50, 60), 4: (51, 61), 5: (5, 5)},
}
SCHEMA = Schema.of(user="Int64", ts="Datetime", amount="Int64")


class Stalled:
    """A store whose publisher stalls at one of its steps, while others do what `meanwhile` says."""

    def __init__(self, store, step, meanwhile):
        self.store, self.left, self.meanwhile = store, step, meanwhile

    def _step(self):
        self.left -= 1
        if self.left == -1:
            self.meanwhile()

    def _stalling(self, entries):
        for number, entry in enumerate(entries):
            if number == 1:
                self._step()
            yield entry

    def write(self, entries):
        self._step()
        return self.store.write(self._stalling(entries))

    def older(self, feature, as_of):
        for key in self.store.older(feature, as_of):
            self._step()
            yield key

    def read_note(self, feature):
        self._step()
        return self.store.read_note(feature)

    def swap_note(self, feature, before, after):
        self._step()
        return self.store.swap_note(feature, before, after)


class Shop:
    """One feature's versions, published at hours from a noon, and what is served of it some time later."""

    def __init__(self, artifacts, online, name):
        self.artifacts, self.online, self.name, self.engine = artifacts, online, name, artifacts.bench.engine
        self.kept = {version: artifacts.of(name, version) for version in VERSIONS}

    def versions(self, name):
        return list(self.kept)

    def get(self, name, version):
        if version not in self.kept:
            raise NotFound("It is gone.", hint="Build it.")
        return self.kept[version]

    def publish(self, version, hour, online=None, horizon="2h", **order):
        publishing = Publishing(
            self, online or self.online, self.engine, "it", lambda: NOON + 99 * HOUR, lambda _: None, 2
        )
        order = {"as_of": NOON + hour * HOUR, "horizon": Duration.parse(horizon)} | order
        return publish(publishing, PublishOrder(self.name, version, **order))

    def served(self):
        """The values and their statuses, at several instants."""
        now = NOON
        reader = Reader(self.online, self.name, clock=lambda: now)
        answers = []
        for hour in (3, 5, 10):
            now = NOON + hour * HOUR
            answers.append(reader.read([{"user": user} for user in USERS]))
        return answers


class Artifacts:
    """The versions, written once."""

    def __init__(self, folder):
        self.bench = reference_bench(folder)
        self.kept = {version: self._stored(rows) for version, rows in VERSIONS.items()}

    def _stored(self, amounts):
        stamps = (NOON - HOUR, NOON + 3 * HOUR // 2)
        rows = [
            {"user": user, "ts": instant(stamp), "amount": amount}
            for user, two in amounts.items()
            for stamp, amount in zip(stamps, two, strict=True)
        ]
        return self.bench.stored(Table.of(SCHEMA, rows), shape=Shape((Key("user"),), Timestamp("ts")))

    def of(self, name, version):
        found = self.kept[version]
        meta = msgspec.structs.replace(found.meta, name=name, version=version, content_hash=version)
        return msgspec.structs.replace(found, meta=meta)


def newer(shop):
    shop.publish("1.0.2", 2)


def newer_twice(shop):
    shop.publish("1.0.2", 2)
    shop.publish("1.0.3", 3)


def taken_up(shop):
    shop.publish("1.0.1", 1)


def taken_up_and_then_newer(shop):
    shop.publish("1.0.1", 1)
    newer_twice(shop)


def forced_and_then_newer(shop):
    shop.publish("1.0.1", 1, force=True)
    newer_twice(shop)


def taken_up_and_then_another_version_of_that_instant(shop):
    shop.publish("1.0.1", 1)
    with suppress(Conflict):
        shop.publish("1.0.2", 1)


def taken_up_and_then_farther_ahead(shop):
    shop.publish("1.0.1", 1)
    with suppress(Conflict):
        shop.publish("1.0.1", 1, horizon="9h")


MEANWHILE = [
    newer,
    newer_twice,
    taken_up,
    taken_up_and_then_newer,
    forced_and_then_newer,
    taken_up_and_then_another_version_of_that_instant,
    taken_up_and_then_farther_ahead,
]


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory):
    return Artifacts(tmp_path_factory.mktemp("versions"))


@pytest.mark.parametrize("force", [False, True], ids=["changes", "all"])
def test_a_publisher_that_stalled_undoes_nothing(artifacts, online_store, force):
    stride = 5 if type(online_store).__name__ == "LiveDynamoDBStore" else 1  # its server takes milliseconds a request
    for number, meanwhile in enumerate(MEANWHILE):
        for step in itertools.count(number % stride, stride):
            shop = Shop(artifacts, online_store, f"f{number}_{step}")
            if force or number % 2:
                shop.publish("1.0.0", 0)
            if not _stalls(shop, step, meanwhile, force):
                break
        assert step >= 8, meanwhile.__name__


def _stalls(shop, step, meanwhile, force):
    """Whether the publisher got as far as that step; if so, what it did afterwards must not show."""
    seen = []
    failure = _publish(shop, Stalled(shop.online, step, partial(_do, shop, meanwhile, seen)), force)
    if not seen:
        return False
    assert failure is None or isinstance(failure, Conflict), failure
    assert shop.served() == seen[0], f"{meanwhile.__name__}, stalled at step {step}"
    shop.publish("1.0.0", 4, horizon="9h")
    values = [row["amount"] for row in shop.served()[1].values]
    assert values == [user if user < 7 else None for user in USERS], "the next publish left something over"
    return True


def _do(shop, meanwhile, seen):
    meanwhile(shop)
    seen.append(shop.served())


def _publish(shop, stalled, force):
    try:
        shop.publish("1.0.1", 1, online=stalled, force=force)
    except Exception as error:  # noqa: BLE001 - looked at by who asked
        return error
    return None
